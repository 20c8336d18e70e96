"""The bridge as a service: told to read its configuration again, asked for its health, told to end."""

import asyncio
import importlib.metadata
import json
import signal
import socket
import sys

from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import until
from tests.e2e.service_kit import Configured, logged, shell
from tests.e2e.terminal import Terminal
from tests.e2e.world import World, tcp, udp


def tell(bridge: BridgeProcess, number: signal.Signals) -> None:
    """Send a signal to a bridge."""
    if bridge.process is None:
        raise RuntimeError("the bridge was not started")
    bridge.process.send_signal(number)


async def test_reload_changes_sockets_and_keeps_the_link(world: World) -> None:
    """SIGHUP adds, changes and removes sockets and topics while the modem stays attached and others stay open."""
    first, second, third = await world.udp(), await world.udp(), await world.udp(echo=True)
    emulator = await world.emulator()
    service = Configured(
        world,
        emulator.place,
        {"stays": udp(first.port), "goes": udp(second.port), "moves": udp(second.port, send_topics=["old/topic"])},
    )
    shed = await service.start()
    del service.sockets["goes"]
    service.sockets["stays"]["send_topics"] = ["mapped/#"]
    service.sockets["moves"] = udp(third.port, encoding="hex")
    service.sockets["new"] = udp(third.port, received_topic="echoes")
    service.write()
    since = len(world.mqtt.heard)
    tell(service.bridge, signal.SIGHUP)
    await logged(service.bridge, "the configuration was reloaded")
    await shed.open("stays", "moves", "new")
    await shed.socket("moves", lambda state: state["port"] == third.port and state["phase"] == "open")
    await world.mqtt.now(shed.topic("socket/goes/state"), lambda heard: not heard.payload)
    info = (await world.mqtt.now(shed.topic("info"))).json()
    assert [socket["name"] for socket in info["sockets"]] == ["stays", "moves", "new"]

    await world.mqtt.publish("mapped/here", b"through a new topic")
    await first.has(b"through a new topic")
    await shed.send("moves", b"6162", "m1")
    await shed.received("moves", b"6162")
    await shed.send("new", b"to a new socket", "m2")
    await world.mqtt.message("echoes", lambda heard: heard.payload == b"to a new socket")
    await shed.send("goes", b"too late", "m3")
    assert (await shed.receipt("goes", "m3", "rejected"))["error"]["code"] == "unknown_socket"
    assert not second.datagrams

    kinds = [heard.json()["type"] for heard in world.mqtt.heard[since:] if heard.topic == shed.topic("event")]
    assert kinds == [], "the link was not touched"
    stays = [
        heard.json()["phase"] for heard in world.mqtt.heard[since:] if heard.topic == shed.topic("socket/stays/state")
    ]
    assert set(stays) <= {"open"}


async def test_what_a_start_without_a_socket_leaves(world: World) -> None:
    """The retained state of a socket that was taken out while the bridge was down is emptied, after a kill too."""
    service = Configured(world, str(world.directory / "no-tty"), {"stays": udp(9), "goes": udp(9)})
    service.write()
    await world.add(service.bridge, "shed")
    shed = world.modem("shed")
    await world.mqtt.now(shed.topic("socket/goes/state"), lambda heard: bool(heard.payload))
    await service.bridge.kill()
    del service.sockets["goes"]
    service.write()
    await service.bridge.start()
    await world.mqtt.now(shed.topic("socket/goes/state"), lambda heard: not heard.payload)
    await world.mqtt.now(shed.topic("socket/stays/state"), lambda heard: bool(heard.payload))
    await service.bridge.stop()
    kept = (world.directory / "state" / "shed.topics").read_text().splitlines()
    assert shed.topic("socket/stays/state") in kept
    assert shed.topic("socket/goes/state") not in kept


async def test_the_log_of_a_start(world: World) -> None:
    """It names version, configuration, state directory and modems, and then how each is online."""
    emulator, peer = await world.emulator(), await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(peer.port)})
    await service.start()
    await logged(service.bridge, "story: online: ")
    first, second, *_ = service.bridge.log.splitlines()
    version = importlib.metadata.version("sim7020-bridge")
    state_dir = service.tree["state_dir"]
    assert first.endswith(f": sim7020-bridge {version}, configuration {service.file}, state directory {state_dir}")
    assert second.endswith(f": modem shed at {emulator.place}, sockets: telemetry")
    assert "registered at home, address 10.250.0.213" in service.bridge.log


