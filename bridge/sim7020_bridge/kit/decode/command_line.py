"""A command line taken apart: names, forms and arguments (V.250 section 5, manual V1.05 sections 1.3 to 1.6)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import LONGEST_LINE, Line


class Form(StrEnum):
    """How a command is asked: ``AT+X=?``, ``AT+X?``, ``AT+X=...`` or ``AT+X``."""

    TEST = "test"
    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Asked:
    """One command of a command line.

    Args:
        name: In capitals, such as ``+CSOC``, ``ATE`` or ``AT`` for a line with nothing else.
        form: How it is asked.
        arguments: What stands behind ``=``, or behind a basic command's letter.
    """

    name: str
    form: Form
    arguments: str = ""

    @property
    def line(self) -> Line:
        """The arguments, to be read like a line's."""
        return Line(self.arguments, self.name, self.arguments)

    @property
    def values(self) -> list[str]:
        """The arguments one by one, without quotes."""
        return Cursor(self.line).rest()


def is_command_line(text: str) -> bool:
    """Whether a text has the shape of a command line, ``A/`` included."""
    return _COMMAND_LINE.fullmatch(text) is not None


def commands_of(text: str) -> tuple[Asked, ...]:
    """Take a command line apart; what can't be read is one command with the line as its name."""
    text = straight(text)
    if text[:2].upper() != "AT" or len(text) > LONGEST_LINE:
        return (Asked(text.upper(), Form.EXECUTE),)
    rest = text[2:].strip()
    if not rest:
        return (Asked("AT", Form.EXECUTE),)
    found = tuple(asked for part in _PART.findall(rest) for asked in _of_part(part.strip()))
    return found or (Asked(text.upper(), Form.EXECUTE),)


def straight(text: str) -> str:
    """Return a text with plain quotes where a document or an editor put curved ones."""
    return text.translate(_QUOTES)


_QUOTES: Final = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"'))
_COMMAND_LINE: Final = re.compile(
    r"A/|AT\s*(?:[+*#$%^&\\;].*|[A-Z]\d*(?:[^A-Z\s].*|[A-Z](?:[\d+&?;=].*)?)?|D.*|)", re.IGNORECASE | re.DOTALL
)
_PART: Final = re.compile(r'(?:"[^"]*"?|[^;"])+')
_EXTENDED: Final = re.compile(
    r"(?P<name>[+*#$%^][A-Z][A-Z0-9_]*)\s*(?P<asked>=\?|\?|=*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_FORMS: Final = {"=?": Form.TEST, "?": Form.READ, "": Form.EXECUTE}
_BASIC: Final = re.compile(r"D.*|S\d+(?:=\d*|\?)?|[&%\\]?[A-Z](?:\d+|\?)?", re.IGNORECASE | re.DOTALL)


def _of_part(part: str) -> Iterator[Asked]:
    while part:
        if (extended := _EXTENDED.fullmatch(part)) is not None:
            form = _FORMS.get(extended["asked"], Form.WRITE)
            told = form in {Form.WRITE, Form.EXECUTE}
            yield Asked(extended["name"].upper(), form, extended["rest"].strip() if told else "")
            return
        if (basic := _BASIC.match(part)) is None:
            yield Asked(part.upper(), Form.EXECUTE)
            return
        yield _basic(basic[0].upper())
        part = part[basic.end() :].strip()


def _basic(text: str) -> Asked:
    if text.endswith("?"):
        return Asked(f"AT{text[:-1]}", Form.READ)
    if text.startswith("D"):
        return Asked("ATD", Form.EXECUTE, text[1:])
    register, equals, value = text.partition("=")
    if equals:
        return Asked(f"AT{register}", Form.WRITE, value)
    letters = text.rstrip("0123456789")
    if letters == "S":
        return Asked(f"AT{text}", Form.EXECUTE)
    return Asked(f"AT{letters}", Form.EXECUTE, text[len(letters) :])
