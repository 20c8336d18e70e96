"""What users get for what they publish: receipts, refusals, properties, priorities, both protocol versions."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.mqtt_peer import PATIENCE, Mqtt5
from tests.e2e.servers import UdpServer, until
from tests.e2e.world import Modem, World, run, tcp, udp

PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


async def modem_with(world: World, **socket: object) -> tuple[Modem, UdpServer]:
    """Run a modem with one UDP socket, and its server."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    return await world.shed(emulator.place, {"telemetry": udp(server.port, **socket)}), server


UNDECODABLE = {
    "empty": ("raw", b"", "empty"),
    "empty hex": ("hex", b"", "empty"),
    "empty json": ("json", b'{"data": ""}', "empty"),
    "odd hex": ("hex", b"123", "invalid_hex"),
    "no hex": ("hex", b"zz", "invalid_hex"),
    "base64 without padding": ("base64", b"AAE", "invalid_base64"),
    "no text": ("text", b"\xff\xfe", "invalid_text"),
    "broken json": ("json", b"{", "invalid_json"),
    "json list": ("json", b"[]", "invalid_json"),
    "json with two payloads": ("json", b'{"data": "a", "data_hex": "61"}', "invalid_json"),
    "huge": ("raw", bytes(65537), "too_large"),
}


async def test_undecodable_payload(world: World) -> None:
    """What can't be decoded is rejected with the reason, and the next good message goes out."""
    server = await world.udp()
    emulator = await world.emulator()
    encodings = ("raw", "text", "hex", "base64", "json")
    shed = await world.shed(emulator.place, {encoding: udp(server.port, encoding=encoding) for encoding in encodings})
    for name, (encoding, payload, code) in UNDECODABLE.items():
        await shed.send(encoding, payload, name)
        receipt = await shed.receipt(encoding, name, "rejected")
        assert (receipt["final"], receipt["error"]["code"]) == (True, code), name
        assert receipt["error"]["message"]
    for encoding in encodings:
        await shed.request("send", socket=encoding, data="good")
    await server.has(*[b"good"] * len(encodings))


async def test_json_is_small_on_the_air(world: World) -> None:
    """What is published as JSON arrives as a struct or as CBOR, CBOR comes back as JSON, and info tells the form."""
    server, echo = await world.udp(), await world.udp(echo=True)
    emulator = await world.emulator()
    pick = ["temperature i16 0.01", "battery u8"]
    sockets = {
        "small": udp(server.port, payload="struct", pick=pick),
        "whole": udp(echo.port, payload="cbor"),
    }
    shed = await world.shed(emulator.place, sockets)
    reading = b'{"battery": 100, "linkquality": 87, "temperature": 21.53}'
    await shed.send("small", reading, "m1")
    assert (await shed.receipt("small", "m1", "accepted"))["bytes"] == 3
    await server.has(bytes.fromhex("086964"))
    await shed.send("whole", b'{ "on": true }', "m2")
    await echo.has(bytes.fromhex("a1626f6ef5"))
    await shed.received("whole", b'{"on":true}')
    await shed.send("small", b'{"battery": 255}', "m3")
    assert (await shed.receipt("small", "m3", "rejected"))["error"]["code"] == "invalid_value"
    info = (await world.mqtt.now(shed.topic("info"))).json()
    assert [(socket["payload"], socket["pick"]) for socket in info["sockets"]] == [("struct", pick), ("cbor", [])]


async def test_unknown_socket(world: World) -> None:
    """A socket that is not configured is told, over its send topic and in a request."""
    shed, _ = await modem_with(world)
    await shed.send("nowhere", b"x", "m1")
    assert (await shed.receipt("nowhere", "m1", "rejected"))["error"]["code"] == "unknown_socket"
    assert (await shed.request("send", socket="nowhere", data="x"))["error"]["code"] == "unknown_socket"


async def test_retained_messages_are_refused(world: World) -> None:
    """What is published with the retain flag is refused, new and at the next start."""
    shed, server = await modem_with(world)
    user = (("id", "kept"),)
    await world.mqtt.publish(shed.topic("socket/telemetry/send"), b"x", retain=True, properties=Mqtt5(user=user))
    assert (await shed.receipt("telemetry", "kept", "rejected"))["error"]["code"] == "retained"
    await world.mqtt.publish(shed.topic("request/refresh"), b'{"transaction": "kept"}', retain=True)
    response = await world.mqtt.message(shed.topic("response/refresh"))
    assert response.json()["error"]["code"] == "retained"
    await shed.send("telemetry", b"y", "m2")
    await server.has(b"y")


