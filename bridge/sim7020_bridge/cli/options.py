"""What several subcommands share: options, exit statuses, and how a configuration is read."""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from sim7020_bridge.config import environment as variables
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError

EXIT_FAILED: Final = 1
EXIT_CONFIGURATION: Final = 2
EXIT_NO_ANSWER: Final = 3

CONFIG: Final = click.option(
    "--config",
    "-c",
    "file",
    required=True,
    envvar=variables.FILE,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration; see docs/configuration.md.",
)
MODEM: Final = click.option("--modem", "-m", metavar="NAME", help="Which modem; needed if there are several.")
ONE_MODEM: Final = click.option("--modem", "-m", metavar="NAME", help="This modem only.")
SOCKET: Final = click.option("--socket", "-s", metavar="NAME", help="Messages to this socket only.")


def configuration(file: Path) -> Settings:
    """Return what a file says; if that is wrong, print each mistake and exit with status 2."""
    try:
        return load(file)
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_CONFIGURATION)


JSON: Final = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


class NumberRange(click.FloatRange):
    """A number within limits. "nan" is outside of all, though it compares as inside."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the process with what is wrong."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def patience(seconds: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make the option ``--timeout`` with a default; the subcommand is given it as ``within``."""
    return click.option(
        "--timeout",
        "within",
        type=NumberRange(0.1, 86400),
        metavar="SECONDS",
        default=float(seconds),
        help=f"Patience; default: {seconds}.",
    )
