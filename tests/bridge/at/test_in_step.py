"""A line that fell out of step: missed deadlines, late answers, probes, prompts."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar
from unittest.mock import patch

import pytest

from sim7020_bridge.at.channel import ESCAPE, Channel
from sim7020_bridge.at.command import Order, Probe
from sim7020_bridge.at.exchange import Pipeline
from sim7020_bridge.commands.radio import ReadFunctionality
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.sim import ReadSimState, SimReport
from sim7020_bridge.commands.sockets import SendData, SocketFailed, SocketId
from sim7020_bridge.errors import (
    BridgeError,
    CommandHeldBack,
    CommandRefused,
    LineOutOfSync,
    ModuleSilent,
)
from tests import virtual_time
from tests.bridge.at.conftest import Bench, Hasty, in_order
from tests.scripted_wire import ScriptedWire


@dataclass(frozen=True, slots=True)
class Data(Order):
    """A command that a module answers with a prompt it doesn't leave by itself."""

    timeout: ClassVar[float] = 0.1

    def line(self) -> str:
        """Return the command line."""
        return "AT+CSODSEND=0,5"


async def test_silence_holds_back_the_rest_of_its_succession(bench: Bench) -> None:
    """A command that was not answered in time is a failure, too."""
    pipeline = Pipeline()
    first = asyncio.create_task(bench.channel.execute(Hasty(), pipeline=pipeline))
    second = asyncio.create_task(bench.channel.execute(ReadFunctionality(), pipeline=pipeline))
    await bench.peer.answer("AT+CSQ")
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent):
        await first
    with pytest.raises(CommandHeldBack):
        await second
    await in_order(bench)


async def test_missed_deadline_and_late_answer(bench: Bench) -> None:
    """After a missed deadline the late answer is waited out, and the next command gets its own."""
    late = asyncio.create_task(bench.channel.execute(Hasty()))
    assert await bench.peer.line() == "AT+CSQ"
    await bench.peer.answer("AT", "+CSQ: 1,0", "OK", "OK")
    await bench.peer.answer("\x1bAT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent, match=r"AT\+CSQ within 0.1 s"):
        await late
    assert bench.channel.resyncs == 1
    await in_order(bench)


async def test_what_comes_after_a_missed_deadline_is_a_report(bench: Bench) -> None:
    """A line that would have answered a command is a report again once nobody waits for the answer."""

    class HastySim(ReadSimState):
        timeout: ClassVar[float] = 0.1

    bench.channel._on_resync = lambda: bench.peer.say("+CPIN: SIM PIN")
    silent = asyncio.create_task(bench.channel.execute(HastySim()))
    assert await bench.peer.line() == "AT+CPIN?"
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent):
        await silent
    await in_order(bench)
    assert [type(urc) for urc in bench.urcs] == [SimReport]


async def test_cancelled_and_then_silent(bench: Bench) -> None:
    """A cancelled command whose answer never comes is resynchronised all the same."""
    cancelled = asyncio.create_task(bench.channel.execute(Hasty()))
    assert await bench.peer.line() == "AT+CSQ"
    cancelled.cancel()
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    await in_order(bench)
    assert bench.channel.resyncs == 1


async def test_refused_attention_is_not_enough(bench: Bench) -> None:
    """Only OK proves the line."""
    silent = asyncio.create_task(bench.channel.execute(Hasty()))
    assert await bench.peer.line() == "AT+CSQ"
    await bench.peer.answer("AT", "ERROR")
    await bench.peer.answer("\x1bAT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent):
        await silent
    await in_order(bench)


async def test_urcs_do_not_disturb_resynchronising(bench: Bench) -> None:
    """A storm of URCs doesn't make a sane line look insane, and none of them is lost."""
    silent = asyncio.create_task(bench.channel.execute(Hasty()))
    assert await bench.peer.line() == "AT+CSQ"
    storm = asyncio.create_task(_storm(bench, 20))
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent):
        await silent
    await storm
    await in_order(bench)
    assert bench.urcs == [SocketFailed(SocketId(0), code) for code in range(20)]


