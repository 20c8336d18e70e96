"""What a command answers, and what may be wrong with the answer on its way to the host."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sim7020_emulator.at.results import Refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command says.

    Args:
        lines: Information text, a line each; bytes above 0x7F as Latin-1.
        final: The final result, or None if there is none.
        then: Done once the final result is written: for what the module reports right after it.
    """

    lines: tuple[str, ...] = ()
    final: str | None = "OK"
    then: Callable[[], None] | None = None


OK = Answer()


def lines(*texts: str) -> Answer:
    """Answer with information text and OK."""
    return Answer(texts)


class Collect(Protocol):
    """Prints the prompt and returns the bytes that follow."""

    async def __call__(self, wanted: int | None, within: float | None = None) -> bytes | None:
        """Return as many bytes as wanted, or those until Ctrl-Z or ``within`` so many seconds; None after ESC."""
        ...


class Withheld(StrEnum):
    """How much of an answer does not come."""

    NOTHING = "nothing"
    FINAL = "final"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What is wrong with the answer to one command line.

    Args:
        delay: Seconds that it comes late.
        refusal: Raised instead of carrying the line out.
        withheld: What of it is not said; the line is carried out all the same.
    """

    delay: float = 0.0
    refusal: Refused | None = None
    withheld: Withheld = Withheld.NOTHING


SOUND = Spoiled()
"""Nothing is wrong."""
