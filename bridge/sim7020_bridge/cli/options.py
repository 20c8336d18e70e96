"""Options that several subcommands share."""

import functools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from sim7020_bridge.config import environment as variables
from sim7020_bridge.config import values
from sim7020_bridge.config.model import DEFAULT_BAUDRATE
from sim7020_bridge.config.values import BAUDRATES

Value = TypeVar("Value")

_PATH: Final = click.Path(path_type=Path)
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


def _modem(_context: click.Context, _option: click.Parameter, written: str | None) -> str | None:
    return None if written is None else valid("--modem", values.name, written)


MODEM: Final = click.option(
    "--modem", "-m", metavar="NAME", callback=_modem, help="Which modem; needed if there are several."
)
ONE_MODEM: Final = click.option("--modem", "-m", metavar="NAME", callback=_modem, help="This modem only.")


Option = Callable[[Callable[..., None]], Callable[..., None]]
"""What gives a subcommand an option."""


def configuration(
    words: str = "The configuration; see docs/configuration.md.", *, bare: bool = True, required: bool = True
) -> Option:
    """Make the option ``--config``, which may be given as a bare argument, too, or as a variable of the environment.

    The subcommand is given it as ``file``. ``words`` are its help; without ``bare`` there is no bare argument, since
    the subcommand has others; ``file`` is None if it is not given and not required.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(*, config: Path | None, named: Path | None = None, **rest: object) -> None:
            if config is not None and named is not None:
                raise click.UsageError(f"the configuration is named twice: {named} and {config}")
            variable = os.environ.get(variables.FILE)
            file = config or named or (Path(variable) if variable else None)
            if file is None and required:
                raise click.UsageError(f"name the configuration: FILE, --config FILE or ${variables.FILE}")
            command(file=file, **rest)

        option = click.option("--config", "-c", type=_PATH, metavar="FILE", help=words)
        if not bare:
            return option(called)
        return click.argument("named", type=_PATH, required=False, metavar="[FILE]")(option(called))

    return decorate


def baud(words: str, default: int | None = DEFAULT_BAUDRATE, *, show_default: bool = True) -> Option:
    """Make the option ``--baud``, a rate that the module has; ``words`` are its help."""

    def known(_ctx: click.Context, _option: click.Parameter, rate: int | None) -> int | None:
        if rate is not None and rate not in BAUDRATES:
            raise click.BadParameter(f"the module has no rate of {rate}", param_hint="--baud")
        return rate

    return click.option(
        "--baud", type=int, default=default, show_default=show_default, metavar="RATE", callback=known, help=words
    )


def patience(seconds: int) -> Option:
    """Make the option ``--timeout`` with a default; the subcommand is given it as ``within``."""
    return click.option(
        "--timeout",
        "within",
        type=NumberRange(0.1, 86400),
        metavar="SECONDS",
        default=float(seconds),
        help=f"Seconds to wait; default: {seconds}.",
    )
