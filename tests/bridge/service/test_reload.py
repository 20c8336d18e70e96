"""Sockets that come, go and move while the modem stays attached."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import Encoding, PowerSavingSettings, SocketSettings, WhenUnsure
from sim7020_bridge.modem.socket import Phase
from tests.bridge.coap_server import COAP
from tests.bridge.desk import TOPICS, change, named, sent, staffed
from tests.bridge.modem.bench import TCP, UDP
from tests.bridge.scripted_module import SILENCE, on_virtual_time

SERVERS = tuple(replace(UDP, name=f"s{number}", port=6000 + number) for number in range(5))


@on_virtual_time
async def test_new_socket_is_opened_and_served() -> None:
    """A socket that is added is opened at once; the one that was there is not touched."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        await change(desk, UDP, TCP)
        await desk.bench.opened("tcp")
        desk.send("tcp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        assert desk.bench.phases("udp") == [Phase.OPENING, Phase.OPEN]
        assert [socket["name"] for socket in desk.documents(TOPICS.info)[-1]["sockets"]] == ["udp", "tcp"]


@on_virtual_time
async def test_new_socket_of_a_modem_that_is_away() -> None:
    """A socket that is added while there is no modem is opened when there is one."""
    async with staffed(absent=1) as desk:
        await change(desk, UDP)
        desk.send("udp", b"x", **named("m1"))
        assert (await desk.final("udp", "m1"))["state"] == "accepted"


@on_virtual_time
async def test_removed_socket_is_closed_and_forgotten() -> None:
    """A socket that is removed is closed, its retained state emptied for good, and its messages refused."""
    async with staffed(UDP, TCP) as desk:
        await desk.bench.opened("udp")
        await desk.bench.opened("tcp")
        await change(desk, TCP)
        assert "AT+CSOCL=0" in desk.module.heard
        await asyncio.sleep(10)
        assert desk.on(TOPICS.socket_state("udp"))[-1].payload == b""
        desk.send("udp", b"x", **named("m1"))
        assert (await desk.final("udp", "m1"))["error"]["code"] == "unknown_socket"
        await change(desk, TCP, UDP)
        desk.send("udp", b"y", **named("m2"))
        assert (await desk.final("udp", "m2"))["state"] == "accepted"


@pytest.mark.parametrize("socket", [UDP, COAP])
@on_virtual_time
async def test_message_that_is_written_down_while_its_socket_goes(
    socket: SocketSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that was about to be given to the module fails as well, however slow the disk is."""
    async with staffed(replace(socket, when_unsure=WhenUnsure.FAIL)) as desk:
        await desk.bench.opened(socket.name)
        slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        monkeypatch.setattr(desk.outbox, "progress", lambda *_: slow)
        desk.send(socket.name, b"x", **named("m1"))
        await asyncio.sleep(1)
        await change(desk)
        slow.set_result(None)
        assert (await desk.final(socket.name, "m1"))["error"]["code"] == "unknown_socket"


@on_virtual_time
async def test_unacknowledged_message_of_a_removed_socket_fails() -> None:
    """What the peer had not acknowledged when its socket was removed has a final receipt."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(1)
        await change(desk)
        final = await desk.final("tcp", "m1")
        assert (final["state"], final["error"]["code"]) == ("failed", "unknown_socket")


@on_virtual_time
async def test_message_that_is_being_sent_when_its_socket_is_removed() -> None:
    """A message on the line when its socket is removed comes to its end, and nothing waits for ever."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer_once("AT+CSOSEND", *SILENCE)
        desk.send("udp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await change(desk)
        assert (await desk.final("udp", "m1"))["state"] in {"accepted", "failed"}


@on_virtual_time
async def test_message_whose_turn_comes_after_its_socket_was_removed() -> None:
    """A message that is refused once its socket has been closed for good is not kept waiting for it."""
    saving = PowerSavingSettings(release_assistance=True)
    async with staffed(UDP, power_saving=saving) as desk:
        await desk.bench.opened("udp")
        desk.module.answer_once("AT+CNBIOTRAI", *SILENCE)
        desk.module.answer("AT+CSOSEND", "ERROR")
        desk.send("udp", b"x", **named("m1"))
        await desk.module.hears("AT+CNBIOTRAI")
        await change(desk)
        final = await desk.final("udp", "m1")
        assert (final["state"], final["error"]["code"]) == ("failed", "unknown_socket")


@on_virtual_time
async def test_moved_socket_takes_its_messages_along() -> None:
    """What was not acknowledged at the old place goes to the new one."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(1)
        await change(desk, replace(TCP, host="198.51.100.99"))
        await desk.bench.opened("tcp")
        assert any("198.51.100.99" in line for line in desk.module.heard)
        await desk.module.hears("AT+CSOSEND", times=2)
        assert sent(desk) == ["x", "x"]
        desk.module.say("SEND: 0,1")
        assert (await desk.final("tcp", "m1"))["state"] == "acknowledged"


@on_virtual_time
async def test_other_keep_alive_takes_another_connection() -> None:
    """The module is told how to keep a connection alive before it makes it."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        await change(desk, replace(TCP, keep_alive=300))
        await desk.module.hears("AT+CSOALIVE", within=5)
        await desk.bench.opened("tcp")


@on_virtual_time
async def test_other_keys_change_in_place() -> None:
    """Another encoding or pace comes into force without closing the socket."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        await change(desk, replace(UDP, encoding=Encoding.HEX, min_interval=100))
        desk.send("udp", b"6869", **named("m1"))
        desk.send("udp", b"6a", **named("m2"))
        await desk.final("udp", "m1")
        before = asyncio.get_running_loop().time()
        await desk.final("udp", "m2")
        assert asyncio.get_running_loop().time() - before >= 99
        assert sent(desk) == ["hi", "j"]
        assert desk.bench.phases("udp") == [Phase.OPENING, Phase.OPEN]


@on_virtual_time
async def test_five_sockets_for_five_others() -> None:
    """All five sockets of the module can be exchanged at once: the old ones are closed first."""
    others = tuple(replace(socket, name=f"t{socket.name}", port=socket.port + 100) for socket in SERVERS)
    async with staffed(*SERVERS) as desk:
        for socket in SERVERS:
            await desk.bench.opened(socket.name)
        await change(desk, *others)
        for socket in others:
            await desk.bench.opened(socket.name)
            assert desk.bench.phases(socket.name) == [Phase.OPENING, Phase.OPEN]


@on_virtual_time
async def test_socket_that_was_being_made_is_closed() -> None:
    """A socket whose making was under way when it was removed is found in the module and closed."""
    async with staffed() as desk:
        await desk.bench.online()
        desk.module.answer_once("AT+CSOC", *SILENCE)
        desk.module.answer_once("AT+CSOC?", "+CSOC: 0,1,2,1", "OK")
        await change(desk, UDP)
        await desk.module.hears("AT+CSOC")
        await change(desk)
        assert "AT+CSOCL=0" in desk.module.heard
