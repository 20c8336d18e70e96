"""Five sockets at once, both ways, byte for byte; and payloads of every size."""

import asyncio
import random

from tests.e2e.mqtt_peer import Heard, Mqtt5
from tests.e2e.servers import TcpServer, UdpServer, until
from tests.e2e.world import Modem, World, tcp, udp

MESSAGES = 120
"""Each way on each socket; tests/nightly has a thousand."""

WINDOW = 50
"""Messages of one socket that are under way at a time: the bridge's memory for what waits is bounded."""


def payloads(seed: int, messages: int) -> list[bytes]:
    """Return random messages of which every one has another length, and all together every byte value."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    found = [dice.randbytes(dice.choice((1, 2, 7, 16, 40, 64, 100, 512))) for _ in range(messages - 1)]
    return [bytes(range(256)), *found]


class Flow:
    """One socket's traffic: what is sent up by a user and down by its server, and what has arrived."""

    def __init__(self, modem: Modem, socket: str, server: UdpServer | TcpServer, seed: int, messages: int) -> None:
        self.modem = modem
        self.socket = socket
        self.server = server
        self.upward = payloads(seed, messages)
        self.downward = payloads(seed + 100, messages)
        self.arrived: list[bytes] = []
        self.final = asyncio.Semaphore(WINDOW)
        self.finals: list[str] = []

    def take(self, heard: Heard) -> None:
        """Take a message of the bridge, if it is of this socket."""
        if heard.topic == self.modem.topic(f"socket/{self.socket}/received"):
            self.arrived.append(heard.payload)
        elif heard.topic == self.modem.topic(f"socket/{self.socket}/receipt") and heard.json()["final"]:
            self.finals.append(heard.json()["state"])
            self.final.release()

    async def up(self) -> None:
        """Publish every message, so many at a time."""
        for number, payload in enumerate(self.upward):
            await self.final.acquire()
            topic = self.modem.topic(f"socket/{self.socket}/send")
            self.modem.mqtt.post(topic, payload, properties=Mqtt5(user=(("id", f"{self.socket}-{number}"),)))

    async def down(self) -> None:
        """Send every message from the server, as fast as a datagram socket's buffer allows."""
        await until(
            lambda: self.server.stream != b"" if isinstance(self.server, TcpServer) else bool(self.server.datagrams)
        )
        for number, payload in enumerate(self.downward):
            if isinstance(self.server, TcpServer):
                self.server.writer.write(payload)
                await self.server.writer.drain()
            else:
                self.server.send(payload)
                await until(lambda number=number: len(self.arrived) > number - WINDOW)  # type: ignore[misc]

    async def done(self) -> None:
        """Return when everything has arrived at both ends, and hold it to what was sent."""
        down = sum(map(len, self.downward))
        await until(lambda: len(self.finals) == len(self.upward) and sum(map(len, self.arrived)) == down, within=240)
        # the module takes a datagram a moment before it leaves
        up = sum(map(len, self.upward))
        server = self.server
        await until(lambda: sum(map(len, [server.stream] if isinstance(server, TcpServer) else server.datagrams)) == up)
        if isinstance(self.server, TcpServer):
            assert bytes(self.server.stream) == b"".join(self.upward)
            assert b"".join(self.arrived) == b"".join(self.downward)
            assert set(self.finals) == {"acknowledged"}
        else:
            assert self.server.datagrams == self.upward
            assert self.arrived == self.downward
            assert set(self.finals) == {"accepted"}


async def test_five_sockets_both_ways(world: World) -> None:
    """Random messages each way on each of five mixed sockets at once arrive complete and in order."""
    await both_ways(world, MESSAGES)


async def both_ways(world: World, messages: int) -> None:
    """Hold a bridge to so many messages each way on each of five sockets."""
    servers: dict[str, UdpServer | TcpServer] = {
        "t0": await world.tcp(),
        "u1": await world.udp(),
        "t2": await world.tcp(),
        "u3": await world.udp(),
        "u4": await world.udp(),
    }
    emulator = await world.emulator()
    sockets = {
        name: tcp(server.port) if isinstance(server, TcpServer) else udp(server.port)
        for name, server in servers.items()
    }
    shed = await world.shed(emulator.place, sockets)
    flows = [Flow(shed, name, server, seed, messages) for seed, (name, server) in enumerate(servers.items())]
    for flow in flows:
        world.mqtt.watch(flow.take)
    await asyncio.gather(*(flow.up() for flow in flows), *(flow.down() for flow in flows))
    await asyncio.gather(*(flow.done() for flow in flows))
    for flow in flows:
        state = await shed.socket(
            flow.socket, lambda state: state["sent"]["messages"] == messages and state["received"]["bytes"] > 0
        )
        assert state["sent"]["bytes"] == sum(map(len, flow.upward))
        assert state["last_error"] is None
    counters = (await shed.online())["counters"]
    assert not any(counters["recoveries"].values())
    assert (counters["reboots"], counters["resyncs"]) == (0, 0)


async def test_long_payload_on_tcp(world: World) -> None:
    """A payload over the module's limit is split on TCP, and is acknowledged as one message."""
    server = await world.tcp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    stream, pieces = b"", 0
    for size in (513, 1460, 5000):
        payload = random.Random(size).randbytes(size)  # noqa: S311 - repeatable, not secret
        await shed.send("control", payload, f"m{size}")
        assert (await shed.receipt("control", f"m{size}", "acknowledged"))["bytes"] == size
        stream += payload
        pieces += -(-size // 512)
        assert sum(command.startswith("AT+CSOSEND=") for command in emulator.commands()) == pieces
    await server.has(stream)


async def test_long_payload_on_udp(world: World) -> None:
    """A payload over the module's limit is rejected on UDP, one at the limit is a datagram."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await shed.send("telemetry", bytes(513), "long")
    receipt = await shed.receipt("telemetry", "long", "rejected")
    assert (receipt["final"], receipt["error"]["code"]) == (True, "too_large")
    assert "513" in receipt["error"]["message"]
    assert "512" in receipt["error"]["message"]
    await shed.send("telemetry", bytes(512), "fits")
    await server.has(bytes(512))
    assert shed.receipts("telemetry", "long") == ["rejected"]


async def test_firmware_that_takes_half_as_much(world: World) -> None:
    """With `max_payload` what such a module would refuse is rejected at once for UDP, and goes in parts for TCP."""
    datagrams, stream = await world.udp(), await world.tcp()
    emulator = await world.emulator("--variant", "csosend_max=256")
    sockets = {
        "telemetry": udp(datagrams.port, max_payload=256),
        "unaware": udp(datagrams.port),
        "control": tcp(stream.port, max_payload=256),
    }
    shed = await world.shed(emulator.place, sockets)
    await shed.send("telemetry", bytes(257), "long")
    receipt = await shed.receipt("telemetry", "long", "rejected")
    assert receipt["error"]["code"] == "too_large"
    await shed.send("telemetry", bytes(256), "fits")
    await datagrams.has(bytes(256))
    await shed.send("control", b"x" * 600, "stream")
    await shed.receipt("control", "stream", "acknowledged")
    assert bytes(stream.stream) == b"x" * 600
    await shed.send("unaware", bytes(257), "refused")
    assert (await shed.receipt("unaware", "refused", "failed"))["error"]["code"] == "module_refused"
