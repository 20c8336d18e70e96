"""The language of a command line: from the characters after ``AT`` to commands with arguments.

Source: ITU-T V.250 section 5.2 for the line, manual V1.05 sections 1.4-1.5 for its limits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sim7020_emulator.at.results import Refused

MAX_LINE = 2048
"""Characters that may follow ``AT``; a longer line is refused whole."""

_BASIC = re.compile(r"(?P<name>&?[A-Z])(?P<value>\d*)")
_REGISTER = re.compile(r"S(?P<number>\d+)(?P<rest>\?|=\d*)?")
_EXTENDED = re.compile(r"(?P<name>[+*][A-Z0-9]+)", re.IGNORECASE)


class Form(StrEnum):
    """The four forms of an extended command; a basic command has only ``EXECUTE``."""

    TEST = "test"
    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as typed: ``text`` without its quotes; ``quoted`` if it had any."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one command; whatever does not fit raises ``Refused``."""

    items: tuple[Argument, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def has(self, index: int) -> bool:
        """Say whether the argument was given and is not empty."""
        return index < len(self.items) and (self.items[index].quoted or self.items[index].text != "")

    def limit(self, *, at_least: int = 0, at_most: int) -> None:
        """Refuse a call with too few or too many arguments."""
        if not at_least <= len(self.items) <= at_most:
            raise Refused

    def integer(self, index: int, low: int, high: int, default: int | None = None) -> int:
        """Read a decimal number in ``low..high``; quotes around it are forgiven."""
        if not self.has(index):
            if default is None:
                raise Refused
            return default
        text = self.items[index].text.strip()
        if not re.fullmatch(r"[+-]?\d{1,9}", text):
            raise Refused
        number = int(text)
        if not low <= number <= high:
            raise Refused
        return number

    def text(self, index: int, default: str | None = None, *, longest: int = 255) -> str:
        """Read a string, quoted or not."""
        if not self.has(index):
            if default is None:
                raise Refused
            return default
        value = self.items[index].text
        if len(value) > longest:
            raise Refused
        return value

    def is_quoted(self, index: int) -> bool:
        """Say whether the argument was given in quotes."""
        return index < len(self.items) and self.items[index].quoted


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command of a line: its name in capitals, its form and its arguments."""

    name: str
    form: Form
    arguments: Arguments = Arguments()


def read_line(line: str) -> Iterator[Invocation]:
    """Yield the commands of a line (what stands after ``AT``), one by one.

    A mistake raises ``Refused`` when its turn comes, so that the commands before it are carried out.
    """
    rest = line.strip()
    while rest:
        if rest[0] in " ;":
            rest = rest[1:]
            continue
        if rest[0] in "+*":
            end = _end_of_command(rest)
            yield _extended(rest[:end])
            rest = rest[end + 1 :]
            continue
        upper = rest.upper()
        match = _REGISTER.match(upper)
        if match:
            yield _register(match)
        else:
            match = _BASIC.match(upper)
            if match is None:
                raise Refused
            value = match["value"]
            arguments = Arguments((Argument(value),)) if value else Arguments()
            yield Invocation(match["name"], Form.EXECUTE, arguments)
        rest = rest[match.end() :]


def _end_of_command(text: str) -> int:
    quoted = False
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            return position
    return len(text)


def _extended(text: str) -> Invocation:
    match = _EXTENDED.match(text)
    if match is None:
        raise Refused
    name = match["name"].upper()
    rest = text[match.end() :].strip()
    if rest == "":
        return Invocation(name, Form.EXECUTE)
    if rest == "?":
        return Invocation(name, Form.READ)
    if rest == "=?":
        return Invocation(name, Form.TEST)
    if not rest.startswith("="):
        raise Refused
    return Invocation(name, Form.WRITE, read_arguments(rest[1:]))


def _register(match: re.Match[str]) -> Invocation:
    number = Argument(match["number"])
    rest = match["rest"]
    if rest is None:
        raise Refused
    if rest == "?":
        return Invocation("S", Form.READ, Arguments((number,)))
    return Invocation("S", Form.WRITE, Arguments((number, Argument(rest[1:]))))


def read_arguments(text: str) -> Arguments:
    """Split at commas outside quotes; blanks around an argument are dropped. An open quote raises ``Refused``."""
    items: list[Argument] = []
    position = 0
    while True:
        while position < len(text) and text[position] == " ":
            position += 1
        if position < len(text) and text[position] == '"':
            end = text.find('"', position + 1)
            if end < 0:
                raise Refused
            items.append(Argument(text[position + 1 : end], quoted=True))
            position = end + 1
            while position < len(text) and text[position] == " ":
                position += 1
            if position < len(text) and text[position] != ",":
                raise Refused
        else:
            end = text.find(",", position)
            end = len(text) if end < 0 else end
            items.append(Argument(text[position:end].strip()))
            position = end
        if position >= len(text):
            return Arguments(tuple(items))
        position += 1
