"""Sealed sockets end to end: the real bridge, killed, and a peer that opens what comes as aiocoap does."""

from pathlib import Path

import aiocoap

from tests.coap_datagram import taken_apart
from tests.e2e.coap_servers import OscoreServer
from tests.e2e.servers import UdpServer, until
from tests.e2e.world import World
from tests.oscore_peer import FIRST, KEYS, Peer, value


def sealed(directory: Path, port: int) -> dict[str, object]:
    """Return the settings of a sealed socket, with its secret in a file."""
    file = directory / "secret"
    file.write_text(KEYS.secret.hex())
    file.chmod(0o600)
    oscore = {"secret_file": str(file), "salt": KEYS.salt.hex(), "sender_id": "", "recipient_id": "01"}
    return {"protocol": "coap", "url": f"coap://127.0.0.1:{port}/t", "oscore": oscore}


def answering(server: UdpServer, peer: Peer) -> None:
    """Have a server acknowledge each request."""

    def answer(data: bytes) -> None:
        seen = taken_apart(data)
        if seen.code == (0, 2):
            server.send(peer.answer(seen, aiocoap.CHANGED, b"done")[1])

    server.on_data = answer


async def test_killed_over_and_over(world: World, tmp_path: Path) -> None:
    """No number is used twice, whenever the bridge is killed; a message that goes again says by which it is known."""
    peer, server = Peer(), await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": sealed(tmp_path, server.port)})
    await shed.send("telemetry", b"m1", "m1")
    await until(lambda: len(server.datagrams) > 0)
    for _ in range(3):
        seen = len(server.datagrams)
        await world.bridges[0].kill()
        await world.bridges[0].start()
        await until(lambda: len(server.datagrams) > seen)  # noqa: B023 - asked within the loop
    answering(server, peer)
    await world.bridges[0].kill()
    await world.bridges[0].start()
    await shed.receipt("telemetry", "m1", "acknowledged")
    await shed.send("telemetry", b"m2", "m2")
    await shed.receipt("telemetry", "m2", "acknowledged")
    await until(lambda: len(world.mqtt.all(shed.topic("socket/telemetry/received"))) == 2)
    seals = {data[6:] for data in server.datagrams}  # behind the head and the token, which an unsealed repeat has, too
    opened = Peer()
    for data in {data[6:]: data for data in server.datagrams}.values():
        opened.open(taken_apart(data))
    assert len({number for number, _ in opened.opened}) == len(seals) >= 6
    of_m1 = sorted((number, value(message, FIRST)) for number, message in opened.opened if message.payload == b"m1")
    assert [first for _, first in of_m1] == [None, *[of_m1[0][0]] * (len(of_m1) - 1)]
    assert [value(message, FIRST) for _, message in opened.opened if message.payload == b"m2"] == [None]
    assert not any(b"m1" in data or b"m2" in data for data in server.datagrams)


async def test_aiocoap(world: World, tmp_path: Path) -> None:
    """What is sealed is opened by aiocoap's own server, once, also if that or the bridge was killed in between."""
    emulator = await world.emulator()
    server = OscoreServer(tmp_path / "server")
    shed = await world.shed(emulator.place, {"telemetry": sealed(tmp_path, server.port)})

    async def goes(name: str, *, datagrams: int) -> None:
        await shed.send("telemetry", name.encode(), name)
        await shed.receipt("telemetry", name, "acknowledged")
        await shed.received("telemetry", b"got " + name.encode())
        await shed.socket("telemetry", lambda state: state["sent"]["messages"] == datagrams)

    async with server:
        await goes("m1", datagrams=1)
        await goes("m2", datagrams=2)
        await server.kill()
    async with server:
        # it has forgotten what it saw, asks by an Echo whether what comes is fresh, and is shown that it is
        await goes("m3", datagrams=4)
        await goes("m4", datagrams=5)
        await world.bridges[0].kill()
        await world.bridges[0].start()
        await goes("m5", datagrams=1)
    assert server.posted == [b"m1", b"m2", b"m3", b"m4", b"m5"]
