"""An event loop whose clock jumps to the next timer when nothing is ready, so that no test waits.

Sockets and pipes are really polled. What happens in another thread or process is outside the loop's sight: a test that
waits for that needs a real loop.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from tests.canary import Canary

T = TypeVar("T")

# How long real traffic on loopback may take to show up before the clock jumps over it.
GRACE = 0.002
# How long to wait for it if nothing else can happen any more.
PATIENCE = 30.0


class Deadlock(RuntimeError):
    """Everything waits, nothing is ready and no timer will ever fire."""


class _JumpingSelector(selectors.BaseSelector):
    """Polls real file objects with no timeout and turns waiting into a jump of the clock."""

    def __init__(self, grace: float) -> None:
        self._real = selectors.DefaultSelector()
        self._grace = grace
        self._internal = 0
        self._canary: Canary | None = None
        self.now = 0.0

    def ignore_internal(self) -> None:
        """Count what is registered now as the loop's own, which never wakes a test."""
        self._internal = len(self._real.get_map())

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, move the clock on by ``timeout`` instead of waiting."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if len(self._real.get_map()) > self._internal:
            self._canary = self._canary or Canary()
            self._canary.fly()
            ready = self._real.select(PATIENCE if timeout is None else self._grace)
            if ready:
                return ready
        if timeout is None:
            raise Deadlock(f"every task waits and no timer is set, at {self.now:.3f} s of virtual time")
        self.now += timeout
        return []

    def close(self) -> None:
        self._real.close()
        if self._canary is not None:
            self._canary.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector event loop with a clock of its own, which begins at 0.0 s.

    Args:
        grace: Real seconds for which registered files are polled before the clock jumps. 0 makes a test with no
            real traffic as fast as can be.
    """

    def __init__(self, *, grace: float = GRACE) -> None:
        self._jumping = _JumpingSelector(grace)
        super().__init__(self._jumping)
        self._jumping.ignore_internal()

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.now


def run(coroutine: Coroutine[Any, Any, T], *, grace: float = GRACE) -> T:
    """Run a coroutine on a fresh virtual-time loop and return its result.

    Tasks that outlive it are cancelled, as ``asyncio.run`` does.

    Raises:
        Deadlock: The coroutine waits for something that can't happen.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(grace=grace)) as runner:
        return runner.run(coroutine)
