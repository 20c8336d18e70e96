"""Restarts of the module on its own: for how long it is left alone, since each makes it attach once more."""

import asyncio

from sim7020_bridge.modem.alerts import AGAIN_AND_AGAIN
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.recovery import Recovery, RecoveryStep
from sim7020_bridge.modem.state import Held, RestartsAgain
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing


class Restarts:
    """One modem's restarts in a row, over the lifetime of the bridge.

    A restart soon after the first transmission since the one before was provoked by that: what was sent took the supply
    away. It is in a row with those before, however long ago, until the module has transmitted and gone on.

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
        self._tried: float | None = None
        """When it was first made to transmit since the last restart."""
        self._provoked = False

    def transmits(self) -> None:
        """Note that the module is made to transmit."""
        if self._tried is None:
            self._tried = asyncio.get_running_loop().time()

    def noticed(self) -> float:
        """Count a restart; return how long to leave the module alone, which may restart for what it is asked to do."""
        self.close()
        loop, provoked = asyncio.get_running_loop(), self._tried is not None and not self._went_on()
        self._tried = None
        pause, held = self._waits.next_wait(), None
        if provoked:
            self._provoked = True
            wait, words = self._recovery.driven(now=loop.time())
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

    def _went_on(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._tried is not None and now - self._tried > self._timing.restart_soon

    def _look_again(self) -> None:
        if self._provoked and not self._went_on():
            # as long as nothing is sent, nothing shows what a send would do
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(self._timing.restart_peace, self._look_again)
            return
        self._provoked = False
        self._waits.reset()
        self._store.apply(RestartsAgain(0))
