"""Log lines that name the modem they are about, as text or as JSON, with a level for each part."""

import codecs
import errno
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from sim7020_bridge.config.model import LogFormat, LoggingSettings, LogLevel, LogPart
from sim7020_bridge.errors import Refused

current_modem: Final[ContextVar[str]] = ContextVar("current_modem", default="")
"""The modem that the running task works for; empty outside of any. Tasks inherit it from the one that made them."""

MOST_OF_A_KIND: Final = 20
"""Lines that one place in the code may log within WHILE about one modem, no two of them the same."""

WHILE: Final = 60.0
"""Seconds; doubled while there is always more, up to LONGEST."""

LONGEST: Final = 3600.0

MOST_WITHIN_LONGEST: Final = 6
"""Times that the same line is said within LONGEST, however far apart: what comes and goes all day is normal by then."""

QUIET: Final = 600.0
"""Seconds without a line that was said so often until the last one that was left out is told."""

MOST_OF_A_TEXT: Final = 200
"""Characters of a text in a line, such as a topic, that somebody else may have chosen."""

MOST_OF_A_LINE: Final = 1000
"""Bytes of a line as it is written, a stack trace apart, whatever it is made of; the trace is whole."""

ROOT: Final = "sim7020_bridge"
"""What the names of all the bridge's loggers begin with."""

_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""Out of file descriptors, this program or the machine."""

_escaped: Final = codecs.lookup("unicode_escape").encode
"""Looked up in time: when a line has to be said, there may be no file descriptor for a module."""

_IS_REPLY: Final = "is_reply"

_SENTENCE: Final = "%s"
"""The whole message is a sentence of the bridge's own, in which what others chose is cut already; see ``shortened``."""


def log_to_stderr(settings: LoggingSettings) -> None:
    """Write log lines to standard error as the settings say; may be called again with other ones."""
    handler = _ToStderr()
    handler.setFormatter(_Json() if settings.format is LogFormat.JSON else _Text(_TEXT))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for part in LogPart:
        level = settings.levels.get(part)
        logging.getLogger(f"{ROOT}.{part}").setLevel(logging.NOTSET if level is None else level.upper())
    _trace.configure(settings.levels.get(LogPart.TRACE, settings.level))


def replies(log: logging.Logger) -> "logging.LoggerAdapter[logging.Logger]":
    """Return a logger for what somebody asked for and waits for, by a signal: it is said however often it was."""
    return logging.LoggerAdapter(log, {_IS_REPLY: True})


def keep_quiet() -> None:
    """Have nothing logged in a program that says by itself what the parts of the bridge would log."""
    logging.getLogger(ROOT).addHandler(logging.NullHandler())


def counted(number: int, noun: str) -> str:
    """Say how many there are of what a noun in the singular names."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Return a text with what can't be printed as escapes: line ends and what a terminal would act upon."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each)[0].decode() for each in text)


def trace(modem: str | None, *, on: bool) -> None:
    """Log every line of the AT dialogue, or again only what the settings say; identities and payload stay masked.

    Args:
        modem: Whose dialogue; None for all.
        on: Whether to.
    """
    _trace.want(modem, on=on)


def overhear(modem: str, listener: Callable[[str], None] | None) -> None:
    """Tell each line of a modem's AT dialogue as the log would have it, whether or not it does; None to end that.

    The listener must neither block nor raise.
    """
    _trace.overhear(modem, listener)


class _Trace:
    """Decides which modems' dialogue is logged: what was asked for comes on top of the settings."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{LogPart.TRACE}")
        self._logger.addFilter(self._is_wanted)
        self._level: LogLevel = LogLevel.INFO
        self._wanted: set[str | None] = set()
        self._listeners: dict[str, Callable[[str], None]] = {}

    def configure(self, level: LogLevel) -> None:
        """Take the settings' level."""
        self._level = level
        self._apply()

    def want(self, modem: str | None, *, on: bool) -> None:
        """Log a modem's dialogue, or all, or no longer."""
        if on:
            self._wanted.add(modem)
        else:
            self._wanted.discard(modem)
        self._apply()

    def overhear(self, modem: str, listener: Callable[[str], None] | None) -> None:
        """Tell a listener each line of a modem's dialogue, or no longer."""
        self._listeners.pop(modem, None)
        if listener is not None:
            self._listeners[modem] = listener
        self._apply()

    def _apply(self) -> None:
        every_line = self._wanted or self._listeners
        self._logger.setLevel(LogLevel.DEBUG.upper() if every_line else self._level.upper())

    def _is_wanted(self, record: logging.LogRecord) -> bool:
        modem = current_modem.get()
        if modem in self._listeners:
            self._listeners[modem](record.getMessage())
        if not (self._wanted or self._listeners):
            return True  # the logger's level alone decides, whoever set it
        return self._level is LogLevel.DEBUG or None in self._wanted or modem in self._wanted


