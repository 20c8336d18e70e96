"""What comes from a port whose module does not answer: that of another device, or of another rate."""

import re
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.at.command import Echo, UnknownLine, Urc
from sim7020_bridge.commands.secrets import mask

_EXAMPLE: Final = 40
"""Characters of it that are told."""

_NEGOTIATION: Final = re.compile(r"(?:\\xff\\xf[b-e][^\\]?)+")
"""IAC, one of the four verbs of negotiation, an option (RFC 854), as a line's text has them: without the option 0."""


@dataclass(slots=True)
class Heard:
    """What came, in lines: the echo of what was sent, text (an example masked), or no text.

    ``zeros`` are OK as a module says it after ATV0 (V.250 section 6.2.6); ``telnet`` says that options were
    negotiated, which is neither text nor garbage.
    """

    echoes: int = 0
    zeros: int = 0
    texts: int = 0
    garbage: int = 0
    telnet: bool = False
    example: str = ""

    def count(self, urc: Urc) -> None:
        """Count a line that nobody asked for."""
        match urc:
            case Echo():
                self.echoes += 1
            case UnknownLine("0"):
                self.zeros += 1
            case UnknownLine(text):
                self.count_text(text)

    def count_text(self, text: str) -> None:
        """Count what is no answer; empty is nothing."""
        plain = _NEGOTIATION.sub("", text)
        self.telnet |= plain != text
        if "\\x" in plain or not plain.isprintable():
            self.garbage += 1
        elif plain:
            self.texts += 1
            self.example = self.example or mask(plain)[:_EXAMPLE]

    def words(self, *, acknowledged: bool, refused: str) -> str:
        """Say what makes sense of it and is no answer; empty if nothing does.

        Args:
            acknowledged: AT was answered OK.
            refused: What else it was answered; empty if nothing.
        """
        says = f"it says {self.example!r}" if self.texts else ""
        if self.telnet:
            return f"it negotiates telnet{says and f', and {says}'}"
        if says:
            return says
        if acknowledged:
            return "it says OK, and not in time what it is asked for"
        if refused:
            return f"it says {refused} to AT"
        return "what is sent comes back, and nothing else" if self.echoes else ""
