"""An event loop whose clock runs faster than the world's, and counts only what the loop has waited.

Sockets, pipes and child processes are real and take the time that they take; every timer of the loop, however deep in
the code under test, is as many times shorter as the clock is faster. Nothing needs to know.

What a machine does with its own time does not show: while the loop computes, or is kept from running, its clock stands
still, also while bytes are under way in a pseudo terminal, and what has come is dealt with before any timer fires.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

from tests.canary import Canary

_SHORT_OF = 0.999
"""The part of a wait that may pass at most when something came meanwhile: it came before the timer."""


class _ScaledSelector(selectors.BaseSelector):
    """Waits for a part only of what the loop asks it to wait."""

    def __init__(self) -> None:
        self._real = selectors.SelectSelector()  # the only one that waits less than a millisecond
        self._canary = Canary()
        self.speed = 1.0
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, after that part of ``timeout`` at most, and move the clock on by what was waited."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        self._canary.fly()
        if ready := self._real.select(0):
            return ready
        began = time.monotonic()
        ready = self._real.select(timeout and timeout / self.speed)
        waited = (time.monotonic() - began) * self.speed
        if timeout is None:
            self.now += waited
        elif ready:
            self.now += min(waited, timeout * _SHORT_OF)
        else:
            self.now += timeout
        return ready

    def close(self) -> None:
        self._real.close()
        self._canary.close()

    def get_map(self) -> Any:
        """Return what is registered."""
        return self._real.get_map()


class FastLoop(asyncio.SelectorEventLoop):
    """Runs at the world's pace until ``run_at`` says otherwise, and while a program runs that was started since."""

    def __init__(self) -> None:
        self._pace = _ScaledSelector()
        self._speed = 1.0
        self._programs = 0
        super().__init__(self._pace)

    def time(self) -> float:
        """Return what the loop's clock shows, in its seconds."""
        return self._pace.now

    def run_at(self, speed: float) -> None:
        """Let the clock run so many times as fast as the world's from now on."""
        self._speed = speed
        self._set_pace()

    async def subprocess_exec(self, protocol_factory: Callable[[], Any], *program: Any, **how: Any) -> Any:
        """Run a program as every loop does; it can't be any faster than the world, so the clock is not either."""
        if self._speed == 1:
            return await super().subprocess_exec(protocol_factory, *program, **how)

        def watched() -> Any:
            protocol = protocol_factory()
            exited = protocol.process_exited

            def process_exited() -> None:
                self._programs -= 1
                self._set_pace()
                exited()

            protocol.process_exited = process_exited
            return protocol

        self._programs += 1
        self._set_pace()
        try:
            return await super().subprocess_exec(watched, *program, **how)
        except OSError:
            self._programs -= 1
            self._set_pace()
            raise

    def _set_pace(self) -> None:
        self._pace.speed = 1.0 if self._programs else self._speed
