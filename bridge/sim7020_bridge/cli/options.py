"""Options that several subcommands share."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from sim7020_bridge.config import environment as variables
from sim7020_bridge.config.model import DEFAULT_BAUDRATE
from sim7020_bridge.config.values import BAUDRATES

Value = TypeVar("Value")

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
PIN: Final = click.option(
    "--pin",
    envvar="SIM7020_PIN",
    prompt="PIN of the SIM",
    prompt_required=False,
    hide_input=True,
    is_flag=False,
    help="Asked for if given without a value; or $SIM7020_PIN. Tried once.",
)

JSON: Final = click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")


class NumberRange(click.FloatRange):
    """A number within limits. "nan" is outside of all, though it compares as inside."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, or end the process with what is wrong."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def valid(option: str, read: Callable[[str], Value], written: str) -> Value:
    """Read what an option gives as the configuration, or a command, would; if that is wrong, say so and end."""
    try:
        return read(written)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


_Option = Callable[[Callable[..., None]], Callable[..., None]]


def baud(words: str, default: int | None = DEFAULT_BAUDRATE, *, show_default: bool = True) -> _Option:
    """Make the option ``--baud``, a rate that the module has; ``words`` are its help."""

    def known(_ctx: click.Context, _option: click.Parameter, rate: int | None) -> int | None:
        if rate is not None and rate not in BAUDRATES:
            raise click.BadParameter(f"the module has no rate of {rate}", param_hint="--baud")
        return rate

    return click.option(
        "--baud", type=int, default=default, show_default=show_default, metavar="RATE", callback=known, help=words
    )


def patience(seconds: int) -> _Option:
    """Make the option ``--timeout`` with a default; the subcommand is given it as ``within``."""
    return click.option(
        "--timeout",
        "within",
        type=NumberRange(0.1, 86400),
        metavar="SECONDS",
        default=float(seconds),
        help=f"Patience; default: {seconds}.",
    )
