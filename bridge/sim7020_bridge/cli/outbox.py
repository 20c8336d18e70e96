"""``outbox``: what waits on disk, beside a running bridge or without one."""

import sys
from pathlib import Path
from typing import Final

import click

from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, EXIT_FAILED, fail
from sim7020_bridge.cli.names import no_modem, no_socket
from sim7020_bridge.cli.options import JSON, MODEM, SOCKET, configuration, valid
from sim7020_bridge.clock import rfc3339
from sim7020_bridge.config import values
from sim7020_bridge.config.load import load
from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.kit.watch.messages import readable
from sim7020_bridge.logs import counted, printable
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.outbox.database import damaged
from sim7020_bridge.outbox.message import Entry
from sim7020_bridge.outbox.moving import move
from sim7020_bridge.outbox.shell import Cancelled, OutboxFile
from sim7020_bridge.requests.delivery_verbs import described

SHOWN: Final = 40
"""Bytes of a payload that a line shows."""


@click.group()
def outbox() -> None:
    """List or cancel waiting messages, with or without a running bridge; move those of a renamed modem.

    \b
    Exit status: 0 done, 1 the outbox can't be used or has no such message,
                 2 wrong command line or configuration.

    \b
    Example:     sim7020-bridge outbox list --config bridge.yaml
                 sim7020-bridge outbox purge --config bridge.yaml --modem shed
    """


@outbox.command("list")
@configuration()
@MODEM
@SOCKET
@JSON
def outbox_list(file: Path, modem: str | None, socket: str | None, *, as_json: bool) -> None:
    """List what has no final receipt yet, oldest first: id, socket, priority, bytes, time, payload.

    \b
    Example:  sim7020-bridge outbox list --config bridge.yaml --socket telemetry
    """
    opened, entries = _outbox(file, modem, socket)
    if as_json:
        click.echo(dump({"messages": [described(entry, data=True) for entry in entries]}).decode())
        return
    for entry in entries:
        message = entry.message
        about = printable(message.id), message.socket, message.priority.name.lower(), str(len(message.data))
        click.echo("  ".join((*about, rfc3339(message.at), readable(message.data[:SHOWN]))))
    there = "" if opened.exists() else f": there is no {opened.file}"
    click.echo(f"{counted(len(entries), 'message')}{there}", err=True)


@outbox.command("cancel")
@configuration(bare=False)
@MODEM
@SOCKET
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def outbox_cancel(file: Path, modem: str | None, socket: str | None, ids: tuple[str, ...]) -> None:
    """Cancel messages by their ids; one that the module has already goes out all the same.

    \b
    Example:  sim7020-bridge outbox cancel --config bridge.yaml 42
    """
    opened, entries = _outbox(file, modem, socket)
    named = [(entry.number, {entry.message.id, printable(entry.message.id)}) for entry in entries]
    chosen = [number for number, names in named if not names.isdisjoint(ids)]
    unknown = set(ids).difference(*(names for _, names in named))
    for name in sorted(unknown):
        click.echo(f"{printable(name)} is not in the outbox; it may be finished already", err=True)
    _cancel(opened, chosen)
    if unknown:
        sys.exit(EXIT_FAILED)


@outbox.command("purge")
@configuration()
@MODEM
@SOCKET
@click.option("--yes", is_flag=True, help="Don't ask.")
def outbox_purge(file: Path, modem: str | None, socket: str | None, *, yes: bool) -> None:
    """Cancel all messages that wait.

    \b
    Example:  sim7020-bridge outbox purge --config bridge.yaml --yes
    """
    opened, entries = _outbox(file, modem, socket)
    if entries and not yes:
        click.confirm(f"Cancel {counted(len(entries), 'message')}?", abort=True)
    _cancel(opened, [entry.number for entry in entries])