_trace: Final = _Trace()

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_TEXT: Final = "%(asctime)s %(levelname)-7s %(prefix)s%(part)s: %(message)s"


def name_modem(record: logging.LogRecord) -> bool:
    """Have a line name the modem that it is about, and be no longer than what is worth reading; a filter."""
    if record.levelno > logging.DEBUG and isinstance(record.args, tuple) and record.msg != _SENTENCE:
        record.args = tuple(map(_shortened, record.args))
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, OSError) and error.errno in _NO_FILES:
        # no fault of the program's, and asyncio says it every second for as long as it lasts
        record.msg, record.args, record.exc_info = f"{record.getMessage()}: {error.strerror}", (), None
    name = current_modem.get()
    record.modem = name or None
    record.prefix = f"[{name}] " if name else ""
    record.part = record.name.removeprefix(f"{ROOT}.")
    return True


@dataclass(slots=True)
class _Span:
    """A time in which so many lines were said, and so many left out, of which ``last`` is the last."""

    began: float
    length: float
    said: int = 0
    left_out: int = 0
    last: logging.LogRecord | None = None
    counts_from: float = 0.0
    of_late: int = 0

    def say(self) -> int:
        """Count a line that is said, and return how many were left out before it."""
        left_out = self.left_out
        self.said, self.left_out, self.last = self.said + 1, 0, None
        return left_out

    def counts(self, now: float) -> bool:
        """Whether what is counted in ``of_late`` is."""
        return 0 <= now - self.counts_from < LONGEST

    def count(self, now: float) -> None:
        """Count a line among those of late."""
        if not self.counts(now):
            self.counts_from, self.of_late = now, 0
        self.of_late += 1

    def is_common(self, now: float) -> bool:
        """Whether it was said so often of late that it is no news, even after a while."""
        return self.of_late >= MOST_WITHIN_LONGEST and self.counts(now)

    def has_ended(self, now: float) -> bool:
        """Whether what was left out last does not seem to come again."""
        if self.last is not None and now - self.last.created >= QUIET:
            return True
        return not self.is_common(now) and not self.lasts(now, 2 * self.length)

    def leave_out(self, record: logging.LogRecord) -> None:
        self.left_out, self.last = self.left_out + 1, record

    def lasts(self, now: float, length: float) -> bool:
        return 0 <= now - self.began < length


