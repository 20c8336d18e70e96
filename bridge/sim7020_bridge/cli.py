"""The command line; the only file that knows click."""

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import click

from sim7020_bridge import app, logs
from sim7020_bridge.config.load import load
from sim7020_bridge.errors import ConfigurationError

LEVELS: Final = ("debug", "info", "warning", "error")
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
