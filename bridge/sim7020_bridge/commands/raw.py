"""A command that a person wrote."""

import re
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.at.command import Answer, Command
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.secrets import mask

_NAME: Final = re.compile(r"AT(?P<name>[+*][A-Z]+)", re.IGNORECASE)

_ASKS_FOR_DATA: Final = re.compile(r"AT\+(CSODSEND|CIPSEND|CMGS|CMGW)\b(?!=\?)", re.IGNORECASE)
"""Commands that are answered with a data prompt (manual V1.05, +CSODSEND, +CIPSEND, +CMGS, +CMGW)."""

_VALUE: Final = re.compile(r""""[^"]*"?|\d{4,}|(?<=[=,"])[^",;]*[^-",;\d][^",;]*""")
"""A text in quotes, four digits and more, and a word without quotes."""
_HIDDEN: Final = re.compile(r'[^"]')


@dataclass(frozen=True, slots=True)
class RawCommand(Command[tuple[str, ...]]):
    """Any command line of printable ASCII that starts with AT.

    Its answer is every line of its own name, and every line that is no known URC. One that waits for data is refused,
    or cancelled where the module asks for some all the same.
    """

    syntax = "{self.text}"
    timeout = 180.0
    ends_at_prompt = True

    text: str

    def __post_init__(self) -> None:
        if _ASKS_FOR_DATA.match(self.text):
            raise ValueError("the module would wait for data, which can't be given here")
        if not (self.text.isascii() and self.text.isprintable() and self.text[:2].upper() == "AT"):
            raise ValueError("a command line starts with AT and consists of printable ASCII characters")

    def shown(self) -> str:
        """Return the command line as a log may show it.

        What a person may say has no end, so all texts and all numbers that could be a PIN are masked.
        """
        return _VALUE.sub(lambda value: _HIDDEN.sub("*", value[0]), mask(self.text))

    def answers(self, line: Line) -> bool:
        """Take lines of this command's name, and those that nobody knows."""
        name = _NAME.match(self.text)
        if name is not None and line.name.upper() == name["name"].upper():
            return True
        return line.name not in URCS and not line.text.upper().startswith("AT")

    def read(self, answer: Answer) -> tuple[str, ...]:
        """Return the lines as they came."""
        return tuple(line.text for line in answer.lines)