WRONG_REQUESTS = {
    "unknown verb": ("fly", b"{}", "unknown_verb"),
    "broken": ("refresh", b"{", "invalid_json"),
    "list": ("refresh", b"[1]", "invalid_json"),
    "missing key": ("ping", b"{}", "invalid_request"),
    "quote": ("ping", b'{"host": "a\\"b"}', "invalid_request"),
    "out of range": ("ping", b'{"host": "127.0.0.1", "count": 0}', "invalid_request"),
    "choice": ("send", b'{"socket": "telemetry", "data": "x", "priority": "top"}', "invalid_request"),
    "no data": ("send", b'{"socket": "telemetry"}', "invalid_json"),
    "expired": ("refresh", b'{"expires": "2020-01-01T00:00:00Z"}', "expired"),
    "no time": ("refresh", b'{"expires": "tomorrow"}', "invalid_request"),
    "injection": ("set_apn", b'{"apn": "a\\r\\nAT+CPOWD=1"}', "invalid_request"),
}


async def test_wrong_request(world: World) -> None:
    """A request that can't be carried out is answered with a code and words, and the next one is carried out."""
    shed, _ = await modem_with(world)
    for name, (verb, payload, code) in WRONG_REQUESTS.items():
        since = len(world.mqtt.heard)
        await world.mqtt.publish(shed.topic(f"request/{verb}"), payload)
        error = (await world.mqtt.message(shed.topic(f"response/{verb}"), since=since)).json()["error"]
        assert error["code"] == code, name
        assert error["message"]
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert (await shed.request("refresh", expires=soon))["status"] == "ok"


@PROTOCOLS
async def test_every_quality_of_service(world: World, protocol: str) -> None:
    """Messages of every QoS are sent once, over both protocol versions."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)}, mqtt={"protocol": protocol})
    for number in range(9):
        await world.mqtt.publish(shed.topic("socket/telemetry/send"), f"{number}", qos=number % 3)
    await until(lambda: len(server.datagrams) == 9)
    assert sorted(server.datagrams) == [f"{number}".encode() for number in range(9)]


async def test_response_topic(world: World) -> None:
    """MQTT 5: receipts and responses go to the response topic as well, with the correlation data."""
    shed, _ = await modem_with(world)
    await shed.send("telemetry", b"x", "m1", response_topic="my/receipts", correlation_data=b"\x00c1")
    last = await world.mqtt.message("my/receipts", lambda heard: heard.json()["final"])
    assert {heard.correlation_data for heard in world.mqtt.all("my/receipts")} == {b"\x00c1"}
    assert [heard.json()["state"] for heard in world.mqtt.all("my/receipts")] == ["queued", "sending", "accepted"]
    assert last.json()["id"] == "m1"
    properties = Mqtt5(response_topic="my/responses", correlation_data=b"c2")
    await world.mqtt.publish(shed.topic("request/refresh"), b"", properties=properties)
    response = await world.mqtt.message("my/responses")
    assert (response.json()["status"], response.correlation_data) == ("ok", b"c2")


async def test_response_topic_that_would_loop(world: World) -> None:
    """A response topic that the bridge itself listens to is not answered."""
    shed, server = await modem_with(world)
    await shed.send("telemetry", b"x", "m1", response_topic=shed.topic("socket/telemetry/send"))
    await shed.receipt("telemetry", "m1", "accepted")
    await shed.send("telemetry", b"y", "m2")
    await server.has(b"x", b"y")


async def test_response_topic_of_the_broker_s_own(world: World) -> None:
    """A response topic for which the broker would cut the bridge off, again and again, is not answered."""
    shed, server = await modem_with(world)
    await shed.send("telemetry", b"x", "m1", response_topic="$share/group/x")
    await shed.receipt("telemetry", "m1", "accepted")
    await server.has(b"x")


async def closed_socket(world: World) -> tuple[Modem, UdpServer]:
    """Run a modem whose PDN context is switched off, so that its socket is closed and messages wait."""
    shed, server = await modem_with(world)
    assert (await shed.request("deactivate"))["status"] == "ok"
    await shed.socket("telemetry", lambda state: state["phase"] != "open")
    return shed, server


async def test_key_supersedes(world: World) -> None:
    """While the socket is closed a message with the same key takes the place of the one that waits."""
    shed, server = await closed_socket(world)
    await shed.send("telemetry", b"old", "m1", user=(("key", "temperature"),))
    await shed.send("telemetry", b"other", "m2", user=(("key", "humidity"),))
    await shed.send("telemetry", b"new", "m3", user=(("key", "temperature"),))
    assert (await shed.receipt("telemetry", "m1", "superseded"))["final"]
    await shed.request("activate")
    await server.has(b"other", b"new")


async def test_time_to_live(world: World) -> None:
    """While the socket is closed messages expire by their time to live, however it was given."""
    shed, server = await closed_socket(world)
    await shed.send("telemetry", b"old", "m1", expiry=3)
    await shed.request("send", id="m2", socket="telemetry", data="old", ttl=1)
    await shed.send("telemetry", b"stays", "m3", expiry=3600)
    assert (await shed.receipt("telemetry", "m1", "expired"))["final"]
    assert (await shed.receipt("telemetry", "m2", "expired"))["final"]
    await shed.request("activate")
    await server.has(b"stays")


async def test_priorities(world: World) -> None:
    """What waited goes out by priority, and by age within one."""
    shed, server = await closed_socket(world)
    for number, priority in enumerate(("low", "normal", "critical", "high", "normal", "critical")):
        await shed.send("telemetry", f"{priority} {number}", f"m{number}", user=(("priority", priority),))
    await shed.send("telemetry", b"x", "wrong", user=(("priority", "urgent"),))
    assert (await shed.receipt("telemetry", "wrong", "rejected"))["error"]["code"] == "invalid_property"
    await shed.receipt("telemetry", "m5", "queued")
    await shed.request("activate")
    await server.has(b"critical 2", b"critical 5", b"high 3", b"normal 1", b"normal 4", b"low 0")


async def test_users_own_topics(world: World) -> None:
    """A socket takes from a user's topics, wildcards included, and publishes to the user's topic as well."""
    shed, server = await modem_with(
        world, send_topics=["zigbee2mqtt/greenhouse/+", "house/#"], received_topic="greenhouse/commands"
    )
    await world.mqtt.publish("zigbee2mqtt/greenhouse/soil", b"41 %")
    await world.mqtt.publish("house/a/b", b"12")
    await world.mqtt.publish("zigbee2mqtt/cellar/soil", b"no")
    await shed.send("telemetry", b"own", "m1")
    await server.has(b"41 %", b"12", b"own")
    await world.mqtt.message("greenhouse/commands", lambda heard: heard.payload == b"own")
    await shed.received("telemetry", b"own")
    info = world.mqtt.latest[shed.topic("info")].json()
    assert info["sockets"][0]["received_topic"] == "greenhouse/commands"
    assert "house/#" in info["sockets"][0]["send_topics"]


async def test_request_send(world: World) -> None:
    """request/send answers at once with the message's id, and receipts follow."""
    server = await world.tcp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"control": tcp(server.port)})
    response = await shed.request("send", socket="control", data_hex="00ff", priority="high")
    assert response["data"]["state"] == "queued"
    await shed.receipt("control", response["data"]["id"], "acknowledged")
    await server.has(b"\x00\xff")


