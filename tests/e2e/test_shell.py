"""The subcommands, as a person or a script uses them: with files, with a broker, and in a terminal."""

import asyncio
import json
import os
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from sim7020_bridge.cli.ports import Asked
from sim7020_bridge.port.listing import SerialPort, serial_ports
from tests.command_line import typed
from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.service_kit import Configured, shell
from tests.e2e.terminal import Terminal
from tests.e2e.world import World, run, tcp, udp
from tests.ports import free_port

COMMANDS = ("run", "demo", "init", "check", "status", "watch", "send", "forget", "health", "completion")

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


def read(file: Path) -> str:
    """Read a file."""
    return file.read_text(encoding="utf-8")


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
    async with asyncio.timeout(PATIENCE):  # each of them waited for a minute or more
        for command in (("send", "-m", "shed", "-s", "telemetry", "x"), ("console", "shed")):
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


async def test_no_broker() -> None:
    """Without a broker, the commands say so and end with 3."""
    broker = f"127.0.0.1:{free_port()}"
    for command in (("status",), ("send", "-m", "shed", "-s", "t", "x")):
        status, out, err = await shell(*command, "--broker", broker, "--timeout", "0.5")
        assert (status, out) == (3, "")
        assert err.startswith(f"the MQTT broker at {broker} can't be reached: nothing listens there. ")
        assert err.endswith(" Check --broker\n")
        assert err.count("\n") == 1


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


async def test_init_in_a_terminal(world: World, tmp_path: Path) -> None:
    """It asks, refuses answers that won't do, tries port and broker, and writes a configuration that check accepts."""
    file = tmp_path / "bridge.yaml"
    emulator = await world.emulator("--attached", "--variant", "wrong_rate=garbage", baud="9600")
    broker = f"{world.broker.host}:{world.broker.port}"
    ports = [("Write AT to those that are free", "n")] if serial_ports() else []
    async with Terminal("init", str(file)) as terminal:
        for question, answer in (
            *ports,
            ("The modem's serial port", "COM3"),
            ("must be a path", emulator.place),
            ("A name for the modem", "shed"),
            ("APN", "iot.example"),
            ("The MQTT broker", broker),
            ("The user to log in as", "bridge"),
            ("A file that holds its password", ""),
            ("Its password", "geheim"),
            ("Where a socket leads", "udp://198.51.100.7:5005"),
            ("A name for the socket", "weather"),
        ):
            await terminal.sees(question)
            terminal.types(f"{answer}\r")
        await terminal.sees(f"Next: sim7020-bridge probe {emulator.place}")
        assert await terminal.ends() == 0
        assert "geheim" not in terminal.shown
        assert f"{emulator.place}: SIM7020E answers at 9600 bit/s" in terminal.shown
        assert f"the MQTT broker at {broker} accepts the bridge as user bridge" in terminal.shown
    secret = tmp_path / "mqtt-password"
    assert (read(secret), secret.stat().st_mode & 0o777) == ("geheim\n", 0o600)
    status, out, _ = await shell("check", file, "--json")
    assert status == 0
    values = {each["key"]: each["value"] for each in json.loads(out)["settings"] if each["source"] == "file"}
    assert values == {
        "mqtt.host": world.broker.host,
        "mqtt.port": world.broker.port,
        "mqtt.username": "bridge",
        "mqtt.password_file": "mqtt-password",
        "modems.shed.port": emulator.place,
        "modems.shed.baudrate": 9600,
        "modems.shed.apn": "iot.example",
        "modems.shed.sockets.weather.protocol": "udp",
        "modems.shed.sockets.weather.host": "198.51.100.7",
        "modems.shed.sockets.weather.port": 5005,
    }


async def test_init_that_finds_nothing(tmp_path: Path) -> None:
    """A port that is not there and a broker that does not run are said, and written all the same."""
    file, broker = tmp_path / "bridge.yaml", f"127.0.0.1:{free_port()}"
    status, out, err = await shell("init", file, "--detect", "--port", tmp_path / "modem", "--broker", broker)
    assert (status, out) == (0, "")
    assert f"{tmp_path}/modem: there is no such device" in err
    assert f"the MQTT broker at {broker} can't be reached: nothing listens there" in err
    assert (await shell("check", file))[0] == 0


@pytest.mark.parametrize("arguments", [("--detect",), ()], ids=["to be found", "silent"])
def test_init_proposes_the_port_where_a_modem_answers(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Of several ports it takes that where a SIM7020 answers; where nobody said that it may ask, the first."""
    found = [SerialPort(f"/dev/ttyUSB{number}", (), None, (), usable=True) for number in range(3)]

    async def ask_all(asked: list[SerialPort]) -> dict[str, Asked]:
        assert asked == found
        return {
            "/dev/ttyUSB0": Asked(at=False),
            "/dev/ttyUSB1": Asked(at=True, model="SIM800C"),
            "/dev/ttyUSB2": Asked(at=True, model="SIM7020G"),
        }

    file = tmp_path / "bridge.yaml"
    with (
        patch("sim7020_bridge.cli.init.ports", lambda: found),
        patch("sim7020_bridge.cli.trying.ask_all", ask_all),
    ):
        status, _, err = typed("init", str(file), "--broker", f"127.0.0.1:{free_port()}", *arguments)
    assert (status, "SIM7020G answers" in err) == (0, bool(arguments))
    assert f'port: "/dev/ttyUSB{2 if arguments else 0}"' in read(file)


async def test_init_from_options(tmp_path: Path) -> None:
    """A script asks for what it wants; a file that is there is left alone unless it says otherwise."""
    file = tmp_path / "bridge.yaml"
    write(tmp_path / "secret", "word")
    options = ("--port", "/dev/ttyS0", "--name", "attic", "--username", "me", "--password-file", "secret")
    assert (await shell("init", file, *options))[0] == 0
    first = read(file)
    assert "username" in first
    assert (await shell("check", file))[0] == 0
    status, _, err = await shell("init", file, *options, "--peer", "tcp://198.51.100.7:7000")
    assert status == 1
    assert "--force" in err
    assert read(file) == first
    assert (await shell("init", file, "--force", *options, "--peer", "tcp://198.51.100.7:7000"))[0] == 0
    assert "protocol: tcp" in read(file)
    assert (await shell("check", file))[0] == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "COM3"),
        ("--port", "/dev/ttyS0", "--peer", "http://a"),
        ("--port", "/dev/ttyS0", "--broker", "a:b:c"),
        ("--port", "/dev/ttyS0", "--apn", "a b"),
        ("--port", "/dev/ttyS0", "--username", "u", "--password-file", "none"),
    ],
    ids=" ".join,
)
async def test_init_with_wrong_options(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A wrong option is told by its name, and no file is written."""
    status, out, err = await shell("init", tmp_path / "bridge.yaml", *options)
    assert (status, out) == (2, "")
    assert options[-2] in err
    assert not os.listdir(tmp_path)  # noqa: PTH208 - nothing waits for it


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


async def test_the_daemon_draws_nothing() -> None:
    """What runs for months does not hold in memory what only people in front of a terminal need."""
    script = "import sys, sim7020_bridge.cli.run; print(*{'rich', 'pygments'} & set(sys.modules))"
    assert await run(sys.executable, "-c", script) == (0, "\n", "")
