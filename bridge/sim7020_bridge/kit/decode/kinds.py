"""What a line of a log can be, and what is said about it."""

from dataclasses import dataclass, field
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
    """One line of a log, explained.

    Args:
        line: Its number in the log, from 1.
        text: What was on the wire, or the comment; without marks, times and line end.
        direction: Which way it went.
        kind: What it is.
        name: The command's, answer's, URC's or result code's name; empty for what has none.
        fields: Its parsed values by name.
        words: What it means, as a phrase for people; never empty.
        guessed: Whether the direction is not marked in the log but follows from the dialogue.
        command_line: The number of the line with the command that this belongs to, or None.
        time: When it was, as the log gives it; None if it doesn't.
    """

    line: int
    text: str
    direction: Direction
    kind: Kind
    name: str
    words: str
    fields: dict[str, Field] = field(default_factory=dict)
    guessed: bool = False
    command_line: int | None = None
    time: str | None = None

    def document(self) -> dict[str, Field | None]:
        """Return the line as a JSON object; every key is always there."""
        return {
            "line": self.line,
            "time": self.time,
            "direction": self.direction.value,
            "guessed": self.guessed,
            "kind": self.kind.value,
            "name": self.name,
            "fields": self.fields,
            "command_line": self.command_line,
            "text": self.text,
            "explanation": self.words,
        }
