"""When the line is held, let go and given up, on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

import pytest

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Order, Probe
from sim7020_bridge.commands.radio import ReadSignalQuality, SignalQuality
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import BridgeError, CommandRefused, LineError, ModuleRestarted, ModuleSilent, PortClosed
from tests.bridge.scripted_module import on_virtual_time
from tests.scripted_wire import ScriptedWire

SIGNAL_QUALITY = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"


@dataclass(frozen=True, slots=True)
class Settling(Order):
    """A command after which the line is left alone for longer than another command may take."""

    timeout: ClassVar[float] = 1.0
    settle: ClassVar[float] = 3.0

    def line(self) -> str:
        """Return the command line."""
        return "AT+SETTLE"


@dataclass(frozen=True, slots=True)
class Hasty(ReadSignalQuality):
    """+CSQ with a short deadline."""

    timeout: ClassVar[float] = 0.1


@dataclass(frozen=True, slots=True)
class Defective(Order):
    """A command that can't say what to send."""

    def line(self) -> str:
        """Return what no line carries."""
        return "AT+\N{SNOWMAN}"


@dataclass(frozen=True, slots=True)
class Unspeakable(Hasty):
    """A command that is not answered and can't be shown."""

    def shown(self) -> str:
        """Return what can't be."""
        return str(1 // 0)


@asynccontextmanager
async def talking(wire: ScriptedWire) -> AsyncIterator[tuple[Channel, "asyncio.Task[None]"]]:
    """Run a channel on a wire."""
    channel = Channel(wire, urcs=URCS, on_urc=lambda _: None)
    running = asyncio.create_task(channel.run())
    yield channel, running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@on_virtual_time
async def test_a_silent_command_that_settles_does_not_let_go_of_the_line_for_another() -> None:
    """What one command holds the line for is over before the next goes, and the next is sent once."""
    wire = ScriptedWire()
    async with talking(wire) as (channel, _):
        commands = (Settling(), Hasty(), Hasty())
        outcomes = await asyncio.gather(*map(channel.execute, commands), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ModuleSilent] * 3
        proof = [b"AT\r", b"AT+IFC?\r"]
        assert wire.written == [b"AT+SETTLE\r", *proof, b"AT+CSQ\r", *proof, b"AT+CSQ\r", *proof]


@on_virtual_time
async def test_defect_of_a_command_is_its_callers() -> None:
    """A command that can't be sent fails where it was asked for, and the line is in order for the others."""
    wire = ScriptedWire()
    async with talking(wire) as (channel, _):
        with pytest.raises(UnicodeEncodeError):
            await channel.execute(Defective())
        await channel.execute(Probe(1.0))
        assert wire.written == [b"AT\r"]
        assert channel.idle


@pytest.mark.parametrize("late", [-1e-10, 1e-10])
@on_virtual_time
async def test_answer_in_the_turn_of_the_deadline(late: float) -> None:
    """An answer that comes in the very turn in which its deadline passes is its own or nobody's."""
    wire = ScriptedWire()
    wire.answer_with([])
    loop = asyncio.get_running_loop()
    async with talking(wire) as (channel, _):
        asked = asyncio.create_task(channel.execute(Hasty()))
        await asyncio.sleep(0)
        loop.call_later(Hasty.timeout + late, wire.deliver, SIGNAL_QUALITY)
        outcome = (await asyncio.gather(asked, return_exceptions=True))[0]
        assert isinstance(outcome, ModuleSilent) if late > 0 else outcome == SignalQuality(20, None)
        assert channel.resyncs == (late > 0)
        wire.answer_with([b"\r\n+CSQ: 7,0\r\n", b"\r\nOK\r\n"])
        assert await channel.execute(Hasty()) == SignalQuality(7, 0)


@on_virtual_time
async def test_defect_after_a_missed_deadline_ends_the_run() -> None:
    """A command whose silence can't be told ends the run, and nobody is left waiting."""
    async with talking(ScriptedWire()) as (channel, running):
        waiting = [asyncio.create_task(channel.execute(each)) for each in (Unspeakable(), ReadSignalQuality())]
        with pytest.raises(ZeroDivisionError):
            await running
        for each in waiting:
            with pytest.raises(PortClosed):
                await each


@on_virtual_time
async def test_closed_channel_is_idle() -> None:
    """Nothing is on a line that was closed, or waits for it."""
    async with talking(ScriptedWire()) as (channel, _):
        waiting = [asyncio.create_task(channel.execute(ReadSignalQuality())) for _ in range(2)]
        await asyncio.sleep(1)
        channel.close(ModuleRestarted("RDY"))
        assert channel.idle
        await channel.until_idle()
        for each in waiting:
            with pytest.raises(ModuleRestarted):
                await each


@on_virtual_time
async def test_close_before_the_run() -> None:
    """A channel that was closed first sends nothing, and its run ends at once."""
    wire = ScriptedWire()
    channel = Channel(wire, urcs=URCS, on_urc=lambda _: None)
    waiting = asyncio.create_task(channel.execute(ReadSignalQuality()))
    await asyncio.sleep(0)
    channel.close(ModuleRestarted("RDY"))
    with pytest.raises(ModuleRestarted):
        await channel.run()
    with pytest.raises(ModuleRestarted):
        await waiting
    assert wire.written == []


@on_virtual_time
async def test_closed_by_what_is_told() -> None:
    """Whoever is told of a missed deadline may close the line there and then."""
    wire = ScriptedWire()
    channel = Channel(
        wire, urcs=URCS, on_urc=lambda _: None, on_resync=lambda: channel.close(ModuleRestarted("silence"))
    )
    running = asyncio.create_task(channel.run())
    with pytest.raises(ModuleRestarted):
        await channel.execute(Hasty())
    with pytest.raises(ModuleRestarted):
        await running
    await asyncio.sleep(60)
    assert wire.written == [b"AT+CSQ\r"]


class Moody(ScriptedWire):
    """A module that sleeps through the first AT and the first +CSQ, wants data, and says OK twice."""

    def write(self, data: bytes) -> None:
        """Answer by what is asked."""
        match data:
            case b"AT\r" if not self.written:
                self.answer_with([])
            case b"AT+XSEND=5\r":
                self.answer_with([b"\r\n> "])
            case b"AT+SETTLE\r":
                self.answer_with([b"\r\nOK\r\n", b"\r\nOK\r\n"])
            case b"AT+CSQ\r" if self.written.count(data):
                self.answer_with([SIGNAL_QUALITY])
        super().write(data)


COMMANDS = (Hasty(), RawCommand("AT+XSEND=5"), Settling(), ReadSignalQuality())
EVERYTHING = 5.0
"""Seconds after which all of them are answered."""
MOMENTS = [moment / 16 for moment in range(int(16 * EVERYTHING))]


async def _all_of(channel: Channel) -> "list[asyncio.Task[object]]":
    channel.sleeps_when_idle = True
    await asyncio.sleep(60)
    return [asyncio.create_task(channel.execute(command)) for command in COMMANDS]


@on_virtual_time
async def test_every_kind_of_holding_in_one_go() -> None:
    """Waking, silence, a prompt and a pause follow each other, and each caller hears of its own."""
    wire = Moody()
    loop = asyncio.get_running_loop()
    async with talking(wire) as (channel, _):
        tasks = await _all_of(channel)
        start = loop.time()
        silent, prompted, settled, told = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(silent, ModuleSilent)
        assert isinstance(prompted, CommandRefused)
        assert (settled, told) == (None, SignalQuality(20, None))
        assert EVERYTHING - 1 < loop.time() - start < EVERYTHING
        proof = [b"AT\r", b"AT+IFC?\r"]
        escaped = [b"AT+XSEND=5\r", b"\x1b"]
        settled_and_woken = [b"AT+SETTLE\r", b"AT\r"]
        asked = [b"AT+CSQ\r"]
        roused = [b"AT\r", *proof]
        assert wire.written == [*roused, *asked, *proof, *escaped, *proof, *settled_and_woken, *asked]


@pytest.mark.parametrize("unplugged", [False, True])
@pytest.mark.parametrize("moment", MOMENTS[::2])
@on_virtual_time
async def test_end_at_any_moment(moment: float, *, unplugged: bool) -> None:
    """Wherever the run is when it is cancelled or its port goes, nobody waits on and nothing is sent any more."""
    wire = Moody()
    async with talking(wire) as (channel, running):
        tasks = await _all_of(channel)
        await asyncio.sleep(moment)
        if unplugged:
            wire.say(b"")
        else:
            running.cancel()
        with pytest.raises((asyncio.CancelledError, PortClosed)):
            await running
        sent = len(wire.written)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(600)
        assert len(wire.written) == sent
        assert all(isinstance(each, BridgeError | SignalQuality | None) for each in outcomes)
        with pytest.raises(LineError):
            await channel.execute(Probe(1.0))


@pytest.mark.parametrize("cancelled", range(len(COMMANDS) - 1))
@pytest.mark.parametrize("moment", MOMENTS[::2])
@on_virtual_time
async def test_caller_cancelled_at_any_moment(moment: float, cancelled: int) -> None:
    """Whenever a caller gives up, its command is sent once or never, and the others hear of their own."""
    wire = Moody()
    async with talking(wire) as (channel, _):
        tasks = await _all_of(channel)
        await asyncio.sleep(moment)
        tasks[cancelled].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert wire.written.count(b"AT+SETTLE\r") <= 1
        assert wire.written.count(b"AT+XSEND=5\r") <= 1
        expected = (ModuleSilent, CommandRefused, None, SignalQuality)
        for number, (outcome, kind) in enumerate(zip(outcomes, expected, strict=True)):
            assert number in {0, 3, cancelled} or isinstance(outcome, kind or type(None))
        assert await channel.execute(ReadSignalQuality()) == SignalQuality(20, None)
