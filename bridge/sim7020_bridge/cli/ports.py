"""``ports``: the serial ports of this machine, and which of them has a modem behind it."""

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass

import click

from sim7020_bridge import logs
from sim7020_bridge.cli.exits import EXIT_FAILED
from sim7020_bridge.cli.options import baud as baud_option
from sim7020_bridge.commands.identity import ReadModel
from sim7020_bridge.config.model import DEFAULT_BAUDRATE
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.kit.probe.line import answers, listening
from sim7020_bridge.port.listing import SerialPort, serial_ports


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether a port answered AT, and with which model; ``problem`` says why it could not be asked."""

    at: bool
    model: str | None = None
    problem: str | None = None


@click.command()
@click.argument("names", nargs=-1, metavar="[PORT]...")
@click.option("--ask", is_flag=True, help="Write AT to each free port, and to each PORT, and see what answers.")
@baud_option("The rate to ask at.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for machines.")
def ports(*, names: tuple[str, ...], ask: bool, baud: int, as_json: bool) -> None:
    """List serial ports, or only PORT...: lasting names, USB ids, and who has them open.

    Nothing is written to any port without --ask.

    \b
    Exit status: 0 listed, 1 a PORT is not there, 2 the command line is wrong.
    Example:     sim7020-bridge ports --ask
    """
    missing = [name for name in names if not os.path.exists(name)]  # noqa: PTH110 - a device, not a path
    for name in missing:
        click.echo(f"{name}: there is no such device", err=True)
    present = [name for name in names if name not in missing]
    found = serial_ports(present) if present or not names else ()
    asked = asyncio.run(ask_all([port for port in found if present or not port.held_by], baud)) if ask else {}
    if as_json:
        click.echo(json.dumps({"ports": [_document(port, asked.get(port.device)) for port in found]}, indent=2))
    else:
        for port in found:
            click.echo(_shown(port, asked.get(port.device)))
        if not found and not missing:
            click.echo("There is no serial port. A modem on USB needs a cable that carries data.", err=True)
    sys.exit(EXIT_FAILED if missing else 0)


async def ask_all(found: list[SerialPort], baud: int = DEFAULT_BAUDRATE) -> dict[str, Asked]:
    """Write AT to ports, all at once; return what came of it by device."""
    logs.keep_quiet()
    asked = await asyncio.gather(*(_ask(port, baud) for port in found))
    return {port.device: answer for port, answer in zip(found, asked, strict=True)}


async def _ask(port: SerialPort, baud: int) -> Asked:
    try:
        async with listening(port.device, baud, lambda _: None) as channel:
            if not await answers(channel, first=False):
                return Asked(at=False)
            return Asked(at=True, model=await channel.execute(ReadModel()))
    except BridgeError as error:
        return Asked(at=False, problem=str(error))


def _document(port: SerialPort, asked: Asked | None) -> dict[str, object]:
    return {**port.document(), "asked": None if asked is None else asdict(asked)}


def _shown(port: SerialPort, asked: Asked | None) -> str:
    lines = [click.style(port.best_name, bold=True) + (f" -> {port.device}" if port.names else "")]
    hardware = port.attached
    if hardware is not None and hardware.vendor_id is not None and hardware.product_id is not None:
        said = " ".join(filter(None, (hardware.manufacturer, hardware.product)))
        serial = f", serial number {hardware.serial_number}" if hardware.serial_number else ""
        lines.append(f"  USB {hardware.vendor_id:04x}:{hardware.product_id:04x} {said}{serial}".rstrip())
    lines += [click.style(f"  held by {holder.words}", fg="yellow") for holder in port.held_by]
    if not port.usable:
        lines.append(click.style("  this user may not open it: add it to the group dialout", fg="red"))
    if asked is not None:
        lines.append(_answer(asked))
    return "\n".join(lines)


def _answer(asked: Asked) -> str:
    if asked.at:
        return click.style(f"  answers AT: {asked.model or 'an unknown model'}", fg="green")
    return f"  {asked.problem or 'does not answer AT at this rate'}"
