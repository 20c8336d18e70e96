"""The delivery promise, through real processes that are killed: nothing lost, every end told once."""

import json
import resource
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.bridge.mqtt.scripted_broker import SILENCE, TAKE, ScriptedBroker
from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.world import World, run, tcp, udp


async def test_messages_wait_over_a_kill(world: World) -> None:
    """What was acknowledged while the module was away is sent after kill -9, in order, each with one final receipt."""
    server = await world.udp()
    emulator = await world.emulator()
    bridge = await world.bridge({"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}})
    shed = world.modem("shed")
    await shed.online()
    await emulator.kill()
    await shed.layer("port")
    for number in range(20):
        await shed.send("telemetry", b"%d" % number, f"m{number}")
    await shed.receipt("telemetry", "m19", "queued")
    await bridge.kill()
    await emulator.start()
    await bridge.start()
    await shed.receipt("telemetry", "m19", "accepted")
    await server.has(*(b"%d" % number for number in range(20)))
    assert shed.receipts("telemetry", "m7") == ["queued", "sending", "accepted"]


async def test_messages_wait_in_the_broker_while_the_bridge_is_down(world: World) -> None:
    """What is published while no bridge runs is sent by the next one."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    bridge = world.bridges[0]
    await bridge.stop()
    await shed.send("telemetry", b"while away", "m1")
    await bridge.start()
    await shed.receipt("telemetry", "m1", "accepted")
    await server.has(b"while away")


async def test_a_repeated_id_is_sent_once(world: World) -> None:
    """The same id again is not sent again, over a restart either, by either way of sending."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    for _ in range(2):
        await shed.send("telemetry", b"once", "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    await world.bridges[0].kill()
    await world.bridges[0].start()
    response = await shed.request("send", socket="telemetry", data="once", id="m1")
    assert response["status"] == "ok"
    await shed.request("send", socket="telemetry", data="end", id="m2")
    await shed.receipt("telemetry", "m2", "accepted")
    await server.has(b"once", b"end")


async def test_tcp_messages_go_on_after_a_kill(world: World) -> None:
    """TCP messages that had no final receipt when the bridge was killed get one from the next bridge."""
    server = await world.tcp()
    emulator = await world.emulator("--baud", "9600")
    shed = await world.shed(emulator.place, {"control": tcp(server.port)}, baudrate=9600)
    for number in range(20):
        await shed.send("control", b"[%d]" % number, f"m{number}")
    await shed.receipt("control", "m1", "accepted")
    await world.bridges[0].kill()
    await world.bridges[0].start()
    for number in range(20):
        await shed.receipt("control", f"m{number}", "acknowledged")
    for number in range(20):
        assert b"[%d]" % number in server.stream


async def test_what_came_is_published_when_the_broker_is_back(world: World) -> None:
    """What the network brings while the broker is away is kept over a kill and published."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await shed.send("telemetry", b"hello", "m1")
    await server.has(b"hello")
    await shed.receipt("telemetry", "m1", "accepted")
    await world.broker.stop()
    server.send(b"late news")
    file = world.directory / "state" / "shed.outbox"
    await until(lambda: b"late news" in pending(file))
    await world.bridges[0].kill()
    await world.broker.start()
    await world.bridges[0].start()
    await shed.received("telemetry", b"late news")
    await until(lambda: not pending(file))


async def test_a_directory_that_can_t_be_written(world: World) -> None:
    """Without storage the bridge is up, says so, leaves messages with the broker, and goes on once it can write."""
    server = await world.udp()
    emulator = await world.emulator()
    (world.directory / "state").write_text("in the way")
    config = {"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}}
    bridge = BridgeProcess(world.directory / "blocked.yaml")
    bridge.config.write_text(
        json.dumps(
            {
                "mqtt": {"host": world.broker.host, "port": world.broker.port},
                "modems": config,
                "state_dir": str(world.directory / "state" / "deep"),
            }
        )
    )
    await world.add(bridge, "shed")
    shed = world.modem("shed")
    await shed.open("telemetry")
    alert = await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: bool(heard.payload))
    assert "state_dir" in alert.json()["advice"]
    await shed.send("telemetry", b"x", "m1")
    await world.mqtt.publish(shed.topic("socket/telemetry/send"), b"lost", qos=0)
    rejected = await world.mqtt.message(shed.topic("socket/telemetry/receipt"))
    assert rejected.json()["error"]["code"] == "storage_failed"
    (world.directory / "state").unlink()
    await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: not heard.payload)
    await shed.send("telemetry", b"y", "m2")
    await shed.receipt("telemetry", "m2", "accepted")
    await server.has(b"x", b"y")


def pending(file: Path) -> list[bytes]:
    """Return the payloads that the broker has not acknowledged, as the file has them."""
    connection = sqlite3.connect(file)
    try:
        return [payload for (payload,) in connection.execute("SELECT payload FROM publication")]
    finally:
        connection.close()


async def test_a_full_disk(world: World) -> None:
    """When the file can't grow, messages are rejected with an alert; when it can again, nothing taken is missing."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await shed.request("deactivate")
    await shed.socket("telemetry", lambda state: state["phase"] in {"closed", "backoff"})
    process = world.bridges[0].process
    assert process is not None
    _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (150_000, most))
    taken, heard = -1, None
    while heard is None or heard.json()["state"] == "queued":
        taken, since = taken + 1, len(world.mqtt.heard)
        await shed.send("telemetry", b"%500d" % taken, f"m{taken}")
        heard = await world.mqtt.message(shed.topic("socket/telemetry/receipt"), since=since)
    assert heard.json()["error"]["code"] == "storage_failed"
    await world.mqtt.message(shed.topic("alert/outbox_storage"), lambda heard: bool(heard.payload))
    assert (await shed.request("outbox", limit=1))["status"] == "ok"
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
    await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: not heard.payload)
    assert taken > 1
    await shed.request("activate")
    await shed.receipt("telemetry", f"m{taken - 1}", "accepted")
    await server.has(*(b"%500d" % number for number in range(taken)))


async def test_a_full_outbox_tells(world: World) -> None:
    """Beyond the limit messages are rejected with an alert, requests are still answered, and room ends the alert."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)}, outbox={"max_messages": 5})
    await shed.request("deactivate")
    await shed.socket("telemetry", lambda state: state["phase"] in {"closed", "backoff"})
    for number in range(100):
        await shed.send("telemetry", b"%d" % number, f"m{number}")
    assert (await shed.receipt("telemetry", "m99", "rejected"))["error"]["code"] == "outbox_full"
    await world.mqtt.now(shed.topic("alert/outbox_full"), lambda heard: bool(heard.payload))
    await shed.request("activate")
    await shed.receipt("telemetry", "m4", "accepted")
    await world.mqtt.now(shed.topic("alert/outbox_full"), lambda heard: not heard.payload)
    await server.has(*(b"%d" % number for number in range(5)))


@pytest.mark.usefixtures("same_day")
async def test_the_budget_is_what_went_over_the_sockets(world: World) -> None:
    """Bytes counted are the server's own count and 28 for each datagram, and they survive a kill."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    for number in range(30):
        await shed.send("telemetry", bytes(1 + 17 * number), f"m{number}")
    await shed.receipt("telemetry", "m29", "accepted")
    bytes_sent = sum(len(datagram) + 28 for datagram in server.datagrams)
    await shed.state(lambda state: state["usage"]["today"] == {"up": bytes_sent, "down": bytes_sent})
    state = await shed.state(lambda state: state["usage"]["budget"] is None)
    assert state["usage"]["period"] == {"up": bytes_sent, "down": bytes_sent}
    await until(lambda: kept_usage(world.directory / "state" / "shed.outbox") == (bytes_sent, bytes_sent))
    await world.bridges[0].kill()
    await world.bridges[0].start()
    await shed.send("telemetry", b"x", "again")
    await shed.state(lambda state: state["usage"]["today"] == {"up": bytes_sent + 29, "down": bytes_sent + 29})


@pytest.mark.usefixtures("same_day")
async def test_a_used_up_budget_holds_back_what_can_wait(world: World) -> None:
    """Normal messages wait, critical ones go, and the operator's own figure lets all go again."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)}, data_budget={"bytes": 300})
    await shed.send("telemetry", bytes(280), "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    alert = await world.mqtt.now(shed.topic("alert/data_budget"), lambda heard: bool(heard.payload))
    assert "used up" in alert.json()["message"]
    await shed.send("telemetry", b"normal", "m2")
    await shed.send("telemetry", b"alarm", "m3", user=(("priority", "critical"),))
    await shed.receipt("telemetry", "m3", "accepted")
    assert shed.receipts("telemetry", "m2") == ["queued"]
    answer = await shed.request("calibrate", used=100)
    assert answer["data"] == {"used": 100, "budget": 300, "left": 200}
    await shed.receipt("telemetry", "m2", "accepted")
    await world.mqtt.now(shed.topic("alert/data_budget"), lambda heard: not heard.payload)
    await server.has(bytes(280), b"alarm", b"normal")


async def test_the_outbox_on_request_and_from_the_shell(world: World) -> None:
    """What waits can be listed, shown and cancelled over MQTT and beside the running bridge, with its receipts."""
    server = await world.udp()
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port), "alarms": udp(server.port)})
    await emulator.kill()
    await shed.layer("port")
    for number in range(5):
        await shed.send("telemetry", b"%d" % number, f"m{number}")
    await shed.send("alarms", b"!", "a0", user=(("priority", "high"),), expiry=600)
    await shed.receipt("alarms", "a0", "queued")
    listed = (await shed.request("outbox", socket="telemetry", start=1, limit=2))["data"]
    assert listed["messages"] == 5
    assert [entry["id"] for entry in listed["entries"]] == ["m1", "m2"]
    shown = (await shed.request("outbox", action="show", id="a0"))["data"]["entries"][0]
    assert (shown["data_hex"], shown["priority"], shown["socket"]) == ("21", "high", "alarms")
    assert shown["expires"] is not None
    assert (await shed.request("outbox", action="cancel", id="nobody"))["error"]["code"] == "unknown_message"
    assert (await shed.request("outbox", action="cancel", id="m1"))["data"] == {"cancelled": 1, "sending": 0}
    assert (await shed.receipt("telemetry", "m1", "failed"))["error"]["code"] == "cancelled"
    command = (sys.executable, "-m", "sim7020_bridge", "outbox")
    config = ("--config", str(world.bridges[0].config))
    status, out, _ = await run(*command, "list", *config)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["m0", "m2", "m3", "m4", "a0"]
    assert out.splitlines()[-1].endswith("Z  !")
    _, out, _ = await run(*command, "list", *config, "--json", "--socket", "alarms")
    assert json.loads(out)["messages"] == [shown]
    assert await run(*command, "cancel", *config, "m2") == (0, "1 cancelled\n", "")
    await shed.receipt("telemetry", "m2", "failed")
    status, _, err = await run(*command, "cancel", *config, "m2")
    assert (status, err) == (1, "m2 is not in the outbox; it may be finished already\n")
    await world.bridges[0].kill()
    status, out, _ = await run(*command, "purge", *config, "--socket", "telemetry", "--yes")
    assert (status, out) == (0, "3 cancelled; their receipts go out with the next run\n")
    status, out, _ = await run(*command, "list", *config)
    assert [line.split()[0] for line in out.splitlines()] == ["a0"]
    await emulator.start()
    await world.bridges[0].start()
    await shed.receipt("telemetry", "m4", "failed")
    await shed.receipt("alarms", "a0", "accepted")
    await server.has(b"!")


def kept_usage(file: Path) -> tuple[int, int]:
    """Return the bytes up and down that the file has."""
    connection = sqlite3.connect(file)
    try:
        up, down = connection.execute("SELECT coalesce(sum(up), 0), coalesce(sum(down), 0) FROM usage").fetchone()
        return up, down
    finally:
        connection.close()


async def test_what_is_refused_late_says_nothing_of_a_new_session(world: World) -> None:
    """A packet whose refusal had to wait until the broker forgot the session is not taken for one that comes after."""
    silent, most, later = True, 1000, 5
    socket = {"protocol": "udp", "host": "127.0.0.1", "port": 9}
    topic, wrong = "sim7020/shed/socket/a/send", ("priority", "loud")
    async with ScriptedBroker(lambda _: SILENCE if silent else TAKE) as broker:
        bridge = BridgeProcess(world.directory / "bridge.yaml")
        tree = {
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "modems": {"shed": {"port": str(world.directory / "no-tty"), "sockets": {"a": socket}}},
            "state_dir": str(world.directory / "state"),
        }
        bridge.config.write_text(json.dumps(tree))
        world.bridges.append(bridge)
        await bridge.start()
        await broker.until(lambda: "sim7020/shed/socket/+/send" in broker.asked)
        for packet in range(1, most + later + 1):
            broker.deliver(topic, b"x", packet=packet, user=wrong)
        await broker.until(lambda: len(broker.acknowledged) == most, within=PATIENCE)
        broker.hang_up()
        broker.forget_session()
        broker.deliver(topic, b"x", packet=most + 1, user=wrong)
        silent = False
        await broker.until(lambda: len(broker.acknowledged) > most)

        def refused() -> int:
            return len({json.loads(each.payload)["id"] for each in broker.taken if each.topic.endswith("/receipt")})

        await broker.until(lambda: refused() > most + later, within=PATIENCE)
        await bridge.stop()
