"""A line that sleeps while it is idle (manual V1.05, +CSCLK=2), on virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from sim7020_bridge.at.channel import Channel, Pacing
from sim7020_bridge.commands.radio import ReadSignalQuality, SignalQuality
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import LineError, LineOutOfSync, ModuleSilent, PortClosed
from tests.bridge.scripted_module import on_virtual_time

DOZES_AFTER = 5.0
WAKES_WITHIN = 0.1


class Dozer:
    """A module that falls asleep when idle, loses what wakes it, and may be slow to answer."""

    def __init__(self, *, delay: float = 0.01, deaf: bool = False) -> None:
        self.lost = 0
        self.heard: list[str] = []
        self.deaf = deaf
        self._delay = delay
        self._used = 0.0
        self._ears_from = 0.0
        self._say: Callable[[bytes], None] = lambda _: None

    def listen(self, heard: Callable[[bytes], None], _gone: Callable[[PortClosed], None]) -> None:
        """Speak to somebody."""
        self._say = heard

    def write(self, data: bytes) -> None:
        """Take a line, or lose it while waking up."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._used > DOZES_AFTER:
            self._ears_from = loop.time() + WAKES_WITHIN
        self._used = loop.time()
        if loop.time() < self._ears_from or self.deaf:
            self.lost += 1
            return
        line = data.decode("ascii").strip()
        self.heard.append(line)
        words = {"AT+CSQ": "+CSQ: 20,99", "AT+IFC?": "+IFC: 0,0"}.get(line)
        said = "\r\nOK\r\n" if words is None else f"\r\n{words}\r\n\r\nOK\r\n"
        loop.call_later(self._delay, self._say, said.encode())


@asynccontextmanager
async def talking(dozer: Dozer) -> AsyncIterator[Channel]:
    """Run a channel to a module that dozes."""
    channel = Channel(dozer, urcs=URCS, on_urc=lambda _: None, pacing=Pacing())
    channel.sleeps_when_idle = True
    task = asyncio.create_task(channel.run())
    try:
        yield channel
    finally:
        task.cancel()
        with pytest.raises((asyncio.CancelledError, LineError)):
            await task


@on_virtual_time
async def test_command_is_not_lost_to_the_wake() -> None:
    """What wakes the module is an AT that may be lost; the command comes after it listens."""
    dozer = Dozer()
    async with talking(dozer) as channel:
        await asyncio.sleep(60)
        assert await channel.execute(ReadSignalQuality()) == SignalQuality(20, None)
        assert (dozer.lost, dozer.heard) == (1, ["AT", "AT+IFC?", "AT+CSQ"])
        assert channel.resyncs == 0


@on_virtual_time
async def test_module_that_is_awake_is_not_woken() -> None:
    """Commands that follow one another at once need no AT."""
    dozer = Dozer()
    async with talking(dozer) as channel:
        await asyncio.sleep(60)
        for _ in range(3):
            await channel.execute(ReadSignalQuality())
        assert dozer.heard == ["AT", "AT+IFC?", "AT+CSQ", "AT+CSQ", "AT+CSQ"]


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.19, 0.21, 0.25, 0.3, 0.39, 0.45, 0.61, 0.8])
@on_virtual_time
async def test_late_answers_are_not_taken_for_the_command_s(delay: float) -> None:
    """However late the module answers the ATs that wake it, the command gets its own answer."""
    dozer = Dozer(delay=delay)
    async with talking(dozer) as channel:
        for _ in range(5):
            await asyncio.sleep(60)
            assert await channel.execute(ReadSignalQuality()) == SignalQuality(20, None)


@pytest.mark.parametrize("delay", [1.05, 1.1, 1.3, 1.9, 2.5, 4.0, 7.0])
@on_virtual_time
async def test_answers_later_than_the_line_is_quiet_are_not_taken_for_the_command_s(delay: float) -> None:
    """A module that answers AT later than it may costs the session, and never gives a command another's answer."""
    dozer = Dozer(delay=delay)
    with suppress(LineOutOfSync):
        async with talking(dozer) as channel:
            for _ in range(5):
                await asyncio.sleep(60)
                with suppress(ModuleSilent):
                    assert await channel.execute(ReadSignalQuality()) == SignalQuality(20, None)


@on_virtual_time
async def test_module_that_does_not_wake_up() -> None:
    """A module that no AT wakes is out of step, and the line no use."""
    dozer = Dozer(deaf=True)
    async with talking(dozer) as channel:
        await asyncio.sleep(60)
        with pytest.raises(LineOutOfSync):
            await channel.execute(ReadSignalQuality())
