"""``ports``: the serial ports of this machine, and which of them has a modem behind it."""

import asyncio
import json
import os
import sys
from dataclasses import asdict

import click

from sim7020_bridge import logs
from sim7020_bridge.cli.exits import EXIT_FAILED
from sim7020_bridge.cli.options import baud as baud_option
from sim7020_bridge.kit.probe.asking import Asked, ask_all
from sim7020_bridge.port.listing import SerialPort, serial_ports


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
    logs.keep_quiet()
    asked = asyncio.run(ask_all([port for port in found if present or not port.held_by], baud)) if ask else {}
    if as_json:
        click.echo(json.dumps({"ports": [_document(port, asked.get(port.device)) for port in found]}, indent=2))
    else:
        for port in found:
            click.echo(_shown(port, asked.get(port.device)))
        if not found and not missing:
            click.echo("There is no serial port. A modem on USB needs a cable that carries data.", err=True)
    sys.exit(EXIT_FAILED if missing else 0)


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
        lines.append(click.style(f"  {asked.words}", fg="green") if asked.at else f"  {asked.words}")
    return "\n".join(lines)
