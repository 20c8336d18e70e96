"""Sockets that speak CoAP, against servers that nobody here wrote: bridge, emulator and broker between them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import aiocoap
import pytest

from tests.coap_datagram import ACK, CON, URI_PATH, Seen, put_together, taken_apart
from tests.e2e.coap_servers import CoapServer, LibcoapServer
from tests.e2e.servers import UdpServer, until
from tests.e2e.world import World


def coap(url: str, **keys: object) -> dict[str, object]:
    """Return a socket's settings."""
    return {"protocol": "coap", "url": url, **keys}


@pytest.fixture
async def aio() -> AsyncIterator[CoapServer]:
    """Run aiocoap's server."""
    async with CoapServer() as server:
        yield server


@pytest.fixture
async def lib() -> AsyncIterator[LibcoapServer]:
    """Run libcoap's server."""
    async with LibcoapServer() as server:
        yield server


async def test_aiocoap(world: World, aio: CoapServer) -> None:
    """Messages are acknowledged once aiocoap's server has them, in order, and its answers are published."""
    aio.answer = b"set=3"
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(aio.url)})
    for number in range(5):
        await shed.send("telemetry", b"%d" % number, f"m{number}")
    for number in range(5):
        await shed.receipt("telemetry", f"m{number}", "acknowledged")
    assert aio.posted == [b"0", b"1", b"2", b"3", b"4"]
    await shed.received("telemetry", b"set=3")
    state = await shed.socket("telemetry", lambda state: state["sent"]["messages"] >= 5)
    assert (state["protocol"], state["host"], state["port"]) == ("coap", "127.0.0.1", aio.port)


async def test_aiocoap_answers_by_a_message_of_its_own(world: World, aio: CoapServer) -> None:
    """A server that takes its time acknowledges first, and its answer is acknowledged, too."""
    aio.answer, aio.slow = b"late", 0.5
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(aio.url)})
    await shed.send("telemetry", b"1", "m1")
    await shed.receipt("telemetry", "m1", "acknowledged")
    await shed.received("telemetry", b"late")
    state = await shed.socket("telemetry", lambda state: state["sent"]["messages"] == 2)
    assert state["sent"]["bytes"] == len(put_together(Seen(CON, (0, 2), 1, b"ab", ((URI_PATH, b"t"),), b"1"))) + 4
    assert aio.posted == [b"1"]


@pytest.mark.parametrize("code", [aiocoap.NOT_FOUND, aiocoap.UNAUTHORIZED], ids=str)
async def test_aiocoap_declines(world: World, aio: CoapServer, code: aiocoap.Code) -> None:
    """What aiocoap's server does not take fails with its code in words."""
    aio.code, aio.answer = code, b"no"
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(aio.url)})
    await shed.send("telemetry", b"1", "m1")
    receipt = await shed.receipt("telemetry", "m1", "failed")
    assert receipt["error"] == {"code": "peer_refused", "message": f"the server says {code}: no"}


async def test_libcoap(world: World, lib: LibcoapServer) -> None:
    """What libcoap's server has acknowledged it has: its own client reads it back; what it does not take fails."""
    emulator = await world.emulator()
    sockets = {"telemetry": coap(lib.url("t/shed")), "clock": coap(lib.url("time"))}
    shed = await world.shed(emulator.place, sockets)
    await shed.send("telemetry", b"21.5", "m1")
    await shed.receipt("telemetry", "m1", "acknowledged")
    assert await lib.get("t/shed") == b"21.5"
    await shed.send("telemetry", b"22.5", "m2")
    await shed.receipt("telemetry", "m2", "acknowledged")
    assert await lib.get("t/shed") == b"22.5"
    await shed.send("clock", b"1", "m3")
    receipt = await shed.receipt("clock", "m3", "failed")
    assert receipt["error"]["message"] == "the server says 4.05 Method Not Allowed: Method Not Allowed"


async def test_libcoap_without_confirmation(world: World, lib: LibcoapServer) -> None:
    """A message that may get lost is done once the module took it, and arrives all the same."""
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(lib.url("t"), confirmable=False)})
    await shed.send("telemetry", b"21.5", "m1")
    receipt = await shed.receipt("telemetry", "m1", "accepted")
    assert receipt["final"]
    while await lib.get("t") != b"21.5":
        pass
    assert shed.receipts("telemetry", "m1") == ["queued", "sending", "accepted"]


async def test_a_kill_while_the_server_is_silent(world: World) -> None:
    """What was not acknowledged when the bridge is killed goes again, and ends once."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(f"coap://127.0.0.1:{server.port}/t")})
    await shed.send("telemetry", b"1", "m1")
    await until(lambda: len(server.datagrams) == 1)
    await world.bridges[0].kill()
    answering(server)
    await world.bridges[0].start()
    await shed.receipt("telemetry", "m1", "acknowledged")
    assert {taken_apart(data).payload for data in server.datagrams} == {b"1"}


def answering(server: UdpServer) -> None:
    """Have a server answer each request twice, after a foreign answer and half of one."""

    def answer(data: bytes) -> None:
        seen = taken_apart(data)
        right = Seen(ACK, (2, 4), seen.id, seen.token, (), b"done")
        for datagram in (replace(right, id=seen.id ^ 1), replace(right, token=b"xyz"), right, right):
            server.send(put_together(datagram))
        server.send(put_together(right)[:5])

    server.on_data = answer


async def test_duplicates_and_foreign_answers(world: World) -> None:
    """Each message is acknowledged by its own answer, and that is published once."""
    server = await world.udp()
    answering(server)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(f"coap://127.0.0.1:{server.port}/t")})
    for number in range(10):
        await shed.send("telemetry", b"%d" % number, f"m{number}")
    for number in range(10):
        await shed.receipt("telemetry", f"m{number}", "acknowledged")
    posts = [taken_apart(data) for data in server.datagrams]
    assert [post.payload for post in posts] == [b"%d" % number for number in range(10)]
    assert [post.id for post in posts] == [(posts[0].id + number) % 2**16 for number in range(10)]
    await until(lambda: len(world.mqtt.all(shed.topic("socket/telemetry/received"))) == 10)
    assert [heard.payload for heard in world.mqtt.all(shed.topic("socket/telemetry/received"))] == 10 * [b"done"]


async def test_an_answer_that_is_lost(world: World) -> None:
    """A server whose first answer is lost is asked again by the same datagram."""
    server = await world.udp()
    dropped = count()

    def answer(data: bytes) -> None:
        seen = taken_apart(data)
        if next(dropped):
            server.send(put_together(Seen(ACK, (2, 4), seen.id, seen.token)))

    server.on_data = answer
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": coap(f"coap://127.0.0.1:{server.port}/t")})
    await shed.send("telemetry", b"1", "m1")
    await shed.receipt("telemetry", "m1", "acknowledged")
    assert len(server.datagrams) == 2
    assert server.datagrams[0] == server.datagrams[1]
