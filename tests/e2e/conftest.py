"""Every end-to-end test gets a world with a broker, and has to leave it clean."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.broker import mosquitto
from tests.e2e.mqtt_peer import MqttPeer
from tests.e2e.world import World

BROKER = ("max_queued_messages 0", "set_tcp_nodelay true", "persistence true", "autosave_interval 1")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Run a broker and a client that hears everything; at the end hold all that was published to the contract."""
    async with mosquitto(tmp_path, *BROKER) as broker:
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        try:
            world = World(tmp_path, broker, mqtt)
            try:
                yield world
            finally:
                await world.close()
        finally:
            await mqtt.stop()
