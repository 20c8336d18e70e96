"""One line of a log into what was on the wire: takes off times, marks of direction, quotes and hex."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from sim7020_bridge.kit.decode import marks
from sim7020_bridge.kit.decode.kinds import Direction


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


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream of bytes at LF, CR LF and CR, wherever it happens to be split; a last line needs no end.

    A stream that begins with a byte order mark of UTF-16 loses its NULs: what is left is ASCII.
    """
    chunks = iter(chunks)
    beginning = b""
    for chunk in chunks:
        beginning += chunk
        if len(beginning) >= _MARK_LENGTH:
            break
    wide = beginning.startswith(_WIDE)
    newlines = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("latin-1")(), translate=True)
    unfinished: list[str] = []
    for data in chain((beginning,), chunks):
        first, *more = newlines.decode(data.replace(b"\0", b"") if wide else data).split("\n")
        unfinished.append(first)
        for line in more:
            yield "".join(unfinished).encode("latin-1")
            unfinished = [line]
    ended = newlines.decode(b"", final=True)
    if (rest := "".join(unfinished)) or ended:
        yield rest.encode("latin-1")


class LogReader:
    """Takes the lines of one log, in order, and learns from them how it marks directions."""

    def __init__(self) -> None:
        self._number = 0
        self._angles = False
        self._block = Direction.UNKNOWN
        self._dumped = Direction.UNKNOWN
        self._dump = ""

    def take(self, line: bytes) -> LogLine:
        """Read the next line, without its line end. Any bytes will do."""
        self._number += 1
        # a log in UTF-16 is one in ASCII with a NUL behind each character and a mark in front
        line = line.replace(b"\0", b"").removeprefix(_WIDE[0]).removeprefix(_WIDE[1])
        text = marks.TERMINAL.sub("", _decoded(line)).strip("\b\ufeff")
        if (sniffed := marks.SNIFFED.match(text)) is not None:
            self._block = Direction.OUT if sniffed["mark"] == ">" else Direction.IN
            return LogLine(self._number, direction=self._block, time=sniffed["time"], comment=text.strip())
        time, text, logged, remark = self._head(text)
        for direction, begins in marks.DUMPS:
            if begins.match(text):
                self._dumped, remark = direction, True
        if remark or marks.REMARK.match(text):
            return LogLine(self._number, time=time, comment=text.strip())
        direction, text, raw = self._direction(text)
        if logged and direction is Direction.UNKNOWN:
            direction = Direction.UNKNOWN if _dumped(text.strip(), raw=False) is None else self._dumped
            if direction is Direction.UNKNOWN:
                return LogLine(self._number, time=time, comment=text.strip())
        if time is None and direction is not Direction.UNKNOWN:
            time, text = _time(text)
        return self._content(text, direction, time, raw=raw)

    def _head(self, text: str) -> tuple[str | None, str, bool, bool]:
        """Take off what programs put before a line: its time, the rest, whether it is a logger's, and a remark."""
        time, logged, remark = None, False, False
        while text:
            told, rest = _time(text)
            if told is not None:
                # one terminal program writes an arrow behind each time, whichever way the line went
                time, text = told, rest if self._angles else rest.removeprefix("-> ")
                continue
            found = _first(marks.PLACES, text) or _first(marks.LOGGERS, text)
            if found is None:
                break
            logged |= found.re in marks.LOGGERS
            named = found.groupdict()
            time = named.get("time") or time
            remark |= not (named.get("name") or "trace").endswith("trace")
            text = text[found.end() :]
        return time, text, logged, remark

    def _direction(self, text: str) -> tuple[Direction, str, bool]:
        for direction, begins in marks.MARKS.items():
            found, rest = _begun(begins, text)
            mark = "" if found is None else found["mark"]
            # where nothing is marked with "<", a ">" is the module's prompt
            if mark and (mark != ">" or self._angles or rest.strip()[:2].upper() == "AT"):
                self._angles |= mark.startswith("<")
                rest = marks.TAILS[mark].sub("", rest) if mark in marks.TAILS else rest
                return direction, rest, mark.endswith("!")
        return self._block, text, False

    def _content(self, text: str, direction: Direction, time: str | None, *, raw: bool) -> LogLine:
        text = text.replace("\u25a1", "").strip()
        digits = _dumped(text, raw=raw)
        held, self._dump = self._dump, ""
        if digits is None:
            literals = [found["text"] for found in marks.literals(text)]
            shown = literals or marks.LINE_END.fullmatch(text)
            wire = "\n".join(map(marks.unescaped, literals or [text]))
            return LogLine(self._number, _kept(_wire_lines(wire)) if shown else (text,), direction, time)
        *pieces, rest = _wire_lines(digits if raw else held + digits)
        if not raw and rest != _PROMPT:
            self._dump, rest = rest, ""
        return LogLine(self._number, _kept([*pieces, rest]), direction, time, wire=digits, going_on=self._dump)


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


def _begun(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    """Return what a text begins with, and what is behind it."""
    found = pattern.match(text)
    return found, text if found is None else text[found.end() :]


def _first(patterns: Iterable[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next(filter(None, (pattern.match(text) for pattern in patterns)), None)


def _time(text: str) -> tuple[str | None, str]:
    found, rest = _begun(marks.TIME, text)
    return None if found is None else (found["framed"] or found["bare"] or found["seconds"]).strip(), rest


def _dumped(text: str, *, raw: bool) -> str | None:
    """Return the bytes that a text gives as hex, one character each, or None if it doesn't."""
    if not raw and (gammu := marks.GAMMU.fullmatch(text)) is not None:
        text = "".join(marks.GAMMU_PAIR.findall(gammu["pairs"]))
    elif not raw and not marks.PAIRS.fullmatch(text):
        columns = marks.COLUMNS.fullmatch(text)
        if columns is None:
            return None
        text = columns["pairs"]
    try:
        return bytes.fromhex(text.replace(":", " ").replace(",", " ")).decode("latin-1")
    except ValueError:
        return None


def _wire_lines(wire: str) -> list[str]:
    return wire.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _kept(pieces: list[str]) -> tuple[str, ...]:
    """Leave out the empty lines that only frame; a line that holds nothing else keeps one."""
    return tuple(filter(None, pieces)) or ("",)
