"""``init``: a configuration to start with, asked for or from options."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import click

from sim7020_bridge.cli import trying
from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, fail, keep
from sim7020_bridge.cli.options import valid
from sim7020_bridge.config import values
from sim7020_bridge.config.file import NotWritten, keep_secret
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import DEFAULT_PORT, MqttSettings
from sim7020_bridge.config.writing import Draft, written
from sim7020_bridge.errors import ConfigurationError
from sim7020_bridge.port.listing import SerialPort, serial_ports
from sim7020_bridge.port.port import has_own_rate


def peer(written: str) -> SplitResult:
    """Read ``udp://host:port`` or ``tcp://host:port``: where a socket leads."""
    allowed = "must be udp://host:port or tcp://host:port"
    try:
        url = urlsplit(written)
        port = url.port
    except ValueError as error:
        raise values.WrongValue(allowed) from error
    if url.scheme not in {"udp", "tcp"} or not port or not url.hostname or url.path or url.query or url.username:
        raise values.WrongValue(allowed)
    values.peer_host(url.hostname)
    return url


def ports() -> list[SerialPort]:
    """Return the serial ports of this computer, first those that are free and whose names last."""
    return sorted(serial_ports(), key=lambda port: (bool(port.held_by), not port.usable, not port.names))


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default="bridge.yaml", metavar="[FILE]")
@click.option("--detect", is_flag=True, help="Ask nothing: take the port where a modem answers, and defaults.")
@click.option("--name", help="The modem's name. [modem]")
@click.option("--port", help="Its serial port.")
@click.option("--apn", help="The SIM's APN; without it, the module's.")
@click.option("--broker", metavar="HOST[:PORT]", help="The MQTT broker. [localhost]")
@click.option("--username", help="The user to log in to the broker as.")
@click.option("--password-file", metavar="FILE", help="Holds its password alone.")
@click.option("--socket", metavar="NAME", help="A socket's name. [telemetry]")
@click.option("--peer", "to", metavar="URL", help="Where it leads: udp://host:port or tcp://host:port.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
def init(file: Path, *, detect: bool, force: bool, **given: str | None) -> None:
    """Write a commented configuration: asks for what the options don't say.

    In a terminal and with --detect, port and broker are tried, and what was found is said.

    \b
    Exit status: 0 written, 1 the file is there already, 2 wrong options.
    Example:     sim7020-bridge init --port /dev/ttyUSB0 --apn iot.1nce.net
    """
    keep(file, force=force)
    ask = _Questions(given, silent=detect or not sys.stdin.isatty())
    first = _first_port(detect=detect, silent=ask.silent) if given["port"] is None else None
    port = ask("port", "The modem's serial port", first, values.serial_port)
    tries = detect or not ask.silent
    rate = _tried_port(port) if tries else None
    name = ask("name", "A name for the modem", "modem", values.name)
    apn = ask("apn", "The SIM's APN (empty: what the module has)", "", values.apn)
    host, broker_port = ask("broker", "The MQTT broker", "localhost", values.host_and_port)
    username = ask("username", "The user to log in as (empty: none)", "", values.credential)
    secret = ""
    if username:
        words = "A file that holds its password (empty: none, or you type it now)"
        secret = ask("password_file", words, "", _secret(file)) or ask.password(file)
    if tries:
        password = values.secret_file(file.parent)(secret) if secret else None
        click.echo(trying.broker(MqttSettings(host, broker_port or DEFAULT_PORT, username or None, password)), err=True)
    to = ask("to", "Where a socket leads, as udp://host:port (empty: no socket yet)", "", peer)
    socket = ask("socket", "A name for the socket", "telemetry", values.name) if to else ""
    draft = Draft(
        {"host": host, "port": broker_port or DEFAULT_PORT, **_given(username=username, password_file=secret)},
        name,
        {"port": port, **_given(baudrate=rate, apn=apn)},
        {socket: {"protocol": to.scheme, "host": to.hostname, "port": to.port}} if to else {},
    )
    _write(file, written(draft, file.name), port)


def _first_port(*, detect: bool, silent: bool) -> str | None:
    """Return the port to propose: if it may be asked for, one where a modem answers."""
    found = ports()
    if not found:
        return None
    names = [port.best_name for port in found]
    if not silent:
        click.echo("Serial ports of this computer:\n" + "\n".join(f"  {name}" for name in names))
        detect = click.confirm("Write AT to those that are free, to find the modem?", default=True)
    modems = trying.modems(found) if detect else {}
    for name, model in modems.items():
        click.echo(f"{name}: {model} answers", err=True)
    return next((name for name, model in modems.items() if "SIM7020" in model), next(iter(modems), names[0]))


def _tried_port(port: str) -> int | None:
    """Say what is at a port; return the rate to configure, if a modem answers and the rate is not a server's to set."""
    click.echo(f"Trying {port} ...", err=True)
    rate, words = trying.port(port)
    click.echo(words, err=True)
    return None if has_own_rate(port) else rate


def _write(file: Path, text: str, port: str) -> None:
    """Write a file that the bridge takes, or none."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        load(fresh, {**os.environ, "STATE_DIRECTORY": "/"})
        fresh.replace(file)
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    except ConfigurationError as error:
        fail(str(error).replace(str(fresh), str(file)), EXIT_CONFIGURATION)
    finally:
        fresh.unlink(missing_ok=True)
    click.echo(f"{file} is written. Next: sim7020-bridge probe {port}; sim7020-bridge run {file}", err=True)


class _Questions:
    """Answers from options, else from a person, else defaults. Where the default is empty, so may the answer be."""

    def __init__(self, given: dict[str, str | None], *, silent: bool) -> None:
        self._given = given
        self.silent = silent

    def __call__(self, key: str, question: str, default: str | None, read: Callable[[str], Any]) -> Any:  # noqa: ANN401 - what the reader makes of it
        option = "--peer" if key == "to" else f"--{key.replace('_', '-')}"

        def convert(answer: str) -> Any:  # noqa: ANN401 - the same
            return answer if answer == default == "" else valid(option, read, answer)

        written = self._given[key]
        if written is None and self.silent:
            written = default
            if written is None:
                raise click.UsageError(f"{option} is needed: none was found")
        if written is not None:
            return convert(written)
        return click.prompt(question, default=default, value_proc=convert, show_default=bool(default))

    def password(self, file: Path) -> str:
        """Have a person type a password, and keep it in a file for its owner alone; return the file's name."""
        if self.silent or self._given["password_file"] is not None:
            return ""
        typed = click.prompt("Its password (hidden; empty: none)", default="", hide_input=True, show_default=False)
        if not typed:
            return ""
        kept = file.with_name("mqtt-password")
        try:
            keep_secret(kept, typed)
        except NotWritten as error:
            fail(error)
        return kept.name


def _secret(file: Path) -> Callable[[str], str]:
    def read(written: str) -> str:
        values.secret_file(file.parent)(written)
        return written

    return read


def _given(**keys: object) -> dict[str, object]:
    return {key: value for key, value in keys.items() if value}
