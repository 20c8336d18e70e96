"""Bytes from the line into lines of text and the data prompt."""

from dataclasses import dataclass
from typing import Final

LONGEST_LINE: Final = 8192
"""Bytes. The longest line the module prints is about 2 kB; more without an end is noise and is dropped."""

_PROMPT: Final = b"> "


@dataclass(frozen=True, slots=True)
class Line:
    r"""One line without its line end and without blanks around it; never empty.

    ``name`` is what stands before the first colon, or the whole text if there is none;
    ``arguments`` is what stands behind it. ``+CPIN:READY`` and ``+CPIN: READY`` are the same.
    Bytes outside ASCII appear as ``\xNN``.
    """

    text: str
    name: str
    arguments: str

    @classmethod
    def of(cls, text: str) -> "Line":
        """Take a line apart."""
        text = text.strip()
        name, colon, arguments = text.partition(":")
        return cls(text, name, arguments.strip()) if colon else cls(text, text, "")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The module waits for data: ``> `` at the start of a line, without a line end."""


class Framer:
    """Cuts a stream of bytes into lines, wherever the stream happens to be split.

    CR and LF both end a line, so echoes (which end in CR) and any number of blank lines need no rule
    of their own. Only what is new is searched: a long line that comes byte by byte costs no more.
    """

    def __init__(self) -> None:
        self._unfinished = bytearray()
        self._overlong = False

    @property
    def garbled(self) -> bool:
        """Whether something came that is no text and has no end: at a wrong baud rate no line end may ever come."""
        return self._overlong or not self._unfinished.isascii()

    def feed(self, data: bytes) -> list[Line | Prompt]:
        """Take bytes and return what they complete, in order."""
        first, *rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"").split(b"\n")
        self._append(first)
        found: list[Line | Prompt] = []
        for piece in rest:
            self._finish(found)
            self._append(piece)
        if self._unfinished == _PROMPT and not self._overlong:
            self._unfinished.clear()
            found.append(Prompt())
        return found

    def _append(self, piece: bytes) -> None:
        if self._overlong:
            return
        self._unfinished += piece
        if len(self._unfinished) > LONGEST_LINE:
            self._overlong = True
            self._unfinished.clear()

    def _finish(self, found: list[Line | Prompt]) -> None:
        text = self._unfinished.decode("ascii", "backslashreplace").strip()
        self._unfinished.clear()
        self._overlong = False
        if text:
            found.append(Line.of(text))
