"""Whether a module tells what a TCP peer acknowledges: some say that they will, and never do."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.modem.timing import Timing

NEVER_TOLD: Final = "the module has never told what the peer acknowledges; what it takes is done with from now on"
"""Logged once, where messages end with `accepted` for that reason."""

IN_VAIN: Final = 4
"""Connections in a row of which nothing was acknowledged, after which a module that never told of any is taken for one
that does not tell."""


@dataclass(eq=False, repr=False, slots=True)
class Telling:
    """What the connections of one socket have shown of it, one after the other.

    Args:
        told: Set once the module has told it, of this socket or another one.
        timing: Its durations.
    """

    told: asyncio.Event
    timing: Timing
    in_vain: int = 0
    """Connections in a row that were given up because the peer acknowledged nothing."""
    trial: bool = False
    """Whether the next connection is to show if it tells after all."""
    _waited: float = 0.0
    """Seconds that connections in a row, each ended by its context, waited for an acknowledgement, and had none."""
    _since: float | None = None
    """When the first payload went of which nobody tells, and after which nothing came, over whatever connection."""

    @property
    def expected(self) -> bool:
        """Whether it may tell: not if it never did, where it had time enough."""
        return self.told.is_set() or self.in_vain < IN_VAIN

    @property
    def within(self) -> float:
        """Seconds after which what is unheard is a reason for a trial: it may be the connection that is dead."""
        doubled = 2.0 ** min(max(self.in_vain - IN_VAIN, 0), 32)
        return min(self.timing.unheard_last, self.timing.unheard_within * doubled)

    def patience(self, in_vain: int) -> float:
        """Return the seconds that a peer has to acknowledge anything, after so many connections in vain."""
        return min(self.timing.acknowledged_last, self.timing.acknowledged_within * 2.0 ** min(in_vain, 8))

    def opens(self, now: float, *, guessed: bool) -> bool:
        """Say whether acknowledgements are waited for over a connection that is opened now; times are the loop's.

        Args:
            now: The time.
            guessed: Whether the module said that it tells, so that it is but a guess that it does not.
        """
        if guessed and not self.expected and self.unheard(now) >= self.within:
            self.trial = True
        if self.trial:
            self._since = None
        return self.expected or self.trial

    def learn(self, in_vain: int) -> None:
        """Take in how many connections in a row were in vain."""
        if in_vain != self.in_vain:
            self.in_vain, self._waited = in_vain, 0.0

    def cut_off(self, waited: float, within: float) -> None:
        """Take in a connection that ended with its context before anything was acknowledged.

        Args:
            waited: For how many seconds it had waited for that.
            within: After how many one is given up; several that come to as much count as one.
        """
        self._waited += waited
        if self._waited >= within:
            self.in_vain += 1
            self._waited = 0.0

    def sent(self, now: float) -> None:
        """Note a payload of which nobody tells."""
        if self._since is None:
            self._since = now

    def heard(self) -> None:
        """Note that something came: what is sent arrives."""
        self._since = None

    def unheard(self, now: float) -> float:
        """Return for how many seconds payloads go of which nothing is heard."""
        return 0.0 if self._since is None else now - self._since
