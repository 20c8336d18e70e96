"""The command line with wrong configuration files: one line for every mistake, exit status 2, no stack trace."""

import sys
from pathlib import Path

import pytest

from tests.command_line import typed
from tests.e2e.world import run

GOOD_SOCKET = "telemetry: {protocol: udp, host: 198.51.100.7, port: 5005}"


def whole(mqtt: str = "host: localhost", modem: str = "port: /dev/ttyUSB0", socket: str = GOOD_SOCKET) -> str:
    """Return a configuration with one of its parts replaced; the keys of each part are on one line."""
    return f"mqtt: {{{mqtt}}}\nmodems:\n  shed:\n    {modem}\n    sockets:\n      {socket}\n"


def with_socket(text: str) -> str:
    """Return a configuration whose socket has more keys, or other ones."""
    return whole(socket=f"telemetry: {{{text}}}")


SOCKET = "protocol: udp, host: 198.51.100.7, port: 5005"

WRONG = {
    "empty": ("", [":", "empty"]),
    "not YAML": ("mqtt: [", [":", "not YAML"]),
    "tab": ("mqtt:\n\thost: a\n", [":2:", "tab"]),
    "no blank": (whole(modem="port:/dev/a"), [":5:", "line above", "a colon needs a blank"]),
    "a list": ("- mqtt\n", ["mapping"]),
    "no modems": ("mqtt: {host: a}\n", ["modems", "missing"]),
    "no mqtt": ("modems: {shed: {port: /dev/ttyUSB0}}\n", ["mqtt", "missing"]),
    "no modem": ("mqtt: {host: a}\nmodems: {}\n", [":2:", "modems", "at least one"]),
    "no host": (whole(mqtt="port: 1883"), [":1:", "mqtt.host", "missing"]),
    "unknown key": (whole(mqtt="host: a, prot: 1883"), [":1:", "mqtt.prot", "did you mean"]),
    "key twice": (whole(mqtt="host: a, host: b"), [":1:", "mqtt.host", "line 1"]),
    "broker's port": (whole(mqtt="host: a, port: 70000"), [":1:", "mqtt.port", "65535", "70000"]),
    "MQTT version": (whole(mqtt="host: a, protocol: 4"), [":1:", "mqtt.protocol", "3.1.1", "4"]),
    "base topic": (whole(mqtt="host: a, base_topic: 'a/#'"), [":1:", "mqtt.base_topic", "a/#"]),
    "keep-alive": (whole(mqtt="host: a, keepalive: 1"), [":1:", "mqtt.keepalive", "5", "3600"]),
    "two passwords": (whole(mqtt="host: a, username: u, password: geheim, password_file: secret"), [":1:", "not both"]),
    "another program's secret": (whole(mqtt="host: a, username: u, password: !secret x"), [":1:", "!secret", "_file"]),
    "another program's variable": (
        whole(mqtt="host: a, username: '${USER}'"),
        [":1:", "mqtt.username", "not replaced"],
    ),
    "no user": (whole(mqtt="host: a, password: geheim"), [":1:", "mqtt.password", "username"]),
    "no such file": (whole(mqtt="host: a, tls: {ca_file: none.pem}"), [":1:", "mqtt.tls.ca_file", "none.pem"]),
    "half a certificate": (whole(mqtt="host: a, tls: {key_file: bridge.yaml}"), [":1:", "key_file", "cert_file"]),
    "modem's name": (whole().replace("shed:", "My Shed:"), [":3:", "My Shed", "a-z"]),
    "port": (whole(modem="port: COM3"), [":4:", "modems.shed.port", "COM3"]),
    "port's URL": (whole(modem="port: http://a"), [":4:", "modems.shed.port", "socket://"]),
    "baud rate": (whole(modem="{port: /dev/a, baudrate: 12345}".strip("{}").replace(", ", "\n    ")), [":5:", "12345"]),
    "APN": (whole(modem='port: /dev/a\n    apn: "a b"'), [":5:", "modems.shed.apn"]),
    "login without APN": (whole(modem="port: /dev/a\n    apn_username: me"), [":5:", "apn_username", "apn"]),
    "protocol": (with_socket(SOCKET.replace("udp", "sctp")), [":6:", "protocol", "sctp", "udp", "tcp"]),
    "peer": (with_socket(SOCKET.replace("198.51.100.7", "'http://a'")), [":6:", "host", "http://a"]),
    "peer's port": (with_socket(SOCKET.replace("5005", "0")), [":6:", "port", "1", "65535"]),
    "encoding": (with_socket(SOCKET + ", encoding: xml"), [":6:", "encoding", "xml", "base64"]),
    "topic filter": (with_socket(SOCKET + ", send_topics: ['a/#/b']"), [":6:", "send_topics", "a/#/b"]),
    "received topic": (with_socket(SOCKET + ", received_topic: 'a/+'"), [":6:", "received_topic", "a/+"]),
    "loop": (with_socket(SOCKET + ", send_topics: [a/+], received_topic: a/b"), [":6:", "loop"]),
    "own topics": (with_socket(SOCKET + ", send_topics: ['sim7020/#']"), [":6:", "the bridge's own"]),
    "six sockets": (
        whole(socket="\n      ".join(f"s{number}: {{{SOCKET}}}" for number in range(6))),
        ["modems.shed.sockets", "5", "6"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration(tmp_path: Path, name: str) -> None:
    """A mistake is one line with file, line, key, value and what is allowed; secrets are not shown."""
    text, expected = WRONG[name]
    (tmp_path / "secret").write_text("word")
    file = tmp_path / "bridge.yaml"
    file.write_text(text)
    status, out, err = typed("run", "--config", str(file))
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith(str(file))
    message = lines[0].removeprefix(str(file))
    for part in expected:
        assert part in message
    assert "geheim" not in err


def test_many_mistakes_at_once(tmp_path: Path) -> None:
    """All mistakes are told at once, each on a line of its own, in the order of the file."""
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "mqtt:\n  port: 0\nmodems:\n  shed:\n    port: COM3\n    baudrate: 1\n"
        "    sockets:\n      a: {protocol: x, host: 198.51.100.7, port: x}\n"
    )
    status, _, err = typed("run", "--config", str(file))
    assert status == 2
    lines = err.splitlines()
    assert len(lines) == 6, err
    numbers = [int(line.removeprefix(f"{file}:").partition(":")[0]) for line in lines]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("run", "--config", "/nonexistent/bridge.yaml"), "/nonexistent/bridge.yaml", id="no file"),
        pytest.param(("run", "--config", "/"), "can't be read", id="directory"),
        pytest.param(("run",), "--config", id="no option"),
        pytest.param(("run", "--config", "a", "--log-level", "loud"), "loud", id="log level"),
        pytest.param(("fly",), "fly", id="command"),
    ],
)
async def test_wrong_command_line(arguments: tuple[str, ...], told: str) -> None:
    """A command line that can't be carried out is told in a few words, with exit status 2."""
    status, _, err = await run(sys.executable, "-m", "sim7020_bridge", *arguments)
    assert status == 2
    assert told in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command", [("run",), ("check",), ("status",), ("watch",), ("health",), ("outbox", "list")], ids=str
)
def test_one_way_to_name_the_configuration(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare argument, --config and the environment all name it, in this order; two names are a mistake."""
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    for file in (one, other):
        file.write_text("mqtt: [")
    monkeypatch.setenv("SIM7020_CONFIG", str(other))
    for words, file in (((str(one),), one), (("--config", str(one)), one), (("-c", str(one)), one), ((), other)):
        status, out, err = typed(*command, *words)
        assert (status, out) == (2, "")
        assert err.startswith(f"{file}:")
    status, _, err = typed(*command, str(one), "--config", str(other))
    assert status == 2
    assert "named twice" in err


@pytest.mark.parametrize("command", [(), ("run",), ("demo",)], ids=str)
def test_help_shows_an_example(command: tuple[str, ...]) -> None:
    """The help of the program and of each command shows a line to try."""
    status, out, _ = typed(*command, "--help")
    assert status == 0
    assert f"  sim7020-bridge {' '.join(command)}".rstrip() in out
    usage, _, rest = out.partition("\n")
    assert usage.startswith("Usage: ")
    assert "sim7020-bridge" in rest
