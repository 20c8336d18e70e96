"""``probe``: go from a port to an answer from the internet, and say what to do where it stops."""

import asyncio
import json
import sys
from functools import partial
from typing import Final

import click
from rich.console import Console
from rich.status import Status as Spinner
from rich.text import Text

from sim7020_bridge import logs
from sim7020_bridge.cli.exits import EXIT_FAILED
from sim7020_bridge.cli.options import PIN, NumberRange, valid
from sim7020_bridge.cli.options import baud as baud_option
from sim7020_bridge.commands.quoting import require_quotable
from sim7020_bridge.config import module_values
from sim7020_bridge.kit.probe.finding import Check, Finding, Status, Wanted, document
from sim7020_bridge.kit.probe.probe import Probe

_HOST: Final = "example.com"
_SIGNAL_STEPS: Final = 31
_BAR: Final = 10
_MARKS: Final = {Status.FINE: "+", Status.WARNING: "!", Status.BROKEN: "x", Status.SKIPPED: "-"}
_COLOURS: Final = {Status.FINE: "green", Status.WARNING: "yellow", Status.BROKEN: "red", Status.SKIPPED: "dim"}


@click.command()
@click.argument("port")
@baud_option("The rate that it should have; default: try the usual ones.", None)
@click.option("--apn", metavar="NAME", help="The APN that it should use.")
@PIN
@click.option(
    "--timeout", type=NumberRange(1, 3600), default=120, show_default=True, help="How long the network may take."
)
@click.option("--host", default=_HOST, show_default=True, help="What to resolve and ping, which costs about 1 kB.")
@click.option("--no-internet", is_flag=True, help="Neither resolve nor ping.")
@click.option("--show-identities", is_flag=True, help="Show IMEI, IMSI and ICCID in --json.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document at the end, for machines.")
def probe(
    *,
    port: str,
    baud: int | None,
    apn: str | None,
    pin: str | None,
    timeout: float,
    host: str,
    no_internet: bool,
    show_identities: bool,
    as_json: bool,
) -> None:
    """Find out how far data gets from PORT, and what to do where it stops.

    \b
    Exit status: 0 all layers work, 1 one is broken, 2 the command line is wrong.
    Example:     sim7020-bridge probe /dev/ttyUSB0 --apn iot.example
    """
    if pin is not None:
        valid("--pin", module_values.pin, pin)
    valid("--host", partial(require_quotable, what="a host"), host)
    wanted = Wanted(port, baud, apn, pin, timeout, None if no_internet else host)
    logs.keep_quiet()
    if as_json:
        found: list[Finding] = []
        well = asyncio.run(Probe(wanted, on_finding=found.append).run())
        click.echo(json.dumps(document(wanted, found, well=well, show_identities=show_identities), indent=2))
    else:
        well = asyncio.run(_View(Console(highlight=False, soft_wrap=True)).show(wanted))
    sys.exit(0 if well else EXIT_FAILED)


class _View:
    """Findings as lines that stay, and below them what is being tried."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("", console=console)
        self._warned = 0

    async def show(self, wanted: Wanted) -> bool:
        """Probe, and show what is found; whether all layers hold."""
        with self._spinner:
            well = await Probe(wanted, on_finding=self._tell, waiting=self._wait).run()
        done = "All layers work." if self._warned == 0 else "All layers work, but see what is marked with !"
        self._console.print(done if well else "Fix this, then probe again.")
        return well

    def _wait(self, layer: Check, what: str) -> None:
        self._spinner.update(f"{_title(layer)}: {what}")

    def _tell(self, finding: Finding) -> None:
        self._warned += finding.status is Status.WARNING
        line = Text(f"{_MARKS[finding.status]} ", style=_COLOURS[finding.status])
        line.append(f"{_title(finding.check):<13}", style="bold")
        index = finding.details.get("rssi_index")
        if finding.check is Check.SIGNAL and isinstance(index, int):
            line.append(f"{_bar(index)} ")
        line.append(finding.summary)
        self._console.print(line)
        if finding.advice is not None:
            self._console.print(Text(f"{'':<15}{finding.advice}", style=_COLOURS[finding.status]))


def _bar(index: int) -> str:
    full = round(index / _SIGNAL_STEPS * _BAR)
    return "#" * full + "." * (_BAR - full)


def _title(layer: Check) -> str:
    return {Check.SIM: "SIM", Check.APN: "APN", Check.DNS: "DNS"}.get(layer, layer.value.replace("_", " "))
