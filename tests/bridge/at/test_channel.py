"""The channel against a module on a real pty."""

import asyncio
import logging

import pytest

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Echo, UnknownLine
from sim7020_bridge.at.exchange import Pipeline
from sim7020_bridge.commands.packet import DeactivateContext, ReadContextParameters
from sim7020_bridge.commands.radio import Functionality, ReadFunctionality, ReadSignalQuality, SignalQuality
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registry import URCS, Greeting
from sim7020_bridge.commands.sim import SimReading, SimReport
from sim7020_bridge.commands.sockets import DataReceived, SendData, SocketFailed, SocketId
from sim7020_bridge.errors import (
    CommandHeldBack,
    CommandRefused,
    MalformedAnswer,
    ModuleRestarted,
    PortClosed,
)
from tests.bridge.at.conftest import Bench, in_order
from tests.scripted_wire import ScriptedWire


async def test_command_and_answer(bench: Bench) -> None:
    """A command goes out with a CR, and its answer comes back as a value."""
    command = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    await bench.peer.answer("AT+CSQ", "+CSQ: 20,99", "OK")
    assert await command == SignalQuality(20, None)
    assert bench.channel.idle


async def test_one_command_at_a_time(bench: Bench) -> None:
    """The second command waits for the first one's final result, not for its answer."""
    first = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    second = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    await bench.peer.answer("AT+CSQ", "+CSQ: 20,0", "+CSONMI: 0,2,31")
    await bench.channel.expect(DataReceived)
    assert not bench.channel.idle
    bench.peer.say("OK")
    await bench.peer.answer("AT+CFUN?", "+CFUN: 1", "OK")
    assert (await first, await second) == (SignalQuality(20, 0), Functionality.FULL)


async def test_second_final_result_in_one_piece_answers_nothing(bench: Bench) -> None:
    """A final result too many that comes together with the first is not the next command's."""
    first = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    second = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    assert await bench.peer.line() == "AT+CSQ"
    bench.peer.say_raw(b"\r\n+CSQ: 20,0\r\n\r\nOK\r\n\r\nERROR\r\n")
    await bench.peer.answer("AT+CFUN?", "+CFUN: 1", "OK")
    assert (await first, await second) == (SignalQuality(20, 0), Functionality.FULL)


async def test_urcs_come_in_order(bench: Bench) -> None:
    """URCs are handed on in the order in which they came, whatever they interrupt."""
    command = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    await bench.peer.answer("AT+CSQ", "+CSONMI: 0,2,31", "+CSQ: 20,0", "+CSONMI: 0,2,32", "OK", "+CSONMI: 0,2,33")
    assert await command == SignalQuality(20, 0)
    await in_order(bench)
    assert bench.urcs == [DataReceived(SocketId(0), data) for data in (b"1", b"2", b"3")]


async def test_refusal_and_broken_answer(bench: Bench) -> None:
    """A refused command and an unreadable answer are different errors, and the line is in order after both."""
    refused = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    await bench.peer.answer("AT+CSQ", "+CME ERROR: 14")
    with pytest.raises(CommandRefused, match="SIM busy"):
        await refused
    broken = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    await bench.peer.answer("AT+CSQ", "+CSQ: strong", "OK")
    with pytest.raises(MalformedAnswer, match="strong"):
        await broken
    await in_order(bench)


async def test_cancelled_caller_leaves_no_orphan(bench: Bench) -> None:
    """The answer to a cancelled command is dropped and never taken for the next one's."""
    cancelled = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    assert await bench.peer.line() == "AT+CSQ"
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    following = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    bench.peer.say("+CSQ: 1,0", "OK")
    await bench.peer.answer("AT+CSQ", "+CSQ: 2,0", "OK")
    assert await following == SignalQuality(2, 0)
    assert bench.channel.resyncs == 0


@pytest.mark.parametrize("ending", ["ERROR", "+CME ERROR: 3"])
async def test_a_failure_holds_back_the_rest_of_its_succession(bench: Bench, ending: str) -> None:
    """What was queued behind a command that failed is not sent; what has nothing to do with it is."""
    pipeline = Pipeline()
    sends = [SendData(SocketId(0), payload) for payload in (b"1", b"2", b"3")]
    first, second, third = (asyncio.create_task(bench.channel.execute(send, pipeline=pipeline)) for send in sends)
    other = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    await bench.peer.answer(sends[0].line(), "OK")
    await bench.peer.answer(sends[1].line(), ending)
    await bench.peer.answer("AT+CFUN?", "+CFUN: 1", "OK")
    await first
    with pytest.raises(CommandRefused):
        await second
    with pytest.raises(CommandHeldBack, match="was not sent"):
        await third
    assert await other is Functionality.FULL


async def test_cancelled_before_its_turn(bench: Bench) -> None:
    """A command that is cancelled while it waits is never sent."""
    first = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    cancelled = asyncio.create_task(bench.channel.execute(ReadContextParameters()))
    assert await bench.peer.line() == "AT+CSQ"
    cancelled.cancel()
    bench.peer.say("+CSQ: 1,0", "OK")
    assert await first == SignalQuality(1, 0)
    await in_order(bench)


async def test_port_goes_away(bench: Bench) -> None:
    """An unplugged device fails what waits with the port's own error."""
    waiting = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    assert await bench.peer.line() == "AT+CFUN?"
    bench.peer.unplug()
    with pytest.raises(PortClosed):
        await bench.running
    with pytest.raises(PortClosed, match="went away"):
        await waiting


