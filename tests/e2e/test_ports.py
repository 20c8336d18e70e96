"""Every kind of port, and a line that does its worst, with traffic over a whole session."""

import asyncio
import os
import random
from pathlib import Path
from socket import create_server

import pytest

from tests.e2e.mqtt_peer import Mqtt5
from tests.e2e.serial_servers import Rfc2217Server, hostile_server
from tests.e2e.servers import until
from tests.e2e.world import Modem, Settings, World, tcp, udp
from tests.hostile import WORLDS
from tests.ports import free_port

HOSTILE = (
    "as it is, one byte at a time",
    "as it is, split randomly 1",
    "as it is, glued",
    "URC first, split randomly 2",
    "URC before final, one byte at a time",
    "noise first, one byte at a time",
    "noise before final, split randomly 3",
    "no blank after colon, line by line",
    "doubled line ends, split randomly 1",
    "single line ends, one byte at a time",
)


async def carries_traffic(world: World, port: str, *, messages: int = 20) -> Modem:
    """Hold a port to random payloads both ways on a UDP and a TCP socket."""
    datagrams, stream = await world.udp(echo=True), await world.tcp(echo=True)
    shed = await world.shed(port, {"telemetry": udp(datagrams.port), "control": tcp(stream.port)})
    dice = random.Random(port)  # noqa: S311 - traffic, not secrets
    sent = [bytes(range(256)), *(dice.randbytes(dice.randint(1, 512)) for _ in range(messages))]
    for number, payload in enumerate(sent):
        for socket in ("telemetry", "control"):
            properties = Mqtt5(user=(("id", f"{socket}{number}"),))
            world.mqtt.post(shed.topic(f"socket/{socket}/send"), payload, properties=properties)

    def came(socket: str) -> list[bytes]:
        return [heard.payload for heard in world.mqtt.all(shed.topic(f"socket/{socket}/received"))]

    await until(lambda: len(came("telemetry")) == len(sent) and len(b"".join(came("control"))) >= sum(map(len, sent)))
    assert datagrams.datagrams == sent
    assert came("telemetry") == sent
    assert bytes(stream.stream) == b"".join(sent)
    assert b"".join(came("control")) == b"".join(sent)
    for number in range(len(sent)):
        await shed.receipt("telemetry", f"telemetry{number}", "accepted")
        await shed.receipt("control", f"control{number}", "acknowledged")
    return shed


async def test_pty(world: World) -> None:
    """A path to a tty."""
    emulator = await world.emulator(baud="921600")
    await carries_traffic(world, emulator.place)


async def test_tcp_server(world: World) -> None:
    """socket:// to a serial server that is a plain TCP port."""
    emulator = await world.emulator(tcp=True)
    await carries_traffic(world, emulator.place)


async def test_rfc2217_server(world: World) -> None:
    """rfc2217:// to pyserial's own server in front of the module's pty, which is given the baud rate."""
    emulator = await world.emulator()
    with await asyncio.to_thread(Rfc2217Server, emulator.place) as server:
        await carries_traffic(world, f"rfc2217://127.0.0.1:{server.port}", messages=5)
        assert server.device.baudrate == 115200
        await world.end_bridges()


@pytest.mark.parametrize(
    ("accepter", "url"),
    [
        ("tcp", "socket://127.0.0.1:{}"),
        # a pty has no DTR and RTS that the server could set
        ("telnet(rfc2217),tcp", "rfc2217://127.0.0.1:{}?ign_set_control"),
    ],
    ids=["raw", "rfc2217"],
)
async def test_ser2net(world: World, tmp_path: Path, accepter: str, url: str) -> None:
    """The usual serial server of Linux in front of the module's pty."""
    emulator = await world.emulator()
    port = free_port()
    settings = tmp_path / "ser2net.yaml"
    settings.write_text(
        "connection: &modem\n"
        f"  accepter: {accepter},127.0.0.1,{port}\n"
        f"  connector: serialdev,{emulator.place},115200n81,local\n"
    )
    server = await asyncio.create_subprocess_exec("ser2net", "-n", "-u", "-c", str(settings))
    try:
        await carries_traffic(world, url.format(port), messages=5)
        await world.end_bridges()
    finally:
        server.terminate()
        await server.wait()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_line(world: World, name: str) -> None:
    """A line that splits, adds and garbles between answers loses no byte of payload over a whole session."""
    emulator = await world.emulator(tcp=True)
    async with hostile_server(emulator.place, WORLDS[name]) as port:
        shed = await carries_traffic(world, port)
        assert (await shed.online())["counters"]["reboots"] == 0
        await world.end_bridges()


async def test_serial_servers_that_say_nothing(world: World) -> None:
    """However many ports only take the connection, another modem of the bridge is served."""
    emulator, peer = await world.emulator(), await world.udp()
    silent = [create_server(("127.0.0.1", 0)) for _ in range(2 * min(32, (os.cpu_count() or 1) + 4))]
    ports = {f"silent{number}": one.getsockname()[1] for number, one in enumerate(silent)}
    modems: dict[str, Settings] = {name: {"port": f"rfc2217://127.0.0.1:{port}"} for name, port in ports.items()}
    try:
        with await asyncio.to_thread(Rfc2217Server, emulator.place) as server:
            modems["shed"] = {"port": f"rfc2217://127.0.0.1:{server.port}", "sockets": {"telemetry": udp(peer.port)}}
            await world.bridge(modems)
            shed = world.modem("shed")
            await shed.online()
            world.mqtt.post(shed.topic("socket/telemetry/send"), b"1", properties=Mqtt5(user=(("id", "m1"),)))
            await shed.receipt("telemetry", "m1", "accepted")
            await world.end_bridges()
    finally:
        for one in silent:
            one.close()
