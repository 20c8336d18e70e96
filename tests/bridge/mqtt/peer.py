"""A client of the broker under test, and a relay that stands between the two."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self

import pytest

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.standing import Trouble
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from tests.broker import Mosquitto

QUICK = ClientTiming(
    connect=2.0,
    first_retry=0.02,
    last_retry=0.1,
    refused_retry=0.05,
    stable=5.0,
    farewell=1.0,
    tick=0.05,
    forbidden=(0.3, 1.0),
    retained=0.3,
)


PATIENCE = 30.0
"""Seconds that a test waits for something that must come."""


WILL = Publication(topic="b/m/availability", payload=b"offline", retain=True)


PROTOCOLS = pytest.mark.parametrize("protocol", list(MqttProtocol), ids=["v5", "v311"])


class Peer:
    """A client under test, with what it heard."""

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str = "sim7020-bridge-m",
        subscriptions: Sequence[Subscription] = (Subscription("to/#", retain_as_published=True),),
        greeting: Sequence[Publication] = (),
        farewell: Sequence[Publication] = (),
        probe: str | None = None,
        timing: ClientTiming = QUICK,
    ) -> None:
        self.heard: asyncio.Queue[Received] = asyncio.Queue()
        self.forbidden: list[str] = []
        self.troubles: list[Trouble] = []
        self.connections = 0
        self.greeting = greeting
        self.client = MqttClient(
            settings,
            client_id=client_id,
            will=WILL,
            farewell=farewell,
            subscriptions=subscriptions,
            probe=probe,
            on_connect=self.connected,
            on_message=self.heard.put_nowait,
            on_forbidden=self.forbidden.append,
            on_trouble=self.trouble_changed,
            timing=timing,
        )
        self.task = asyncio.create_task(self.client.run())

    def connected(self) -> None:
        """Count connections, and greet."""
        self.connections += 1
        for publication in self.greeting:
            self.client.publish(publication)

    def trouble_changed(self) -> None:
        """Note what is to mend now."""
        self.troubles.append(self.client.trouble)

    async def published(self, publication: Publication) -> None:
        """Publish, and return when the broker has it; raises PayloadRefused if it never will."""
        answer: asyncio.Future[PayloadRefused | None] = asyncio.get_running_loop().create_future()

        def done(refused: PayloadRefused | None) -> None:
            if not answer.done():
                answer.set_result(refused)

        outgoing = self.client.publish_awaited(publication, done)
        try:
            async with asyncio.timeout(PATIENCE):
                refused = await answer
        finally:
            self.client.withdraw(outgoing)
        if refused is not None:
            raise refused

    async def next(self) -> Received:
        """Return the next message, acknowledged."""
        async with asyncio.timeout(PATIENCE):
            received = await self.heard.get()
        self.client.acknowledge(received)
        return received

    async def ready(self, *, connections: int = 1) -> None:
        """Return when connected for the nth time and subscribed."""
        await until(lambda: self.connections >= connections and self.client.connected)

    async def end(self) -> None:
        """Stop in good order."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


async def until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - logs and brokers set no events
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def peer(settings: MqttSettings, **how: object) -> AsyncIterator[Peer]:
    """Run a client that is connected."""
    one = Peer(settings, **how)  # type: ignore[arg-type]  # keywords of Peer, passed on
    try:
        await one.ready()
        yield one
    finally:
        await one.end()


def at(broker: Mosquitto, protocol: MqttProtocol = MqttProtocol.V5) -> MqttSettings:
    """Return settings for a broker."""
    return MqttSettings(broker.host, broker.port, protocol=protocol)


class Relay:
    """A TCP relay that can hold everything back, or answer with bytes of its own."""

    def __init__(self, to: int | None = None, answer: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self.to = to
        self.answer = answer
        self.tls = tls
        self.flows = asyncio.Event()
        self.flows.set()
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.to is None:
                await reader.read(1)
                writer.write(self.answer)
                await reader.read()
                return
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, up_writer))
                group.create_task(self._copy(up_reader, writer))
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            return
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self.flows.wait()
                writer.write(data)
        finally:
            writer.close()


async def run(*command: str) -> str:
    """Run a program to its end and return what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert not error, error.decode()
    return out.decode()
