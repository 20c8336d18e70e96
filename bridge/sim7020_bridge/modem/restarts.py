"""Restarts of the module on its own: for how long it is left alone, since each makes it attach once more."""

import asyncio

from sim7020_bridge.modem.alerts import AGAIN_AND_AGAIN
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.problems import Held
from sim7020_bridge.modem.recovery import Recovery, RecoveryStep
from sim7020_bridge.modem.state import RestartsAgain
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing


class Restarts:
    """One modem's restarts in a row, over the lifetime of the bridge.

    A restart soon after the first transmission of a kind since the one before was provoked by that: what was sent took
    the supply away, which a question of few bytes may not do. It is in a row with those before, however long ago, until
    the module has transmitted the same and gone on, or anything for a day.

    Args:
        store: Told how many there were, and what holds up the next attempt.
        recovery: Counts those that were provoked as attach attempts.
        timing: How long is soon, and how long it takes to be well again.
    """

    def __init__(self, store: StateStore, recovery: Recovery, timing: Timing) -> None:
        self._store = store
        self._recovery = recovery
        self._timing = timing
        self._waits = Backoff(timing.budgets[RecoveryStep.REOPEN].first, timing.restart_last)
        self._look: asyncio.TimerHandle | None = None
        self._noticed = 0.0
        self._tried: dict[str, float] = {}
        """When it was first made to transmit something of each kind since the last restart."""
        self._suspects: set[str] = set()
        """The kinds that may have provoked a restart, and have not gone well since."""

    def transmits(self, kind: str) -> None:
        """Note that the module is made to transmit something of a kind."""
        self._tried.setdefault(kind, asyncio.get_running_loop().time())

    def noticed(self) -> float:
        """Count a restart; return how long to leave the module alone, which may restart for what it is asked to do."""
        self.close()
        loop = asyncio.get_running_loop()
        now = self._noticed = loop.time()
        suspects = self._tried.keys() - self._went_well()
        self._tried.clear()
        pause, held = self._waits.next_wait(), None
        if suspects:
            self._suspects |= suspects
            wait, words = self._recovery.driven(now=now)
            if self._waits.failures >= min(AGAIN_AND_AGAIN, self._recovery.ceiling) and wait > pause:
                pause, held = wait, words
            elif self._waits.failures > 1:
                # a few may be accidents, and an attempt may be free only most of a day later
                pause = max(pause, min(wait, self._timing.restart_last))
        self._store.apply(RestartsAgain(self._waits.failures), Held(held))
        self._look = loop.call_later(pause + self._timing.restart_peace, self._look_again)
        return pause

    def close(self) -> None:
        """Look no more whether it is well again."""
        if self._look is not None:
            self._look.cancel()

    def _went_well(self) -> set[str]:
        """Return the kinds that it has transmitted, and not restarted soon."""
        now = asyncio.get_running_loop().time()
        return {kind for kind, at in self._tried.items() if now - at > self._timing.restart_soon}

    def _look_again(self) -> None:
        loop, well = asyncio.get_running_loop(), self._went_well()
        if not self._suspects <= well and not (well and loop.time() - self._noticed > self._timing.day):
            # as long as nothing is sent, nothing shows what a send would do
            self._look = loop.call_later(self._timing.restart_peace, self._look_again)
            return
        self._suspects.clear()
        self._waits.reset()
        self._store.apply(RestartsAgain(0))