async def test_reload_fails_what_waits_for_a_socket_that_goes(world: World) -> None:
    """A message that waits when its socket is taken out of the configuration has a final receipt."""
    emulator = await world.emulator()
    server = await world.udp()
    service = Configured(world, emulator.place, {"goes": udp(server.port, min_interval=3600)})
    shed = await service.start()
    await shed.send("goes", b"first", "m1")
    await shed.receipt("goes", "m1", "accepted")
    await shed.send("goes", b"waits", "m2")
    await shed.receipt("goes", "m2", "queued")
    del service.sockets["goes"]
    service.write()
    tell(service.bridge, signal.SIGHUP)
    assert (await shed.receipt("goes", "m2", "failed"))["error"]["code"] == "unknown_socket"


async def test_reload_takes_a_response_topic_back(world: World) -> None:
    """What waits is no longer answered on a topic that a socket takes messages from meanwhile: nothing goes twice."""
    emulator, server = await world.emulator(), await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    shed = await service.start()
    await shed.request("deactivate")
    await shed.socket("telemetry", lambda state: state["phase"] != "open")
    for name in ("m1", "m2"):
        await shed.send("telemetry", name, name, response_topic="cmd/a")
        await shed.receipt("telemetry", name, "queued")
    service.sockets["telemetry"]["send_topics"] = ["cmd/+"]
    service.write()
    tell(service.bridge, signal.SIGHUP)
    await logged(service.bridge, "the configuration was reloaded")
    await shed.request("activate")
    for name in ("m1", "m2"):
        await shed.receipt("telemetry", name, "accepted")
    await world.mqtt.publish("cmd/b", b"last")
    await server.has(b"m1", b"m2", b"last")
    assert service.bridge.log.count("receipts go no longer to cmd/a") == 1


async def test_restart_takes_response_topics_back(world: World) -> None:
    """What waited over a restart is answered where the configuration of now allows it, and nowhere else."""
    emulator, server = await world.emulator(), await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    shed = await service.start()
    await shed.request("deactivate")
    await shed.socket("telemetry", lambda state: state["phase"] != "open")
    await shed.send("telemetry", b"x", "m1", response_topic="steal/1")
    await shed.receipt("telemetry", "m1", "queued")
    await service.bridge.stop()
    service.tree["mqtt"]["response_topics"] = []
    service.write()
    await service.bridge.start()
    await shed.receipt("telemetry", "m1", "accepted")
    await server.has(b"x")
    await logged(service.bridge, "receipts go no longer to steal/1")
    assert {heard.json()["state"] for heard in world.mqtt.all("steal/1")} <= {"queued"}


async def test_reload_of_a_wrong_file(world: World) -> None:
    """A wrong file changes nothing and is told; what needs a restart is named; a good one comes into force after."""
    emulator = await world.emulator()
    server = await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    shed = await service.start()
    good = service.file.read_text()
    service.file.write_text(good.replace('"udp"', '"sctp"'))
    tell(service.bridge, signal.SIGHUP)
    await logged(service.bridge, "the old one stays in force")
    assert "modems.shed.sockets.telemetry.protocol" in service.bridge.log
    tell(service.bridge, signal.SIGHUP)  # who thinks it is mended is told again
    await until(lambda: service.bridge.log.count("modems.shed.sockets.telemetry.protocol") == 2)
    await shed.send("telemetry", b"still", "m1")
    await server.has(b"still")

    service.tree["modems"]["shed"]["apn"] = "other.example"
    service.tree["mqtt"]["keepalive"] = 60
    service.tree["logging"] = {"format": "json", "levels": {"trace": "debug"}}
    service.write()
    tell(service.bridge, signal.SIGHUP)
    await logged(service.bridge, "the configuration was reloaded")
    for key in ("mqtt.keepalive", "modems.shed.apn"):
        assert f"{key} was changed, and needs a restart" in service.bridge.log
    await shed.request("refresh")
    lines = service.bridge.log.splitlines()
    written = [json.loads(line) for line in lines if line.startswith("{")]
    assert any(line["logger"].startswith("sim7020_bridge.trace") and line["modem"] == "shed" for line in written)


