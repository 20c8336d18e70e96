"""The values of a line as JSON has them: numbers as numbers, texts without their quotes."""

import re
from typing import Final

from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.kit.decode.kinds import Field


def numbers_and_texts(line: Line, names: tuple[str, ...] = ()) -> list[Field]:
    """Return a line's values in order; with names, those whose name says so are text. Possible payload is text."""
    texts = line.name in _WITH_DATA
    cursor = Cursor(line)
    values: list[Field] = []
    while not cursor.at_end:
        name = names[len(values)] if len(values) < len(names) else ""
        as_text = texts or cursor.next_is_quoted or name in _TEXTS
        text = cursor.text()
        values.append(text if as_text else number_or_text(text))
    return values


def named(names: tuple[str, ...], line: Line) -> dict[str, Field]:
    """Return a line's values by these names, in order; those that are empty are left out."""
    return {name: value for name, value in zip(names, numbers_and_texts(line, names), strict=False) if value != ""}


def number_or_text(text: str) -> Field:
    """Return a decimal number as one. Digits that a number would lose, such as a leading zero, are text."""
    return int(text) if _NUMBER.fullmatch(text) else text


def listed(arguments: str) -> list[Field]:
    """Return what a test command's answer lists, one by one: ranges and lists keep their brackets."""
    return [piece.strip() for piece in _LISTED.findall(arguments)]


_NUMBER: Final = re.compile(r"-?[1-9]\d{0,8}|0", re.ASCII)
_LISTED: Final = re.compile(r"(?:^|(?<=,))(?:\([^()]*\)|\"[^\"]*\"|[^,()\"]|[()\"])*")
_WITH_DATA: Final = frozenset({"+CHTTPNMIC", "+CSONMI"})
_TEXTS: Final = frozenset(
    {"active_time", "address", "apn", "cycle", "data", "host", "message", "new_pin", "name", "operator", "password"}
    | {"pdp_type", "periodic_tau", "pin", "rau", "gprs_ready", "server", "topic", "user", "window", "zone"}
)
"""Names of what is text, also if it is digits alone and without quotes."""
