"""The far end's connection to its broker: publications until the broker has them, commands until they are on disk."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final

from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription
from sim7020_far_end.topics import OFFLINE, ONLINE, Topics

log: Final = logging.getLogger(__name__)


def default_client_id(base: str) -> str:
    """Return the far end's MQTT client identifier; no two base topics have the same."""
    safe = re.sub(r"[^0-9A-Za-z_/-]", lambda found: f"~{ord(found[0]):x}~", base).replace("/", ".")
    return f"sim7020-{safe}"


class Broker:
    """One connection for all modems.

    Args:
        settings: The broker.
        topics: The far end's.
        client_id: The MQTT client identifier.
        take: Keeps a command for the modem of that name; it returns once it is on disk, or is refused for good.
        connected: Called at every connection: what is retained may have to be said again.
        timing: The connection's durations.
    """

    def __init__(
        self,
        settings: MqttSettings,
        topics: Topics,
        *,
        client_id: str | None,
        take: Callable[[str, bytes], Awaitable[None]],
        connected: Callable[[], None],
        timing: ClientTiming | None = None,
    ) -> None:
        self._topics = topics
        self._take = take
        self._connected = connected
        self._came: asyncio.Queue[Received] = asyncio.Queue()
        self._client = MqttClient(
            settings,
            client_id=client_id or default_client_id(settings.base_topic),
            will=Publication(topic=topics.availability, payload=OFFLINE, retain=True),
            farewell=(Publication(topic=topics.availability, payload=OFFLINE, retain=True),),
            subscriptions=(Subscription(topics.commands, retain_as_published=True),),
            on_connect=self._greet,
            on_message=self._came.put_nowait,
            timing=timing,
        )

    @property
    def is_there(self) -> bool:
        """Whether the broker takes publications now."""
        return self._client.connected

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._client.run(), name="mqtt")
            tasks.create_task(self._take_commands(), name="commands")

    def publish(self, topic: str, payload: bytes) -> "asyncio.Future[PayloadRefused | None]":
        """Publish until the broker has it; the future then has None, or why it never will."""
        told: asyncio.Future[PayloadRefused | None] = asyncio.get_running_loop().create_future()
        self._client.publish_awaited(Publication(topic=topic, payload=payload), told.set_result)
        return told

    def tell(self, topic: str, document: object, *, retain: bool = False) -> None:
        """Publish a document without waiting; bytes as they are, anything else as JSON."""
        payload = document if isinstance(document, bytes) else dump(document)
        self._client.publish(Publication(topic=topic, payload=payload, retain=retain))

    def _greet(self) -> None:
        self.tell(self._topics.availability, ONLINE, retain=True)
        self._connected()

    async def _take_commands(self) -> None:
        while True:
            received = await self._came.get()
            modem = self._topics.addressee(received.topic)
            if received.retain:
                log.warning(
                    "a retained message to %s was dropped: it would be a command again and again", received.topic
                )
            else:
                try:
                    await self._take(modem, received.payload)
                except StorageFailed as error:
                    # the broker has it still, and delivers it again at the next connection
                    log.error("a command for %s is left with the broker: %s", modem, error)
                    continue
            self._client.acknowledge(received)
