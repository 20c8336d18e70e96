"""All that stands between MQTT and a scripted module: router, requests and reporter, wired as the bridge does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sim7020_bridge.config.model import MqttSettings, SocketSettings
from sim7020_bridge.delivery.intake import Intake
from sim7020_bridge.delivery.observer import Observer
from sim7020_bridge.delivery.receipts import Receipts
from sim7020_bridge.delivery.router import Router, resumed
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import PendingPublication, Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.passing_time import Clocks, PassingTime
from sim7020_bridge.reports.documents import pdn_document
from sim7020_bridge.reports.reporter import Reporter
from sim7020_bridge.requests.delivery_verbs import DeliveryVerbs
from sim7020_bridge.requests.modem_verbs import ModemVerbs
from sim7020_bridge.requests.requests import Requests
from sim7020_bridge.requests.trace import TraceRequest
from tests.bridge.instant_store import InstantStore
from tests.bridge.modem.bench import Bench, running, virtual_clock
from tests.bridge.scripted_module import ScriptedModule

TOPICS = Topics("sim7020", "shed")


@dataclass(slots=True)
class Desk:
    """A modem with its router, requests and reporter, and everything that they published."""

    bench: Bench
    published: list[Publication] = field(default_factory=list)
    acknowledged: list[Received] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    observer: Observer | None = None
    folder: Path = Path("/nonexistent")
    _kept: asyncio.Queue[tuple[int, PendingPublication]] = field(default_factory=asyncio.Queue)
    trace: TraceRequest = field(init=False)
    usage: Usage = field(init=False)
    outbox: Outbox = field(init=False)
    router: Router = field(init=False)
    intake: Intake = field(init=False)
    requests: Requests = field(init=False)
    reporter: Reporter = field(init=False)

    def __post_init__(self) -> None:
        bench = self.bench
        response_topics = ResponseTopics(
            MqttSettings("broker", base_topic=TOPICS.base), [bench.settings], discovery_prefix="homeassistant"
        )
        receipts = Receipts(TOPICS, bench.settings.sockets, observer=self.observer, clock=virtual_clock)
        self.trace = TraceRequest(bench.settings.name)
        self.usage = Usage(bench.settings.data_budget, changed=lambda *_: self._outbox_changed(), clock=virtual_clock)
        self.outbox = Outbox(
            InstantStore(),
            settings=bench.settings.outbox,
            hooks=Hooks(
                lost=receipts.lost,
                resumed=partial(resumed, bench.settings.sockets),
                changed=self._outbox_changed,
                publish=lambda *numbered: self._kept.put_nowait(numbered),
                usage=lambda *_: None,
            ),
            time=PassingTime(Clocks(boot=str, uptime=asyncio.get_running_loop().time, wall=lambda: 0.0)),
        )
        self.router = Router(
            bench.modem.sockets,
            outbox=self.outbox,
            receipts=receipts,
            topics=TOPICS,
            publish_interim=lambda receipt: self.tell(receipt()),
            lowest=lambda: Priority.LOW,
            folder=self.folder,
            clock=virtual_clock,
        )
        self.intake = Intake(
            bench.settings.sockets,
            outbox=self.outbox,
            receipts=receipts,
            response_topics=response_topics,
            publish_interim=lambda receipt: self.tell(receipt()),
            acknowledge=self.acknowledged.append,
            observer=self.observer,
            clock=virtual_clock,
        )
        self.requests = Requests(
            topics=TOPICS,
            response_topics=response_topics,
            submit=self.intake.submit,
            acknowledge=self.acknowledged.append,
            publish=self._publish,
            verbs={
                **ModemVerbs(bench.modem, pdn=lambda state: pdn_document(state.pdn)).verbs,
                **DeliveryVerbs(self.outbox, self.usage).verbs,
                **self.trace.verbs,
            },
            clock=virtual_clock,
        )
        self.reporter = Reporter(
            bench.settings,
            store=bench.modem.store,
            sockets=bench.modem.sockets,
            outbox=self.outbox,
            usage=self.usage,
            topics=TOPICS,
            requests=self.requests.verbs,
            publish=self._report,
            clock=virtual_clock,
        )
        bench.on_socket = self.reporter.socket_changed
        bench.on_data = self.router.deliver

    def _report(self, publication: Publication) -> None:
        self._publish(publication)
        if self.observer is not None:
            self.observer.published(publication)

    def _publish(self, publication: Publication) -> None:
        self.published.append(publication)
        self.news.set()

    def _outbox_changed(self) -> None:
        self.reporter.delivery_changed()
        self.router.recheck()

    def tell(self, publications: tuple[PendingPublication, ...]) -> None:
        """Publish receipts."""
        for each in publications:
            self._publish(Publication(topic=each.topic, payload=each.payload, correlation_data=each.correlation_data))

    async def take(self, publication: PendingPublication) -> None:
        """Take what is kept for the broker, as the broker does, and acknowledge it."""
        self.tell((publication,))

    async def _take_all(self) -> None:
        while True:
            number, publication = await self._kept.get()
            await self.take(publication)
            self.outbox.pending.remove(number)

    async def serve(self) -> None:
        """Carry messages until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.router.run())
            tasks.create_task(self._take_all())

    async def _more(self) -> None:
        self.news.clear()
        await self.news.wait()

    @property
    def module(self) -> ScriptedModule:
        """The module."""
        return self.bench.module

    def send(self, socket: str, payload: bytes, **more: Any) -> None:
        """Publish to a socket's send topic."""
        self.intake.receive(socket, Received(topic=TOPICS.send(socket), payload=payload, **more))

    def request(self, verb: str, fields: dict[str, Any] | bytes, **more: Any) -> None:
        """Publish a request."""
        payload = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        self.requests.take(verb, Received(topic=TOPICS.request(verb), payload=payload, **more))

    async def ask(self, verb: str, within: float = 600.0, **fields: Any) -> dict[str, Any]:
        """Make a request and return its response."""
        before = len(self.on(TOPICS.response(verb)))
        self.request(verb, fields)
        async with asyncio.timeout(within):
            while len(self.on(TOPICS.response(verb))) == before:
                await self._more()
        return self.documents(TOPICS.response(verb))[-1]

    def on(self, topic: str) -> list[Publication]:
        """Return what was published on a topic."""
        return [publication for publication in self.published if publication.topic == topic]

    def documents(self, topic: str) -> list[dict[str, Any]]:
        """Return the JSON documents that were published on a topic."""
        return [json.loads(publication.payload) for publication in self.on(topic)]

    def receipts(self, socket: str, message_id: str | None = None) -> list[str]:
        """Return the states of a message's receipts, or of all of a socket."""
        receipts = self.documents(TOPICS.receipt(socket))
        return [receipt["state"] for receipt in receipts if message_id in {None, receipt["id"]}]

    async def final(self, socket: str, message_id: str, within: float = 7200.0) -> dict[str, Any]:
        """Return a message's final receipt; there is exactly one."""
        async with asyncio.timeout(within):
            while True:
                receipts = [one for one in self.documents(TOPICS.receipt(socket)) if one["id"] == message_id]
                final = [one for one in receipts if one["final"]]
                assert len(final) <= 1
                if final:
                    assert receipts[-1] is final[0]
                    return final[0]
                await self._more()