@PROTOCOLS
async def test_mosquitto_clients(world: World, protocol: str) -> None:
    """mosquitto_pub and mosquitto_sub, which know nothing of the bridge, are all that a user needs."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)}, mqtt={"protocol": protocol})
    place = ["-h", world.broker.host, "-p", str(world.broker.port), "-V", "mqttv5" if protocol == "5" else "mqttv311"]
    listening = await asyncio.create_subprocess_exec(
        "mosquitto_sub",
        *place,
        "-v",
        *("-C", "3", "-W", f"{PATIENCE:.0f}"),
        *("-t", shed.topic("availability"), "-t", shed.topic("socket/+/received"), "-t", shed.topic("response/#")),
        stdout=asyncio.subprocess.PIPE,
    )
    assert listening.stdout is not None
    first = (await asyncio.wait_for(listening.stdout.readline(), PATIENCE)).decode().strip()
    assert first == f"{shed.topic('availability')} online"
    await run("mosquitto_pub", *place, "-q", "1", "-t", shed.topic("socket/telemetry/send"), "-m", "Hello World")
    received = (await asyncio.wait_for(listening.stdout.readline(), PATIENCE)).decode().strip()
    assert received == f"{shed.topic('socket/telemetry/received')} Hello World"
    request = ["-t", shed.topic("request/resolve"), "-m", '{"name": "localhost", "transaction": 7}']
    await run("mosquitto_pub", *place, *request)
    topic, _, answer = (await asyncio.wait_for(listening.stdout.readline(), PATIENCE)).decode().partition(" ")
    assert (topic, json.loads(answer)["transaction"]) == (shed.topic("response/resolve"), 7)
    assert json.loads(answer)["data"]["addresses"] == ["127.0.0.1"]
    assert await listening.wait() == 0
