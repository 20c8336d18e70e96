"""Restarts of the module on its own: for how long it is left alone, since each makes it attach once more."""

import asyncio
import math

from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.recovery import Recovery, RecoveryStep
from sim7020_bridge.modem.state import Held, RestartsAgain
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing


class Restarts:
    """One modem's restarts in a row, over the lifetime of the bridge.

    A restart that follows soon on a transmission was provoked by it: what was sent took the supply away. It is in a
    row with those before, however long ago, until the module has transmitted and not restarted for long.

    Args:
        store: Told how many there were, and what holds up the next attempt.
        recovery: Counts those that the bridge brought about as attach attempts.
        timing: How long is soon, and how long it takes to be well again.
    """

    def __init__(self, store: StateStore, recovery: Recovery, timing: Timing) -> None:
        self._store = store
        self._recovery = recovery
        self._timing = timing
        self._waits = Backoff(timing.budgets[RecoveryStep.REOPEN].first, timing.restart_last)
        self._look: asyncio.TimerHandle | None = None
        self._transmitted = -math.inf
        self._proven_at = 0.0
        self._tried = math.inf  # when it first transmitted after the last restart
        self._provoked = False

    def transmitted(self) -> None:
        """Note that the module was made to transmit until now."""
        self._transmitted = asyncio.get_running_loop().time()
        self._tried = min(self._tried, self._transmitted)

    def noticed(self) -> float:
        """Count a restart; return how long to leave the module alone, which may restart for what it is asked to do."""
        self.close()
        timing, loop = self._timing, asyncio.get_running_loop()
        now, self._tried = loop.time(), math.inf
        self._provoked |= now - self._transmitted <= timing.restart_soon
        pause, held = self._waits.next_wait(), None
        if self._provoked:
            wait, words = self._recovery.driven(now=now)
            # one may be an accident
            if wait > pause and self._waits.failures > 1:
                pause, held = wait, words
        self._store.apply(RestartsAgain(self._waits.failures), Held(held))
        self._proven_at = now + pause + timing.restart_proven
        self._look = loop.call_later(pause + timing.restart_peace, self._look_again)
        return pause

    def close(self) -> None:
        """Look no more whether it is well again."""
        if self._look is not None:
            self._look.cancel()

    def _look_again(self) -> None:
        loop, timing = asyncio.get_running_loop(), self._timing
        if self._provoked and loop.time() - self._tried < timing.restart_soon:
            # as long as nothing is sent, nothing shows what a send would do
            self._look = loop.call_later(timing.restart_peace, self._look_again)
            return
        self._store.apply(RestartsAgain(0))
        if self._provoked and loop.time() < self._proven_at:
            self._look = loop.call_later(self._proven_at - loop.time(), self._look_again)
            return
        self._provoked = False
        self._waits.reset()
