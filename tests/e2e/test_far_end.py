"""From the shed to the cloud and back: bridge, emulator, far end and broker, each of them a program."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.programs import ended
from tests.e2e.servers import until
from tests.e2e.world import World
from tests.ports import free_port

READING = b'{"temperature":21.53,"battery":100,"linkquality":87}'
SMALL = b'{"temperature":21.53,"battery":100}'
PICK = ["temperature i16 0.01", "battery u8"]


class FarEndProgram:
    """The far end, on a port that stays the same, at the world's broker."""

    def __init__(self, directory: Path, broker: int) -> None:
        self.directory, self.port = directory, free_port()
        self.key = directory / "shed.key"
        self.key.write_text(f"{bytes(range(16)).hex()}\n")
        self.key.chmod(0o600)
        self.file = directory / "far-end.yaml"
        self.file.write_text(
            f"mqtt: {{host: 127.0.0.1, port: {broker}}}\n"
            f"listen: 127.0.0.1:{self.port}\n"
            f"state_dir: {directory}/far-end\n"
            "modems:\n"
            "  shed:\n"
            f'    oscore: {{secret_file: shed.key, sender_id: "", recipient_id: "01"}}\n'
            f"    paths: {{t: {{payload: struct, pick: [{', '.join(PICK)}]}}}}\n"
        )
        self.process: asyncio.subprocess.Process | None = None

    def socket(self, path: str, **more: object) -> dict[str, object]:
        """Return the settings of a socket to it."""
        oscore = {"secret_file": str(self.key), "sender_id": "01", "recipient_id": ""}
        return {"protocol": "coap", "url": f"coap://127.0.0.1:{self.port}/{path}", "oscore": oscore, **more}

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.directory / "far-end.log").read_text()

    async def start(self) -> None:
        """Run it; it listens once the log says so."""
        before = self.log.count("listening at") if (self.directory / "far-end.log").exists() else 0
        with (self.directory / "far-end.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sim7020_bridge", "far-end", "--config", str(self.file)), stderr=log
            )
        await until(lambda: self.log.count("listening at") > before or self.process.returncode is not None)  # type: ignore[union-attr]
        assert self.process.returncode is None, self.log

    async def end(self, how: signal.Signals) -> int:
        """End it by a signal, if it runs, and return its status."""
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await ended(self.process)


@pytest.fixture
async def far_end(world: World, tmp_path: Path) -> AsyncIterator[FarEndProgram]:
    """Have a far end run."""
    program = FarEndProgram(tmp_path, world.broker.port)
    await program.start()
    yield program
    assert await program.end(signal.SIGTERM) in {0, -signal.SIGKILL}
    assert "Traceback" not in program.log, program.log


async def test_there_and_back(world: World, far_end: FarEndProgram) -> None:
    """A reading goes up sealed and small, and is JSON again; a command comes down, once, and the far end knows it."""
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": far_end.socket("t", payload="struct", pick=PICK)})
    since = len(world.mqtt.heard)
    await world.mqtt.publish("far-end/shed/send", b"turn on")
    await world.mqtt.now("far-end/shed/state", lambda heard: heard.json()["waiting"] == 1)
    await shed.send("telemetry", READING, "m1")
    await shed.receipt("telemetry", "m1", "acknowledged")
    await world.mqtt.message("far-end/shed/received/t", lambda heard: heard.payload == SMALL, since=since)
    received = shed.topic("socket/telemetry/received")
    await world.mqtt.message(received, since=since)
    await shed.send("telemetry", READING, "m2")
    await shed.receipt("telemetry", "m2", "acknowledged")
    await world.mqtt.message("far-end/shed/event", lambda heard: heard.json()["type"] == "command_delivered")
    await world.mqtt.now("far-end/shed/state", lambda heard: heard.json()["waiting"] == 0)
    await world.mqtt.now("far-end/shed/availability", lambda heard: heard.payload == b"online")
    assert len(world.mqtt.all(received)) == 1
    assert [heard.payload for heard in world.mqtt.all("far-end/shed/received/t")] == [SMALL, SMALL]


async def test_either_end_killed(world: World, far_end: FarEndProgram) -> None:
    """Nothing is lost, and nothing that was acknowledged is published again, whichever of them is killed."""
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": far_end.socket("raw")})
    await shed.send("telemetry", b"m1", "m1")
    await shed.receipt("telemetry", "m1", "acknowledged")
    await world.bridges[0].kill()
    await far_end.end(signal.SIGKILL)
    await world.bridges[0].start()
    await shed.online()
    await shed.send("telemetry", b"m2", "m2")
    await shed.receipt("telemetry", "m2", "sending")
    await far_end.start()
    await shed.receipt("telemetry", "m2", "acknowledged")
    os.kill(far_end.process.pid, signal.SIGSTOP)  # type: ignore[union-attr]
    await shed.send("telemetry", b"m3", "m3")
    await shed.receipt("telemetry", "m3", "sending")
    await world.bridges[0].kill()
    os.kill(far_end.process.pid, signal.SIGCONT)  # type: ignore[union-attr]
    await world.bridges[0].start()
    await shed.receipt("telemetry", "m3", "acknowledged")
    await shed.send("telemetry", b"m4", "m4")
    await shed.receipt("telemetry", "m4", "acknowledged")
    async with asyncio.timeout(PATIENCE):
        await world.mqtt.message("far-end/shed/received/raw", lambda heard: heard.payload == b"m4")
    published = [heard.payload for heard in world.mqtt.all("far-end/shed/received/raw")]
    assert published == [b"m1", b"m2", b"m3", b"m4"]