async def _storm(bench: Bench, count: int) -> None:
    for code in range(count):
        report = bench.channel.expect(SocketFailed)
        bench.peer.say(f"+CSOERR: 0,{code}")
        await report


async def test_prompt_is_left_with_escape(bench: Bench) -> None:
    """A module that waits at a data prompt hears nothing but ESC."""
    stuck = asyncio.create_task(bench.channel.execute(Data()))
    assert await bench.peer.line() == "AT+CSODSEND=0,5"
    bench.peer.say_raw(b"\r\n> ")
    assert await bench.peer.line() == "AT"
    assert await bench.peer.byte() == b"\x1b"
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent):
        await stuck
    await in_order(bench)


async def test_line_out_of_sync(bench: Bench) -> None:
    """A module that never answers again ends the session for everybody who waits, then and later."""
    silent = asyncio.create_task(bench.channel.execute(Hasty()))
    waiting = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    report = bench.channel.expect(SocketFailed)
    with pytest.raises(LineOutOfSync):
        await bench.running
    for future in (silent, waiting, report):
        with pytest.raises(LineOutOfSync):
            await future
    with pytest.raises(LineOutOfSync):
        await bench.channel.execute(Probe(1.0))
    with pytest.raises(LineOutOfSync):
        await bench.channel.expect(SocketFailed)


async def test_line_that_takes_nothing(bench: Bench) -> None:
    """A command that a stuck line never takes is silence; what could not go is not waited for."""
    bench.port.write(bytes(200_000))
    with pytest.raises(LineOutOfSync):
        await bench.channel.execute(Hasty())
    with pytest.raises(LineOutOfSync):
        await bench.running


async def test_probe_goes_on_until_the_module_answers(bench: Bench) -> None:
    """AT is sent again and again, and ATQ0V1 for a module that was left in numeric mode, or quiet."""
    probing = asyncio.create_task(bench.channel.probe(every=0.05, within=5))
    assert [await bench.peer.line() for _ in range(3)] == ["AT", "ATQ0V1", "AT"]
    bench.peer.say_raw(b"0\r")
    await bench.peer.answer("ATQ0V1", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    await probing
    await in_order(bench)


async def test_probe_waits_out_late_answers(bench: Bench) -> None:
    """Two answers to two probes don't leave one for the next command."""
    probing = asyncio.create_task(bench.channel.probe(every=0.05, within=5))
    assert [await bench.peer.line() for _ in range(2)] == ["AT", "ATQ0V1"]
    bench.peer.say("OK", "OK")
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+IFC: 0,0", "OK")
    await probing
    await in_order(bench)


async def test_probe_waits_out_answers_that_are_later_than_the_line_is_quiet(bench: Bench) -> None:
    """An OK for an earlier AT is no answer to a question that has an answer, however late it comes."""
    probing = asyncio.create_task(bench.channel.probe(every=0.05, within=5))
    assert [await bench.peer.line() for _ in range(3)] == ["AT", "ATQ0V1", "AT"]
    bench.peer.say("OK")
    assert await bench.peer.line() == "AT+IFC?"
    bench.peer.say("OK", "OK", "+IFC: 0,0", "OK")
    await probing
    await in_order(bench)


async def test_late_answer_after_the_line_was_quiet(bench: Bench) -> None:
    """So is one for a command whose deadline was missed."""
    late = asyncio.create_task(bench.channel.execute(Hasty()))
    assert await bench.peer.line() == "AT+CSQ"
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "+CSQ: 1,0", "OK", "+IFC: 0,0", "OK")
    with pytest.raises(ModuleSilent):
        await late
    await in_order(bench)