async def test_trace_on_request(world: World) -> None:
    """SIGUSR1 logs the AT dialogue, without payload, and SIGUSR2 ends that."""
    emulator = await world.emulator()
    server = await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    shed = await service.start()
    assert "AT+CSQ" not in service.bridge.log
    tell(service.bridge, signal.SIGUSR1)
    await logged(service.bridge, "AT trace on")
    await shed.send("telemetry", b"geheim", "m1")
    await server.has(b"geheim")
    await shed.request("refresh")
    await logged(service.bridge, "AT+CSQ")
    tell(service.bridge, signal.SIGUSR2)
    await logged(service.bridge, "AT trace off")
    count = service.bridge.log.count("AT+CSQ")
    await shed.request("refresh")
    assert service.bridge.log.count("AT+CSQ") == count
    assert (await shed.request("trace", seconds=60))["data"] == {"seconds": 60}
    await shed.request("refresh")
    await logged(service.bridge, "AT+CSQ", times=count + 1)
    assert (await shed.request("trace", seconds=0))["status"] == "ok"
    assert (await shed.request("trace", seconds=-1))["error"]["code"] == "invalid_request"
    count = service.bridge.log.count("AT+CSQ")
    await shed.request("refresh")
    assert service.bridge.log.count("AT+CSQ") == count
    assert b"geheim".hex() not in service.bridge.log.lower()


async def test_health_and_metrics(world: World) -> None:
    """Health is 200 with port, module and broker, 503 without one of them; metrics tell the same in numbers."""
    emulator = await world.emulator()
    server = await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    shed = await service.start()
    await shed.send("telemetry", b"12345", "m1")
    await shed.receipt("telemetry", "m1", "accepted")
    status, body = await service.get("/health")
    assert status == 200
    assert json.loads(body)["modems"]["shed"] == {
        "healthy": True,
        "port_open": True,
        "module_answering": True,
        "broker_connected": True,
        "listening": True,
        "link": "online",
        "reason": None,
    }
    status, body = await service.get("/metrics")
    assert status == 200
    for line in (
        'sim7020_healthy{modem="shed"} 1',
        'sim7020_link_layer{modem="shed",layer="online"} 1',
        'sim7020_socket_sent_bytes_total{modem="shed",socket="telemetry"} 5',
        "# TYPE sim7020_reboots_total counter",
    ):
        assert line in body.splitlines()
    url = f"http://127.0.0.1:{service.http_port}/health"
    assert (await shell("health", "--url", url))[:2] == (0, "shed: healthy, online\n")
    assert (await service.get("/other"))[0] == 404

    await world.broker.stop()
    async with asyncio.timeout(PATIENCE):
        while (await service.get("/health"))[0] != 503:  # noqa: ASYNC110 - the page sets no event
            await asyncio.sleep(0.05)
    status, out, _ = await shell("health", "--config", service.file)
    assert status == 1
    assert "no broker" in out
    await world.broker.start()
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"online")
    await emulator.kill()
    await shed.layer("port")
    assert json.loads((await service.get("/health"))[1])["modems"]["shed"]["port_open"] is False


async def test_health_without_a_bridge() -> None:
    """Where nobody answers, the status says so and nothing is thrown about."""
    status, out, err = await shell("health", "--url", "http://127.0.0.1:9/health")
    assert (status, out) == (3, "")
    assert "no answer" in err
    assert "Traceback" not in err


async def test_the_service_manager_is_told(world: World) -> None:
    """Systemd hears of readiness, state, signs of life, reload and end, in this order."""
    place = world.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.setblocking(False)
        told: list[str] = []

        def hear() -> None:
            told.extend(manager.recv(4096).decode().splitlines())

        asyncio.get_running_loop().add_reader(manager, hear)
        try:
            emulator = await world.emulator()
            service = Configured(world, emulator.place, {})
            service.bridge.inside = ("env", f"NOTIFY_SOCKET={place}", "WATCHDOG_USEC=400000")
            await service.start()
            await until(lambda: "STATUS=shed: online" in told)
            await until(lambda: told.count("WATCHDOG=1") > 2)
            tell(service.bridge, signal.SIGHUP)
            await until(lambda: told.count("READY=1") == 2)
            await service.bridge.stop()
            await until(lambda: "STOPPING=1" in told)
        finally:
            asyncio.get_running_loop().remove_reader(manager)
    order = [line.partition("=")[0] for line in told if not line.startswith(("STATUS", "WATCHDOG"))]
    assert order == ["READY", "RELOADING", "MONOTONIC_USEC", "READY", "STOPPING"]


