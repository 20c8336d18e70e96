"""Sealed messages: what goes, what is believed of what comes, and what is known again over restarts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import aiocoap
import pytest

from sim7020_bridge.coap.endpoint import LIFETIME
from sim7020_bridge.coap.pause import PAUSES
from sim7020_bridge.config.model import CoapSettings
from tests.bridge.coap_server import COAP, Answer, serving, silent
from tests.bridge.desk import TOPICS, Desk, named, staffed
from tests.bridge.scripted_module import on_virtual_time
from tests.coap_datagram import ACK, CON, RST, Seen, put_together
from tests.oscore_peer import COMMAND, ECHO, FIRST, KEYS, Peer, value

SEALED = replace(COAP, coap=CoapSettings(("t",), oscore=KEYS))


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write numbers at once: a thread takes the world's time, and the tests' clock would run away from it."""

    async def at_once(call: Callable[[], object]) -> object:
        return call()

    monkeypatch.setattr("sim7020_bridge.coap.numbers.in_a_thread", at_once)


def saying(
    peer: Peer, code: aiocoap.Code, payload: bytes = b"", *options: tuple[int, bytes]
) -> Callable[[Seen], Sequence[Answer]]:
    """Make a server that answers each request so."""
    return lambda seen: [peer.answer(seen, code, payload, *options)] if seen.code == (0, 2) else []


def received(desk: Desk) -> list[bytes]:
    """Return what was published of what came."""
    return [each.payload for each in desk.on(TOPICS.received("coap"))]


@on_virtual_time
async def test_sealed_and_acknowledged(tmp_path: Path) -> None:
    """Nothing of a message can be read on the way; its answer ends it, and what that brings is published."""
    peer = Peer()
    async with (
        staffed(SEALED, folder=tmp_path) as desk,
        serving(desk, then=saying(peer, aiocoap.CHANGED, b"on")) as server,
    ):
        for name in ("m1", "m2"):
            desk.send("coap", b"21.5", **named(name))
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        [(first, message), (second, _)] = peer.opened
        assert second == first + 1
        assert (message.code, message.payload, message.opt.uri_path) == (aiocoap.POST, b"21.5", ("t",))
        assert (value(message, FIRST), value(message, COMMAND)) == (None, None)
        assert all(b"21.5" not in raw and b"t" not in raw[6:8] for raw in server.raw)
        assert received(desk) == [b"on", b"on"]


