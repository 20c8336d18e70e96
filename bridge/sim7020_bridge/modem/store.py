"""The one place where a modem's state lives: takes facts in, tells who listens, lets others wait."""

import asyncio
from collections.abc import Callable

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.modem.data_cost import Bytes
from sim7020_bridge.modem.state import Fact, ModemState, initial, reduce


class StateStore:
    """Holds a ModemState; every change goes through ``apply``.

    ``on_cost`` is called with the data that things cost. ``affordable`` says whether something may be done that costs
    data: for the messages of a socket, or, with None, for none. When its answer changes, ``apply`` is called.
    ``on_attach`` is called when the module was made to attach.
    """

    def __init__(self, clock: Clock = wall_clock) -> None:
        self._clock = clock
        self._state = initial(clock())
        self._listeners: list[Callable[[ModemState, ModemState], None]] = []
        self.on_cost: Callable[[Bytes], None] = lambda _: None
        self.affordable: Callable[[str | None], bool] = lambda _: True
        self.on_attach: Callable[[], None] = lambda: None
        self._waiting: list[tuple[Callable[[ModemState], bool], asyncio.Future[None]]] = []

    @property
    def state(self) -> ModemState:
        """What is known now."""
        return self._state

    def listen(self, listener: Callable[[ModemState, ModemState], None]) -> None:
        """Call a listener with the state before and after each change; it must not block or raise."""
        self._listeners.append(listener)

    def apply(self, *facts: Fact) -> None:
        """Take facts in, in order; have all who wait for a condition look again."""
        for fact in facts:
            before, self._state = self._state, reduce(self._state, fact, self._clock())
            if before == self._state:
                continue
            for listener in self._listeners:
                listener(before, self._state)
        for holds, future in tuple(self._waiting):
            if not future.done() and holds(self._state):
                future.set_result(None)

    async def until(self, holds: Callable[[ModemState], bool], *, within: float | None = None) -> bool:
        """Return once a condition holds for the state; False if it did not ``within`` so many seconds."""
        if holds(self._state):
            return True
        entry = (holds, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(within):
                await entry[1]
        except TimeoutError:
            return False
        finally:
            self._waiting.remove(entry)
        return True
