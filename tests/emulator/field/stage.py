"""A module in the field, in virtual time, with an echo at the other end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from sim7020_emulator.emulator import Setup
from sim7020_emulator.field.conditions import PROFILES
from sim7020_emulator.module.module import Module
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.virtual_time import run


class _Echo(Peer):
    """Sends everything back, so many seconds after it came."""

    def __init__(self, protocol: str, delay: float) -> None:
        super().__init__(protocol)
        self._delay = delay
        self._answers: set[asyncio.Task[None]] = set()

    def take(self, data: bytes, address: tuple[str, int] | None = None) -> None:
        """Note what arrived, and send it back."""
        super().take(data, address)
        task = asyncio.get_running_loop().create_task(self._answer(data))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, data: bytes) -> None:
        if self._delay:
            await asyncio.sleep(self._delay)
        await self.send(data)


class Outdoors:
    """A bench whose radio network is a profile's."""

    def __init__(self, profile: str, seed: int, facts: Mapping[str, str]) -> None:
        setup = Setup(seed=seed, conditions=PROFILES.get(profile))
        setup.variants.set("cscon", "yes")
        for name, value in facts.items():
            setup.facts.set(name, value)
        self.bench = Bench(setup)
        self.module: Module = self.bench.module
        self.now = asyncio.get_running_loop().time
        self._released = asyncio.Event()
        self._told = self.module.field.on_connected
        self.module.field.on_connected = self._connected

    def _connected(self, connected: bool) -> None:  # noqa: FBT001 (a callback with one thing to say)
        self._told(connected)
        if not connected:
            self._released.set()

    def figure(self, name: str) -> float:
        """Return one of the sums that the model has counted."""
        return float(self.module.field.figures()[name])

    async def until_idle(self) -> None:
        """Wait until the network has released the connection."""
        while self.module.field.busy:
            self._released.clear()
            await self._released.wait()

    @contextlib.asynccontextmanager
    async def echo(self, protocol: str = "udp", delay: float = 0.0) -> AsyncIterator[Peer]:
        """Connect socket 0 to a server that sends everything back, and wait until the radio is idle again."""
        peer = await _Echo(protocol, delay).open()
        await self.bench.ask(f"AT+CSOC=1,{1 if protocol == 'tcp' else 2},1")
        assert await self.bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1") == ["OK"]
        await self.until_idle()
        try:
            yield peer
        finally:
            peer.close()

    async def send(self, size: int = 20) -> None:
        """Send so many bytes."""
        assert await self.bench.ask(f"AT+CSOSEND=0,{2 * size},{'55' * size}") == ["OK"]

    async def round_trip(self, size: int = 20, patience: float = 400.0) -> float | None:
        """Send, and return the seconds from OK until all of it has come back; None if it does not."""
        await self.send(size)
        began = self.now()
        try:
            async with asyncio.timeout(patience):
                await self.bench.until(f"+CSONMI: 0,{2 * size},{'55' * size}\r\n".encode())
        except TimeoutError:
            return None
        return self.now() - began

    async def connection_report(self, mode: int) -> float:
        """Wait for ``+CSCON`` and return when it came."""
        await self.bench.until(f"+CSCON: {mode}\r\n".encode())
        return self.now()


def outdoors(
    profile: str, act: Callable[[Outdoors], Awaitable[None]], *, seed: int = 1, facts: Mapping[str, str] | None = None
) -> None:
    """Let a module live in a profile, in virtual time; an error in the emulator's tasks fails the test.

    Nothing is lost unless ``facts`` say so.
    """
    errors: list[dict[str, object]] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        place = Outdoors(profile, seed, {"loss_up": "0", "loss_down": "0", **(facts or {})})
        async with place.bench:
            await place.until_idle()
            await act(place)
        await asyncio.sleep(0.1)

    run(whole())
    assert errors == []
