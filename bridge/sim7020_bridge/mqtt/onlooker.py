"""A client that only looks on, for as long as somebody does: the broker keeps nothing for it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Final

from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.mqtt.client import MqttClient
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.mqtt.topics import Subscription

PATIENCE: Final = 3.0
"""Seconds that a broker has to accept a client that is tried."""

_NAME: Final = "sim7020-bridge-cli-"
_SHARE: Final = 0.8
"""Of the patience that somebody has, for the connection: the rest is for saying that there is none."""


def onlooker(
    mqtt: MqttSettings,
    topics: Sequence[str] = (),
    take: Callable[[Received], None] = lambda _: None,
    client_id: str | None = None,
    *,
    within: float,
) -> MqttClient:
    """Return a client that listens to topics, and acknowledges what comes before it is taken.

    It says within so many seconds of each node in turn that it does not answer.
    """

    def on_message(received: Received) -> None:
        client.acknowledge(received)
        take(received)

    client = MqttClient(
        mqtt,
        client_id=client_id or f"{_NAME}{token_hex(4)}",
        will=None,
        subscriptions=[Subscription(topic) for topic in topics],
        on_connect=lambda: None,
        on_message=on_message,
        timing=ClientTiming(connect=min(ClientTiming().connect, _SHARE * within / len(mqtt.nodes))),
    )
    return client


async def accepted(mqtt: MqttSettings, within: float = PATIENCE) -> tuple[bool, str]:
    """Return whether a broker accepts the bridge's user within so many seconds, and that in words."""
    client = onlooker(mqtt, within=within)
    talking = asyncio.create_task(client.run(), name="mqtt")
    try:
        async with asyncio.timeout(within):
            await client.wait_connected()
    except TimeoutError:
        return False, str(client.problem or "")
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking
    user = "without a user name" if mqtt.username is None else f"as user {mqtt.username}"
    return True, f"the MQTT broker at {mqtt.place} accepts the bridge {user}"
