"""``replay``: a recording as a port that answers as the modem did."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import click

from sim7020_bridge.cli.options import NumberRange
from sim7020_bridge.cli.stopping import run_until_stopped
from sim7020_bridge.kit.decode.decoder import explained
from sim7020_bridge.kit.recording.pty import Pty
from sim7020_bridge.kit.recording.replay import Exchange, Replay, exchanges

_READING: Final = 5.0
"""Seconds for the host to read the last of it."""


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--link", type=click.Path(path_type=Path), metavar="PATH", help="Make PATH lead to the port.")
@click.option("--strict", is_flag=True, help="End with status 1 if the host asks anything else; with 0 at the end.")
@click.option("--speed", type=NumberRange(0.01, 1000), metavar="X", help="Keep pauses, X times faster.")
def replay(*, file: BinaryIO, link: Path | None, strict: bool, speed: float | None) -> None:
    """Answer as the modem of a recording did; FILE is any log that decode reads.

    Prints the port to use. Each command is answered as the next of its kind in
    FILE was, one that FILE does not have with ERROR. Runs until Ctrl-C.

    \b
    Exit status: 0 ended, 1 the host left the recording (--strict), 2 wrong usage.
    Example:     sim7020-bridge replay night.at --link /tmp/modem
    """
    script = exchanges(explained([file.read()]))
    run_until_stopped(_replay(script, link, strict=strict, speed=speed))


async def _replay(script: tuple[Exchange, ...], link: Path | None, *, strict: bool, speed: float | None) -> None:
    with closing(Pty(link)) as pty:
        click.echo(pty.name)
        await Replay(script, pty, strict=strict, speed=speed, report=partial(click.echo, err=True)).run()
        await pty.until_left(_READING)