class Sparing(logging.Handler):
    """Says the same line once, and so many of a kind; then counts them, and says how many there were.

    A kind is what one place in the code says of one modem. What is asked for at DEBUG is said whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(name_modem)
        self._spans: dict[tuple[str | None, ...], _Span] = {}
        self._looked = 0.0

    def say(self, record: logging.LogRecord) -> None:
        """Say a line."""
        raise NotImplementedError

    def emit(self, record: logging.LogRecord) -> None:
        """Say a line unless it is left out, and first what was left out last of what has ended."""
        if record.levelno > logging.DEBUG:
            for missed in self._missed(record.created):
                self.say(missed)
            if not self._is_news(record):
                return
        self.say(record)

    def _is_news(self, record: logging.LogRecord) -> bool:
        if getattr(record, _IS_REPLY, False):
            return True
        kind = (record.name, getattr(record, "modem", None), str(record.msg))
        of_kind = self._span(kind, record.created)
        if of_kind.said == MOST_OF_A_KIND:
            of_kind.leave_out(record)
            return False
        same = self._span((*kind, record.getMessage()), record.created)
        if same.said or same.is_common(record.created):
            same.leave_out(record)
            return False
        same.count(record.created)
        if left_out := of_kind.say() + same.say():
            _count_in(record, left_out)
        return True

    def _span(self, key: tuple[str | None, ...], now: float) -> _Span:
        """Return the present span of a key; a new one is longer if something was left out in the one before."""
        span = self._spans.get(key)
        if span is None:
            span = self._spans[key] = _Span(now, WHILE)
        elif not span.lasts(now, span.length):
            span.began, span.said = now, 0
            span.length = min(2 * span.length, LONGEST) if span.left_out else WHILE
        return span

    def _missed(self, now: float) -> Iterator[logging.LogRecord]:
        """Yield the last lines of what has ended without being said again, each with how many were left out."""
        if 0 <= now - self._looked < WHILE:
            return
        self._looked = now
        for key, span in list(self._spans.items()):
            if span.last is not None and span.has_ended(now):
                _count_in(span.last, span.left_out)
                yield span.last
                span.left_out, span.last = 0, None
            if span.last is None and not span.counts(now) and not span.lasts(now, 2 * span.length):
                del self._spans[key]


class _ToStderr(Sparing):
    """Writes to what is the standard error stream now."""

    def __init__(self) -> None:
        super().__init__()
        self._stream = logging.StreamHandler(sys.stderr)

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - the name is the standard library's
        super().setFormatter(fmt)
        self._stream.setFormatter(fmt)

    def say(self, record: logging.LogRecord) -> None:
        """Write a line."""
        self._stream.emit(record)


def _count_in(record: logging.LogRecord, left_out: int) -> None:
    record.msg, record.args = f"{record.getMessage()} (and {left_out} more like this, left out)", ()


def _shortened(argument: object) -> object:
    if not isinstance(argument, str | Refused):
        return argument
    return shortened(str(argument))


def shortened(text: str) -> str:
    """Return a text that somebody else may have chosen, cut if it is too long for a line."""
    return text if len(text) <= MOST_OF_A_TEXT else f"{text[:MOST_OF_A_TEXT]}... ({len(text)} characters)"


def _cut(text: str, limit: int, *, as_written: Callable[[str], str] = str) -> str:
    """Return a text that has, as it is written, no more than so many bytes, with a mark where it was longer."""
    size, mark = len(text), ""
    while size and len(as_written(text[:size] + mark).encode(errors="replace")) > limit:
        size, mark = size * 7 // 8, f"... ({len(text)} characters)"
    return text[:size] + mark


class _Text(logging.Formatter):
    """One line, whatever is in the message, and nothing that a terminal acts upon; a stack trace follows."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - the same
        return datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(" ", "milliseconds")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the standard library's
        line = printable(super().formatMessage(record))
        return line if record.levelno <= logging.DEBUG else _cut(line, MOST_OF_A_LINE)

    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - the name is the standard library's
        return "\n".join(map(printable, super().formatException(ei).split("\n")))


class _Json(logging.Formatter):
    """One object a line; a stack trace is its ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "modem": getattr(record, "modem", None),
            "message": record.getMessage(),
        }
        if record.levelno > logging.DEBUG:
            spare = MOST_OF_A_LINE - len(json.dumps({**line, "message": ""}))
            line["message"] = _cut(record.getMessage(), spare, as_written=json.dumps)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
