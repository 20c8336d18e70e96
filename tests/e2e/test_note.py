"""Every section of the TCP/IP note, through a real pty and a real broker."""

from tests.e2e.world import World, tcp, udp


async def test_3_2_tcp_client(world: World) -> None:
    """TCP/IP note section 3.2: bytes go out and come back over a TCP socket."""
    server = await world.tcp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    await shed.send("control", b"Hello World", "m1")
    await server.has(b"Hello World")
    await shed.received("control", b"Hello World")


async def test_3_3_udp(world: World) -> None:
    """TCP/IP note section 3.3: a datagram goes out and one comes back over a UDP socket."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await shed.send("telemetry", b"Hello World", "m1")
    await server.has(b"Hello World")
    await shed.received("telemetry", b"Hello World")
