"""How long a module that its network detached may find its way back by itself: longer where it happens again."""

import math
from dataclasses import dataclass
from typing import Final

AS_OFTEN_AS: Final = 2
"""Detachments that are met at once; more within MEMORY are no accident, and attaching again is no mend."""

MEMORY: Final = 3600.0
"""Seconds without any after which they are forgotten."""

LONGEST: Final = 32.0
"""How many times as long as at first it may take at most."""


@dataclass(slots=True)
class Detachments:
    """One modem's, over the lifetime of the bridge: registered no more, and not searching though it has a signal."""

    _met: int = 0
    _seen: float = -math.inf
    _was_online: bool = True

    def seen(self, now: float) -> float:
        """Note that the module is detached; return how many times as long as at first it may be."""
        if now - self._seen > MEMORY:
            self._met = 0
        self._seen = now
        return min(LONGEST, 2.0 ** max(0, self._met - AS_OFTEN_AS + self._was_online))

    def met(self) -> None:
        """Note that it is made to attach; each loss counts once."""
        self._met += self._was_online
        self._was_online = False

    def ended(self) -> None:
        """Note that the modem is online."""
        self._was_online = True
