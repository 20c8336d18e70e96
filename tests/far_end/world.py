"""A far end in the test's own process, with a real broker, and modems that are sealed by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_far_end.configuration import load
from sim7020_far_end.far_end import FarEnd
from tests.broker import Mosquitto, mosquitto
from tests.contract_check import CONTRACT
from tests.e2e.mqtt_peer import PATIENCE, Heard, MqttPeer
from tests.e2e.servers import until
from tests.far_end.sealed_client import ECHO, Client, Said, Sent
from tests.ports import free_port

SECRET = bytes(range(16)).hex()
QUICK = ClientTiming(first_retry=0.05, last_retry=0.1, refused_retry=0.1)


def configured(directory: Path, port: int, more: str = "", modem: str = "") -> Path:
    """Write a configuration with one modem; return its file."""
    key = directory / "shed.key"
    key.write_text(f"{SECRET}\n")
    key.chmod(0o600)
    file = directory / "far-end.yaml"
    file.write_text(
        f"mqtt: {{host: 127.0.0.1, port: {port}}}\n"
        f"listen: 127.0.0.1:{free_port()}\n"
        f"state_dir: {directory}/state\n"
        f"{more}"
        "modems:\n"
        "  shed:\n"
        f"{modem}"
        '    oscore: {secret_file: shed.key, sender_id: "", recipient_id: "01"}\n'
    )
    return file


@dataclass
class Line(asyncio.DatagramProtocol):
    """A modem's UDP socket: what came, and when something does."""

    came: "asyncio.Queue[bytes]" = field(default_factory=asyncio.Queue)
    transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's
        """Keep what came."""
        self.came.put_nowait(data)

    async def open(self, port: int) -> None:
        """Talk to a port of this machine."""
        loop, place = asyncio.get_running_loop(), ("127.0.0.1", port)
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=place)

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        assert self.transport
        self.transport.sendto(data)

    async def answered(self) -> bytes:
        """Return the next datagram that comes."""
        async with asyncio.timeout(PATIENCE):
            return await self.came.get()

    def close(self) -> None:
        """End it."""
        if self.transport:
            self.transport.close()


@dataclass
class World:
    """A broker, whoever listens to it, a far end, and a modem."""

    directory: Path
    broker: Mosquitto
    peer: MqttPeer
    file: Path
    client: Client = field(default_factory=Client)
    line: Line = field(default_factory=Line)
    port: int = 0
    passed: timedelta = timedelta()
    far_end: FarEnd = field(init=False)
    _task: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Run the far end, and open the modem's socket to it."""
        listens: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.far_end = FarEnd(load(self.file), clock=lambda: datetime.now(UTC) + self.passed, timing=QUICK)
        self._task = asyncio.create_task(self.far_end.run(listens.set_result))
        async with asyncio.timeout(PATIENCE):
            await until(lambda: listens.done() or (self._task is not None and self._task.done()))
        if self._task.done():
            await self._task
        self.port = listens.result()
        self.line.close()
        self.line = Line()
        await self.line.open(self.port)

    @property
    def is_connected(self) -> bool:
        """Whether the far end has its broker."""
        return self.far_end._broker.is_there

    async def settled(self) -> None:
        """Return once the far end has dealt with all that was sent to it: it answers a ping last."""
        line = Line()
        await line.open(self.port)
        line.send(b"\x40\x00\x00\x01")
        await line.answered()
        line.close()
        await until(lambda: not any(task.get_name().startswith("answer to") for task in asyncio.all_tasks()))

    async def online(self) -> None:
        """Wait until the far end has its broker."""
        await until(lambda: self.is_connected)

    async def stop(self) -> None:
        """End the far end."""
        self.line.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def said(self, request: Sent, line: Line | None = None) -> Said:
        """Send a request, and return what it was answered."""
        line = line or self.line
        line.send(request.datagram)
        return self.client.open(await line.answered(), request)

    async def post(self, payload: bytes, *path: str, **more: Any) -> Said:
        """Post something, with proof that it is new where that is asked for, and return the answer."""
        said = await self.said(self.client.post(payload, *path, **more))
        if ECHO in said.options:
            said = await self.said(self.client.post(payload, *path, echo=said.options[ECHO], **more))
        return said

    async def published(self, count: int, path: str = "t") -> list[bytes]:
        """Return what was published of what the modem posted to a path, once there is so much of it."""
        topic = f"far-end/shed/received/{path}"
        await self.peer.message(topic, lambda _: len(self.peer.all(topic)) >= count)
        return self.received(path)

    def received(self, path: str = "t") -> list[bytes]:
        """Return what was published of what the modem posted to a path."""
        return [heard.payload for heard in self.peer.heard if heard.topic == f"far-end/shed/received/{path}"]

    async def event(self, kind: str) -> Heard:
        """Return an event once it is told."""
        return await self.peer.message("far-end/shed/event", lambda heard: bool(heard.json()["type"] == kind))


@asynccontextmanager
async def a_world(directory: Path, more: str = "", modem: str = "", *, start: bool = True) -> AsyncIterator[World]:
    """Run a broker, a far end with one modem, and a listener for a test."""
    async with mosquitto(directory) as broker:
        peer = MqttPeer("127.0.0.1", broker.port)
        peer.hurry()
        await peer.start()
        world = World(directory, broker, peer, configured(directory, broker.port, more, modem))
        try:
            if start:
                await world.start()
                await world.online()
            yield world
        finally:
            await world.stop()
            await peer.stop()
    for heard in peer.heard:
        check(heard)


def check(heard: Heard) -> None:
    """Hold what a far end published to its contract."""
    kind = heard.topic.rpartition("/")[2]
    if "/received" in heard.topic or kind == "send" or not heard.topic.startswith("far-end/"):
        return
    if kind == "availability":
        assert heard.payload in {b"online", b"offline"}
    else:
        schema = json.loads((CONTRACT / "far-end" / f"{kind}.json").read_text())
        assert [error.message for error in Draft202012Validator(schema).iter_errors(heard.json())] == []
    assert heard.retain is (kind != "event")