@outbox.command("move")
@configuration(bare=False)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def outbox_move(file: Path, old: str, new: str) -> None:
    """Give what waits for a renamed or removed modem OLD to NEW, while no bridge runs.

    NEW is in the configuration, with the sockets that the messages are for.

    \b
    Example:  sim7020-bridge outbox move --config bridge.yaml shed barn
    """
    valid("OLD", values.name, old)
    settings = load(file, secrets=False)
    modems = {each.name: each for each in settings.modems}
    left = [each.stem for each in sorted(settings.state_dir.glob("*.outbox")) if each.stem not in modems]
    if old in modems and new in left:
        fail(
            f"{old} is configured in {file}, and {new} is not: swap them to give what waits for {new} to {old}, "
            "or first change the configuration",
            EXIT_CONFIGURATION,
        )
    if old in modems:
        fail(f"{old} is configured in {file}: remove it there first", EXIT_CONFIGURATION)
    if new not in modems:
        fail(no_modem(new, f"in {file}", modems), EXIT_CONFIGURATION)
    source, target = OutboxFile(settings.state_dir, old), OutboxFile(settings.state_dir, new)
    if not source.exists():
        fail(no_modem(old, f"with an outbox in {settings.state_dir}", left), EXIT_CONFIGURATION)
    try:
        with source.taken() as old_database, target.taken() as database:
            waiting = source.waiting()
            sockets = [each.name for each in modems[new].sockets]
            if lacking := sorted({entry.message.socket for entry in source.entries()}.difference(sockets)):
                fail(no_socket(new, ", ".join(lacking), sockets), EXIT_CONFIGURATION)
            if known := move(old_database, database):
                fail(
                    f"{new} has had messages with the same ids: {', '.join(map(printable, known))}; nothing was moved. "
                    f"Configure {old} again, in place of {new} if it is the same modem, and start the bridge. When "
                    f"these messages were sent, or cancelled with outbox cancel --modem {old} ID..., stop it, "
                    f"configure {new} as it is now, and move again"
                )
            click.echo(f"{waiting or 'nothing'} moved from {old} to {new}")
            source.delete()
    except OutboxInUse as error:
        fail(f"a bridge runs with {error.file}: stop it first")
    except StorageFailed as error:
        if error.__cause__ is None or not damaged(error.__cause__):
            raise
        start = f"Configure {old} again and start" if error.file == source.file else "Start"
        fail(
            f"{error.file} is damaged ({' '.join(error.reason.split())}); nothing was moved. {start} the bridge, "
            "which sets the file aside, makes a new one and says so (alert outbox_damaged)"
        )


def _outbox(file: Path, modem: str | None, socket: str | None) -> tuple[OutboxFile, list[Entry]]:
    settings = load(file, secrets=False)
    modems = {each.name: each for each in settings.modems}
    name = modem or (next(iter(modems)) if len(modems) == 1 else None)
    if name is None:
        fail(f"choose one of the modems with --modem: {', '.join(modems)}", EXIT_CONFIGURATION)
    if name not in modems:
        fail(no_modem(name, f"in {file}", modems), EXIT_CONFIGURATION)
    opened = OutboxFile(settings.state_dir, name)
    entries = opened.entries()
    # what waits for a socket that was removed stays until the bridge looks
    sockets = {each.name: None for each in modems[name].sockets} | {each.message.socket: None for each in entries}
    if socket is not None and socket not in sockets:
        fail(no_socket(name, socket, sockets), EXIT_CONFIGURATION)
    return opened, [entry for entry in entries if socket in {None, entry.message.socket}]


def _cancel(opened: OutboxFile, numbers: list[int]) -> None:
    cancelled = opened.cancel(numbers) if numbers else Cancelled(done=True)
    later = "" if cancelled.done else "; their receipts go out with the next run"
    click.echo(f"{len(numbers) - cancelled.sending} cancelled{later}")
    if cancelled.sending:
        click.echo(f"{cancelled.sending} already with the module, and can't be recalled", err=True)
