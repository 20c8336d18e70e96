"""Puts strings between the quotes of a command line, and only such as can't break out of them."""

from typing import Final

LONGEST_TEXT: Final = 255
"""Characters. Host names, APNs and credentials are shorter; a command line has an end somewhere."""


def quoted(text: str) -> str:
    """Return a string in quotes, as a command line carries it."""
    return f'"{text}"'


def require_quotable(text: str, what: str) -> None:
    """Refuse a string that a command line can't carry; the manual knows no escapes.

    A backslash may be one all the same (V.250 section 5.4.2.2), and could make the closing quote part of the string.

    Raises ValueError if it holds a quote, a backslash, a control character or anything beyond ASCII, or is longer than
    LONGEST_TEXT. The message names it by ``what`` and doesn't show it.
    """
    if not text.isascii() or not text.isprintable() or '"' in text or "\\" in text or len(text) > LONGEST_TEXT:
        raise ValueError(
            f"{what} may hold at most {LONGEST_TEXT} printable ASCII characters other than quotes and backslashes"
        )


def require_within(number: int, lowest: int, highest: int, what: str) -> None:
    """Refuse a number outside its range with a ValueError that says what is allowed."""
    if not lowest <= number <= highest:
        raise ValueError(f"{what} must be {lowest} to {highest} (got {number})")


def hidden(text: str) -> str:
    """Return as many asterisks as a string has characters, for what logs must not show."""
    return "*" * len(text)


def require_bits(bits: str, length: int) -> None:
    """Refuse a string that is no bit string of a length with a ValueError."""
    if len(bits) != length or not set(bits) <= {"0", "1"}:
        raise ValueError(f"{bits!r} is no string of {length} bits")
