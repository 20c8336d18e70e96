"""``decode``: a serial log, from any program, explained line by line."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import BinaryIO, Final

import click

from sim7020_bridge.kit.decode.decoder import explained
from sim7020_bridge.kit.decode.kinds import Direction, Explained, Kind
from sim7020_bridge.kit.decode.words import dotted

_CHUNK: Final = 65536
_KEYS: Final = [field.name for field in fields(Explained)]


@click.command()
@click.argument("file", type=click.File("rb"), default="-", metavar="[FILE]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each line, for machines.")
def decode(file: BinaryIO, *, as_json: bool) -> None:
    """Explain a serial log line by line: FILE, or standard input.

    It may come from any terminal program, with or without times and marks of direction,
    or from the bridge's own trace (run --log-level debug).

    \b
    Exit status: 0 explained, 2 the file can't be read.

    \b
    Example:     sim7020-bridge decode minicom.cap
                 journalctl -u sim7020-bridge | sim7020-bridge decode --json
    """
    for each in explained(_chunks(file)):
        if as_json:
            click.echo(json.dumps({key: getattr(each, key) for key in _KEYS}))
        else:
            click.echo(_shown(each))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read1(_CHUNK) if hasattr(file, "read1") else file.read(_CHUNK):
        yield chunk


_ARROWS: Final = {Direction.OUT: ">", Direction.IN: "<", Direction.UNKNOWN: " "}
_COLOURS: Final = {Kind.COMMAND: "cyan", Kind.URC: "yellow", Kind.UNKNOWN: "red", Kind.COMMENT: "bright_black"}
_TEXT_WIDTH: Final = 40


def _shown(each: Explained) -> str:
    text = dotted(each.text)
    said = "" if each.kind in {Kind.BLANK, Kind.COMMENT} else each.explanation
    left = click.style(f"{_ARROWS[each.direction]} {text:<{_TEXT_WIDTH}}", fg=_colour(each))
    kind = click.style(f"{each.kind.value:<8}", dim=True)
    return f"{left} {kind} {said}".rstrip()


def _colour(each: Explained) -> str | None:
    if each.kind is Kind.FINAL:
        return "green" if each.name == "OK" else "red"
    return _COLOURS.get(each.kind)
