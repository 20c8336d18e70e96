"""Bytes from the line into lines of text and the data prompt."""

from dataclasses import dataclass
from typing import Final

LONGEST_LINE: Final = 8192
"""Bytes. The longest line the module prints is 1460 bytes of payload as hex digits; of a longer one the end is lost."""

_PROMPT: Final = b"> "
_BEGINNING: Final = 64
"""Bytes that are kept of a line that is too long."""


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
    """The module waits for data: ``> `` at the start of a line, and no line end is waited for."""


class Framer:
    """Cuts a stream of bytes into lines, wherever the stream happens to be split.

    CR and LF both end a line, so echoes (which end in CR) and any number of blank lines need no rule
    of their own. Only what is new is searched: a long line that comes byte by byte costs no more.
    Of a line that is too long comes its beginning, with three dots behind it.
    """

    def __init__(self) -> None:
        self._unfinished = bytearray()
        self._overlong = False

    @property
    def rest(self) -> str:
        """What came last, if it is no text and has no end, else empty: at a wrong baud rate no end may ever come."""
        return self._text() if self._overlong or not self._unfinished.isascii() else ""

    def feed(self, data: bytes) -> list[Line | Prompt]:
        """Take bytes and return what they complete, in order."""
        first, *rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"").split(b"\n")
        found: list[Line | Prompt] = []
        self._append(first, found)
        for piece in rest:
            self._finish(found)
            self._append(piece, found)
        return found

    def _append(self, piece: bytes, found: list[Line | Prompt]) -> None:
        if self._overlong:
            return
        self._unfinished += piece
        while self._unfinished.startswith(_PROMPT):
            del self._unfinished[: len(_PROMPT)]
            found.append(Prompt())
        if len(self._unfinished) > LONGEST_LINE:
            self._overlong = True
            del self._unfinished[_BEGINNING:]

    def _finish(self, found: list[Line | Prompt]) -> None:
        text = self._text()
        if text == _PROMPT.decode().strip():
            found.append(Prompt())
        elif text:
            found.append(Line.of(f"{text}..." if self._overlong else text))
        self._unfinished.clear()
        self._overlong = False

    def _text(self) -> str:
        return self._unfinished.decode("ascii", "backslashreplace").strip()
