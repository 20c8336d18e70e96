"""One broker connection of one modem, driven by asyncio: with ``paho_client`` and ``packets`` all that knows paho."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import cycle

from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt import arrival, paho_client, refusals, transport
from sim7020_bridge.mqtt.arrival import Accepted, Lost
from sim7020_bridge.mqtt.messages import Acknowledgement, Publication, Received
from sim7020_bridge.mqtt.outgoing import WINDOW, OutgoingQueue
from sim7020_bridge.mqtt.packets import of_connect, of_publication
from sim7020_bridge.mqtt.paho_client import ConnectFlags, DisconnectFlags, MQTTMessage, PahoClient
from sim7020_bridge.mqtt.quarantine import Outgoing, Quarantine
from sim7020_bridge.mqtt.refusals import Problem
from sim7020_bridge.mqtt.standing import Standing, Trouble
from sim7020_bridge.mqtt.subscriptions import Subscriptions
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from sim7020_bridge.mqtt.wildcards import WildcardProbe

_LOGGER = logging.getLogger(__name__)


class MqttClient:
    """Keeps one connection to the broker, with a persistent session unless it has no will.

    Made and used in the event loop's thread.

    Args:
        settings: The broker.
        client_id: The MQTT client identifier, which names the session.
        will: What the broker publishes when this client vanishes; None for a client that only looks on, for whom the
            broker keeps nothing.
        farewell: What is published before a clean disconnection.
        subscriptions: What to listen to; asked for again at every connection.
        probe: What ``on_connect`` publishes, retained: whether it comes back by a wildcard is found out each time.
        on_connect: Called at every connection, once messages can be published.
        on_message: Called for each message. Whoever takes it acknowledges it, at once or later.
        on_forbidden: Called with a topic that the broker turns out to forbid.
        on_trouble: Called when ``trouble`` is different.
        on_lost: Called with why at the end of each connection, and of each attempt at one.
        timing: The durations.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        will: Publication | None,
        farewell: Sequence[Publication] = (),
        subscriptions: Sequence[Subscription],
        probe: str | None = None,
        on_connect: Callable[[], None],
        on_message: Callable[[Received], None],
        on_forbidden: Callable[[str], None] = lambda _topic: None,
        on_trouble: Callable[[], None] = lambda: None,
        on_lost: Callable[[Problem], None] = lambda _problem: None,
        timing: ClientTiming | None = None,
    ) -> None:
        self._nodes = cycle(settings.nodes)
        self.settings = next(self._nodes)
        """The node that is spoken to, or was last."""
        self._client_id = client_id
        self._farewell = farewell
        self._on_connect = on_connect
        self._on_message = on_message
        self._on_lost = on_lost
        self._timing = timing or ClientTiming()
        self._v5 = settings.protocol is MqttProtocol.V5
        self._will = will
        self._loop = asyncio.get_running_loop()
        self._paho = self._make_paho()
        self._standing = Standing(on_trouble, timing=self._timing)
        self._subscriptions = Subscriptions(
            subscriptions, ask=self._paho.ask_for, drop=self.give_up, changed=on_trouble, timing=self._timing
        )
        self._probe = WildcardProbe(
            probe, ask=self._paho.ask_for, drop=self.give_up, changed=on_trouble, patience=self._timing.retained
        )
        self._quarantine = Quarantine(on_forbidden, on_trouble, timing=self._timing)
        self._outgoing = OutgoingQueue(
            self._send, quarantine=self._quarantine, answer=self._timing.patience(settings.keepalive)
        )
        self._accepted = asyncio.Event()
        self._heard: asyncio.Queue[Accepted | Lost | MQTTMessage] = asyncio.Queue()
        self._connection = self._brief = 0
        self._began = self._pause = 0.0
        self.problem: Problem | None = refusals.not_yet(self.settings.place)
        """Why the broker has not accepted this client; None if it has."""
        self._alive = self._starts_afresh = self._had_session = self._at_a_subscription = False
        self.session_present = False
        """Whether the broker still knew the session at the last connection; packet identifiers are a session's own."""

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted this client."""
        return self._accepted.is_set()

    async def wait_connected(self) -> None:
        """Return when the broker has accepted this client."""
        await self._accepted.wait()

    async def run(self) -> None:
        """Stay connected until cancelled; then say farewell and disconnect. Called once."""
        attempts = 0
        try:
            while True:
                self._began = self._loop.time()
                lost = await self._stay_connected()
                if self._starts_afresh:
                    # it would send all that is in flight again by itself
                    self._paho, self._starts_afresh = self._make_paho(), False
                if self._lasted():
                    attempts = 0
                if (self._outgoing.suspects or self._at_a_subscription) and not lost.unreadable:
                    attempts = 0  # the sooner it is found the better
                tried = self.settings
                if self.problem is not None:  # it was not accepted
                    self.settings = next(self._nodes)
                self._report(lost)
                refused = lost.refused and self.settings is tried
                self._pause = self._timing.pause(attempts, refused=refused)
                if lost.taken_over:
                    self._pause = self._timing.stand_back(self._standing.takeovers)
                await asyncio.sleep(self._pause)
                attempts += 1
        except asyncio.CancelledError:
            await self._leave()
            raise
        finally:
            self._drop()

    @property
    def trouble(self) -> Trouble:
        """What the broker does not give that a person can mend."""
        return self._standing.trouble(self._subscriptions, self._quarantine, wildcards=self._probe.found)

    def publish(self, publication: Publication) -> None:
        """Publish without waiting.

        While the broker is away publications are queued up to a bound, beyond which the oldest is dropped with a log
        line, as what goes to a forbidden topic is. A retained one waits, and replaces an earlier one of its topic.
        """
        self._outgoing.put(Outgoing(publication))

    def publish_now(self, topic: str, payload: bytes) -> bool:
        """Publish with QoS 0 at once, or never; say whether the connection took it."""
        if not self.connected:
            return False
        return self._paho.publish(topic, payload, qos=0).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def publish_awaited(self, publication: Publication, done: Callable[[PayloadRefused | None], None]) -> Outgoing:
        """Publish without waiting, and return what can be withdrawn; it is tried until the broker has it.

        ``done`` is called with None when the broker has acknowledged, or with why it never will.
        """
        outgoing = Outgoing(publication, done)
        self._outgoing.put(outgoing)
        return outgoing

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Forget a publication that has not been sent yet; say whether that could be."""
        return self._outgoing.withdraw(outgoing)

    def begin_to_publish(self) -> None:
        """Publish from now on, though the broker may not have answered the subscriptions; once more does nothing."""
        if self.connected and not self._outgoing.window:
            self._outgoing.open(min(WINDOW, self._standing.offers.window or WINDOW))

    async def wait_idle(self) -> None:
        """Return when the broker has acknowledged all that it takes now."""
        await self._outgoing.wait_idle()

    def acknowledge(self, received: Received) -> bool:
        """Tell the broker that a QoS 1 message is done with, so that it does not come again; say whether it was told.

        A message from an earlier connection is left alone: the broker delivers it again.
        """
        match received.acknowledgement:
            case Acknowledgement(self._connection, packet) if self.connected:
                self._paho.ack(packet, 1)
                return True
        return False

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Listen to something else from now on."""
        self._subscriptions.change(subscriptions)

    def give_up(self, topic_filter: str) -> None:
        """Listen no longer to what the session has from before."""
        self._paho.unsubscribe(topic_filter)

    def _make_paho(self) -> PahoClient:
        client = PahoClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if self._v5 else self._will is None,
            protocol=MQTTProtocolVersion.MQTTv5 if self._v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages = client.max_queued_messages = 0
        client.username_pw_set(self.settings.username, self.settings.password)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=self._will.retain)
        client.on_connect = self._answered
        client.on_disconnect = self._disconnected
        client.on_message = lambda _client, _userdata, message: self._heard.put_nowait(message)
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_socket_open = self._watch
        client.on_socket_close = self._unwatch
        client.on_socket_register_write = self._plan_to_write
        return client

    async def _stay_connected(self) -> Lost:
        """Live through one connection, from opening it to its end."""
        self._heard = asyncio.Queue()
        self._connection += 1
        try:
            await self._open()
        except (OSError, ValueError) as error:
            return Lost(refusals.unreachable(self.settings, error))
        tick = asyncio.create_task(self._tick(), name=f"{self._client_id} keep-alive")
        look = asyncio.create_task(self._look(), name=f"{self._client_id} wildcards")
        begin = asyncio.create_task(self._begin_to_publish(), name=f"{self._client_id} first publication")
        try:
            async with asyncio.timeout(self._timing.connect):
                heard = await self._heard.get()
            if isinstance(heard, Lost):
                said = heard.unreadable or refusals.HUNG_UP
                return heard if heard.refused else Lost(refusals.no_answer(self.settings, said), refused=True)
            while not isinstance(heard, Lost):
                if isinstance(heard, Accepted):
                    self._accept(heard)
                else:
                    self._take(heard)
                heard = await self._heard.get()
        except TimeoutError:
            self._drop()
            return Lost(refusals.no_answer(self.settings, "it does not answer"), refused=True)
        finally:
            for task in (tick, look, begin):
                task.cancel()
        return heard

    def _lasted(self) -> bool:
        """Whether the connection is no brief one: two who fight have one in turn, each while the other waits."""
        return self._loop.time() - self._began >= max(self._timing.stable, 2 * self._pause)

    async def _open(self) -> None:
        properties = of_connect(lasting=self._will is not None) if self._v5 else None
        settings = self.settings
        self._paho.opened = await transport.opened(settings, patience=self._timing.connect)
        clean = False if self._v5 else paho_client.MQTT_CLEAN_START_FIRST_ONLY
        self._paho.connect(settings.host, settings.port, settings.keepalive, clean_start=clean, properties=properties)

    def _accept(self, accepted: Accepted) -> None:
        if not self._alive:
            return  # what is sent again at once may have made the broker disconnect at once
        level, what = accepted.session(had_one=self._had_session)
        _LOGGER.log(level, "connected to the MQTT broker at %s as %s, %s", self.settings.place, self._client_id, what)
        self.problem = None
        self._brief += 1
        self.session_present = accepted.session_present
        self._standing.connected(accepted.offers, forgotten=self._had_session and not accepted.session_present)
        self._had_session = self._will is not None
        self._accepted.set()
        self._subscriptions.connected(shared=accepted.offers.shared, wildcards=accepted.offers.wildcards)
        self._on_connect()

    async def _begin_to_publish(self) -> None:
        """Publish once all subscriptions are answered, or nobody could tell what it hangs up for; leave if none is."""
        await self._accepted.wait()
        await self._subscriptions.wait_answered(self._timing.granted)
        self.begin_to_publish()
        if not await self._subscriptions.wait_heard(self._timing.heard):
            self._heard.put_nowait(Lost(refusals.away(self.settings.place, "it answers no subscription", None)))
            self._drop()

    def _take(self, message: MQTTMessage) -> None:
        """Hand on what came, unless it can't be taken at all."""
        self._subscriptions.brought()
        received = arrival.received(message, self._connection)
        if self._probe.takes(received) and not self._subscriptions.want(received.topic):
            self.acknowledge(received)
            return
        problem = arrival.problem(received)
        if problem is None:
            self._on_message(received)
            return
        _LOGGER.warning("a message to %s was dropped: %s", received.topic or "an unreadable topic", problem)
        self.acknowledge(received)

    def _send(self, outgoing: Outgoing) -> int | None:
        publication = outgoing.publication
        offers = self._standing.offers
        if offers.max_packet is not None and publication.size > offers.max_packet:
            problem = f"it is larger than the {offers.max_packet} bytes that the broker takes"
            outgoing.give_up(PayloadRefused("too_large", problem))
            return None
        properties = of_publication(publication) if self._v5 else None
        while True:
            retain = publication.retain and offers.retain
            sent = self._paho.publish(
                publication.topic, publication.payload, qos=1, retain=retain, properties=properties
            )
            if sent.rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:  # the next packet identifier was still in use
                return sent.mid

    def _report(self, lost: Lost) -> None:
        level = logging.DEBUG if lost.problem == self.problem else logging.WARNING
        self.problem = lost.problem
        _LOGGER.log(level, "%s", lost.problem)
        self._on_lost(lost.problem)

    async def _leave(self) -> None:
        if not self.connected:
            return
        # not asyncio.timeout: in a task that is being cancelled, Python 3.11.2 lets it end in CancelledError
        farewell = asyncio.create_task(self._say_farewell(), name=f"{self._client_id}: farewell")
        await asyncio.wait({farewell}, timeout=self._timing.farewell)
        if not farewell.done():
            farewell.cancel()
            _LOGGER.warning("the broker did not accept the last messages; it will publish the last will")

    async def _say_farewell(self) -> None:
        for publication in self._farewell:
            self.publish(publication)
        self.begin_to_publish()
        await self._outgoing.wait_idle()
        self._paho.disconnect()
        while not isinstance(await self._heard.get(), Lost):
            pass

    def _drop(self) -> None:
        """End the connection without a DISCONNECT, so that the broker publishes the last will."""
        if self._paho.socket() is not None:
            with suppress(OSError):
                self._paho.opened.shutdown(socket.SHUT_RDWR)
            self._paho.disconnect()
            self._paho.loop_write()
            self._paho.opened.close()

    def _read(self) -> None:
        self._paho.loop_read()
        if self._paho.unread:
            self._loop.call_soon(self._read)

    def _watch(self, _client: object, _userdata: object, connection: object) -> None:
        if connection is not self._paho.opened:
            raise NotImplementedError("this release of paho-mqtt opens a connection of its own, without TLS")
        self._loop.add_reader(self._paho.opened, self._read)

    def _unwatch(self, *_: object) -> None:
        self._loop.remove_reader(self._paho.opened)
        self._loop.remove_writer(self._paho.opened)

    def _plan_to_write(self, *_: object) -> None:
        self._loop.call_soon(self._write)

    def _write(self) -> None:
        if self._paho.write():
            self._loop.add_writer(self._paho.opened, self._write_on)

    def _write_on(self) -> None:
        self._loop.remove_writer(self._paho.opened)
        self._write()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._timing.tick)
            self._paho.loop_misc()

    async def _look(self) -> None:
        await self.wait_connected()
        await self.wait_idle()
        if self._standing.offers.wildcards:
            await self._probe.look()

    def _answered(
        self, _client: object, _userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            problem = refusals.refusal(self.settings.place, reason.value, str(reason))
            self._heard.put_nowait(Lost(problem, refused=True))
            return
        self._alive = True
        self._heard.put_nowait(Accepted(flags.session_present, arrival.offers(properties)))

    def _disconnected(
        self, _client: object, _userdata: object, flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self._accepted.clear()
        self._outgoing.close()
        told = flags.is_disconnect_packet_from_server
        unreadable = ""
        malformed = self._paho.malformed or ("a packet of no known form" if self._alive else "")
        if malformed and not told and reason.value == refusals.PROTOCOL_ERROR:
            unreadable = f"it sent what is not MQTT: {malformed}"
        self._at_a_subscription = False
        if self._alive and not unreadable and reason.is_failure and reason.value not in refusals.NOT_BY_A_PUBLICATION:
            by_a_publication = told and reason.value in refusals.BY_A_PUBLICATION
            self._at_a_subscription = self._subscriptions.interrupted(alone=not self._outgoing.in_flight)
            if not self._at_a_subscription:
                self._starts_afresh = self._outgoing.interrupted(reason.value if by_a_publication else None)
        self._starts_afresh |= self._outgoing.start_over()
        self._alive = False
        taken_over = reason.value == refusals.SESSION_TAKEN_OVER
        suspects, code = self._outgoing.suspects, reason.value if told else None
        if self._lasted():
            self._brief = 0
        known = self._at_a_subscription or (self._starts_afresh and not suspects)  # what did it
        brief = 0 if unreadable or known else self._brief
        ours = not reason.is_failure or reason.value == refusals.KEEP_ALIVE_TIMEOUT  # no other client ended it
        suspected = not told and not ours and brief >= refusals.SUSPICIOUS and not suspects
        self._standing.disconnected(taken_over=taken_over, suspected=suspected)
        self._subscriptions.disconnected()
        said = str(reason).lower() if told else unreadable or "the connection was lost"
        why = refusals.away(self.settings.place, said, code, () if unreadable else suspects, brief=brief)
        if taken_over:
            why = refusals.refusal(self.settings.place, reason.value, str(reason))
        self._heard.put_nowait(Lost(why, taken_over, taken_over, unreadable))

    def _published(
        self, _client: object, _userdata: object, packet: int, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._outgoing.refused(packet, reason.value, str(reason))
        else:
            self._outgoing.acknowledged(packet)

    def _subscribed(
        self, _client: object, _userdata: object, packet: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        self._subscriptions.answered(packet, reasons[0].value, str(reasons[0]))
