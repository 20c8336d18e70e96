"""Home Assistant's MQTT discovery: published when wanted, kept back for the component, withdrawn when not wanted."""

import signal
from typing import Any

from tests.e2e.servers import until
from tests.e2e.service_kit import Configured
from tests.e2e.world import World, tcp, udp


def topic_of(imei: str, prefix: str = "homeassistant") -> str:
    """Return where a modem's document is."""
    return f"{prefix}/device/sim7020_{imei}/config"


async def imei_of(world: World) -> str:
    """Return the emulated module's IMEI."""
    info = await world.mqtt.now("sim7020/shed/info", lambda heard: heard.json()["modem"]["imei"] is not None)
    return str(info.json()["modem"]["imei"])


def is_sound(document: dict[str, Any]) -> bool:
    """Hold a document to what Home Assistant asks of every entity."""
    assert document["device"]["identifiers"]
    assert document["origin"]["name"] == "sim7020-bridge"
    ids = [entity["unique_id"] for entity in document["components"].values()]
    assert len(set(ids)) == len(ids)
    for entity in document["components"].values():
        assert entity["name"]
        if entity["platform"] == "button":
            assert entity["command_topic"].startswith("sim7020/shed/request/")
        else:
            assert entity["state_topic"].startswith("sim7020/shed/")
            assert entity["value_template"].startswith("{{")
    return True


async def test_life_of_a_discovery_document(world: World) -> None:
    """It is published with the IMEI, kept back while the component has its mark, and emptied when switched off."""
    emulator = await world.emulator()
    servers = await world.udp(), await world.tcp()
    service = Configured(world, emulator.place, {"telemetry": udp(servers[0].port)}, home_assistant_discovery=True)
    shed = await service.start()
    topic = topic_of(await imei_of(world))
    heard = await world.mqtt.now(topic)
    assert heard.retain
    assert is_sound(heard.json())
    assert "socket_telemetry" in heard.json()["components"]
    assert heard.json()["availability_topic"] == shed.topic("availability")

    service.sockets["control"] = tcp(servers[1].port)
    del service.sockets["telemetry"]
    service.write()
    assert service.bridge.process is not None
    service.bridge.process.send_signal(signal.SIGHUP)
    heard = await world.mqtt.now(topic, lambda heard: "socket_control" in heard.json()["components"])
    assert heard.json()["components"]["socket_telemetry"] == {"platform": "binary_sensor"}

    await world.mqtt.publish(shed.topic("component"), b'{"version":"1"}', retain=True)
    await world.mqtt.now(topic, lambda heard: not heard.payload)
    await until(lambda: "home_assistant_discovery is not used" in service.bridge.log)
    await service.bridge.stop()
    await service.bridge.start()
    await until(lambda: service.bridge.log.count("home_assistant_discovery is not used") == 2)
    assert not world.mqtt.latest[topic].payload, "the mark is seen again before anything is published"
    await world.mqtt.publish(shed.topic("component"), b"", retain=True)
    await world.mqtt.now(topic, lambda heard: bool(heard.payload))

    await service.bridge.stop()
    service.tree["home_assistant_discovery"] = "other/prefix"
    service.write()
    await service.bridge.start()
    moved = topic.replace("homeassistant", "other/prefix")
    await world.mqtt.now(moved, lambda heard: bool(heard.payload))
    await world.mqtt.now(topic, lambda heard: not heard.payload)
    await service.bridge.stop()
    del service.tree["home_assistant_discovery"]
    service.write()
    await service.bridge.start()
    await world.mqtt.now(moved, lambda heard: not heard.payload)
    assert not (world.directory / "state" / "shed.discovery").exists()


async def test_nothing_is_published_unasked(world: World) -> None:
    """Without the key, nothing goes to anyone's discovery topics."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    await service.start()
    await service.bridge.stop()
    assert not [heard for heard in world.mqtt.heard if not heard.topic.startswith("sim7020/")]
