"""A bridge that must not take what it can't keep: started beside another one, or before its disk is there."""

from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.service_kit import shell
from tests.e2e.world import World, udp


async def test_a_second_start_beside_a_bridge(world: World) -> None:
    """The second ends with a sentence that names file and process, and the first notices nothing."""
    port = str(world.directory / "no-tty")
    first = await world.bridge({"shed": {"port": port, "sockets": {"telemetry": udp(9)}}})
    shed = world.modem("shed")
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"online")
    connections = world.broker.log.count(" as sim7020-bridge-shed")
    status, _, error = await shell("run", "--config", first.config)
    assert first.process is not None
    assert status == 1
    assert error.count("\n") == 1, error
    assert f"shed.outbox can't be used: process {first.process.pid} has it" in error
    await shed.send("telemetry", b"x", "m1")
    await shed.receipt("telemetry", "m1", "queued")
    assert world.broker.log.count(" as sim7020-bridge-shed") == connections
    assert [heard.payload for heard in world.mqtt.all(shed.topic("availability"))] == [b"online"]


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
