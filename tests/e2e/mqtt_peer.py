"""A test's own MQTT client: hears everything that is published, and publishes what a user might."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE = 90.0
"""Seconds that a test waits for something that must come, however busy the machine is."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it was published; `retain` is the publisher's flag."""

    topic: str
    payload: bytes
    retain: bool = False
    correlation_data: bytes | None = None

    def json(self) -> Any:
        """Return the payload as JSON."""
        return json.loads(self.payload)


def whatever(_heard: Heard) -> bool:
    """Accept any message."""
    return True


@dataclass(frozen=True, slots=True)
class Mqtt5:
    """The properties of a publication that the bridge looks at."""

    response_topic: str | None = None
    correlation_data: bytes | None = None
    expiry: int | None = None
    user: tuple[tuple[str, str], ...] = field(default=())

    def packet_properties(self) -> Properties:
        """Return them as paho takes them."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if self.response_topic is not None:
            properties.ResponseTopic = self.response_topic
        if self.correlation_data is not None:
            properties.CorrelationData = self.correlation_data
        if self.expiry is not None:
            properties.MessageExpiryInterval = self.expiry
        if self.user:
            properties.UserProperty = list(self.user)
        return properties


class MqttPeer:
    """An MQTT 5 client with a persistent session, so that it misses nothing while the broker restarts.

    ``user`` is who it logs in as, by a password that is the same word.
    """

    def __init__(self, host: str, port: int, *, user: str | None = None) -> None:
        self._place = (host, port)
        self._loop = asyncio.get_running_loop()
        self._subscribed = asyncio.Event()
        self._watchers: list[Callable[[Heard], None]] = []
        self._published: dict[int, asyncio.Future[None]] = {}
        self.heard: list[Heard] = []
        self.latest: dict[str, Heard] = {}
        self._paho = Client(CallbackAPIVersion.VERSION2, client_id=user or "test", protocol=MQTTProtocolVersion.MQTTv5)
        self._paho.username_pw_set(user, user)
        self._paho.reconnect_delay_set(1, 1)
        self._paho.max_queued_messages_set(0)
        self._paho.on_connect = self._on_connect
        self._paho.on_message = self._on_message
        self._paho.on_subscribe = lambda *_: self._call(self._subscribed.set)
        self._paho.on_publish = lambda _client, _data, packet, *_: self._call(self._acknowledged, packet)

    async def start(self) -> None:
        """Connect, and listen to everything."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        await asyncio.to_thread(self._paho.connect, *self._place, 60, "", 0, False, properties)
        self._paho.loop_start()
        async with asyncio.timeout(PATIENCE):
            await self._subscribed.wait()

    def hurry(self) -> None:
        """Be back from now on before a bridge is, when the broker was away: one that forgets keeps nothing for it."""
        self._paho.reconnect_delay_set(0.05, 0.1)  # type: ignore[arg-type]  # seconds, which need not be whole

    async def stop(self) -> None:
        """Disconnect."""
        self._paho.disconnect()
        await asyncio.to_thread(self._paho.loop_stop)
        # paho keeps the sockets that wake its thread until it is collected, by when they may have been
        self._paho._reset_sockets()

    def post(
        self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False, properties: Mqtt5 | None = None
    ) -> int:
        """Publish without waiting, and return the packet identifier."""
        given = None if properties is None else properties.packet_properties()
        return self._paho.publish(topic, payload, qos=qos, retain=retain, properties=given).mid

    async def publish(
        self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False, properties: Mqtt5 | None = None
    ) -> None:
        """Publish and return when the broker has it (QoS 0: when it has left)."""
        done = self._loop.create_future()
        self._published[self.post(topic, payload, qos=qos, retain=retain, properties=properties)] = done
        async with asyncio.timeout(PATIENCE):
            await done

    def watch(self, watcher: Callable[[Heard], None]) -> None:
        """Call a function with every message from now on."""
        self._watchers.append(watcher)

    def all(self, topic: str) -> list[Heard]:
        """Return what was heard on a topic so far."""
        return [heard for heard in self.heard if heard.topic == topic]

    async def message(
        self, topic: str, holds: Callable[[Heard], bool] = whatever, *, since: int = 0, within: float = PATIENCE
    ) -> Heard:
        """Return the first message on a topic, counted from the position `since`, that a condition holds for."""
        for heard in self.heard[since:]:
            if heard.topic == topic and holds(heard):
                return heard
        return await self._coming(topic, holds, within)

    async def now(self, topic: str, holds: Callable[[Heard], bool] = whatever, *, within: float = PATIENCE) -> Heard:
        """Return the latest message on a topic once a condition holds for it."""
        latest = self.latest.get(topic)
        if latest is not None and holds(latest):
            return latest
        return await self._coming(topic, holds, within)

    async def _coming(self, topic: str, holds: Callable[[Heard], bool], within: float) -> Heard:
        found: asyncio.Future[Heard] = self._loop.create_future()

        def look(heard: Heard) -> None:
            if not found.done() and heard.topic == topic and holds(heard):
                found.set_result(heard)

        self._watchers.append(look)
        try:
            async with asyncio.timeout(within):
                return await found
        except TimeoutError:
            last = self.latest.get(topic)
            raise AssertionError(f"nothing fitting on {topic} within {within} s; the last was {last}") from None
        finally:
            self._watchers.remove(look)

    def _on_connect(
        self, client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if not reason.is_failure and not flags.session_present:
            client.subscribe("#", options=SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        correlation = getattr(message.properties, "CorrelationData", None)
        self._call(self._take, Heard(message.topic, bytes(message.payload), message.retain, correlation))

    def _take(self, heard: Heard) -> None:
        self.heard.append(heard)
        self.latest[heard.topic] = heard
        for watcher in tuple(self._watchers):
            watcher(heard)

    def _acknowledged(self, packet: int) -> None:
        done = self._published.pop(packet, None)
        if done is not None and not done.done():
            done.set_result(None)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)
