"""``init`` as a person answers it in a terminal, and as a script does by options."""

import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from sim7020_bridge.kit.probe.asking import Asked
from sim7020_bridge.port.listing import SerialPort, serial_ports
from tests.command_line import typed
from tests.e2e.service_kit import shell
from tests.e2e.terminal import Terminal
from tests.e2e.world import World
from tests.ports import free_port


def write(file: Path, text: str) -> None:
    """Write a file."""
    file.write_text(text, encoding="utf-8")


def read(file: Path) -> str:
    """Read a file."""
    return file.read_text(encoding="utf-8")


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
