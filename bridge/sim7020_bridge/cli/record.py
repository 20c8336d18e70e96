"""``record``: the wire between a program and a modem, written down without what is secret."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from sim7020_bridge import VERSION
from sim7020_bridge.cli.exits import fail, keep
from sim7020_bridge.cli.options import baud as baud_option
from sim7020_bridge.cli.stopping import run_until_stopped
from sim7020_bridge.clock import rfc3339, wall_clock
from sim7020_bridge.errors import LineError
from sim7020_bridge.kit.recording.proxy import record as carry
from sim7020_bridge.kit.recording.pty import Pty
from sim7020_bridge.kit.recording.writer import Writer
from sim7020_bridge.port.port import open_port


@click.command()
@click.argument("port")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@baud_option("The port's rate.")
@click.option("--link", type=click.Path(path_type=Path), metavar="PATH", help="Make PATH lead to the new port.")
@click.option("--what", default="a recording", metavar="TEXT", help="What it shows, for the head of FILE.")
@click.option("--secrets", is_flag=True, help="Write identities and payload too. Don't publish that.")
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
def record(*, port: str, file: Path, baud: int, link: Path | None, what: str, secrets: bool, force: bool) -> None:
    """Record the dialogue with the modem at PORT into FILE, until Ctrl-C.

    Prints a new port: let the bridge, or any other program, use that one.
    Identities and payload are masked; decode explains FILE, replay plays it.

    \b
    Exit status: 0 stopped, 1 the port or FILE can't be used, 2 wrong usage.
    Example:     sim7020-bridge record /dev/ttyUSB0 night.at --link /tmp/modem
    """
    keep(file, force=force)
    opener = partial(file.open, "w" if force else "x", encoding="ascii", errors="backslashreplace")
    try:
        run_until_stopped(_record(port, baud, link, opener, what=what, secrets=secrets))
        click.echo(f"recorded to {file}", err=True)
    except OSError as error:
        fail(f"{file} can't be written: {error.strerror}")


async def _record(
    port: str, baud: int, link: Path | None, file: Callable[[], TextIO], *, what: str, secrets: bool
) -> None:
    opened = await open_port(port, baud)
    try:
        # not before there is a port: what does not come to a recording must not cost an old one
        with closing(Pty(link)) as pty, file() as out:
            write = partial(print, file=out, flush=True)
            writer = Writer(write, clock=lambda: rfc3339(wall_clock()), elapsed=time.monotonic, secrets=secrets)
            writer.begin(f"{Path(port).name}, recorded with sim7020-bridge {VERSION}", what)
            click.echo(pty.name)
            await carry(opened, pty, writer)
    finally:
        with suppress(LineError):
            await opened.aclose()
