"""Whether the network takes release assistance: how soon it lets go of the radio after a message that none follows."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

AT_ONCE: Final = 17.0
"""Seconds after the last data within which a connection is released only if the network was told that none follows.

Its own timer is 20 s and more nearly everywhere; one that was told was seen to take 14 s (docs/field.md)."""

TOLD_BY: Final = 3
"""Connections that are needed before anything is said."""

MOST: Final = 0.8
"""The part of them that has to agree: below it the verdict stays, since with long round trips the way up alone takes
about as long as the limit."""

DIVIDED: Final = 0.6
"""The part of half of MEMORY or more of them below which there is no verdict any more."""

MEMORY: Final = 20
"""The last connections, which decide."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Whether the network lets go at once when it is told that nothing follows; None if nobody can tell."""

    at_once: bool | None


class Release:
    """One modem's, over the lifetime of the bridge.

    Args:
        tell: Called with each new verdict.
    """

    def __init__(self, tell: Callable[[Releases], None]) -> None:
        self._tell = tell
        self._quiet_since: float | None = None
        self._seen: deque[bool] = deque(maxlen=MEMORY)

    def sent(self, *, last: bool) -> None:
        """Note that the module took something to transmit; ``last`` if the network was told that none follows."""
        self._quiet_since = asyncio.get_running_loop().time() if last else None

    def received(self) -> None:
        """Note that data came: the network counts anew from there."""
        if self._quiet_since is not None:
            self._quiet_since = asyncio.get_running_loop().time()

    def released(self, ago: float = 0.0) -> None:
        """Note that the radio connection was released so many seconds ago."""
        if self._quiet_since is None:
            return
        self._seen.append(asyncio.get_running_loop().time() - ago - self._quiet_since <= AT_ONCE)
        self._quiet_since = None
        soon, of = sum(self._seen), len(self._seen)
        agree = max(soon, of - soon)
        if of >= TOLD_BY and agree >= MOST * of:
            self._tell(Releases(2 * soon > of))
        elif 2 * of >= MEMORY and agree < DIVIDED * of:
            self._tell(Releases(None))

    def forget(self) -> None:
        """Note that it can't be told what the last message came to: the module starts, or sleeps."""
        self._quiet_since = None
