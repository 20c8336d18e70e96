"""Log lines that name the modem they are about, as text or as JSON, with a level for each part."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from sim7020_bridge.config.model import LogFormat, LoggingSettings, LogLevel, LogPart

current_modem: Final[ContextVar[str]] = ContextVar("current_modem", default="")
"""The modem that the running task works for; empty outside of any. Tasks inherit it from the one that made them."""

MOST_OF_A_KIND: Final = 100
"""Lines that one place in the code may log within WHILE."""

WHILE: Final = 10.0
"""Seconds."""

_ROOT: Final = "sim7020_bridge"


def log_to_stderr(settings: LoggingSettings) -> None:
    """Write log lines to standard error as the settings say; may be called again with other ones."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_name_modem)
    handler.addFilter(_Sparing())
    handler.setFormatter(_Json() if settings.format is LogFormat.JSON else _Text(_TEXT))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for part in LogPart:
        level = settings.levels.get(part)
        logging.getLogger(f"{_ROOT}.{part}").setLevel(logging.NOTSET if level is None else level.upper())
    _trace.configure(settings.levels.get(LogPart.TRACE, settings.level))


def printable(text: str) -> str:
    """Return a text with what can't be printed as escapes: line ends and what a terminal would act upon."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def trace(modem: str | None, *, on: bool) -> None:
    """Log every line of the AT dialogue, or again only what the settings say; identities and payload stay masked.

    Args:
        modem: Whose dialogue; None for all.
        on: Whether to.
    """
    _trace.want(modem, on=on)


class _Trace:
    """Decides which modems' dialogue is logged: what was asked for comes on top of the settings."""

    def __init__(self) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{LogPart.TRACE}")
        self._logger.addFilter(self._is_wanted)
        self._level: LogLevel = LogLevel.INFO
        self._wanted: set[str | None] = set()

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

    def _apply(self) -> None:
        self._logger.setLevel(LogLevel.DEBUG.upper() if self._wanted else self._level.upper())

    def _is_wanted(self, _record: logging.LogRecord) -> bool:
        # with nothing asked for, the logger's level alone decides
        everything = not self._wanted or None in self._wanted or self._level is LogLevel.DEBUG
        return everything or current_modem.get() in self._wanted


_trace: Final = _Trace()

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_TEXT: Final = "%(asctime)s %(levelname)-7s %(prefix)s%(name)s: %(message)s"


def _name_modem(record: logging.LogRecord) -> bool:
    name = current_modem.get()
    record.modem = name or None
    record.prefix = f"[{name}] " if name else ""
    return True


class _Sparing(logging.Filter):
    """Lets so many lines of a kind pass in a while, and says how many it left out: others must not fill the disk.

    A kind is what one place in the code says. What is asked for at DEBUG passes whole.
    """

    def __init__(self) -> None:
        super().__init__()
        self._while: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno <= logging.DEBUG:
            return True
        kind = (record.name, str(record.msg))
        began, lines = self._while.get(kind, (record.created, 0))
        if not 0 <= record.created - began < WHILE:
            if lines > MOST_OF_A_KIND:
                left_out = lines - MOST_OF_A_KIND
                record.msg, record.args = f"{record.getMessage()} (and {left_out} more like this, left out)", ()
            began, lines = record.created, 0
        self._while[kind] = began, lines + 1
        return lines < MOST_OF_A_KIND


class _Text(logging.Formatter):
    """One line, whatever is in the message, and nothing that a terminal acts upon; a stack trace follows."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the standard library's
        return printable(super().formatMessage(record))

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
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
