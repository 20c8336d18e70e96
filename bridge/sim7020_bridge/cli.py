"""The command line; the only file that knows click."""

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from sim7020_bridge import app, logs
from sim7020_bridge.clock import rfc3339
from sim7020_bridge.config.load import load
from sim7020_bridge.errors import ConfigurationError, StorageFailed
from sim7020_bridge.outbox.message import Entry
from sim7020_bridge.outbox_file import OutboxFile

LEVELS: Final = ("debug", "info", "warning", "error")
EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("sim7020-bridge"), prog_name="sim7020-bridge")
def main() -> None:
    """Keep SIM7020 NB-IoT modems attached and map MQTT topics to their sockets.

    \b
    Try it without a modem:   sim7020-bridge demo
    Run it with yours:        sim7020-bridge run --config bridge.yaml
    """


@main.command()
@click.option(
    "--config",
    "-c",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration, a YAML file; see docs/configuration.md.",
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="debug shows every line of the AT dialogue, with identities and payload masked.",
)
def run(file: Path, log_level: str) -> None:
    """Run the bridge until it is stopped by SIGTERM or Ctrl-C.

    \b
    Exit status: 0 stopped, 2 the configuration or the command line is wrong.

    \b
    Example:   sim7020-bridge run --config /etc/sim7020-bridge/bridge.yaml
    """
    logs.log_to_stderr(log_level)
    try:
        settings = load(file)
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)
    asyncio.run(app.run(settings))


_CONFIG = click.option(
    "--config",
    "-c",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration, a YAML file; see docs/configuration.md.",
)
_MODEM = click.option("--modem", "-m", metavar="NAME", help="Which modem; needed if there are several.")
_SOCKET = click.option("--socket", "-s", metavar="NAME", help="Messages to this socket only.")


@main.group()
def outbox() -> None:
    """List or cancel messages that wait, beside a running bridge or without one."""


@outbox.command("list")
@_CONFIG
@_MODEM
@_SOCKET
def outbox_list(file: Path, modem: str | None, socket: str | None) -> None:
    """List what has no final receipt yet, oldest first: id, socket, priority, bytes, time."""
    _, entries = _outbox(file, modem, socket)
    for entry in entries:
        message = entry.message
        priority = message.priority.name.lower()
        click.echo(f"{message.id}  {message.socket}  {priority}  {len(message.data)}  {rfc3339(message.at)}")
    click.echo(f"{len(entries)} messages", err=True)


@outbox.command("cancel")
@_CONFIG
@_MODEM
@_SOCKET
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def outbox_cancel(file: Path, modem: str | None, socket: str | None, ids: tuple[str, ...]) -> None:
    """Cancel messages by their ids; one that the module has already goes out all the same."""
    opened, entries = _outbox(file, modem, socket)
    chosen = [entry.number for entry in entries if entry.message.id in ids]
    unknown = set(ids) - {entry.message.id for entry in entries}
    for name in sorted(unknown):
        click.echo(f"{name} is not in the outbox; it may have its end already", err=True)
    _cancel(opened, chosen)
    if unknown:
        sys.exit(EXIT_FAILED)


@outbox.command("purge")
@_CONFIG
@_MODEM
@_SOCKET
@click.option("--yes", is_flag=True, help="Don't ask.")
def outbox_purge(file: Path, modem: str | None, socket: str | None, *, yes: bool) -> None:
    """Cancel all messages that wait."""
    opened, entries = _outbox(file, modem, socket)
    if entries and not yes:
        click.confirm(f"Cancel {len(entries)} messages?", abort=True)
    _cancel(opened, [entry.number for entry in entries])


def _outbox(file: Path, modem: str | None, socket: str | None) -> tuple[OutboxFile, list[Entry]]:
    try:
        settings = load(file)
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)
    names = [each.name for each in settings.modems]
    name = modem or (names[0] if len(names) == 1 else None)
    if name not in names:
        click.echo(f"choose one of the modems with --modem: {', '.join(names)}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    opened = OutboxFile(settings.state_dir, name)
    try:
        return opened, [entry for entry in opened.entries() if socket in {None, entry.message.socket}]
    except StorageFailed as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)


def _cancel(opened: OutboxFile, numbers: list[int]) -> None:
    try:
        done = not numbers or opened.cancel(numbers)
    except StorageFailed as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)
    click.echo(
        f"{len(numbers)} cancelled" if done else f"{len(numbers)} cancelled; their receipts go out with the next run"
    )


@main.command()
@click.option("--once", is_flag=True, help="End after one UDP and one TCP round trip, with a summary.")
def demo(*, once: bool) -> None:
    """Show it all on this machine, without hardware: modem, broker, servers and bridge.

    \b
    Exit status: 0 all went well, 1 something failed.

    \b
    Example:   sim7020-bridge demo --once
    """
    from sim7020_bridge.demo.demo import run_demo  # noqa: PLC0415 - run must not load the terminal's library

    sys.exit(run_demo(once=once))
