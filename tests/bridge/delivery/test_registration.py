"""Messages wait for a module that the network does not have: what it took then would be lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sim7020_bridge.config.model import PowerSavingSettings, SocketSettings
from sim7020_bridge.modem.timing import Timing
from tests.bridge.desk import Desk, named, sent, staffed
from tests.bridge.modem.bench import HOUR, TCP, UDP, now
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

WITHIN = Timing().acknowledged_within
BACK = '+CEREG: 5,"00A0","0002920C",9'


def leave(desk: Desk, status: int = 2) -> None:
    """Take the network away from the module; its context and its sockets stay."""
    desk.module.answer("AT+CEREG?", f"+CEREG: 5,{status}", "OK")
    desk.module.say(f"+CEREG: {status}")


def come_back(desk: Desk) -> None:
    """Give it the network again."""
    desk.module.answer("AT+CEREG?", "+CEREG: 5,5", "OK")
    desk.module.say(BACK)


async def leave_in_a_send(desk: Desk) -> None:
    """Take the network away between a send, which is not answered yet, and its OK."""
    await desk.module.hears("AT+CSOSEND")
    leave(desk)
    await asyncio.sleep(0.1)
    desk.module.say("OK")


@pytest.mark.parametrize("status", [2, 3, 4, 8])
@pytest.mark.parametrize("settings", [UDP, TCP], ids=["udp", "tcp"])
@on_virtual_time
async def test_messages_wait_for_the_registration(settings: SocketSettings, status: int) -> None:
    """They are neither given to the module nor failed, and go in order on the same socket once it is back."""
    name = settings.name
    async with staffed(settings) as desk:
        await desk.bench.opened(name)
        leave(desk, status)
        await asyncio.sleep(1)
        for number in (1, 2, 3):
            desk.send(name, b"%d" % number, **named(f"m{number}"))
        await asyncio.sleep(240)
        assert desk.module.times("AT+CSOSEND") == 0
        assert desk.receipts(name, "m1") == ["queued"]
        come_back(desk)
        await desk.module.hears("AT+CSOSEND", times=3)
        assert sent(desk) == ["1", "2", "3"]
        assert desk.module.times("AT+CSOC") == 1


@on_virtual_time
async def test_what_waits_for_the_line_is_not_sent_when_the_registration_goes() -> None:
    """A datagram behind a slow command goes only if the network has the module when its turn comes."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer_once("AT+CSOSEND", *SILENCE)
        for number in (1, 2, 3):
            desk.send("udp", b"%d" % number, **named(f"m{number}"))
        await leave_in_a_send(desk)
        assert (await desk.final("udp", "m1"))["state"] == "accepted"
        await asyncio.sleep(60)
        assert sent(desk) == ["1"]
        come_back(desk)
        await desk.final("udp", "m3")
        assert sent(desk) == ["1", "2", "3"]
        assert desk.module.times("AT+CSOC") == 1


@on_virtual_time
async def test_a_stream_ends_what_it_has_begun() -> None:
    """The rest of a payload of which the module has a part follows it: the peer would read the beginning twice."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.module.answer_once("AT+CSOSEND", *SILENCE)
        desk.send("tcp", bytes(600), **named("m1"))
        await leave_in_a_send(desk)
        await desk.module.hears("AT+CSOSEND", times=2, within=1)
        assert [len(text) for text in sent(desk)] == [512, 88]


@asynccontextmanager
async def asleep() -> AsyncIterator[Desk]:
    """Serve a module that was registered, has a UDP socket, and sleeps."""
    module = ScriptedModule()
    module.answer("AT+CEREG?", "+CEREG: 5,5", "OK")
    async with staffed(UDP, module=module, power_saving=PowerSavingSettings(active_time=60)) as desk:
        await desk.bench.opened("udp")
        module.say('+CPSMSTATUS: "ENTER PSM"')
        await desk.bench.until(lambda state: bool(state.sleeping))
        yield desk


@on_virtual_time
async def test_a_module_that_wakes_is_asked_whether_it_is_registered() -> None:
    """What was known before it slept does not count: a cell may have to be found first."""
    async with asleep() as desk:
        module = desk.module
        module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
        desk.send("udp", b"1", **named("m1"))
        await asyncio.sleep(HOUR)
        module.say('+CPSMSTATUS: "EXIT PSM"')
        await asyncio.sleep(60)
        assert module.times("AT+CSOSEND") == 0
        come_back(desk)
        await desk.final("udp", "m1")
        assert desk.receipts("udp", "m1") == ["queued", "sending", "accepted"]


@pytest.mark.parametrize("answers", [("ERROR",), ("OK",), ("+CEREG: x", "OK")])
@on_virtual_time
async def test_a_module_that_wakes_and_does_not_tell_at_first(answers: tuple[str, ...]) -> None:
    """Nothing is sent before it has told where it is registered."""
    async with asleep() as desk:
        module = desk.module
        for question in ("AT+CEREG?", "AT+CGREG?"):
            module.answer(question, *answers)
        desk.send("udp", b"1", **named("m1"))
        module.say('+CPSMSTATUS: "EXIT PSM"')
        await asyncio.sleep(60)
        assert module.times("AT+CSOSEND") == 0
        module.answer("AT+CGREG?", "+CGREG: 0,5", "OK")
        await desk.final("udp", "m1")


@on_virtual_time
async def test_time_without_the_network_is_none_for_the_peer() -> None:
    """A peer that can't be reached has not failed to acknowledge: its time goes on when the network is back."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        began = now()
        await asyncio.sleep(600)
        for absence in (250, 200):
            leave(desk)
            await asyncio.sleep(absence)
            come_back(desk)
            await asyncio.sleep(100)
        assert desk.module.times("AT+CSOCL") == 0
        await desk.module.hears("AT+CSOCL")
        assert now() - began == pytest.approx(WITHIN + 250 + 200, abs=2)
