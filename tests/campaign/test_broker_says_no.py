"""A broker whose access rules forbid what the bridge has to publish, until somebody mends them."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.campaign.test_security import guarded, sober
from tests.e2e.mqtt_peer import Mqtt5, MqttPeer
from tests.e2e.programs import BridgeProcess
from tests.e2e.world import Modem, udp

ALL = "topic readwrite sim7020/#\n"
MANY = 520


@asynccontextmanager
async def forbidden(directory: Path, topic: str) -> AsyncIterator[tuple[Modem, BridgeProcess, Callable[[], None]]]:
    """Run a modem whose bridge may publish all but a topic, its socket open; the function has the topic allowed."""
    rules = directory / "rules"
    rules.write_text(f"{ALL}topic deny {topic}\n")
    rules.chmod(0o644)
    async with guarded(directory, f"acl_file {rules}") as (world, broker):

        def allow() -> None:
            rules.write_text(ALL)
            assert broker.process is not None
            broker.process.send_signal(signal.SIGHUP)

        server = await world.udp(echo=True)
        emulator = await world.emulator()
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        try:
            shed = Modem(mqtt, "shed")
            modems = {"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}}
            bridge = await world.bridge(modems, port=broker.port)
            await shed.open("telemetry")
            yield shed, bridge, allow
        finally:
            await mqtt.stop()


async def test_access_rules_that_are_mended(tmp_path: Path) -> None:
    """What is forbidden stays on disk, over a kill too, holds up nothing else, and comes once it is allowed."""
    received = "sim7020/shed/socket/telemetry/received"
    async with forbidden(tmp_path, received) as (shed, bridge, allow):
        mqtt = shed.mqtt
        for number in range(3):
            await shed.send("telemetry", b"%d" % number, f"m{number}")
            await shed.receipt("telemetry", f"m{number}", "accepted")
        event = await mqtt.message(shed.topic("event"), lambda heard: heard.json()["type"] == "put_aside")
        assert event.json()["topic"] == received
        await mqtt.now(shed.topic("state"), lambda heard: heard.json()["outbox"]["aside"] == 3)
        await bridge.kill()
        await bridge.start()
        await mqtt.message(
            shed.topic("event"), lambda heard: heard.json()["type"] == "put_aside", since=len(mqtt.heard)
        )
        assert mqtt.all(received) == []
        allow()
        await bridge.stop()
        await bridge.start()
        await mqtt.message(received, lambda heard: heard.payload == b"2")
        assert [one.payload for one in mqtt.all(received)] == [b"0", b"1", b"2"]
        await mqtt.now(shed.topic("state"), lambda heard: heard.json()["outbox"]["aside"] == 0)


async def test_many_response_topics_that_are_forbidden(tmp_path: Path) -> None:
    """Whatever topics others think of, a receipt that is forbidden waits, over a kill too, until it is allowed."""
    receipts = "sim7020/shed/socket/telemetry/receipt"
    async with forbidden(tmp_path, receipts) as (shed, bridge, allow):
        mqtt = shed.mqtt
        ids = [f"m{number}" for number in range(20)]
        for each in ids:
            await shed.send("telemetry", each.encode(), each)
        await mqtt.now(shed.topic("state"), lambda heard: heard.json()["outbox"]["aside"] == len(ids))
        for number in range(MANY):
            properties = Mqtt5(response_topic=f"answers/{number}")
            await mqtt.publish(shed.topic("request/outbox"), b"{}", properties=properties)
        answered = shed.topic("response/outbox")
        await mqtt.message(answered, lambda _: len(mqtt.all(answered)) == MANY)
        await mqtt.publish(
            shed.topic("socket/telemetry/send"),
            b"x",
            properties=Mqtt5(response_topic="answers/x", user=(("id", "last"),)),
        )
        # its receipt and the copy for the Response Topic
        await mqtt.now(shed.topic("state"), lambda heard: heard.json()["outbox"]["aside"] == len(ids) + 2)
        sober(bridge, lines=80)
        await bridge.kill()
        allow()
        await bridge.start()
        await mqtt.message(receipts, lambda heard: heard.json()["id"] == "last" and heard.json()["final"])
        final = [one.json()["id"] for one in mqtt.all(receipts) if one.json()["final"]]
        assert list(dict.fromkeys(final)) == [*ids, "last"]
        await mqtt.now(shed.topic("state"), lambda heard: heard.json()["outbox"]["aside"] == 1)
