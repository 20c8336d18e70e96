"""Messages to TCP sockets: what the peer acknowledges, and what becomes of what it does not."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import WhenUnsure
from sim7020_bridge.delivery.router import ACKNOWLEDGED_WITHIN, TIMES_LOST
from tests.bridge.desk import named, sent, staffed
from tests.bridge.modem.bench import TCP, UDP, now
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


@on_virtual_time
async def test_tcp_receipts() -> None:
    """A TCP message is done once the peer has acknowledged it."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        await asyncio.sleep(1)
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted"]
        desk.module.say("SEND: 0,5")
        assert (await desk.final("tcp", "m1"))["state"] == "acknowledged"


@on_virtual_time
async def test_tcp_acknowledged_at_once() -> None:
    """Accepted comes before acknowledged, also if the peer was faster than the module's OK."""
    async with staffed(TCP) as desk:
        desk.module.answer_once("AT+CSOSEND", "SEND: 0,5", "OK")
        desk.send("tcp", b"hello", **named("m1"))
        await desk.final("tcp", "m1")
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted", "acknowledged"]


@on_virtual_time
async def test_tcp_without_acknowledgements_is_done_once_it_is_accepted() -> None:
    """Where the firmware neither reports nor tells what the peer acknowledged, nothing is waited for in vain."""
    module = ScriptedModule()
    module.answer("AT+CSOSENDFLAG", "ERROR")
    async with staffed(TCP, module=module) as desk:
        desk.send("tcp", b"hello", **named("m1"))
        assert (await desk.final("tcp", "m1"))["state"] == "accepted"
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted"]


@on_virtual_time
async def test_unacknowledged_messages_go_again_when_the_socket_breaks() -> None:
    """What the peer had not acknowledged when the socket broke is sent again, in order, before what came later."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        for number in (1, 2, 3):
            desk.send("tcp", b"%d" % number, **named(f"m{number}"))
        await desk.module.hears("AT+CSOSEND", times=3)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,1")
        desk.module.say("+CSOERR: 0,3")
        desk.send("tcp", b"4", **named("m4"))
        await desk.module.hears("AT+CSOSEND", times=6)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,3")
        assert (await desk.final("tcp", "m4"))["state"] == "acknowledged"
        assert sent(desk) == ["1", "2", "3", "2", "3", "4"]
        assert desk.receipts("tcp", "m2") == ["queued", "sending", "accepted", "sending", "accepted", "acknowledged"]


@on_virtual_time
async def test_unacknowledged_messages_fail_where_nothing_may_go_twice() -> None:
    """With when_unsure fail, a message that may have arrived is given up."""
    async with staffed(replace(TCP, when_unsure=WhenUnsure.FAIL)) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(1)
        desk.module.say("+CSOERR: 0,3")
        final = await desk.final("tcp", "m1")
        assert (final["state"], final["error"]["code"]) == ("failed", "unsure")


@on_virtual_time
async def test_a_connection_that_always_breaks_ends_a_message() -> None:
    """A message that breaks every connection does not block the others for ever."""
    async with staffed(TCP) as desk:
        desk.send("tcp", b"poison", **named("m1"))
        for times in range(1, TIMES_LOST + 1):
            await desk.module.hears("AT+CSOSEND", times=times)
            await asyncio.sleep(1)
            desk.module.say("+CSOERR: 0,3")
        final = await desk.final("tcp", "m1")
        assert (final["state"], final["error"]["code"]) == ("failed", "socket_lost")


@on_virtual_time
async def test_a_module_that_always_restarts_ends_no_message() -> None:
    """A supply that gives way in each send is no fault of the message: it waits until that is mended."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        for times in range(1, TIMES_LOST + 2):
            await desk.module.hears("AT+CSOSEND", times=times)
            await asyncio.sleep(1)
            desk.module.say("RDY")
        await desk.module.hears("AT+CSOSEND", times=TIMES_LOST + 2)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,5")
        assert (await desk.final("tcp", "m1"))["state"] == "acknowledged"


@on_virtual_time
async def test_a_peer_that_never_acknowledges_ends_a_message() -> None:
    """What nobody acknowledges does not wait for ever."""
    async with staffed(TCP) as desk:
        desk.send("tcp", b"hello", **named("m1"))
        assert (await desk.final("tcp", "m1"))["error"]["code"] == "unacknowledged"
        assert now() > ACKNOWLEDGED_WITHIN


@pytest.mark.parametrize(
    ("interruption", "state"), [("unplugged", "failed"), ("silence", "failed"), ("ERROR", "accepted")]
)
@on_virtual_time
async def test_doubt_before_accepted(interruption: str, state: str) -> None:
    """With when_unsure fail, silence and a lost line end a message; a plain refusal does not."""
    async with staffed(replace(UDP, when_unsure=WhenUnsure.FAIL)) as desk:
        await desk.bench.opened("udp")
        desk.module.answer_once("AT+CSOSEND", *(("ERROR",) if interruption == "ERROR" else SILENCE))
        desk.send("udp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        if interruption == "unplugged":
            desk.module.unplug()
        assert (await desk.final("udp", "m1"))["state"] == state


@pytest.mark.parametrize(
    ("when_unsure", "payload", "answers", "state"),
    [
        pytest.param(WhenUnsure.FAIL, 600, ("OK", "ERROR"), "failed", id="the rest is refused, nothing may go twice"),
        pytest.param(WhenUnsure.FAIL, 600, ("ERROR", "ERROR"), "acknowledged", id="all of it is refused"),
        pytest.param(WhenUnsure.RESEND, 600, ("OK", "ERROR"), "acknowledged", id="the rest is refused"),
    ],
)
@on_virtual_time
async def test_payload_of_which_a_part_has_gone(
    when_unsure: WhenUnsure, payload: int, answers: tuple[str, ...], state: str
) -> None:
    """A long TCP payload of which the module took a part goes again, unless nothing may go twice."""
    async with staffed(replace(TCP, when_unsure=when_unsure)) as desk:
        await desk.bench.opened("tcp")
        for answer in answers:
            desk.module.answer_once("AT+CSOSEND", answer)
        desk.module.answer_once("AT+CSOSEND", "ERROR")
        desk.send("tcp", bytes(payload), **named("m1"))
        if state == "acknowledged":
            await desk.module.hears("AT+CSOCL")
            await desk.bench.opened("tcp")
            await asyncio.sleep(10)
            desk.module.say(f"SEND: 0,{payload}")
        final = await desk.final("tcp", "m1")
        assert final["state"] == state
        assert state == "acknowledged" or final["error"]["code"] == "unsure"
