"""The subcommands, as a person or a script uses them: with files and with a broker."""

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.service_kit import Configured, shell
from tests.e2e.world import World, run, tcp, udp
from tests.ports import free_port

COMMANDS = ("run", "demo", "init", "check", "status", "watch", "send", "forget", "health", "password", "completion")

FILE = """\
mqtt:
  host: broker.example
  username: bridge
  password_file: secret
modems:
  shed:
    port: /dev/ttyUSB0
    pin: "4711"
    sockets:
      telemetry: {protocol: udp, host: 198.51.100.7, port: 5005}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a configuration with secrets."""
    (tmp_path / "secret").write_text("geheim\n")
    file = tmp_path / "bridge.yaml"
    file.write_text(FILE)
    return file


def write(file: Path, text: str) -> None:
    """Write a file."""
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
async def test_help_fits_a_screen(command: str) -> None:
    """The help of each subcommand is at most 24 lines of 80 columns, with an example."""
    status, out, _ = await shell(command, "--help")
    assert status == 0
    lines = out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert any("Example:" in line and "sim7020-bridge" in line for line in lines)


async def test_the_program_s_help_fits_a_screen() -> None:
    """The first help that somebody sees names every command and is at most 24 lines of 80 columns."""
    status, out, _ = await shell("--help")
    assert status == 0
    lines = out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert {line.split()[0] for line in lines if line.startswith("  ")} >= set(COMMANDS)
    assert "..." not in out.partition("Commands:")[2]


async def test_check(file: Path) -> None:
    """Every key is shown with its value and where that is from, secrets masked."""
    status, out, err = await shell("check", file)
    assert (status, err) == (0, f"{file}: valid\n")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "mqtt.host: broker.example # bridge.yaml:2" in lines
    assert "mqtt.port: 1883 # default" in lines
    assert "home_assistant_discovery: false # default" in lines
    assert "mqtt.password_file: secret # bridge.yaml:4" in lines
    assert "modems.shed.pin: *** # bridge.yaml:8" in lines
    assert "geheim" not in out
    assert "4711" not in out


async def test_check_with_the_environment(file: Path) -> None:
    """A variable wins over the file and is named; what is wrong in one is told by its name."""
    command = (sys.executable, "-m", "sim7020_bridge", "check", str(file), "--json")
    status, out, _ = await run("env", "SIM7020_MQTT__HOST=other.example", "SIM7020_MODEMS__SHED__PIN=0815", *command)
    assert status == 0
    settings = {each["key"]: each for each in json.loads(out)["settings"]}
    assert settings["mqtt.host"] == {
        "key": "mqtt.host",
        "value": "other.example",
        "source": "environment",
        "place": "SIM7020_MQTT__HOST",
    }
    assert settings["modems.shed.pin"]["value"] == "***"
    status, out, _ = await run("env", "SIM7020_MQTT__PORT=many", "SIM7020_MQTT__HOTS=a", *command)
    assert status == 2
    mistakes = json.loads(out)["mistakes"]
    assert {mistake["variable"] for mistake in mistakes} == {"SIM7020_MQTT__PORT", "SIM7020_MQTT__HOTS"}


async def test_the_outbox_without_the_service_s_secrets(file: Path) -> None:
    """What systemd has only for the service is not needed to see what waits; check says how to name it meanwhile."""
    credential = "/run/credentials/sim7020-bridge.service/secret_mqtt"
    text = FILE.replace("password_file: secret", f"password_file: {credential}")
    assert text != FILE
    text += "state_dir: state\n"
    write(file, text.replace('pin: "4711"', "pin_file: nowhere"))
    outbox = file.parent / "state" / "shed.outbox"
    listed = await shell("outbox", "list", "--config", file)
    assert listed == (0, "", f"0 messages: there is no {outbox}\n")
    assert await shell("outbox", "purge", "--yes", "--config", file) == (0, "0 cancelled\n", "")
    write(file, text)
    status, _, err = await shell("check", file)
    assert status == 2
    assert "No such file or directory; systemd has it there while the service runs" in err
    given = f"SIM7020_MQTT__PASSWORD_FILE={file.parent}/secret"
    status, _, err = await run("env", given, sys.executable, "-m", "sim7020_bridge", "check", str(file))
    assert (status, err) == (0, f"{file}: valid\n")


