"""``decode``: a serial log, from any program, explained line by line."""

import json
import re
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
    noted: str | None = None
    for each in explained(_chunks(file)):
        if as_json:
            click.echo(json.dumps({key: getattr(each, key) for key in _KEYS}))
        elif each.kind is Kind.COMMENT and (note := _NOTED.fullmatch(each.text)):
            noted = note[1]  # a recording's time of the next line
        else:
            click.echo(_shown(each, each.time or noted))
            noted = noted and ""


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read1(_CHUNK) if hasattr(file, "read1") else file.read(_CHUNK):
        yield chunk


_ARROWS: Final = {Direction.OUT: ">", Direction.IN: "<", Direction.UNKNOWN: " "}
_COLOURS: Final = {Kind.COMMAND: "cyan", Kind.URC: "yellow", Kind.UNKNOWN: "red", Kind.COMMENT: "bright_black"}
_TEXT_WIDTH: Final = 40


_NOTED: Final = re.compile(r"# note: (\d{4}-\d\d-\d\d.*)")
_OF_DAY: Final = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d{1,3})?")


def _shown(each: Explained, time: str | None) -> str:
    """Return a line to read: first the time of day, in a log that has times."""
    of_day = _OF_DAY.search(time or "")
    when = "" if time is None else f"{of_day[0] if of_day else time:<12} "
    text = dotted(each.text)
    said = "" if each.kind in {Kind.BLANK, Kind.COMMENT} else each.explanation
    left = click.style(f"{_ARROWS[each.direction]} {text:<{_TEXT_WIDTH}}", fg=_colour(each))
    kind = click.style(f"{each.kind.value:<8}", dim=True)
    return f"{when}{left} {kind} {said}".rstrip()


def _colour(each: Explained) -> str | None:
    if each.kind is Kind.FINAL:
        return "green" if each.name == "OK" else "red"
    return _COLOURS.get(each.kind)
