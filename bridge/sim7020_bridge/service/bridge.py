"""The composition root: a modem's configuration becomes a running modem with its own MQTT connection."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from sim7020_bridge import logs
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import ModemSettings, MqttSettings, SocketSettings
from sim7020_bridge.delivery.intake import Intake
from sim7020_bridge.delivery.receipts import Receipts
from sim7020_bridge.delivery.router import Router, resumed
from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.modem.hook import PowerHook
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.modem.usage import BudgetLevel, DayUsage, Usage
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.documents import OFFLINE
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.mqtt.topics import Inbox, Request, SocketSend, Subscription, Topics
from sim7020_bridge.mqtt.unproven import Unproven
from sim7020_bridge.outbox.committer import Committer
from sim7020_bridge.outbox.database import Database, path_of
from sim7020_bridge.outbox.message import Entry, Loss, Owed, Place, Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.records import UsageRow
from sim7020_bridge.outbox.rules import Rules
from sim7020_bridge.reports.discovery import Discovery
from sim7020_bridge.reports.reporter import Reporter
from sim7020_bridge.reports.state import pdn_document, socket_document, state_document
from sim7020_bridge.requests.delivery_verbs import DeliveryVerbs
from sim7020_bridge.requests.modem_verbs import ModemVerbs
from sim7020_bridge.requests.requests import Requests
from sim7020_bridge.requests.trace import TraceRequest
from sim7020_bridge.service.health import Health, Snapshot

log: Final = logging.getLogger(__name__)

USAGE_KEPT_WITHIN: Final = 1.0
"""Seconds within which counted bytes are written down."""

DAY_LOOK: Final = 10.0
"""Seconds between two looks whether another day has begun: a timer until midnight would miss that the clock was set."""

LEAVES_POOLS: Final = 0.9
"""Part of the outbox's limits from which on a modem takes nothing from its pools: what is dealt already has room."""

RETURNS_TO_POOLS: Final = 0.8
"""Part of them below which it takes again."""

A_MOMENT: Final = 0.001
"""Seconds by which receipts that are not final and acknowledgements give way to the command that they tell of."""

LAST_PAYMENTS: Final = 2.0
"""Seconds that the broker has, when the bridge ends, to acknowledge what it is owed."""