@on_virtual_time
async def test_room(tmp_path: Path) -> None:
    """A message of the length that is allowed fits a datagram with all that may come with it."""
    peer = Peer()
    socket = replace(SEALED, max_payload=100)
    async with (
        staffed(socket, folder=tmp_path) as desk,
        serving(desk, silent, then=saying(peer, aiocoap.CHANGED)) as server,
    ):
        desk.send("coap", b"x" * socket.room, **named("m1"))
        desk.send("coap", b"x" * (socket.room + 1), **named("m2"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert (await desk.final("coap", "m2"))["error"]["code"] == "too_large"
        assert 70 < len(server.raw[0]) <= 100


@on_virtual_time
async def test_room_for_all_that_may_come_with_it(tmp_path: Path) -> None:
    """The longest message fits also with an Echo, the number of its first sealing and that of a command."""
    peer = Peer()
    socket = replace(SEALED, max_payload=100)
    command = saying(peer, aiocoap.CHANGED, b"on", (COMMAND, b"\x03\x9c\xa8\x00"))
    echo = saying(peer, aiocoap.UNAUTHORIZED, b"", (ECHO, b"12345678"))
    async with (
        staffed(socket, folder=tmp_path) as desk,
        serving(desk, command, echo, then=saying(peer, aiocoap.CHANGED)) as server,
    ):
        for name in ("m1", "m2"):
            desk.send("coap", b"x" * socket.room, **named(name))
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        _, message = peer.opened[-1]
        assert (message.opt.echo, value(message, COMMAND)) == (b"12345678", 0x039CA800)
        assert value(message, FIRST) == peer.opened[1][0]
        assert max(map(len, server.raw)) <= 100


FORGED: dict[str, Callable[[Seen], Seen]] = {
    "4.04": lambda seen: Seen(ACK, (4, 4), seen.id, seen.token),
    "4.01": lambda seen: Seen(ACK, (4, 1), seen.id, seen.token, (), b"Replay detected"),
    "2.04": lambda seen: Seen(ACK, (2, 4), seen.id, seen.token),
    "2.04 with an empty option": lambda seen: Seen(ACK, (2, 4), seen.id, seen.token, ((9, b""),), bytes(17)),
    "5.03": lambda seen: Seen(ACK, (5, 3), seen.id, seen.token, ((14, b"\x0a"),)),
    "a message of its own": lambda seen: Seen(CON, (2, 4), 7, seen.token),
    "reset": lambda seen: Seen(RST, (0, 0), seen.id),
    "a request": lambda seen: Seen(CON, (0, 1), 8, seen.token),
    "what came": lambda seen: seen,
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
@on_virtual_time
async def test_what_anybody_can_send_ends_nothing(forged: Callable[[Seen], Seen], tmp_path: Path) -> None:
    """What the peer has not sealed is let go of, without a word on the air; the message is repeated, as it was."""
    peer = Peer()

    def forger(seen: Seen) -> list[Answer]:
        return [(1.0, put_together(forged(seen)))]

    async with (
        staffed(SEALED, folder=tmp_path) as desk,
        serving(desk, forger, then=saying(peer, aiocoap.CHANGED)) as server,
    ):
        desk.send("coap", b"21.5", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert received(desk) == []
        assert server.raw == [server.raw[0]] * 2


@on_virtual_time
async def test_before_anything_was_sent(tmp_path: Path) -> None:
    """What comes when nothing was asked is let go of, and nothing says that anybody is there."""
    async with staffed(SEALED, folder=tmp_path) as desk, serving(desk) as server:
        await desk.module.hears("AT+CSOCON")
        for datagram in (Seen(CON, (2, 4), 7, b"ab", (), b"on"), Seen(CON, (0, 1), 8), Seen(CON, (0, 0), 9)):
            server.say(put_together(datagram))
        await asyncio.sleep(LIFETIME)
        assert (server.got, received(desk)) == ([], [])


@on_virtual_time
async def test_a_server_that_has_another_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says once of a message what came, and with it that nobody answers: nothing else tells of a wrong key."""
    caplog.set_level("INFO")

    def unknown(seen: Seen) -> list[Answer]:
        return [(1.0, put_together(FORGED["4.01"](seen)))]

    async with staffed(SEALED, folder=tmp_path) as desk, serving(desk, then=unknown):
        desk.send("coap", b"21.5", **named("m1"))
        await desk.module.hears("AT+CSOSEND", times=3)
        await desk.outbox.queue.until_any()
        words = "not sealed with this key: 4.01 Unauthorized: Replay detected"
        assert [each.getMessage() for each in caplog.records if words in each.getMessage()] == [
            f"socket coap: not believed, for it is {words}",
            f"message m1 waits: the server does not answer; what came is {words}",
        ]


@on_virtual_time
async def test_a_server_that_wants_to_know_whether_it_is_fresh(tmp_path: Path) -> None:
    """A sealed 4.01 with an Echo is answered by the message with that Echo, under a number of its own."""
    peer = Peer()
    echo = saying(peer, aiocoap.UNAUTHORIZED, b"", (ECHO, b"12345678"))
    async with staffed(SEALED, folder=tmp_path) as desk, serving(desk, echo, then=saying(peer, aiocoap.CHANGED)):
        desk.send("coap", b"21.5", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        [(first, _), (second, message)] = peer.opened
        assert second == first + 1
        assert (message.opt.echo, value(message, FIRST), message.payload) == (b"12345678", first, b"21.5")
        assert len(desk.receipts("coap", "m1")) == 4


@on_virtual_time
async def test_a_server_that_is_never_satisfied(tmp_path: Path) -> None:
    """Whoever answers an Echo with another, as one does that was started anew meanwhile, is asked again, ten times."""
    peer = Peer()
    echo = saying(peer, aiocoap.UNAUTHORIZED, b"", (ECHO, b"12345678"))
    async with staffed(SEALED, folder=tmp_path) as desk, serving(desk, echo, echo, then=saying(peer, aiocoap.CHANGED)):
        desk.send("coap", b"21.5", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert [message.opt.echo for _, message in peer.opened] == [None, b"12345678", None]
    (tmp_path / "other").mkdir()
    async with staffed(SEALED, folder=tmp_path / "other") as desk, serving(desk, then=echo):
        desk.send("coap", b"21.5", **named("m2"))
        assert (await desk.final("coap", "m2", within=1e5))["error"]["code"] == "peer_failed"


@on_virtual_time
async def test_what_need_not_be_confirmed_is_proved_too(tmp_path: Path) -> None:
    """It goes once more with the Echo, once; the message has ended by then."""
    peer = Peer()
    echo = saying(peer, aiocoap.UNAUTHORIZED, b"", (ECHO, b"12345678"))
    socket = replace(SEALED, coap=CoapSettings(("t",), confirmable=False, oscore=KEYS))
    async with staffed(socket, folder=tmp_path) as desk, serving(desk, then=echo) as server:
        desk.send("coap", b"21.5", **named("m1"))
        assert (await desk.final("coap", "m1"))["state"] == "accepted"
        await asyncio.sleep(LIFETIME)
        assert len(server.got) == 2
        [(first, _), (_, message)] = peer.opened
        assert (message.opt.echo, value(message, FIRST), message.payload) == (b"12345678", first, b"21.5")


@on_virtual_time
async def test_known_again(tmp_path: Path) -> None:
    """What goes again for longer than a server remembers is sealed anew, and says by which number it is known."""
    peer = Peer()
    async with staffed(SEALED, folder=tmp_path) as desk, serving(desk, then=silent) as server:
        desk.send("coap", b"21.5", **named("m1"))
        await asyncio.sleep(5 * PAUSES[1] + 5 * LIFETIME)
        server.then = saying(peer, aiocoap.CHANGED)
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        peer.opened.clear()
        for seen in server.got:
            peer.open(seen)
        firsts = {number: value(message, FIRST) for number, message in peer.opened}
        [first, *others] = sorted(firsts)
        assert firsts[first] is None
        assert others
        assert {firsts[other] for other in others} == {first}


@pytest.mark.parametrize("waits", [True, False], ids=["while it waits to go again", "while it is under way"])
@on_virtual_time
async def test_from_another_address(tmp_path: Path, *, waits: bool) -> None:
    """What goes again over a socket that was opened anew is no copy of what went, which would look recorded."""
    peer = Peer()
    async with staffed(SEALED, folder=tmp_path) as desk, serving(desk, then=silent) as server:
        desk.send("coap", b"21.5", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(1)
        if waits:
            await desk.outbox.queue.until_any()
        went = len(server.raw)
        desk.module.say("+CSOERR: 0,3")
        server.then = saying(peer, aiocoap.CHANGED)
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
        assert server.raw[-1] not in server.raw[:went]
        peer.open(server.got[0])
        [(_, message), (number, _)] = peer.opened
        assert value(message, FIRST) == number


@on_virtual_time
async def test_commands(tmp_path: Path) -> None:
    """A command is published once, and the next message says that it was taken, until that has been answered."""
    peer = Peer()
    answers = [
        saying(peer, aiocoap.CHANGED, b"on", (COMMAND, b"\x05")),
        saying(peer, aiocoap.CHANGED, b"on", (COMMAND, b"\x05")),
        silent,
        saying(peer, aiocoap.CHANGED, b"off", (COMMAND, b"\x06")),
    ]
    async with (
        staffed(SEALED, folder=tmp_path) as desk,
        serving(desk, *answers, then=saying(peer, aiocoap.CHANGED)),
    ):
        for name in ("m1", "m2", "m3", "m4", "m5"):
            desk.send("coap", b"21.5", **named(name))
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        assert [value(message, COMMAND) for _, message in peer.opened] == [None, 5, 5, 6, None]
        assert received(desk) == [b"on", b"off"]
        assert desk.outbox.last_command("coap") == 6


@on_virtual_time
async def test_a_command_of_a_far_end_that_has_forgotten_some(tmp_path: Path) -> None:
    """One whose numbers are behind, as out of a backup, is told the last that came, not its own."""
    peer = Peer()
    answers = [
        saying(peer, aiocoap.CHANGED, b"on", (COMMAND, b"\x09")),
        saying(peer, aiocoap.CHANGED, b"off", (COMMAND, b"\x05")),
        saying(peer, aiocoap.CHANGED, b"off", (COMMAND, b"\x0a")),
    ]
    async with (
        staffed(SEALED, folder=tmp_path) as desk,
        serving(desk, *answers, then=saying(peer, aiocoap.CHANGED)),
    ):
        for name in ("m1", "m2", "m3", "m4"):
            desk.send("coap", b"21.5", **named(name))
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        assert [value(message, COMMAND) for _, message in peer.opened] == [None, 9, 9, 10]
        assert received(desk) == [b"on", b"off"]


@on_virtual_time
async def test_a_key_that_cannot_be_used(tmp_path: Path) -> None:
    """While no number can be had, messages wait, and go once there is one."""
    peer = Peer()
    folder = tmp_path / "later"
    folder.write_text("where a folder should be")
    async with staffed(SEALED, folder=folder) as desk, serving(desk, then=saying(peer, aiocoap.CHANGED)) as server:
        desk.send("coap", b"21.5", **named("m1"))
        await asyncio.sleep(PAUSES[0] * 10)
        assert (server.got, desk.receipts("coap", "m1")) == ([], ["queued"])
        folder.unlink()
        assert (await desk.final("coap", "m1"))["state"] == "acknowledged"
