"""What a user got wrong on the command line."""

from collections.abc import Sequence


class Mistake(Exception):
    """A value that can't be used; the message is one line and says what is allowed."""


def choose(what: str, value: str, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``, else raise ``Mistake`` naming them."""
    if value not in choices:
        raise Mistake(f"{what} can't be {value!r}; it is one of {', '.join(choices)}")
    return value