async def test_defect_ends_the_run() -> None:
    """An error in what is done with a line is not swallowed, and nobody is left waiting."""

    def stumble(_: object) -> None:
        raise ZeroDivisionError

    wire = ScriptedWire()
    channel = Channel(wire, urcs=URCS, on_urc=stumble)
    running = asyncio.create_task(channel.run())
    waiting = asyncio.create_task(channel.execute(ReadFunctionality()))
    await asyncio.sleep(0)
    wire.say(b"\r\n+CSOERR: 0,1\r\n")
    with pytest.raises(ZeroDivisionError):
        await running
    with pytest.raises(PortClosed):
        await waiting


async def test_close_fails_everything(bench: Bench) -> None:
    """Closing ends the run and fails all that waits with the error given; a second one changes nothing."""
    pending = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    waiting = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    assert await bench.peer.line() == "AT+CFUN?"
    bench.channel.close(ModuleRestarted("RDY"))
    bench.channel.close(PortClosed("later"))
    for future in (pending, waiting, bench.running):
        with pytest.raises(ModuleRestarted, match="RDY"):
            await future


async def test_answer_after_close(bench: Bench) -> None:
    """An answer that comes together with the close harms nobody."""
    pending = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    assert await bench.peer.line() == "AT+CFUN?"
    bench.peer.say("+CFUN: 1", "RDY", "OK")
    await bench.channel.expect(Greeting)
    bench.channel.close(ModuleRestarted("RDY"))
    with pytest.raises(ModuleRestarted):
        await bench.running
    (outcome,) = await asyncio.gather(pending, return_exceptions=True)
    assert outcome is Functionality.FULL or isinstance(outcome, ModuleRestarted)


async def test_expected_urc(bench: Bench) -> None:
    """An expected URC is the next of its kind that matches, and is still handed on."""
    report = bench.channel.expect(SocketFailed, lambda urc: urc.socket == 1)
    forgotten = bench.channel.expect(SocketFailed)
    forgotten.cancel()
    bench.peer.say("+CPIN: READY", "+CSOERR: 0,2", "+CSOERR: 1,3")
    assert await report == SocketFailed(SocketId(1), 3)
    assert len(bench.urcs) == 3
    assert bench.urcs[0] == SimReport(SimReading("READY"))


async def test_echo_and_unknown_lines_are_news(bench: Bench) -> None:
    """An echo is reported, as the module may have restarted; so is a line that nobody knows."""
    command = asyncio.create_task(bench.channel.execute(ReadSignalQuality()))
    await bench.peer.answer("AT+CSQ", "AT+CSQ", "+WHO: 1", "+CSQ: 20,0", "OK")
    assert await command == SignalQuality(20, 0)
    assert bench.urcs == [Echo("AT+CSQ"), UnknownLine("+WHO: 1")]


async def test_broken_report_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A report whose payload can't be read is a warning, masked; a line that nobody knows is not."""
    caplog.set_level(logging.DEBUG, "sim7020_bridge.at.channel")
    bench.peer.say("+FOO: 1", "+CSONMI: 0,4,secret")
    await in_order(bench)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["a line that can't be read: +CSONMI: 0,4,******"]


async def test_overlong_report_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A report too long to be kept is a warning, for payload may be lost with it."""
    bench.peer.say(f"+CSONMI: 0,8200,{'41' * 4100}", "+CSQN: 20,0")
    await in_order(bench)
    (told,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told.startswith("a line that can't be read: +CSONMI: 0,8200,***")


async def test_second_final_result_is_waited_out(bench: Bench) -> None:
    """Where firmware is known to add a second final result, it doesn't answer the next command."""
    command = asyncio.create_task(bench.channel.execute(DeactivateContext()))
    following = asyncio.create_task(bench.channel.execute(ReadContextParameters()))
    await bench.peer.answer("AT+CGACT=0,1", "NO CARRIER", "OK")
    await bench.peer.answer("AT+CGCONTRDP", '+CGCONTRDP: 1,5,"iot"', "OK")
    await command
    assert [context.apn for context in await following] == ["iot"]


async def test_prompt_ends_what_a_person_wrote(bench: Bench) -> None:
    """A command of a person's that the module wants data for is cancelled with ESC, and refused at once."""
    raw = asyncio.create_task(bench.channel.execute(RawCommand("AT+XSEND=5")))
    assert await bench.peer.line() == "AT+XSEND=5"
    bench.peer.say_raw(b"\r\n> ")
    assert await bench.peer.byte() == b"\x1b"
    bench.peer.say("ERROR")
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(CommandRefused, match="waits for data"):
        await raw
    assert bench.channel.resyncs == 0
    await in_order(bench)


async def test_trace_hides_payload(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Every line is traced as in a transcript, with payload masked and its length kept."""
    caplog.set_level(logging.DEBUG, "sim7020_bridge.trace")
    command = asyncio.create_task(bench.channel.execute(SendData(SocketId(0), b"123")))
    await bench.peer.answer('AT+CSOSEND=0,6,"313233"', "+CSONMI: 0,4,3435", "OK")
    await command
    assert caplog.messages == ['> AT+CSOSEND=0,6,"******"', "< +CSONMI: 0,4,****", "< OK"]
