"""A bridge that must not take what it can't keep: started beside another one, or before its disk is there."""

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.service_kit import shell
from tests.e2e.world import World, udp


@pytest.mark.parametrize("state", ["state", "of-another-user"])
async def test_a_second_start_beside_a_bridge(world: World, state: str) -> None:
    """The second ends with a sentence that names file and process, wherever its state is; the first notices nothing."""
    port = str(world.directory / "no-tty")
    first = await world.bridge({"shed": {"port": port, "sockets": {"telemetry": udp(9)}}})
    shed = world.modem("shed")
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"online")
    connections = world.broker.log.count(" as sim7020-bridge-shed")
    tree = json.loads(first.config.read_text())
    outbox = Path(tree["state_dir"]) / "shed.outbox"
    second = world.directory / "second.yaml"
    second.write_text(json.dumps({**tree, "state_dir": str(world.directory / state)}))
    status, _, error = await shell("run", "--config", second)
    assert first.process is not None
    assert status == 1
    assert [" ERROR " in line for line in error.splitlines()].count(True) == 1, error
    assert f"sim7020-bridge-shed runs already: it is process {first.process.pid}, with its outbox in {outbox}" in error
    assert "Stop it first" in error
    assert not (world.directory / "of-another-user").exists()
    tree["mqtt"]["host"] = ["other.invalid", tree["mqtt"]["host"]]
    second.write_text(json.dumps(tree))
    status, _, error = await shell("run", "--config", second)
    assert (status, f"it is process {first.process.pid}" in error) == (1, True)
    await shed.send("telemetry", b"x", "m1")
    await shed.receipt("telemetry", "m1", "queued")
    assert world.broker.log.count(" as sim7020-bridge-shed") == connections
    assert [heard.payload for heard in world.mqtt.all(shed.topic("availability"))] == [b"online"]


async def test_beside_a_bridge_of_another_base_topic(world: World) -> None:
    """A second bridge with topics of its own is none of the first one's business."""
    port = str(world.directory / "no-tty")
    first = await world.bridge({"shed": {"port": port}})
    tree = json.loads(first.config.read_text())
    tree["mqtt"]["base_topic"] = "house/modems"
    second = BridgeProcess(world.directory / "second.yaml")
    second.config.write_text(json.dumps({**tree, "state_dir": str(world.directory / "second")}))
    await second.start()
    await until(lambda: "as sim7020-bridge-shed, a new session" in first.log)
    await until(lambda: "as sim7020-bridge-house.modems.shed, a new session" in second.log)
    await second.stop()


def keeps_signals(bridge: BridgeProcess) -> bool:
    """Whether a bridge that starts keeps signals for later."""
    assert bridge.process is not None
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    blocked = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigBlk"))
    return bool(blocked & 1 << signal.SIGHUP - 1)


async def started(bridge: BridgeProcess) -> None:
    """Start a bridge, and return in its first moments."""
    await bridge.start()
    await until(lambda: keeps_signals(bridge))


async def test_signals_while_it_starts(world: World) -> None:
    """SIGHUP in the first moments is heard later, and SIGTERM ends it in good order."""
    bridge = BridgeProcess(world.directory / "early.yaml")
    bridge.config.write_text(
        f"mqtt: {{host: 127.0.0.1, port: {world.broker.port}}}\n"
        f"state_dir: {world.directory}/state\n"
        f"modems: {{shed: {{port: {world.directory}/no-tty}}}}\n"
    )
    await started(bridge)
    assert bridge.process is not None
    bridge.process.send_signal(signal.SIGHUP)
    await until(lambda: "the configuration was reloaded" in bridge.log)
    await bridge.stop()
    await started(bridge)
    await bridge.stop()
    assert bridge.log.count("stopping") == 2


async def test_before_the_disk_is_there(world: World) -> None:
    """While the outbox could never be opened the broker keeps what is published, over a kill too; then all is taken."""
    volume = world.directory / "volume"
    volume.write_text("not mounted")
    bridge = BridgeProcess(world.directory / "volume.yaml")
    bridge.config.write_text(
        f"mqtt: {{host: 127.0.0.1, port: {world.broker.port}}}\n"
        f"state_dir: {volume}/state\n"
        f"modems: {{shed: {{port: {world.directory}/no-tty, sockets: {{a: {{protocol: udp, host: h, port: 9}}}}}}}}\n"
    )
    await world.add(bridge, "shed")
    shed = world.modem("shed")
    alert = await world.mqtt.message(shed.topic("alert/outbox_storage"), lambda heard: heard.payload != b"")
    assert "volume" in alert.json()["message"]
    refused = await shed.request("send", socket="a", data="x", id="asked")
    assert refused["error"]["code"] == "storage_failed"
    for number in range(3):
        await shed.send("a", b"x", f"m{number}")
    await until(lambda: world.broker.log.count("Sending PUBLISH to sim7020-bridge-shed") >= 3)
    await bridge.kill()
    before = world.broker.log.count("Sending PUBLISH to sim7020-bridge-shed")
    await bridge.start()
    await until(lambda: world.broker.log.count("Sending PUBLISH to sim7020-bridge-shed") >= before + 3)
    await shed.send("a", b"x", "m3")
    assert world.mqtt.all(shed.topic("socket/a/receipt")) == []
    volume.unlink()
    await shed.receipt("a", "m3", "queued")
    receipts = [heard.json() for heard in world.mqtt.all(shed.topic("socket/a/receipt"))]
    assert [(one["id"], one["state"]) for one in receipts] == [(f"m{number}", "queued") for number in range(4)]
    await world.mqtt.now(shed.topic("alert/outbox_storage"), lambda heard: heard.payload == b"")
