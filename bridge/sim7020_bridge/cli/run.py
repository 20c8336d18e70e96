"""``run``: the daemon."""

import asyncio
from pathlib import Path
from typing import Final

import click

from sim7020_bridge import app, logs
from sim7020_bridge.cli.options import CONFIG, configuration

LEVELS: Final = ("debug", "info", "warning", "error")


@click.command()
@CONFIG
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
    asyncio.run(app.run(configuration(file)))
