"""Ten thousand messages a second: script/campaign security has a minute of them."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

from tests.campaign.flood import flood
from tests.e2e.servers import until
from tests.e2e.world import Document, Modem, udp, world_in

FLOOD = float(os.environ.get("FLOOD_SECONDS", "3"))
"""Seconds of ten thousand messages each."""

ORDINARY = ()
"""The configuration of a broker that queues as much as brokers do unless told otherwise."""


async def asked_until_answered(shed: Modem) -> Document:
    """Make a request again and again: a broker drops what its queue for a client, 1,000 messages, has no room for."""
    topic = shed.topic("response/refresh")
    for turn in range(24):
        await shed.mqtt.publish(shed.topic("request/refresh"), json.dumps({"transaction": f"turn {turn}"}))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                heard = await shed.mqtt.message(topic, lambda heard: bool(heard.json()["transaction"]))
                return dict(heard.json())
    raise AssertionError("no request was answered")


async def test_ten_thousand_messages_a_second(tmp_path: Path) -> None:
    """A flood of everything there is to publish ends, and the bridge is as it was: memory, link, requests, messages."""
    async with world_in(tmp_path, ORDINARY) as world:
        server = await world.udp()
        emulator = await world.emulator()
        shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
        bridge = world.bridges[0]
        before = bridge.memory()
        messages = [
            (shed.topic("socket/telemetry/send"), b"x" * 20),
            (shed.topic("socket/nobody/send"), b"x"),
            (shed.topic("request/nothing"), b"{}"),
            (shed.topic("request/refresh"), b"{"),
            (shed.topic("request/ping"), b'{"host":"a\\"b"}'),
        ]
        rate = await flood(world.broker.host, world.broker.port, messages, rate=10_000, seconds=FLOOD)
        assert (await asked_until_answered(shed))["status"] == "ok"
        await shed.send("telemetry", b"after the flood", "after", user=(("priority", "high"),))
        await until(lambda: b"after the flood" in server.datagrams)
        after = bridge.memory()
        lines = len(bridge.log.splitlines())
        sys.stdout.write(
            f"{rate} messages/s, {before:.0f} MiB before and {after:.0f} MiB after, {lines} lines of log\n"
        )
        assert after - before < 60
        assert "Traceback" not in bridge.log