async def test_the_outbox_of_a_name_that_there_is_not(file: Path) -> None:
    """A modem or socket that the configuration has not is told with those that it has, and nothing is done."""
    write(file, FILE + "  barn: {port: /dev/ttyUSB1}\nstate_dir: state\n")
    for command in (("list",), ("list", "--json"), ("purge", "--yes"), ("cancel", "m1")):
        outbox = ("outbox", *command, "--config", file)
        told = f"there is no modem nix in {file}; there are: shed, barn\n"
        assert await shell(*outbox, "--modem", "nix") == (2, "", told)
        told = "shed has no socket nix; it has: telemetry\n"
        assert await shell(*outbox, "--modem", "shed", "--socket", "nix") == (2, "", told)
        assert await shell(*outbox) == (2, "", "choose one of the modems with --modem: shed, barn\n")


async def test_check_of_a_wrong_file(file: Path) -> None:
    """A wrong file has exit status 2 and a line for each mistake, or JSON."""
    write(file, FILE.replace("udp", "sctp").replace("/dev/ttyUSB0", "COM3"))
    status, out, err = await shell("check", file)
    assert (status, out, len(err.splitlines())) == (2, "", 2)
    status, out, _ = await shell("check", "--json", file)
    assert status == 2
    assert [mistake["line"] for mistake in json.loads(out)["mistakes"]] == [7, 10]


async def test_status(world: World) -> None:
    """The state of each modem is told, its bridge's absence too, and the exit status says whether all is well."""
    emulator = await world.emulator()
    server = await world.udp()
    service = Configured(world, emulator.place, {"telemetry": udp(server.port)})
    await service.start()
    broker = f"{world.broker.host}:{world.broker.port}"
    status, out, err = await shell("status", "--broker", broker)
    assert (status, err) == (0, "")
    assert out.startswith("shed\n")
    assert "online" in out
    assert f"open, udp to 127.0.0.1:{server.port}" in out
    status, out, _ = await shell("status", "--config", service.file, "--modem", "shed", "--json")
    assert status == 0
    modem = json.loads(out)["modems"]["shed"]
    assert modem["state"]["link"]["layer"] == "online"
    assert modem["sockets"]["telemetry"]["phase"] == "open"
    await service.bridge.stop()
    status, out, _ = await shell("status", "--broker", broker)
    assert status == 1
    assert "the bridge is offline" in out
    status, out, err = await shell("status", "--broker", broker, "--modem", "attic", "--timeout", "2")
    assert (status, out) == (3, "")
    assert "attic" in err


async def test_send(world: World) -> None:
    """A message goes out, and the exit status and the receipts tell its end."""
    emulator = await world.emulator()
    udp_server, tcp_server = await world.udp(), await world.tcp()
    service = Configured(world, emulator.place, {"telemetry": udp(udp_server.port), "control": tcp(tcp_server.port)})
    await service.start()
    to = ("send", "--config", service.file, "--modem", "shed", "--socket")
    assert await shell(*to, "telemetry", "21.5") == (0, "queued\nsending\naccepted\n", "")
    status, out, _ = await shell(*to, "control", "--hex", "68 69", "--json")
    assert status == 0
    assert [json.loads(line).get("state") for line in out.splitlines()][-1] == "acknowledged"
    payload = world.directory / "payload"
    write(payload, "\0\xff")
    assert (await shell(*to, "telemetry", "--file", payload))[0] == 0
    assert (await shell(*to, "telemetry", os.fsdecode(b"\xfe")))[0] == 0
    await udp_server.has(b"21.5", "\0\xff".encode(), b"\xfe")
    await tcp_server.has(b"hi")
    status, out, err = await shell(*to, "nowhere", "x")
    assert (status, out, err) == (2, "", "shed has no socket nowhere; it has: telemetry, control\n")
    await emulator.kill()
    status, out, err = await shell(*to, "telemetry", "--timeout", "3", "waits")
    assert (status, out) == (3, "queued\n")
    assert "it still waits" in err


