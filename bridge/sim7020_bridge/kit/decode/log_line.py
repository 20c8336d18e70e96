"""One line of a log into what was on the wire: takes off times, marks of direction, quotes and hex."""

from dataclasses import dataclass
from typing import Final

from sim7020_bridge.kit.decode.kinds import Direction
from sim7020_bridge.kit.decode.marks import (
    COLUMNS,
    JOURNAL,
    LINE_END,
    LITERAL,
    LOGGER,
    MARK,
    PAIRS,
    REMARK,
    SNIFFED,
    TAG,
    TERMINAL,
    TIME,
    direction_of,
    unescaped,
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """What one line of a log shows of the wire.

    Args:
        number: Its number, from 1.
        pieces: The wire's lines in it, without line ends; several where an escape or a dump holds line ends,
            and none where the line is a comment or holds nothing whole.
        direction: Which way it went; UNKNOWN if it is not marked.
        time: When, as the log has it.
        comment: What a person or a program remarked.
        wire: The bytes, one character each, where the log gives bytes: they are payload where payload is due.
        going_on: What a dump holds of a line whose end stands in a later line of it.
    """

    number: int
    pieces: tuple[str, ...] = ()
    direction: Direction = Direction.UNKNOWN
    time: str | None = None
    comment: str | None = None
    wire: str = ""
    going_on: str = ""


class Lines:
    """Cuts a stream of bytes at LF, CR LF and CR, wherever it happens to be split.

    A stream that begins with a byte order mark of UTF-16 loses its NULs: what is left is ASCII.
    """

    def __init__(self) -> None:
        self._unfinished: list[bytes] = []
        self._beginning: bytes | None = b""
        self._wide = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the lines that they complete. A CR at the very end waits for its LF."""
        if self._beginning is not None:
            data = self._beginning + data
            if len(data) < _MARK_LENGTH:
                self._beginning = data
                return []
            self._beginning = None
            self._wide = data.startswith(_WIDE)
        return self._cut(data.replace(b"\0", b"") if self._wide else data)

    def _cut(self, data: bytes) -> list[bytes]:
        if self._unfinished and self._unfinished[-1] == b"\r":
            data = self._unfinished.pop() + data
        held = data.endswith(b"\r")
        first, *lines = data.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._unfinished.append(first)
        if lines:
            lines.insert(0, b"".join(self._unfinished))
            self._unfinished = [lines.pop()]
        if held:
            self._unfinished.append(b"\r")
        return lines

    def close(self) -> list[bytes]:
        """Return what is left: the last line, if it has no end, or all of a very short log."""
        beginning, self._beginning = self._beginning, None
        lines = self._cut(beginning) if beginning else []
        rest, self._unfinished = b"".join(self._unfinished), []
        return [*lines, rest.removesuffix(b"\r")] if rest else lines


class LogReader:
    """Takes the lines of one log, in order, and learns from them how it marks directions."""

    def __init__(self) -> None:
        self._number = 0
        self._angles = False
        self._block = Direction.UNKNOWN
        self._dump = ""

    def take(self, line: bytes) -> LogLine:
        """Read the next line, without its line end. Any bytes will do."""
        self._number += 1
        # a log in UTF-16 is one in ASCII with a NUL behind each character and a mark in front
        text = TERMINAL.sub("", _decoded(line.replace(b"\0", b"").removeprefix(_WIDE[0]).removeprefix(_WIDE[1]))).strip(
            "\b\ufeff"
        )
        sniffed = SNIFFED.match(text)
        if sniffed is not None:
            self._block = direction_of(sniffed["mark"])
            return LogLine(self._number, direction=self._block, time=sniffed["time"], comment=text.strip())
        time, text, logger = self._times(text)
        if REMARK.match(text) or (logger and not logger.endswith("trace")):
            return LogLine(self._number, time=time, comment=text.strip())
        direction, text, raw = self._direction(text)
        if time is None and direction is not Direction.UNKNOWN:
            time, text = _time(text)
        return self._content(text, direction, time, raw=raw)

    def _times(self, text: str) -> tuple[str | None, str, str]:
        journal = JOURNAL.match(text)
        if journal is not None:
            text = text[journal.end() :]
        time, text = _time(text)
        if time is not None and text.startswith("-> ") and not self._angles:
            # one terminal program writes an arrow behind each time, whichever way the line went
            text = text[3:]
        logger = LOGGER.match(text)
        if logger is not None:
            text = text[logger.end() :]
        tag = TAG.match(text)
        if tag is not None:
            text = text[tag.end() :]
        return time or (journal["time"] if journal else None), text, logger["name"] if logger else ""

    def _direction(self, text: str) -> tuple[Direction, str, bool]:
        found = MARK.match(text)
        if found is None:
            return self._block, text, False
        mark, rest = found["mark"], text[found.end() :]
        if mark == ">" and not self._angles and rest.strip()[:2].upper() != "AT":
            # where nothing is marked with "<", a ">" is the module's prompt
            return self._block, text, False
        if mark.startswith("<"):
            self._angles = True
        return direction_of(mark), rest, mark.endswith("!")

    def _content(self, text: str, direction: Direction, time: str | None, *, raw: bool) -> LogLine:
        stripped = text.replace("\u25a1", "").strip()
        digits = _dumped(stripped, raw=raw)
        held, self._dump = self._dump, ""
        if digits is not None and not raw:
            *pieces, rest = _wire_lines(held + digits)
            if rest != _PROMPT:
                self._dump, rest = rest, ""
            return LogLine(self._number, _kept([*pieces, rest]), direction, time, wire=digits, going_on=self._dump)
        literal = LITERAL.fullmatch(stripped)
        if digits is not None:
            return LogLine(self._number, _kept(_wire_lines(digits)), direction, time, wire=digits)
        if literal is not None or LINE_END.fullmatch(stripped):
            wire = unescaped(stripped if literal is None else literal["text"])
            return LogLine(self._number, _kept(_wire_lines(wire)), direction, time)
        return LogLine(self._number, (stripped,), direction, time)


_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
_MARK_LENGTH: Final = 2
_PROMPT: Final = "> "
_GBK_ARROWS: Final = tuple(arrow.encode("gb18030") for arrow in ("\u53d1\u2192", "\u6536\u2190"))


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        chinese = any(arrow in line for arrow in _GBK_ARROWS)
        return line.decode("gb18030" if chinese else "ascii", "backslashreplace")


def _time(text: str) -> tuple[str | None, str]:
    found = TIME.match(text)
    if found is None:
        return None, text
    return (found["framed"] or found["bare"] or found["seconds"]).strip(), text[found.end() :]


def _dumped(text: str, *, raw: bool) -> str | None:
    """Return the bytes that a text gives as hex, one character each, or None if it doesn't."""
    columns = COLUMNS.fullmatch(text)
    digits = text if raw or PAIRS.fullmatch(text) else columns["pairs"] if columns else None
    if digits is None:
        return None
    try:
        return bytes.fromhex(digits.replace(":", " ").replace(",", " ")).decode("latin-1")
    except ValueError:
        return None


def _wire_lines(wire: str) -> list[str]:
    return wire.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _kept(pieces: list[str]) -> tuple[str, ...]:
    """Leave out the empty lines that only frame; a line that holds nothing else keeps one."""
    return tuple(piece for piece in pieces if piece) or ("",)
