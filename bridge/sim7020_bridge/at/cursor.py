"""Reads the arguments of one line, left to right."""

import string

from sim7020_bridge.at.framer import Line
from sim7020_bridge.errors import MalformedAnswer


class Cursor:
    """The comma-separated arguments of a line.

    A field is empty, quoted or bare; blanks around it don't count, and a comma inside quotes does
    not separate. Every reader takes one field and raises MalformedAnswer if it is not what was asked
    for. Fields that nobody reads are not looked at: firmware adds them.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self._fields = _split(line.arguments)
        self._next = 0

    @property
    def at_end(self) -> bool:
        """Whether no field is left. A line without arguments has none."""
        return self._next >= len(self._fields)

    @property
    def next_is_integer(self) -> bool:
        """Whether the next field is a bare number."""
        return _is_integer(self._peek())

    @property
    def next_is_quoted(self) -> bool:
        """Whether the next field is in quotes."""
        return self._peek().startswith('"')

    def integer(self) -> int:
        """Take a decimal number, sign allowed."""
        field = self._take("a number")
        if not _is_integer(field):
            raise self._malformed("a number", field)
        return int(field)

    def optional_integer(self) -> int | None:
        """Take a decimal number; None if the field is empty, missing or no number."""
        field = self._peek()
        self.skip()
        return int(field) if _is_integer(field) else None

    def integer_within(self, lowest: int, highest: int) -> int | None:
        """Take a decimal number; None if the field has none, or one that the value can't have: "not known" for many."""
        number = self.optional_integer()
        return number if number is not None and lowest <= number <= highest else None

    def text(self) -> str:
        """Take a field as text, without its quotes if it has them."""
        return _unquoted(self._take("a text"))

    def optional_text(self) -> str | None:
        """Take a field as text; None if it is empty or missing."""
        field = self._peek()
        self.skip()
        return _unquoted(field) or None

    def hexadecimal(self) -> bytes:
        """Take hex digits, quoted or not, as the bytes they mean."""
        field = _unquoted(self._take("hex digits"))
        try:
            return bytes.fromhex(field)
        except ValueError:
            raise self._malformed("hex digits", field) from None

    def optional_hex_digits(self) -> str | None:
        """Take hex digits, quoted or not, as upper-case text; None if the field is empty or missing."""
        digits = self.optional_text()
        if digits is not None and not set(digits) <= _HEX_DIGITS:
            raise self._malformed("hex digits", digits)
        return None if digits is None else digits.upper()

    def skip(self, fields: int = 1) -> None:
        """Leave out fields, missing ones too."""
        self._next += fields

    def rest(self) -> list[str]:
        """Take all that is left, without quotes."""
        fields = [_unquoted(field) for field in self._fields[self._next :]]
        self._next = len(self._fields)
        return fields

    def _peek(self) -> str:
        return "" if self.at_end else self._fields[self._next]

    def _take(self, wanted: str) -> str:
        if self.at_end:
            raise MalformedAnswer(self.line.text, f"field {self._next + 1} is missing, should be {wanted}")
        self._next += 1
        return self._fields[self._next - 1]

    def _malformed(self, wanted: str, field: str) -> MalformedAnswer:
        return MalformedAnswer(self.line.text, f"field {self._next} is {field!r}, should be {wanted}")


def _split(arguments: str) -> list[str]:
    if not arguments:
        return []
    if '"' not in arguments:
        return [field.strip() for field in arguments.split(",")]
    fields = [""]
    quoted = False
    for character in arguments:
        if character == '"':
            quoted = not quoted
        if character == "," and not quoted:
            fields.append("")
        else:
            fields[-1] += character
    return [field.strip() for field in fields]


def _unquoted(field: str) -> str:
    return field.strip('"')


def _is_integer(field: str) -> bool:
    digits = field[1:] if field[:1] in {"-", "+"} else field
    return digits.isdecimal() and len(digits) <= _LONGEST_NUMBER


_LONGEST_NUMBER = 19
_HEX_DIGITS = frozenset(string.hexdigits)