class Bridge:
    """One modem and its MQTT connection, wired together."""

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
    ) -> None:
        self.settings = settings
        answered = response_topics or ResponseTopics(mqtt.base_topic, [settings], discovery_prefix=discovery_prefix)
        self._finishing = False
        topics = Topics(mqtt.base_topic, settings.name)
        offline = Publication(topic=topics.availability, payload=OFFLINE, retain=True)
        self._topics = topics
        self._inbox = Inbox(topics, settings.sockets)
        self._marks = () if discovery_prefix is None else (Subscription(topics.component, every_time=True),)
        self._client = MqttClient(
            mqtt,
            client_id=f"sim7020-bridge-{settings.name}",
            will=offline,
            farewell=(offline,),
            subscriptions=(*self._inbox.subscriptions, *self._marks, *self._inbox.pools),
            on_connect=self._connected,
            on_message=self._take,
        )
        self._in_pools = False
        # a bridge that was killed is still in its pools: their messages go to others until the modem is online
        self._subscribe()
        self._receipts = receipts = Receipts(topics, settings.sockets, clock=clock)
        self._outbox = Outbox(
            Committer(Database(path_of(state_dir, settings.name))),
            settings=settings.outbox,
            rules=Rules(
                lost=receipts.lost,
                resumed=self._resumed,
                changed=self._outbox_changed,
                received_dropped=self._received_dropped,
                put_aside=self._put_aside,
                usage=lambda rows: self._usage.restore(usage_days(rows)),
            ),
        )
        power = settings.recovery.power
        self.modem = Modem(
            settings,
            state_dir=state_dir,
            on_socket=self._socket_changed,
            on_data=self._deliver,
            power=None if power is None else PowerHook(power, publish=self._publish_text),
            timing=timing,
            clock=clock,
        )
        self._discovery = Discovery(
            discovery_prefix,
            topics=topics,
            facts=self.modem.facts,
            sockets=[socket.name for socket in settings.sockets],
            memory=state_dir / f"{settings.name}.discovery",
            publish=self._client.publish,
        )
        self._due: list[Callable[[], None]] = []
        self._unproven = Unproven()
        self._usage = Usage(settings.data_budget, changed=self._usage_changed, clock=clock)
        self._usage_kept: asyncio.TimerHandle | None = None
        self._router = Router(
            self.modem.sockets,
            outbox=self._outbox,
            receipts=receipts,
            topics=topics,
            tell=self._tell,
            lowest=self._lowest,
            clock=clock,
        )
        self.modem.facts.on_cost = lambda cost: self._usage.count(up=cost.up, down=cost.down)
        self._intake = Intake(
            settings.sockets,
            outbox=self._outbox,
            receipts=receipts,
            response_topics=answered,
            tell=self._tell,
            acknowledge=self._acknowledge,
            clock=clock,
        )
        self._trace = TraceRequest(settings.name)
        self._requests = Requests(
            topics=topics,
            response_topics=answered,
            submit=self._intake.submit,
            acknowledge=self._acknowledge,
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
            facts=self.modem.facts,
            sockets=self.modem.sockets,
            outbox=self._outbox,
            usage=self._usage,
            topics=topics,
            requests=self._requests.verbs,
            publish=self._client.publish,
            in_pools=lambda: self._in_pools,
            clock=clock,
        )
        self.modem.facts.listen(lambda _before, _after: self._look_at_pools())

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
        await self._outbox.close()

    async def run(self) -> None:
        """Run until cancelled, once it was opened; then say goodbye to the broker."""
        logs.current_modem.set(self.modem.settings.name)
        talking = asyncio.create_task(self._client.run(), name="mqtt")
        paying = asyncio.create_task(self._outbox.owing.run(self._pay), name="owed publications")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._outbox.run(), name="outbox")
                tasks.create_task(self._intake.run(), name="intake")
                tasks.create_task(_end_with(paying), name="watch owed publications")
                tasks.create_task(self.modem.run(), name="modem")
                tasks.create_task(self._router.run(), name="router")
                tasks.create_task(self._wake_for_messages(), name="wake")
                tasks.create_task(self._watch_the_day(), name="day")
                tasks.create_task(_end_with(talking), name="watch mqtt")
        finally:
            self._finishing = True
            # the modem's last state goes out before the connection does
            await self._requests.stop()
            self._trace.stop()
            self._discovery.stop()
            self._reporter.stop()
            await self._pay_last()
            self._catch_up()
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)
            self._keep_usage()
            self._intake.stop()
            await self._outbox.close()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    async def finish(self, within: float) -> None:
        """Prepare for the end: take nothing new; what is with the module has so many seconds to come to its end.

        What comes with QoS 1 meanwhile is not acknowledged, so that the broker keeps it for the next run.
        """
        self._finishing = True
        self._look_at_pools()
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
        self._router.change()
        self._reporter.change(self.settings)
        self._discovery.change([socket.name for socket in sockets])
        with contextlib.suppress(StorageFailed):
            await self._outbox.wait_written()
        for entry in self._outbox:
            loss = self._resumed(entry)
            if loss is not None and entry.place is Place.WAITING:
                self._outbox.lose(entry, loss)

    def snapshot(self) -> Snapshot:
        """Return how the modem is now."""
        state = self.modem.facts.state
        answering = state.answering or bool(state.sleeping)
        return Snapshot(
            self.settings.name,
            Health(state.port_open, answering, self._client.connected),
            state_document(state, self._outbox, self._usage),
            {socket.settings.name: socket_document(socket, in_pools=self._in_pools) for socket in self.modem.sockets},
        )

    def _resumed(self, entry: Entry) -> Loss | None:
        return resumed(self.settings.sockets, entry)

    def _connected(self) -> None:
        self._unproven.lose()
        self._intake.connected()
        self._reporter.connected()
        self._discovery.connected()

    def _take(self, received: Received) -> None:
        if received.acknowledgement is not None:
            self._unproven.take(received.acknowledgement)
        if self._finishing and received.acknowledgement is not None:
            return
        if received.topic == self._topics.component:
            self._discovery.component_says(received.payload)
            self._client.acknowledge(received)
            return
        match self._inbox.destination(received.topic):
            case SocketSend(socket, pool) as destination:
                strange = self._inbox.strange(destination)
                if strange is not None:
                    self._client.give_up(strange)
                self._intake.take(socket, received, pool)
            case Request(verb):
                self._requests.take(verb, received)
            case None:
                log.warning("a message to %s is for nobody", received.topic)
                self._client.acknowledge(received)

    def _subscribe(self) -> None:
        pools = self._inbox.pools if self._in_pools else ()
        self._client.subscribe((*self._inbox.subscriptions, *self._marks, *pools))

    def _look_at_pools(self) -> None:
        """Take from the pools while what is taken would go out, or wait for no more than the module to wake."""
        limit = LEAVES_POOLS if self._in_pools else RETURNS_TO_POOLS
        takes = (
            not self._finishing
            and self.modem.facts.state.link.layer in {Layer.ONLINE, Layer.SLEEPING}
            and self._usage.level is not BudgetLevel.USED_UP
            and self._outbox.filled < limit
            and self._outbox.problem is None
        )
        if takes != self._in_pools:
            self._in_pools = takes
            self._subscribe()
            self._reporter.pools_changed()

    def _socket_changed(self, socket: ModemSocket) -> None:
        self._reporter.socket_changed(socket)

    def _deliver(self, socket: ModemSocket, data: bytes) -> None:
        self._router.deliver(socket, data)

    def _outbox_changed(self) -> None:
        self._reporter.delivery_changed()
        self._router.look()
        self._look_at_pools()

    def _lowest(self) -> Priority:
        return Priority.HIGH if self._usage.level is BudgetLevel.USED_UP else Priority.LOW

    def _usage_changed(self, before: BudgetLevel, after: BudgetLevel) -> None:
        if self._usage_kept is None:
            self._usage_kept = asyncio.get_running_loop().call_later(USAGE_KEPT_WITHIN, self._keep_usage)
        if after > before:
            self._reporter.event("data_budget", used=self._usage.used, budget=self._usage.budget)
        self._reporter.delivery_changed()
        self._router.look()
        self._look_at_pools()

    def _keep_usage(self) -> None:
        if self._usage_kept is not None:
            self._usage_kept.cancel()
            self._usage_kept = None
            self._outbox.keep_usage(usage_rows(self._usage.rows()))

    def _received_dropped(self, messages: int) -> None:
        self._reporter.event("received_dropped", messages=messages)

    def _put_aside(self, owed: Owed) -> None:
        self._reporter.event("put_aside", topic=owed.topic, publications=self._outbox.owing.aside)
        self._reporter.delivery_changed()

    def _tell(self, receipt: Callable[[], tuple[Owed, ...]]) -> None:
        """Publish a receipt that is not final, a moment later."""

        def tell() -> None:
            for each in receipt():
                self._client.publish(_publication(each))

        self._afterwards(tell)

    def _acknowledge(self, received: Received) -> None:
        """Have the broker told that a message is done with, a moment later."""

        def acknowledge() -> None:
            if self._client.acknowledge(received) and received.acknowledgement is not None:
                self._unproven.tell(received.acknowledgement)

        self._afterwards(acknowledge)

    def _afterwards(self, call: Callable[[], None]) -> None:
        """Call in turn, once the module has been told what there is to tell, and before anything is paid."""
        self._due.append(call)
        if len(self._due) == 1:
            asyncio.get_running_loop().call_later(A_MOMENT, self._catch_up)

    def _catch_up(self) -> None:
        due, self._due = self._due, []
        for call in due:
            call()

    async def _pay(self, owed: Owed) -> None:
        """Publish what is owed; the broker's answer shows that it has got every acknowledgement of before."""
        self._catch_up()
        before = self._unproven.now()
        await self._client.publish_acknowledged(_publication(owed))
        proven = self._unproven.prove(before)
        if proven:
            self._outbox.packets_acknowledged(proven)

    async def _pay_last(self) -> None:
        """Give the broker a moment to take what is owed, so that it need not come twice."""
        if self._client.connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_PAYMENTS):
                    with contextlib.suppress(StorageFailed):
                        await self._outbox.wait_written()
                    await self._outbox.owing.wait_idle()

    def _publish_text(self, topic: str, text: str) -> None:
        self._client.publish(Publication(topic=topic, payload=text.encode()))

    async def _watch_the_day(self) -> None:
        """Publish, and let go what the budget held back, when a day or a billing period begins."""
        while True:
            await asyncio.sleep(DAY_LOOK)
            self._usage.look()

    async def _wake_for_messages(self) -> None:
        """Wake a module that saves power as soon as a message waits that may go; at once if it was not to sleep."""
        while True:
            await self.modem.facts.until(lambda state: bool(state.sleeping))
            if self.modem.settings.power_saving is not None:
                await self._router.until_any_may_go()
            await self.modem.wake()
            await self.modem.facts.until(lambda state: not state.sleeping)


def usage_days(rows: Sequence[UsageRow]) -> Iterator[DayUsage]:
    """Read what was kept of the usage; a day that is none is left out."""
    for day, up, down, correction in rows:
        with contextlib.suppress(ValueError):
            yield DayUsage(date.fromisoformat(day), up, down, correction)


def usage_rows(days: Sequence[DayUsage]) -> tuple[UsageRow, ...]:
    """Write usage as it is kept."""
    return tuple((day.day.isoformat(), day.up, day.down, day.correction) for day in days)


def _publication(owed: Owed) -> Publication:
    return Publication(topic=owed.topic, payload=owed.payload, correlation_data=owed.correlation_data)


async def _end_with(task: "asyncio.Task[None]") -> None:
    """Fail when a task does that outlives the others, which it never should."""
    await asyncio.shield(task)