async def test_the_end_waits_for_what_is_with_the_module(world: World) -> None:
    """What the module has when the bridge is told to end comes to its end; what comes meanwhile is for the next run."""
    emulator = await world.emulator()
    server = await world.tcp()
    service = Configured(world, emulator.place, {"control": tcp(server.port)}, shutdown_timeout=30)
    shed = await service.start()
    pause(emulator, signal.SIGSTOP)
    await shed.send("control", b"last words", "m1")
    await shed.receipt("control", "m1", "sending")
    tell(service.bridge, signal.SIGTERM)
    await logged(service.bridge, "stopping")
    await shed.send("control", b", first words", "m2")
    pause(emulator, signal.SIGCONT)
    assert (await shed.receipt("control", "m1", "acknowledged"))["final"]
    await ended(service.bridge)
    assert service.bridge.process is not None
    assert service.bridge.process.returncode == 0
    assert shed.receipts("control", "m2") == []
    await service.bridge.start()
    await shed.receipt("control", "m2", "acknowledged")
    assert bytes(server.stream) == b"last words, first words"


async def test_a_second_signal_ends_at_once(world: World) -> None:
    """While the bridge waits for what is under way, another SIGTERM ends it; the last will speaks, nothing is lost."""
    emulator = await world.emulator()
    server = await world.tcp()
    service = Configured(world, emulator.place, {"control": tcp(server.port)}, shutdown_timeout=300)
    shed = await service.start()
    pause(emulator, signal.SIGSTOP)
    await shed.send("control", b"kept", "m1")
    await shed.receipt("control", "m1", "sending")
    tell(service.bridge, signal.SIGTERM)
    await logged(service.bridge, "stopping")
    tell(service.bridge, signal.SIGTERM)
    await ended(service.bridge)
    assert service.bridge.process is not None
    assert service.bridge.process.returncode == -signal.SIGTERM
    await world.mqtt.now(shed.topic("availability"), lambda heard: heard.payload == b"offline")
    pause(emulator, signal.SIGCONT)
    await service.bridge.start()
    await shed.receipt("control", "m1", "acknowledged")


async def test_attach_attempts_are_kept_with_how_the_bridge_ended(world: World) -> None:
    """They outlive a kill; only a bridge that was told to end leaves the word that a person wants one more."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    shed = await service.start()
    assert (await shed.request("reattach"))["status"] == "ok"
    file = world.directory / "state" / "shed.attaches"

    def kept() -> tuple[int, bool]:
        told = json.loads(file.read_bytes())
        return len(told["attempts"]), told["ended"]

    await service.bridge.kill()
    assert kept() == (1, False)
    await service.bridge.start()
    await service.bridge.speaks()  # before that, Python itself has no ear for a signal
    await shed.online()
    await service.bridge.stop()
    assert kept() == (1, True)
    await service.bridge.start()
    await until(lambda: kept() == (1, False))


async def test_a_closed_terminal_ends_the_bridge(world: World) -> None:
    """A bridge that somebody runs in a window ends with it: nobody could press Ctrl-C any more."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    service.write()
    async with Terminal("run", "--config", str(service.file)) as terminal:
        await terminal.sees("health and metrics")
        await world.modem("shed").online()
        terminal.closes()
        assert await terminal.ends() == 0
    await world.mqtt.now("sim7020/shed/availability", lambda heard: heard.payload == b"offline")


async def test_without_standard_output(world: World) -> None:
    """A bridge that was started without any ends as cleanly as another."""
    emulator = await world.emulator()
    service = Configured(world, emulator.place, {})
    service.write()
    closing = 'exec "$0" -m sim7020_bridge run --config "$1" >&- 2>&-'
    process = await asyncio.create_subprocess_exec("sh", "-c", closing, sys.executable, str(service.file))
    try:
        await world.modem("shed").online()
    finally:
        process.terminate()
        assert await process.wait() == 0


def pause(emulator: Emulator, number: signal.Signals) -> None:
    """Stop an emulator where it is, or let it go on."""
    if emulator.process is None:
        raise RuntimeError("the emulator was not started")
    emulator.process.send_signal(number)


async def ended(bridge: BridgeProcess) -> None:
    """Return once a bridge has ended."""
    if bridge.process is None:
        raise RuntimeError("the bridge was not started")
    async with asyncio.timeout(PATIENCE):
        await bridge.process.wait()
