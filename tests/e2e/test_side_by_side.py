"""Bridges that share a broker, and nothing else."""

import contextlib
from pathlib import Path

from sim7020_bridge.config.model import ModemSettings, MqttSettings
from sim7020_bridge.service.bridge import Bridge
from tests.broker import mosquitto
from tests.e2e.mqtt_peer import MqttPeer
from tests.e2e.test_budget import running

BASES = ("sim7020", "farm", "farm/sim7020", "sim7020/farm")


async def test_modems_of_one_name_under_different_base_topics(tmp_path: Path) -> None:
    """Each keeps its connection while the others have theirs, and answers what it is asked."""
    async with mosquitto(tmp_path) as broker, contextlib.AsyncExitStack() as ends:
        peer = MqttPeer(broker.host, broker.port)
        await peer.start()
        ends.push_async_callback(peer.stop)
        for number, base in enumerate(BASES):
            mqtt = MqttSettings(broker.host, broker.port, base_topic=base)
            bridge = Bridge(mqtt, ModemSettings("shed", str(tmp_path / "none")), state_dir=tmp_path / str(number))
            await ends.enter_async_context(running(bridge))
            await peer.message(f"{base}/shed/availability", lambda heard: heard.payload == b"online")
        for base in BASES * 2:
            before = len(peer.heard)
            await peer.publish(f"{base}/shed/request/outbox", b"")
            await peer.message(f"{base}/shed/response/outbox", since=before)
        assert broker.log.count(" as sim7020-bridge-") == len(BASES)
