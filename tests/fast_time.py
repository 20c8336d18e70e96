"""An event loop whose clock runs faster than the world's, for whatever talks to a program that lives as fast.

Sockets, pipes and child processes are real and take the time that they take; every timer of the loop, however deep in
the code under test, is as many times shorter as the clock is faster. Nothing needs to know.
"""

import asyncio
import selectors
import time
from typing import Any


class _ScaledSelector(selectors.BaseSelector):
    """Waits for a part only of what the loop asks it to wait."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.speed = 1.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, after that part of ``timeout`` at most."""
        return self._real.select(timeout and timeout / self.speed)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Any:
        """Return what is registered."""
        return self._real.get_map()


class FastLoop(asyncio.SelectorEventLoop):
    """Runs at the world's pace until ``run_at`` says otherwise."""

    def __init__(self) -> None:
        self._pace = _ScaledSelector()
        self._began = self._shown = time.monotonic()
        super().__init__(self._pace)

    def time(self) -> float:
        """Return what the loop's clock shows, in its seconds."""
        return self._shown + (time.monotonic() - self._began) * self._pace.speed

    def run_at(self, speed: float) -> None:
        """Let the clock run so many times as fast as the world's from now on."""
        self._shown, self._began = self.time(), time.monotonic()
        self._pace.speed = speed
