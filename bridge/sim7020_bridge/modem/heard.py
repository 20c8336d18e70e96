"""What comes from a port whose module does not answer: that of another device, or of another rate."""

from dataclasses import dataclass
from typing import Final

from sim7020_bridge.at.command import Echo, UnknownLine, Urc
from sim7020_bridge.commands.secrets import mask

_EXAMPLE: Final = 40
"""Characters of it that are told."""


@dataclass(slots=True)
class Heard:
    """What came, in lines: the echo of what was sent, text (an example masked), or no text.

    ``zeros`` are OK as a module says it after ATV0 (V.250 section 6.2.6); ``garbage`` may be added to.
    """

    echoes: int = 0
    zeros: int = 0
    texts: int = 0
    garbage: int = 0
    example: str = ""

    def count(self, urc: Urc) -> None:
        """Count a line that nobody asked for."""
        match urc:
            case Echo():
                self.echoes += 1
            case UnknownLine("0"):
                self.zeros += 1
            case UnknownLine(text) if "\\x" in text or not text.isprintable():
                self.garbage += 1
            case UnknownLine(text):
                self.texts += 1
                self.example = self.example or mask(text)[:_EXAMPLE]

    def words(self, *, acknowledged: bool) -> str:
        """Say what makes sense of it and is no answer; empty if nothing does. ``acknowledged``: AT was answered OK."""
        if self.texts:
            return f"it says {self.example!r}"
        if acknowledged:
            return "it says OK, and not in time what it is asked for"
        return "what is sent comes back, and nothing else" if self.echoes else ""
