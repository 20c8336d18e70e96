"""``run``: the daemon."""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

import click

from sim7020_bridge import VERSION, logs
from sim7020_bridge.cli.exits import EXIT_FAILED
from sim7020_bridge.cli.options import configuration
from sim7020_bridge.cli.stopping import let_go_of_the_terminal
from sim7020_bridge.config.load import exposed, load, read
from sim7020_bridge.config.model import LogFormat, LogLevel, Settings
from sim7020_bridge.errors import AlreadyRunning, OutboxInUse
from sim7020_bridge.outbox.database import path_of
from sim7020_bridge.outbox.shell import orphans
from sim7020_bridge.service.service import Service

log: Final = logging.getLogger(__name__)


def _choice(values: type[StrEnum]) -> "click.Choice[str]":
    return click.Choice([value.value for value in values])


@click.command()
@configuration()
@click.option("--log-level", type=_choice(LogLevel), metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--log-format", type=_choice(LogFormat), metavar="FORMAT", help="text or json.")
def run(file: Path, log_level: str | None, log_format: str | None) -> None:
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

    def chosen(settings: Settings) -> Settings:
        level = LogLevel(log_level) if log_level else settings.logging.level
        form = LogFormat(log_format) if log_format else settings.logging.format
        return replace(settings, logging=replace(settings.logging, level=level, format=form))

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


async def _run(settings: Settings, file: Path, chosen: Callable[[Settings], Settings]) -> None:
    await Service(settings, load=lambda: chosen(load(file)), begun=partial(_introduce, settings, file)).run()


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