async def test_names_that_there_are_not(world: World) -> None:
    """A modem that is not there is told with those that are, and one whose bridge is away, without waiting for it."""
    broker = ("--broker", f"{world.broker.host}:{world.broker.port}")
    status, _, err = await shell("send", "-m", "shed", "-s", "telemetry", "x", *broker)
    assert (status, err.partition(" under ")[0]) == (2, "no bridge has published anything")
    await world.mqtt.publish("sim7020/barn/availability", b"online", retain=True)
    await world.mqtt.publish("sim7020/attic/availability", b"offline", retain=True)
    async with asyncio.timeout(PATIENCE):  # each of them but the last waited for a minute or more
        send = ("send", "-m", "shed", "-s", "telemetry", "x")
        watch = ("watch", "-m", "shed")
        for command in (send, ("console", "shed"), watch, (*watch, "--json"), ("forget", "shed")):
            status, out, err = await shell(*command, *broker)
            assert (status, out) == (2, "")
            assert err.startswith("there is no modem shed under sim7020/ at ")
            assert err.endswith("; there are: attic, barn\n")
        for command in (("send", "-m", "attic", "-s", "telemetry", "x"), ("console", "attic")):
            assert await shell(*command, *broker) == (3, "", "the bridge of attic is offline: nothing was sent\n")
        status, _, err = await shell("status", "-m", "shed", "--timeout", "600", *broker)
        assert (status, err.rpartition("; ")[2]) == (3, "there are: attic, barn\n")
    assert not [heard for heard in world.mqtt.heard if "/request/" in heard.topic]


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "shed", "-s", "t"),
        ("-m", "shed", "-s", "t", "--hex", "xy"),
        ("-m", "shed", "-s", "t", ""),
        ("-m", "#", "-s", "t", "x"),
        ("-m", "shed", "-s", "t", "x", "--broker", "mqtt://a"),
        ("-m", "shed", "-s", "t", "x", "--password-file", "none"),
    ],
    ids=" ".join,
)
async def test_wrong_options(arguments: tuple[str, ...]) -> None:
    """Options that make no sense are refused in a few words before anything is connected."""
    status, out, err = await shell("send", *arguments)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    if "mqtt://a" in arguments:
        assert "must be HOST or HOST:PORT, without mqtt://" in err


@pytest.mark.parametrize("command", ["status", "watch"])
async def test_a_name_that_no_modem_can_have(command: str) -> None:
    """It is refused as in a configuration, and no topic is made of it."""
    status, out, err = await shell(command, "--modem", "#", "--broker", f"127.0.0.1:{free_port()}")
    assert (status, out) == (2, "")
    assert "a name has 1 to 32 characters" in err


async def test_no_broker() -> None:
    """Without a broker, the commands say so and end with 3."""
    broker = f"127.0.0.1:{free_port()}"
    for command in (("status",), ("send", "-m", "shed", "-s", "t", "x")):
        status, out, err = await shell(*command, "--broker", broker, "--timeout", "0.5")
        assert (status, out) == (3, "")
        assert err.startswith(f"the MQTT broker at {broker} can't be reached: nothing listens there. ")
        assert err.endswith(" Check --broker\n")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("status", "--timeout", "1"), ("status", "--modem", "shed"), ("forget", "shed"), ("console", "shed")]
)
async def test_a_broker_that_says_nothing(arguments: tuple[str, ...]) -> None:
    """What accepts a connection and is silent is told in one line, within the patience of the command."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        status, out, err = await shell(*arguments, "--broker", place)
    assert (status, out, len(err.splitlines())) == (3, "", 1)
    assert f"the MQTT broker at {place} took the connection, but it does not answer. Is it" in err


async def test_a_network_that_drops_everything() -> None:
    """A connection that nobody accepts is told in one line, too."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        place = f"127.0.0.1:{full.getsockname()[1]}"
        with socket.socket() as another:  # so that no more are queued
            another.setblocking(False)
            another.connect_ex(full.getsockname())
            status, out, err = await shell("status", "--timeout", "1", "--broker", place)
    assert (status, out) == (3, "")
    assert err == f"the MQTT broker at {place} can't be reached: it does not answer. Check --broker and any firewall\n"


