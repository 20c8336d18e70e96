"""A broker that gives what it retains to exact topics only: the bridge says so, and its modems are found."""

import json

import pytest

from tests.e2e.exact_topics import ExactTopics
from tests.e2e.servers import until
from tests.e2e.service_kit import Configured, shell
from tests.e2e.terminal import Terminal
from tests.e2e.world import World, udp


async def test_modems_are_found(world: World) -> None:
    """The alert, the log and info tell; status, watch and send find the modem, with what only wildcards reach."""
    emulator = await world.emulator()
    server = await world.udp()
    async with ExactTopics(world.broker.port) as broker:
        service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
        service.tree["mqtt"]["port"] = broker.port
        shed = await service.start()
        await world.mqtt.now(shed.topic("alert/broker_limited"), lambda heard: b"for wildcards" in heard.payload)
        await world.mqtt.now(shed.topic("info"), lambda heard: heard.json()["broker"]["retained_by_wildcard"] is False)
        await until(lambda: "retained messages for wildcards" in service.bridge.log)
        place = "--broker", f"127.0.0.1:{broker.port}"
        status, out, err = await shell("status", *place, "--json")
        assert (status, err) == (0, "")
        modem = json.loads(out)["modems"]["shed"]
        assert modem["sockets"]["telemetry"]["phase"] == "open"
        assert list(modem["alerts"]) == ["broker_limited"]
        status, out, _ = await shell("status", *place, "--modem", "shed")
        assert status == 0
        assert "open, udp to" in out
        status, _, err = await shell("send", *place, "-m", "shad", "-s", "telemetry", "x")
        assert (status, err.rpartition("; ")[2]) == (2, "there are: shed\n")
        async with Terminal("watch", *place) as terminal:
            await terminal.sees("telemetry")
        await service.bridge.stop()


async def test_forget(world: World) -> None:
    """What a modem has left is emptied, the alerts that nobody remembers too."""
    left = [f"sim7020/gone/{leaf}" for leaf in ("availability", "alert/broker_limited")]
    for topic in left:
        await world.mqtt.publish(topic, b"offline", retain=True)
    async with ExactTopics(world.broker.port) as broker:
        status, out, _ = await shell("forget", "gone", "--broker", f"127.0.0.1:{broker.port}")
    assert (status, out) == (0, "2 topics of gone emptied\n")
    for topic in left:
        await world.mqtt.now(topic, lambda heard: not heard.payload)


@pytest.mark.parametrize("discovery", [True, False])
async def test_home_assistant_has_started(world: World, *, discovery: bool) -> None:
    """It looks for modems by wildcards, so that they are told of again: its component's, and by MQTT discovery."""
    emulator = await world.emulator()
    async with ExactTopics(world.broker.port) as broker:
        service = Configured(world, emulator.place, {}, home_assistant_discovery=discovery)
        service.tree["mqtt"]["port"] = broker.port
        shed = await service.start()
        topic = shed.topic("info")
        info = await world.mqtt.now(topic, lambda heard: heard.json()["broker"]["retained_by_wildcard"] is False)
        if discovery:
            topic = f"homeassistant/device/sim7020_{info.json()['modem']['imei']}/config"
            await world.mqtt.now(topic)
        before = sum(heard.topic == topic for heard in world.mqtt.heard)
        await world.mqtt.publish("homeassistant/status", b"online")
        await until(lambda: sum(heard.topic == topic for heard in world.mqtt.heard) > before)
        await service.bridge.stop()


async def test_nobody_asks_where_wildcards_work(world: World) -> None:
    """On any other broker it is known that they do, and neither the bridge nor status does anything for it."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    shed = await service.start()
    await world.mqtt.now(shed.topic("info"), lambda heard: heard.json()["broker"]["retained_by_wildcard"] is True)
    status, _, _ = await shell("status", "--broker", f"127.0.0.1:{world.broker.port}")
    assert status == 0
    assert "announce" not in world.broker.log
    await service.bridge.stop()
