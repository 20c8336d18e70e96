"""Beginnings, ends and everything that goes away in between and comes back."""

import itertools
import signal

import pytest

from tests.e2e.servers import until
from tests.e2e.world import BASE, World, tcp, udp


async def test_two_modems_in_one_process(world: World) -> None:
    """Two modems of one bridge have their own sockets, and one that fails leaves the other alone."""
    servers = {"shed": await world.udp(echo=True), "attic": await world.udp(echo=True)}
    emulators = {name: await world.emulator(name=name) for name in servers}
    bridge = await world.bridge(
        {
            name: {"port": emulators[name].place, "sockets": {"telemetry": udp(server.port)}}
            for name, server in servers.items()
        }
    )
    for name, server in servers.items():
        await world.modem(name).online()
        await world.modem(name).open("telemetry")
        await world.modem(name).send("telemetry", name, "m1")
        await server.has(name.encode())
        said = next(line for line in bridge.log.splitlines() if f":{server.port}" in line)
        assert f" [{name}] " in said
    await emulators["attic"].kill()
    await world.modem("attic").layer("port")
    await world.modem("shed").send("telemetry", b"still here", "m2")
    await servers["shed"].has(b"shed", b"still here")


async def test_last_will(world: World) -> None:
    """A bridge that is killed is offline by its last will, and the next one is online and carries on."""
    server = await world.udp()
    emulator = await world.emulator()
    bridge = await world.bridge({"shed": {"port": emulator.place, "sockets": {"telemetry": udp(server.port)}}})
    shed = world.modem("shed")
    await shed.open("telemetry")
    await bridge.kill()
    will = await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"offline")
    assert will.retain
    await shed.send("telemetry", b"while away", "m1")
    await bridge.start()
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"online")
    await server.has(b"while away")
    sockets = [command for command in emulator.commands() if command.startswith("AT+CSOC=")]
    assert len(sockets) == 2
    assert "AT+CSOCL=0" in emulator.commands(), "the socket that the killed bridge left is closed first"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_clean_end(world: World, number: signal.Signals) -> None:
    """A bridge that is told to end publishes offline and closed sockets, and exits with 0."""
    server = await world.tcp()
    emulator = await world.emulator()
    bridge = await world.bridge({"shed": {"port": emulator.place, "sockets": {"control": tcp(server.port)}}})
    shed = world.modem("shed")
    await shed.open("control")
    await bridge.stop(number)
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"offline")
    await shed.socket("control", lambda state: state["phase"] == "closed")
    assert [heard.payload for heard in world.mqtt.all(f"{BASE}/shed/availability")] == [b"online", b"offline"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_clean_end_with_nothing_there(world: World, number: signal.Signals) -> None:
    """A bridge whose port is missing says so, refuses requests, and ends as cleanly."""
    bridge = await world.bridge({"shed": {"port": str(world.directory / "no-such-tty")}})
    state = await world.modem("shed").state(lambda state: "no such device" in (state["link"]["reason"] or ""))
    assert state["link"]["layer"] == "port"
    response = await world.modem("shed").request("refresh")
    assert response["error"]["code"] == "modem_offline"
    await bridge.stop(number)


async def test_broker_that_restarts(world: World) -> None:
    """A broker that goes away and comes back finds everything published again, and messages flow."""
    server = await world.udp(echo=True)
    emulator = await world.emulator()
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await shed.send("telemetry", b"before", "m1")
    await shed.received("telemetry", b"before")
    since = len(world.mqtt.heard)
    await world.broker.stop()
    server.send(b"while the broker is away")
    await world.broker.start()
    await world.mqtt.message(shed.topic("availability"), lambda heard: heard.payload == b"online", since=since)
    await world.mqtt.message(shed.topic("info"), since=since)
    await shed.received("telemetry", b"while the broker is away", since=since)
    await shed.send("telemetry", b"after", "m2")
    await shed.received("telemetry", b"after", since=since)


@pytest.mark.parametrize("tcp_port", [False, True], ids=["pty", "socket://"])
async def test_module_that_is_unplugged(world: World, *, tcp_port: bool) -> None:
    """A module that goes away with its port and comes back is attached again, and what waited is sent."""
    server = await world.udp()
    emulator = await world.emulator(tcp=tcp_port)
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await emulator.kill()
    await shed.layer("port")
    await shed.send("telemetry", b"kept", "m1")
    await shed.receipt("telemetry", "m1", "queued")
    await emulator.start()
    state = await shed.online()
    assert 1 <= state["counters"]["recoveries"]["reopen"] <= 3
    await server.has(b"kept")
    await world.mqtt.message(shed.topic("event"), lambda heard: heard.json()["type"] == "recovered")
    kinds = [heard.json()["type"] for heard in world.mqtt.all(shed.topic("event"))]
    # how often the port was tried depends on how long the emulator takes to start
    assert [kind for kind, _ in itertools.groupby(kinds)] == ["attached", "lost", "recovering", "attached", "recovered"]


async def test_module_that_reboots(world: World) -> None:
    """A module whose power key is pressed twice is noticed at once, counted, and set up anew."""
    server = await world.udp()
    emulator = await world.emulator("--variant", "boot=rdy")
    shed = await world.shed(emulator.place, {"telemetry": udp(server.port)})
    await emulator.press_pwrkey()
    await shed.layer("at")
    await emulator.press_pwrkey()
    await shed.online()
    await shed.open("telemetry")
    await until(lambda: any(h.json()["type"] == "rebooted" for h in world.mqtt.all(shed.topic("event"))))
    await shed.send("telemetry", b"again", "m1")
    await server.has(b"again")
    assert emulator.commands().count("ATE0") == 2
