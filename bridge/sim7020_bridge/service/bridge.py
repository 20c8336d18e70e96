"""The composition root: a modem's configuration becomes a running modem with its own MQTT connection."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sim7020_bridge import logs
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import ModemSettings, MqttSettings, SocketSettings
from sim7020_bridge.config.values import DISCOVERY_PREFIX
from sim7020_bridge.delivery.intake import Intake
from sim7020_bridge.delivery.observer import Observer
from sim7020_bridge.delivery.pools import Pools
from sim7020_bridge.delivery.publisher import Publisher
from sim7020_bridge.delivery.receipts import Receipts
from sim7020_bridge.delivery.router import Router, resumed
from sim7020_bridge.delivery.usage_record import UsageRecord
from sim7020_bridge.delivery.waking import wake_for_messages
from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.modem.data_cost import Bytes
from sim7020_bridge.modem.data_sessions import DataSessions
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.modem.usage import BudgetLevel, Usage
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.documents import OFFLINE, ONLINE
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.refusals import Problem
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.mqtt.topics import Inbox, Request, SocketSend, Subscription, Topics
from sim7020_bridge.outbox.committer import Committer
from sim7020_bridge.outbox.database import Database, path_of
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import PendingPublication, Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.records import SessionRow, UsageRow
from sim7020_bridge.reports.discovery import Discovery
from sim7020_bridge.reports.documents import Document, pdn_document
from sim7020_bridge.reports.reporter import Reporter
from sim7020_bridge.requests.delivery_verbs import DeliveryVerbs
from sim7020_bridge.requests.modem_verbs import ModemVerbs
from sim7020_bridge.requests.requests import Requests
from sim7020_bridge.requests.trace import TraceRequest
from sim7020_bridge.service.health import Snapshot

log: Final = logging.getLogger(__name__)


class Bridge:
    """One modem and its MQTT connection, wired together.

    Args:
        mqtt: The broker.
        settings: The modem.
        state_dir: Where it keeps what must survive a restart.
        timing: The modem's durations.
        clock: The time of day.
        discovery_prefix: Home Assistant's; None for no discovery.
        response_topics: Where answers may go; None where this is the only modem.
        observer: Told what the bridge does; None if nobody looks on.
    """

    def __init__(
        self,
        mqtt: MqttSettings,
        settings: ModemSettings,
        *,
        state_dir: Path,
        timing: Timing | None = None,
        clock: Clock = wall_clock,
        discovery_prefix: str | None = None,
        response_topics: ResponseTopics | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.settings = settings
        self._observer = observer
        answered = response_topics or ResponseTopics(mqtt, [settings], discovery_prefix=discovery_prefix)
        topics = Topics(mqtt.base_topic, settings.name)
        offline = Publication(topic=topics.availability, payload=OFFLINE, retain=True)
        self._topics, self._offline = topics, offline
        self._inbox = Inbox(topics, settings.sockets)
        self._marks = () if discovery_prefix is None else (Subscription(topics.component, every_time=True),)
        # Home Assistant says on the second, by default, that it has started
        self._calls = (topics.announce, f"{discovery_prefix or DISCOVERY_PREFIX}/status")
        self._client = MqttClient(
            mqtt,
            client_id=settings.client_id or topics.client_id,
            will=offline,
            farewell=(offline,),
            subscriptions=(*self._inbox.subscriptions, *self._marks, *self._inbox.pools),
            probe=topics.availability,
            on_connect=self._connected,
            on_message=self._received,
            on_forbidden=self._forbidden,
            on_trouble=self._trouble_changed,
            on_lost=self._lost,
        )
        self._receipts = receipts = Receipts(topics, settings.sockets, observer=observer, clock=clock)
        self._outbox = Outbox(
            Committer(Database(path_of(state_dir, settings.name))),
            settings=settings.outbox,
            hooks=Hooks(
                lost=receipts.lost,
                resumed=lambda entry: resumed(self.settings.sockets, entry),
                changed=self._outbox_changed,
                publish=self._publish_kept,
                usage=self._restore_usage,
                settling=self._keep_today,
            ),
        )
        power = settings.recovery.power
        self.modem = Modem(
            settings,
            state_dir=state_dir,
            on_socket=self._socket_changed,
            on_data=self._deliver,
            power=None if power is None else PowerHook(power, switch=_Switch(self._client)),
            timing=timing,
            clock=clock,
        )
        self._discovery = Discovery(
            discovery_prefix,
            topics=topics,
            store=self.modem.store,
            sockets=[socket.name for socket in settings.sockets],
            memory=state_dir / f"{settings.name}.discovery",
            publish=self._client.publish,
        )
        self._publisher = Publisher(
            self._client,
            outbox=self._outbox,
            most_received=settings.outbox.max_received,
            dropped=lambda messages: self._reporter.event("received_dropped", messages=messages),
            still_allow=answered.still_allow,
        )
        self._usage = Usage(settings.data_budget, changed=self._usage_changed, clock=clock)
        self._usage_record = UsageRecord(self._usage, outbox=self._outbox)
        self._pools = Pools(store=self.modem.store, usage=self._usage, outbox=self._outbox, changed=self._pools_changed)
        # a bridge that was killed is still in its pools: their messages go to others until the modem is online
        self._subscribe()
        self._router = Router(
            self.modem.sockets,
            outbox=self._outbox,
            receipts=receipts,
            topics=topics,
            publish_interim=self._publisher.publish_interim,
            lowest=self._usage_record.lowest,
            folder=state_dir,
            clock=clock,
        )
        self.modem.store.affordable = self._affordable
        self.modem.store.on_cost = self._count
        DataSessions(self.modem.store, self._usage, changed=self._usage_record.keep)
        self._intake = Intake(
            settings.sockets,
            outbox=self._outbox,
            receipts=receipts,
            response_topics=answered,
            publish_interim=self._publisher.publish_interim,
            acknowledge=self._publisher.acknowledge,
            observer=observer,
            clock=clock,
        )
        self._trace = TraceRequest(settings.name)
        self._requests = Requests(
            topics=topics,
            response_topics=answered,
            submit=self._intake.submit,
            acknowledge=self._publisher.acknowledge,
            publish=self._client.publish,
            verbs={
                **ModemVerbs(self.modem, pdn=lambda state: pdn_document(state.pdn)).verbs,
                **DeliveryVerbs(self._outbox, self._usage).verbs,
                **self._trace.verbs,
            },
            clock=clock,
        )
        self._reporter = Reporter(
            settings,
            store=self.modem.store,
            sockets=self.modem.sockets,
            outbox=self._outbox,
            usage=self._usage,
            topics=topics,
            requests=self._requests.verbs,
            publish=self._client.publish if observer is None else self._publish_seen,
            in_pools=lambda: self._pools.joined and not self._client.trouble.no_pools,
            trouble=lambda: self._client.trouble,
            memory=state_dir / f"{settings.name}.topics",
            clock=clock,
        )

    async def open(self) -> None:
        """Open the outbox, before the broker is spoken to; one that the disk does not give is tried again by ``run``.

        Raises:
            OutboxInUse: Another program has it; its messages are none of this bridge's.
        """
        logs.current_modem.set(self.modem.settings.name)
        try:
            await self._outbox.load()
        except OutboxInUse:
            raise
        except StorageFailed:
            log.warning("messages stay with the broker until the outbox can be opened")

    async def close(self) -> None:
        """Close what was opened, if it is not to run."""
        logs.current_modem.set(self.settings.name)
        await self._outbox.close()

    async def run(self) -> None:
        """Run until cancelled, once it was opened; then say goodbye to the broker."""
        logs.current_modem.set(self.modem.settings.name)
        talking = asyncio.create_task(self._client.run(), name="mqtt")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._outbox.run(), name="outbox")
                tasks.create_task(self._intake.run(), name="intake")
                tasks.create_task(self.modem.run(), name="modem")
                tasks.create_task(self._router.run(), name="router")
                tasks.create_task(wake_for_messages(self.modem, self._router), name="wake")
                tasks.create_task(self._usage_record.run(), name="usage")
                tasks.create_task(_end_with(talking), name="watch mqtt")
                if self._observer is not None:
                    tasks.create_task(self._show_waiting(self._observer), name="what waits")
        finally:
            self._publisher.end()
            # the modem's last state goes out before the connection does
            await self._requests.stop()
            self._trace.stop()
            self._discovery.stop()
            self._reporter.stop()
            await self._publisher.finish()
            self._usage_record.keep()
            self._intake.stop()
            await self._outbox.close()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    async def finish(self, within: float) -> None:
        """Prepare for the end: take nothing new; what is with the module has so many seconds to come to its end.

        What comes with QoS 1 meanwhile is not acknowledged, so that the broker keeps it for the next run.
        """
        logs.current_modem.set(self.settings.name)
        self.modem.ended_by_a_person()
        self._publisher.end()
        self._pools.leave()
        await self._router.finish(within)

    async def change(self, sockets: tuple[SocketSettings, ...]) -> None:
        """Have other sockets and topics from now on, while the modem stays attached.

        Messages that wait for a socket that is gone fail, as they do when the bridge is started without it.
        """
        logs.current_modem.set(self.settings.name)
        self.settings = replace(self.settings, sockets=sockets)
        self._inbox.change(sockets)
        self._subscribe()
        self._receipts.change(sockets)
        self._intake.change(sockets)
        await self.modem.sockets.change(sockets)
        self._reporter.change(self.settings)
        self._discovery.change([socket.name for socket in sockets])
        await self._router.change()

    def snapshot(self) -> Snapshot:
        """Return how the modem is now."""
        state = self.modem.store.state
        return Snapshot(
            modem=self.settings.name,
            port_open=state.port_open,
            module_answering=state.answering or bool(state.sleeping),
            broker_connected=self._client.connected,
            listening=not self._client.trouble.deaf_to,
            state=self._reporter.state(),
            sockets=self._reporter.sockets(),
        )

    def state(self) -> Document:
        """Return the contract's ``state`` as it is now."""
        return self._reporter.state()

    def retained(self) -> dict[str, bytes]:
        """Return what a broker retains of the modem now, or would, by topic."""
        return {**self._reporter.retained(), self._topics.availability: ONLINE if self._client.connected else OFFLINE}

    async def ask(self, verb: str, body: bytes) -> bytes:
        """Carry out a request as one over MQTT is, and return the contract's response; see Requests.ask."""
        return await self._requests.ask(verb, body)

    @property
    def problem(self) -> Problem | None:
        """Why the broker has not accepted the bridge; None if it has."""
        return self._client.problem

    def _lost(self, problem: Problem) -> None:
        if self._observer is not None:
            self._observer.published(self._offline)
            self._observer.broker(problem)

    def _connected(self) -> None:
        if self._observer is not None:
            self._observer.broker(None)
        self._intake.connected()  # what it refuses is of the session of before, which the publisher may have forgotten
        self._publisher.connected()
        self._reporter.connected()
        self._discovery.connected()

    def _received(self, received: Received) -> None:
        if not self._publisher.came(received):
            return
        if received.topic == self._topics.component:
            self._discovery.component_says(received.payload)
            self._client.acknowledge(received)
            return
        if received.topic in self._calls:
            self._client.acknowledge(received)
            if not received.retain:
                self._called()
            return
        match self._inbox.destination(received.topic):
            case SocketSend(socket, pool) as destination:
                strange = self._inbox.strange(destination)
                if strange is not None:
                    self._client.give_up(strange)
                self._intake.receive(socket, received, pool)
            case Request(verb):
                self._requests.take(verb, received)
            case None:
                log.warning("a message to %s is dropped: no socket and no request has that topic", received.topic)
                self._client.acknowledge(received)

    def _called(self) -> None:
        """Publish again what is retained: to whom it does not come by wildcards it does come now."""
        self._reporter.announce()
        self._discovery.connected()

    def _subscribe(self) -> None:
        pools = self._inbox.pools if self._pools.joined else ()
        calls = map(Subscription, self._calls) if self._client.trouble.wildcards is False else ()
        self._client.subscribe((*self._inbox.subscriptions, *self._marks, *calls, *pools))

    def _pools_changed(self) -> None:
        self._subscribe()
        self._reporter.pools_changed()

    def _socket_changed(self, socket: ModemSocket) -> None:
        self._reporter.socket_changed(socket)

    def _deliver(self, socket: ModemSocket, data: bytes) -> None:
        self._router.deliver(socket, data)
        if self._observer is not None:
            settings = socket.settings
            topic = settings.received_topic or self._topics.received(settings.name)
            self._observer.delivered(settings.name, data, topic)

    def _publish_seen(self, publication: Publication) -> None:
        self._client.publish(publication)
        if self._observer is not None:
            self._observer.published(publication)

    async def _show_waiting(self, observer: Observer) -> None:
        await self._outbox.loaded.wait()
        for entry in list(self._outbox):
            observer.found(entry)
        observer.found_all()

    def _outbox_changed(self) -> None:
        self._reporter.delivery_changed()
        self._router.recheck()
        self._pools.recheck()
        if not self._affordable(None):
            self.modem.store.apply()

    def _affordable(self, socket: str | None) -> bool:
        lowest = self._usage_record.lowest()
        return lowest is Priority.LOW or (socket is not None and self._outbox.queue.first(socket, lowest) is not None)

    def _usage_changed(self, before: BudgetLevel, after: BudgetLevel) -> None:
        self._usage_record.changed()
        self._reporter.usage_changed(before, after)
        if before is not after:
            self.modem.store.apply()
        self._outbox_changed()

    def _count(self, cost: Bytes) -> None:
        self._usage.count(up=cost.up, down=cost.down, packets=cost.packets)

    def _restore_usage(self, rows: Sequence[UsageRow], session: SessionRow | None) -> None:
        self._usage_record.restore(rows, session)

    def _keep_today(self) -> None:
        self._usage_record.keep_today()

    def _publish_kept(self, number: int, publication: PendingPublication) -> None:
        self._publisher.publish(number, publication)

    def _forbidden(self, topic: str) -> None:
        self._reporter.forbidden(topic)

    def _trouble_changed(self) -> None:
        self._subscribe()
        self._reporter.broker_changed()


class _Switch:
    """What the power hook's topic leads to."""

    def __init__(self, client: MqttClient) -> None:
        self._client = client

    @property
    def connected(self) -> bool:
        return self._client.connected

    def tell_now(self, topic: str, text: str) -> bool:
        return self._client.publish_now(topic, text.encode())

    def tell(self, topic: str, text: str, told: Callable[[], None]) -> None:
        self._client.publish_awaited(Publication(topic=topic, payload=text.encode()), lambda _refused: told())


async def _end_with(task: "asyncio.Task[None]") -> None:
    """Fail when a task does that outlives the others, which it never should."""
    await asyncio.shield(task)
