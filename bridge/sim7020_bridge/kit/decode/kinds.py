"""What a line of a log can be, and what is said about it."""

from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a line went: ``out`` from the host to the module, ``in`` from the module to the host."""

    OUT = "out"
    IN = "in"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What a line is.

    DATA is payload: what the host writes at a prompt, or a dump's line that ends no line of the dialogue.
    COMMENT is anything that a person or the recording program wrote, and was never on the wire.
    """

    COMMAND = "command"
    ECHO = "echo"
    ANSWER = "answer"
    URC = "urc"
    FINAL = "final"
    PROMPT = "prompt"
    BLANK = "blank"
    DATA = "data"
    COMMENT = "comment"
    UNKNOWN = "unknown"


Field = str | int | float | bool | list["Field"] | dict[str, "Field"]
"""A parsed value, as JSON has it; what a module left empty is left out."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One line of a log, explained; as JSON it has these keys, always all of them.

    Args:
        line: Its number in the log, from 1.
        time: When it was, as the log gives it; None if it doesn't.
        direction: Which way it went.
        guessed: Whether the direction is not marked in the log but follows from the dialogue.
        kind: What it is.
        name: The command's, answer's, URC's or result code's name; empty for what has none.
        fields: Its parsed values by name.
        command_line: The number of the line with the command that this belongs to, or None.
        text: What was on the wire, or the comment; without marks, times and line end.
        explanation: What it means, as a phrase for people; never empty.
    """

    line: int
    time: str | None
    direction: Direction
    guessed: bool
    kind: Kind
    name: str
    fields: dict[str, Field]
    command_line: int | None
    text: str
    explanation: str
