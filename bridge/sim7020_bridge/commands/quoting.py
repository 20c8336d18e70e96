"""Puts strings between the quotes of a command line, and only such as can't break out of them."""


def quoted(text: str) -> str:
    """Return a string in quotes, as a command line carries it."""
    return f'"{text}"'


def require_quotable(text: str, what: str) -> None:
    """Refuse a string that a command line can't carry; the manual knows no escapes.

    Raises:
        ValueError: It holds a quote, a control character or anything beyond ASCII. The message
            names it by ``what`` and doesn't show it.
    """
    if not text.isascii() or not text.isprintable() or '"' in text:
        raise ValueError(f"{what} may hold printable ASCII characters other than quotes only")


def require_within(number: int, lowest: int, highest: int, what: str) -> None:
    """Refuse a number outside its range.

    Raises:
        ValueError: It is lower or higher; the message says what is allowed.
    """
    if not lowest <= number <= highest:
        raise ValueError(f"{what} must be {lowest} to {highest} (got {number})")


def hidden(text: str) -> str:
    """Return as many asterisks as a string has characters, for what logs must not show."""
    return "*" * len(text)


def require_bits(bits: str, length: int) -> None:
    """Refuse a string that is no bit string of a length.

    Raises:
        ValueError: It is something else.
    """
    if len(bits) != length or not set(bits) <= {"0", "1"}:
        raise ValueError(f"{bits!r} is no string of {length} bits")