async def test_module_that_does_not_know_the_question(bench: Bench) -> None:
    """A refusal proves nothing, so a module that refuses one question is asked another."""
    silent = asyncio.create_task(bench.channel.execute(Hasty()))
    assert await bench.peer.line() == "AT+CSQ"
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "ERROR")
    await bench.peer.answer("\x1bAT", "OK")
    await bench.peer.answer("AT+CMEE?", "+CMEE: 1", "OK")
    with pytest.raises(ModuleSilent):
        await silent
    await in_order(bench)


@pytest.mark.parametrize("typed", ["AT+IFC?", "at+ifc?"])
async def test_question_that_a_person_asked_proves_nothing(bench: Bench, typed: str) -> None:
    """What would answer it may be on its way, so another one is asked."""

    class Impatient(RawCommand):
        timeout: ClassVar[float] = 0.1

    silent = asyncio.create_task(bench.channel.execute(Impatient(typed)))
    assert await bench.peer.line() == typed
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+CMEE?", "+IFC: 0,0", "OK", "+CMEE: 1", "OK")
    with pytest.raises(ModuleSilent):
        await silent
    await in_order(bench)


@pytest.mark.parametrize("late", ["ERROR", "+CME ERROR: 3"])
async def test_late_refusal_proves_nothing(bench: Bench, late: str) -> None:
    """The refusal of what was given up ends the question; its answer must not be taken for the next command's."""
    silent = asyncio.create_task(bench.channel.execute(Hasty()))
    refused = asyncio.create_task(bench.channel.execute(Data()))
    assert await bench.peer.line() == "AT+CSQ"
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", late, "+IFC: 0,0", "OK")
    await bench.peer.answer("\x1bAT", "OK")
    await bench.peer.answer("AT+CMEE?", "+CMEE: 1", "OK")
    with pytest.raises(ModuleSilent):
        await silent
    await bench.peer.answer("AT+CSODSEND=0,5", "ERROR")
    with pytest.raises(CommandRefused):
        await refused
    await in_order(bench)


@pytest.mark.parametrize("delay", [1.2, 2.5, 4.5, 5.5, 6.5, 7.0, 9.0])
def test_no_answer_is_given_to_another_command(delay: float) -> None:
    """However late a module is that refuses all data, none of it counts as taken."""

    async def scene() -> None:
        wire = ScriptedWire()
        loop = asyncio.get_running_loop()

        def write(data: bytes) -> None:
            name = re.fullmatch(rb"AT(\+\w+)\?\r", data)
            said = b"OK" if name is None else name[1] + b": 1,1\r\n\r\nOK"
            said = b"ERROR" if data.startswith(b"AT+CSOSEND") else said
            if data != ESCAPE:
                loop.call_later(delay, wire.deliver, b"\r\n" + said + b"\r\n")

        with patch.object(wire, "write", write):
            for _ in range(3):
                channel = Channel(wire, urcs=URCS, on_urc=lambda _: None)
                running = asyncio.create_task(channel.run())
                with suppress(ModuleSilent):
                    await channel.probe(every=0.5, within=20)
                    commands = (ReadFunctionality(), SendData(SocketId(0), b"alarm")) * 4
                    outcomes = await asyncio.gather(*map(channel.execute, commands), return_exceptions=True)
                    assert all(isinstance(outcome, BridgeError) for outcome in outcomes[1::2])
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    virtual_time.run(scene(), grace=0)


async def test_answer_of_the_session_before_is_no_sign_of_life(bench: Bench) -> None:
    """An OK that comes at once may belong to what was asked before the port was opened."""
    probing = asyncio.create_task(bench.channel.probe(every=0.05, within=5))
    await bench.peer.answer("AT", "OK")
    await bench.peer.answer("AT+IFC?", "OK", "+IFC: 0,0", "OK")
    await probing
    await in_order(bench)


async def test_probe_gives_up(bench: Bench) -> None:
    """A module that answers nothing is silent, and the channel goes on."""
    with pytest.raises(ModuleSilent):
        await bench.channel.probe(every=0.02, within=0.1)
    assert bench.channel.resyncs == 0
    assert not bench.running.done()
