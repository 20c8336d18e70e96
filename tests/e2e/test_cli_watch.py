"""``watch`` in a terminal, in a pipe and for programs."""

import asyncio
import json
import os
import sys

import pytest

from tests.e2e.service_kit import Configured
from tests.e2e.terminal import Terminal
from tests.e2e.world import World, udp


async def test_watch_in_a_terminal(world: World) -> None:
    """The live view shows the modem, its sockets and what becomes of each message, and Ctrl-C ends it."""
    emulator = await world.emulator()
    server = await world.udp(echo=True)
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    shed = await service.start()
    async with Terminal("watch", "--broker", f"{world.broker.host}:{world.broker.port}") as terminal:
        await terminal.sees("shed")
        await terminal.sees("online")
        await shed.send("telemetry", b"hello there", "m1")
        await terminal.sees("→ sim7020/shed/socket/")
        await terminal.sees("✓ accepted")
        await terminal.sees("← sim7020/shed/socket/")
        await terminal.sees("hello there")
        await terminal.sees("1 sent")
        terminal.types("\x03")
        assert await terminal.ends() == 0
        assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("terminal", [{"TERM": "dumb"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
async def test_watch_in_a_terminal_that_shows_no_picture(world: World, terminal: dict[str, str]) -> None:
    """One that can't go back, or has ASCII alone, gets a line for each thing that happens, in words."""
    info = {"sockets": [{"name": "telemetry", "send_topics": ["garden/+"], "received_topic": "x"}]}
    for tail, payload in (
        ("availability", b"online"),
        ("info", json.dumps(info).encode()),
        ("state", b'{"link":{"layer":"online","reason":null}}'),
        ("alert/sim_missing", b'{"message":"There is no SIM","advice":"Put it in."}'),
    ):
        await world.mqtt.publish(f"sim7020/shed/{tail}", payload, retain=True)
    broker = f"{world.broker.host}:{world.broker.port}"
    async with Terminal("watch", "--broker", broker, environment=terminal) as shown:
        await shown.sees("shed  modem    online")
        await shown.sees("shed  alert    There is no SIM. Put it in.")
        await world.mqtt.publish("sim7020/shed/alert/sim_missing", b"", retain=True)
        await shown.sees("shed  alert    resolved: There is no SIM")
        shown.types("\x03")
        assert await shown.ends() == 0
    assert "\x1b" not in shown.shown


async def test_watch_for_programs(world: World) -> None:
    """In a pipe with --json, each message is a line of JSON."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sim7020_bridge", "watch", "--json"),
        *("--broker", f"{world.broker.host}:{world.broker.port}"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        await world.mqtt.publish("sim7020/shed/state", b'{"link":{"layer":"online"}}', retain=True)
        await world.mqtt.publish("sim7020/shed/socket/t/received", b"\xff")
        async with asyncio.timeout(20):
            line = json.loads(await process.stdout.readline())
        assert line["topic"] == "sim7020/shed/state"
        assert line["payload"] == {"link": {"layer": "online"}}
    finally:
        process.terminate()
        await process.communicate()


async def test_watch_ends_with_its_reader(world: World) -> None:
    """When nobody reads any more, as behind ``head``, it ends by itself at the next message."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sim7020_bridge", "watch", "--json"),
        *("--broker", f"{world.broker.host}:{world.broker.port}"),
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    try:
        await world.mqtt.publish("sim7020/shed/state", b"{}", retain=True)
        assert await asyncio.to_thread(os.read, reading, 1) == b"{"
        os.close(reading)
        await world.mqtt.publish("sim7020/shed/state", b"{}")
        async with asyncio.timeout(20):
            _, err = await process.communicate()
        assert (process.returncode, err) == (1, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
