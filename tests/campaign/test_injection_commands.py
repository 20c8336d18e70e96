"""No text that reaches a command can put a byte of its own outside the quotes."""

import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.at.command import Command
from sim7020_bridge.commands.clock import StartSntp
from sim7020_bridge.commands.network import ResolveName
from sim7020_bridge.commands.packet import SetDefaultApn
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.sim import EnterPin
from sim7020_bridge.commands.sockets import ConnectSocket, SendData, SocketId
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.errors import ConfigurationError
from tests.bridge.command_lines import own_commands
from tests.campaign.tricks import BYTES, CHARACTERS, TELLING, TRICKS, is_own_line, quoted_in

HOSTILE = tuple(
    f"{before}{trick}{after}" for trick in (*CHARACTERS, *TRICKS) for before in ("", "a") for after in ("", "b")
)
_SAMPLE: dict[str, object] = {"int": 1, "bool": True, "bytes": b"x", "SocketId": 1, "int | None": 1, "float": 1.0}


def with_text() -> list[tuple[type[Command[Any]], str]]:
    """Return every command that has a text among its parameters, once for each text."""
    return [
        (command, field.name)
        for command in sorted(own_commands(), key=lambda command: command.__name__)
        for field in fields(command)
        if "str" in str(field.type)
    ]


def made(command: type[Command[Any]], name: str, text: str) -> Command[Any]:
    """Make a command with a text, and with whatever will do for the rest."""
    rest: dict[str, Any] = {}
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name != name and parameter.default is inspect.Parameter.empty:
            kind = getattr(parameter.annotation, "__name__", str(parameter.annotation))
            rest[parameter.name] = _SAMPLE.get(kind, "x")
    return command(**{**rest, name: text})


def test_there_are_commands_with_texts() -> None:
    """The commands that take free text are known, so that a new one is looked at."""
    assert {command.__name__ for command, _ in with_text()} >= {
        "ConnectSocket",
        "EnterPin",
        "Ping",
        "ResolveName",
        "SetDefaultApn",
        "StartSntp",
    }


@pytest.mark.parametrize(("command", "name"), with_text(), ids=lambda value: getattr(value, "__name__", value))
def test_a_text_stays_in_its_quotes(command: type[Command[Any]], name: str) -> None:
    """Whatever a command's text is, it is refused or stands whole between two quotes of one command."""
    for text in HOSTILE:
        try:
            line = made(command, name, text).line()
        except ValueError as error:
            said = str(error)
        else:
            said = line
            assert is_own_line(line), line
            assert text in quoted_in(line) or not text or text.isdigit(), line
        assert said.isprintable()


@pytest.mark.parametrize("trick", TRICKS)
def test_payload_is_hex(trick: str) -> None:
    """Payload is digits, however it reads."""
    for data in (trick.encode()[:512], *(byte + trick.encode()[:500] for byte in BYTES)):
        line = SendData(SocketId(0), data).line()
        assert is_own_line(line)
        assert [bytes.fromhex(digits) for digits in quoted_in(line)] == [data]


def test_a_persons_own_line_is_one_line() -> None:
    """A command that a person wrote is refused unless it is printable ASCII, so it ends where it ends."""
    for text in HOSTILE:
        try:
            line = RawCommand(f"AT{text}").line()
        except ValueError:
            continue
        assert line.isascii()
        assert line.isprintable()


def lines_of(modem: ModemSettings) -> list[str]:
    """Return the command lines that a configuration's texts get into."""
    made: list[Command[Any]] = []
    if modem.apn is not None:
        made.append(SetDefaultApn(modem.apn, modem.apn_username or "", modem.apn_password or ""))
    if modem.pin is not None:
        made.append(EnterPin(modem.pin))
    if modem.time_server is not None:
        made.append(StartSntp(modem.time_server))
    for socket in modem.sockets:
        made += [ResolveName(socket.host), ConnectSocket(SocketId(0), socket.port, socket.host)]
    return [command.line() for command in made]


def configured(path: Path, change: Callable[[dict[str, Any], str], None], text: str) -> list[str]:
    """Return the command lines of a modem with a text in its configuration, none if that is refused."""
    socket = {"protocol": "udp", "host": "example.org", "port": 5000}
    modem: dict[str, Any] = {"port": "/dev/ttyUSB0", "apn": "internet", "sockets": {"telemetry": socket}}
    change(modem, text)
    path.write_text(
        json.dumps({"mqtt": {"host": "localhost"}, "modems": {"shed": modem}, "state_dir": str(path.parent)})
    )
    try:
        settings = load(path)
    except ConfigurationError as error:
        refused = error
    else:
        return lines_of(settings.modems[0])
    assert all(line.isprintable() for line in str(refused).split("\n")), str(refused)
    return []


TEXTS = pytest.mark.parametrize("key", ["apn", "apn_username", "apn_password", "pin", "time_server", "host"])


@TEXTS
def test_a_configured_text_stays_in_its_quotes(tmp_path: Path, key: str) -> None:
    """Whatever a configuration says, it is refused in printable words or stays in its quotes."""
    stay_in_quotes(tmp_path / "bridge.yaml", key, (*TRICKS, *(f"a{character}b" for character in TELLING)))


def stay_in_quotes(path: Path, key: str, texts: Iterable[str]) -> None:
    """Hold every one of some texts in a key of the configuration to this."""

    def change(modem: dict[str, Any], text: str) -> None:
        if key == "apn_password":
            modem["apn_username"] = "somebody"
        (modem["sockets"]["telemetry"] if key == "host" else modem)[key] = text

    taken = 0
    for text in texts:
        lines = configured(path, change, text)
        taken += bool(lines)
        for line in lines:
            assert is_own_line(line), line
    if key != "pin":
        assert taken, "not everything is refused"
