"""How long a module that its network detached may find its way back by itself: longer where that helps."""

import math
from dataclasses import dataclass
from typing import Final

AS_OFTEN_AS: Final = 2
"""Detachments in a row that are met at once; more within MEMORY are no accident, and waiting may do instead."""

MEMORY: Final = 3600.0
"""Seconds without any after which they are forgotten."""

LONGEST: Final = 32.0
"""How many times as long as at first it may take at most."""


@dataclass(slots=True)
class Detachments:
    """One modem's, over the lifetime of the bridge: registered no more, and not searching though it has a signal.

    A module that had longer, and was online only after it was made to attach, is met at once again; it has longer the
    more rarely the more often that was in vain, and then for twice as long. One that came back by itself a moment after
    its longer time was up has twice as long the next time.
    """

    _in_a_row: int = 0
    _at_once: int = AS_OFTEN_AS
    _longer: float = 2.0
    _seen: float = -math.inf
    _met: bool = False
    _attached: bool = False

    def seen(self, now: float) -> float:
        """Note that the module is detached; return how many times as long as at first it may be."""
        if now - self._seen > MEMORY:
            self._in_a_row, self._at_once, self._longer = 0, AS_OFTEN_AS, 2.0
        self._seen = now
        return 1.0 if self._in_a_row < self._at_once else self._longer

    def met(self) -> None:
        """Note that it had its time, and is to be made to attach."""
        self._met = True

    def attached(self) -> None:
        """Note that it was made to attach, whatever for."""
        self._attached = self._met

    def ended(self) -> None:
        """Note that the modem is online."""
        had_longer = self._in_a_row >= self._at_once
        if self._met and had_longer:
            self._longer = min(LONGEST, 2 * self._longer)
        if self._attached and had_longer:
            self._in_a_row, self._at_once = 0, 2 * self._at_once
        elif self._attached:
            self._in_a_row += 1
        self._met = self._attached = False
