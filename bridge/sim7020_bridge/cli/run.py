"""``run``: the daemon."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from sim7020_bridge import VERSION, logs
from sim7020_bridge.cli.exits import EXIT_FAILED, fail
from sim7020_bridge.cli.options import configuration, valid
from sim7020_bridge.cli.stopping import let_go_of_the_terminal
from sim7020_bridge.config import environment as variables
from sim7020_bridge.config import values
from sim7020_bridge.config.apart import read_apart
from sim7020_bridge.config.file import obstacle
from sim7020_bridge.config.load import exposed, read
from sim7020_bridge.config.model import LogFormat, LoggingSettings, LogLevel, Settings
from sim7020_bridge.errors import AlreadyRunning, OutboxInUse
from sim7020_bridge.outbox.database import path_of
from sim7020_bridge.outbox.shell import orphans
from sim7020_bridge.service.service import Service

_PORT: Final = 8020
_HOST: Final = "127.0.0.1"
_LISTEN: Final = f"{_HOST}:{_PORT}"

log: Final = logging.getLogger(__name__)


def _choice(values: type[StrEnum]) -> "click.Choice[str]":
    return click.Choice([value.value for value in values])


@click.command()
@configuration(required=False)
@click.option("--setup", is_flag=True, help="Without a configuration: have one written in a browser.")
@click.option("--listen", metavar="HOST:PORT", help=f"Where, with --setup; default: {_LISTEN}.")
@click.option("--log-level", type=_choice(LogLevel), metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--log-format", type=_choice(LogFormat), metavar="FORMAT", help="text or json.")
def run(file: Path | None, *, setup: bool, listen: str | None, log_level: str | None, log_format: str | None) -> None:
    """Run the bridge until it is stopped by SIGTERM or Ctrl-C.

    \b
    SIGHUP         reads the configuration again: sockets, topics, logging
    SIGUSR1, 2     AT trace on, off; identities and payload are masked
    SIGTERM        shuts down cleanly; a second one ends it at once

    \b
    Exit status: 0 stopped, 1 a bridge runs already for one of these modems,
    2 the configuration or the command line is wrong.

    \b
    Example:   sim7020-bridge run --config /etc/sim7020-bridge/bridge.yaml
    """

    def logging_chosen(given: LoggingSettings) -> LoggingSettings:
        level = LogLevel(log_level) if log_level else given.level
        return replace(given, level=level, format=LogFormat(log_format) if log_format else given.format)

    def chosen(settings: Settings) -> Settings:
        return replace(settings, logging=logging_chosen(settings.logging))

    if listen is not None and not setup:
        raise click.UsageError("--listen is for --setup: a configuration has http.host and http.port")
    file = _named(file, setup=setup)
    if setup and not _set_up(file, listen or _LISTEN, logging_chosen(LoggingSettings())):
        return
    reading = read(file)
    settings = chosen(reading.settings)
    logs.log_to_stderr(settings.logging)
    if secrets := exposed(reading, file):
        log.warning("anybody on this machine can read %s in %s: chmod o-r", ", ".join(secrets), file)
    try:
        asyncio.run(_run(settings, file, chosen))
    except (AlreadyRunning, OutboxInUse):  # the log says so
        sys.exit(EXIT_FAILED)
    let_go_of_the_terminal()


def _named(file: Path | None, *, setup: bool) -> Path:
    if file is None and not setup:
        raise click.UsageError(f"name the configuration: FILE, --config FILE or ${variables.FILE}")
    return file or Path("bridge.yaml")


def _set_up(file: Path, listen: str, logging_settings: LoggingSettings) -> bool:
    """Have a configuration written unless there is one; whether there is one now."""
    host, port = valid("--listen", values.host_and_port, listen)
    try:
        if os.path.lexists(file) and file.stat():
            click.echo(f"{file} is there, so it is not set up anew", err=True)
            return True
    except OSError as error:
        fail(f"{file} can't be used: {error.strerror}")
    if problem := obstacle(file):
        fail(f"{file} can't be written: {problem}")
    logs.log_to_stderr(logging_settings)
    try:
        keys = {"port": port or _PORT, **({} if host == _HOST else {"host": host}), "page": True}
        return asyncio.run(_run_setup(file, keys))
    except OSError as error:
        fail(f"{listen} can't be listened at: {error.strerror}")


async def _run_setup(file: Path, keys: dict[str, Any]) -> bool:
    # the page only where it is wanted
    from sim7020_bridge.service.setup import Setup  # noqa: PLC0415

    return await Setup(file, keys).run()


async def _run(settings: Settings, file: Path, chosen: Callable[[Settings], Settings]) -> None:
    async def load(text: str | None = None) -> Settings:
        return chosen(await read_apart(file, text))

    await Service(settings, file=file, load=load, begun=partial(_introduce, settings, file)).run()


def _introduce(settings: Settings, file: Path) -> None:
    """Have the log say what is about to run."""
    log.info("sim7020-bridge %s, configuration %s, state directory %s", VERSION, file.absolute(), settings.state_dir)
    for modem in settings.modems:
        sockets = ", ".join(socket.name for socket in modem.sockets) or "none"
        log.info("modem %s at %s, sockets: %s", modem.name, modem.port, sockets)
    for name, waiting in orphans(settings.state_dir, [modem.name for modem in settings.modems]):
        log.warning(
            "%s in %s for a modem %s, which is not configured: what waits goes out when a modem has that name "
            "again; sim7020-bridge outbox move %s NEW gives it to modem NEW, "
            "sim7020-bridge forget %s --outbox deletes it",
            *(waiting, path_of(settings.state_dir, name), name, name, name),
        )