async def test_the_node_that_answered_is_named(world: World, tmp_path: Path) -> None:
    """Of a list of brokers, what is said of topics is said of the one that has them."""
    file = tmp_path / "list.yaml"
    place = f"127.0.0.1:{world.broker.port}"
    file.write_text(
        f"mqtt: {{host: ['[::1]:{free_port()}', '{place}']}}\nmodems: {{m: {{port: /dev/nothing}}}}\nstate_dir: .\n"
    )
    status, _, err = await shell("status", "--config", str(file), "--modem", "nope")
    assert status == 3
    assert "the MQTT broker at [::1]:" in err
    assert f"under sim7020/ at {place}" in err
    status, _, err = await shell("send", "x", "--config", str(file), "--modem", "nope", "--socket", "s")
    assert f"under sim7020/ at {place}" in err


async def test_nodes_that_are_gone(tmp_path: Path) -> None:
    """What is wrong with each is said once, however often they are tried."""
    file = tmp_path / "gone.yaml"
    places = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    file.write_text(f"mqtt: {{host: {places}}}\nmodems: {{m: {{port: /dev/nothing}}}}\nstate_dir: .\n")
    status, out, err = await shell("status", "--config", str(file), "--timeout", "4")
    assert (status, out) == (3, "")
    assert sorted(line.split(" can't ")[0] for line in err.splitlines()) == sorted(
        f"the MQTT broker at {place}" for place in places
    )


async def test_status_of_many(world: World) -> None:
    """More than three modems have a line each, those in trouble first, with their alerts."""
    for name in ("attic", "barn", "cellar", "shed"):
        layer = "sim" if name == "shed" else "online"
        await world.mqtt.publish(f"sim7020/{name}/availability", b"online", retain=True)
        state = json.dumps({"link": {"layer": layer, "reason": None}, "signal": {"rssi": -69}}).encode()
        await world.mqtt.publish(f"sim7020/{name}/state", state, retain=True)
    alert = b'{"message":"There is no SIM","advice":"Put it in."}'
    await world.mqtt.publish("sim7020/shed/alert/sim_missing", alert, retain=True)
    status, out, _ = await shell("status", "--broker", f"{world.broker.host}:{world.broker.port}")
    assert status == 1
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "shed sim -69 dBm, 1 alert",
        "ALERT There is no SIM. Put it in.",
        "attic online -69 dBm",
        "barn online -69 dBm",
        "cellar online -69 dBm",
    ]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
async def test_completion(name: str) -> None:
    """Each shell has a script, which names the program."""
    status, out, _ = await shell("completion", name)
    assert status == 0
    assert "_SIM7020_BRIDGE_COMPLETE" in out


async def test_completion_completes() -> None:
    """What bash would ask is answered with the subcommands that fit."""
    script = (
        "import sys; sys.argv[0] = 'sim7020-bridge'; from sim7020_bridge.cli import main; main(prog_name=sys.argv[0])"
    )
    variables = ("COMP_WORDS=sim7020-bridge st", "COMP_CWORD=1", "_SIM7020_BRIDGE_COMPLETE=bash_complete")
    status, out, _ = await run("env", *variables, sys.executable, "-c", script)
    assert status == 0
    assert "plain,status" in out.splitlines()


async def test_the_daemon_holds_only_what_it_uses() -> None:
    """What runs for months holds nothing in memory for people in front of a terminal, and no HTTP client of paho's."""
    script = "import sys, sim7020_bridge.cli.run; print(*{'rich', 'pygments', 'urllib.request'} & set(sys.modules))"
    assert await run(sys.executable, "-c", script) == (0, "\n", "")


async def test_who_asks_over_http_can() -> None:
    """What was kept from paho is there for whoever imports it later."""
    script = "import sim7020_bridge.mqtt.client, urllib.request; print(urllib.request.urlopen.__name__)"
    assert await run(sys.executable, "-c", script) == (0, "urlopen\n", "")
