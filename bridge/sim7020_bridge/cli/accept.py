"""``accept``: half an hour in which a module shows what it can and how it words it, into one file."""

import sys
from functools import partial
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from sim7020_bridge import logs
from sim7020_bridge.cli.exits import EXIT_FAILED, fail, keep
from sim7020_bridge.cli.options import PIN, NumberRange, valid
from sim7020_bridge.cli.options import baud as baud_option
from sim7020_bridge.cli.stopping import let_go_of_the_terminal, run_until_stopped
from sim7020_bridge.commands.quoting import require_quotable
from sim7020_bridge.config import module_values
from sim7020_bridge.kit.accept.checks import CHECKS
from sim7020_bridge.kit.accept.run import Acceptance, Record, Result, Wanted
from sim7020_bridge.kit.probe.finding import Status

_COLOURS: Final = {Status.FINE: "green", Status.WARNING: "yellow", Status.BROKEN: "red", Status.SKIPPED: "dim"}
_LARGEST_PORT: Final = 65535


@click.command()
@click.argument("port")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="acceptance.at")
@baud_option("The rate that it has; default: try the usual ones.", None)
@click.option("--echo", metavar="HOST:PORT", help="Where UDP and TCP come back; without it they aren't tried.")
@click.option("--host", default="example.com", show_default=True, help="What to resolve and ping.")
@PIN
@click.option(
    "--timeout", type=NumberRange(1, 3600), default=300, show_default=True, help="How long the network may take."
)
@click.option("--yes", is_flag=True, help="Ask nothing: agree to all.")
@click.option("--no-data", is_flag=True, help="Do nothing that costs data.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
def accept(
    *,
    port: str,
    file: Path,
    baud: int | None,
    echo: str | None,
    host: str,
    pin: str | None,
    timeout: float,
    yes: bool,
    no_data: bool,
    force: bool,
) -> None:
    """Test the module at PORT for all that the bridge needs; report to FILE.

    Asks before each test that costs data or stores something in the module; without a terminal
    these are left out, unless --yes. FILE is masked, to be shared; sim7020-emulator --like FILE reads it.

    \b
    Exit status: 0 all is well, 1 something is not, 2 wrong usage.
    Example:     sim7020-bridge accept /dev/ttyUSB0 --echo 203.0.113.7:7007
    """
    if pin is not None:
        valid("--pin", module_values.pin, pin)
    valid("--host", partial(require_quotable, what="a host"), host)
    place = None if echo is None else valid("--echo", _endpoint, echo)
    keep(file, force=force)
    agreed = _agreed(ask=not yes, no_data=no_data, echo=place is not None)
    logs.keep_quiet()
    console = Console(highlight=False, soft_wrap=True, markup=False)
    saved: list[Record] = []

    def save(record: Record) -> None:
        file.write_text(record.text(), encoding="ascii", errors="backslashreplace")
        saved[:] = [record]

    def tell(result: Result) -> None:
        try:
            console.print(str(result), style=_COLOURS[result.status])
        except OSError:
            let_go_of_the_terminal()

    async def run() -> None:
        with console.status("opening the port") as status:
            await Acceptance(
                Wanted(port, baud, host, place, pin, timeout, agreed),
                begin=lambda check: status.update(f"{check.name}: {check.does}"),
                tell=tell,
                save=save,
            ).run()

    try:
        run_until_stopped(run())
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")
    for words in (*(f"not put back: {what}" for what in saved[0].left), saved[0].ended):
        if words:
            click.echo(words, err=True)
    told = "; docs/tested.md says where to send it" if saved[0].results else ""
    click.echo(f"{file} has it all{told}", err=True)
    sys.exit(0 if saved[0].well else EXIT_FAILED)


def _agreed(*, ask: bool, no_data: bool, echo: bool) -> frozenset[str]:
    """Return what may be done of what costs or stores something."""
    wanted = [check for check in CHECKS if check.price and not (check.costs and no_data) and (echo or not check.echo)]
    if not ask:
        return frozenset(check.name for check in wanted)
    if sys.stdin is None or not sys.stdin.isatty():
        return frozenset()
    return frozenset(c.name for c in wanted if click.confirm(f"{c.does} ({c.price})", default=True, err=True))


def _endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LARGEST_PORT:
        raise ValueError(f"{text!r} is not HOST:PORT")
    require_quotable(host, "a host")
    return host, int(port)