@asynccontextmanager
async def wired(bench: Bench, observer: Observer | None = None, folder: Path | None = None) -> AsyncIterator[Desk]:
    """Wire a modem's router, requests and reporter, which nothing runs yet; end them after the block."""
    desk = Desk(bench, observer=observer, folder=folder or Path("/nonexistent"))
    try:
        yield desk
    finally:
        await desk.requests.stop()
        desk.trace.stop()
        desk.reporter.stop()
        await desk.outbox.close()


@asynccontextmanager
async def staffed(
    *sockets: SocketSettings,
    absent: int = 0,
    observer: Observer | None = None,
    folder: Path | None = None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """Keep a modem attached and serve its sockets while the block runs; ``settings`` as for ``running``."""
    async with running(*sockets, absent=absent, **settings) as bench, wired(bench, observer, folder) as desk:
        await desk.outbox.load()
        serving = asyncio.create_task(desk.serve(), name="router")
        try:
            yield desk
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


def named(message_id: str, **properties: str) -> dict[str, Any]:
    """Return the user properties of a message."""
    return {"user_properties": (("id", message_id), *properties.items())}


def sent(desk: Desk) -> list[str]:
    """Return the payloads that the module was given, as text."""
    return [bytes.fromhex(line.split('"')[1]).decode() for line in desk.module.heard if line.startswith("AT+CSOSEND=")]


async def change(desk: Desk, *sockets: SocketSettings) -> None:
    """Have other sockets, as the bridge does when its configuration is read again."""
    desk.intake.change(sockets)
    await desk.bench.modem.sockets.change(sockets)
    await desk.router.change()
    desk.reporter.change(replace(desk.bench.settings, sockets=sockets))
