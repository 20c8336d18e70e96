"""Log lines that name the modem they are about, as text or as JSON, with a level for each part."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from sim7020_bridge.config.model import LogFormat, LoggingSettings, LogLevel, LogPart

current_modem: Final[ContextVar[str]] = ContextVar("current_modem", default="")
"""The modem that the running task works for; empty outside of any. Tasks inherit it from the one that made them."""

_ROOT: Final = "sim7020_bridge"


def log_to_stderr(settings: LoggingSettings) -> None:
    """Write log lines to standard error as the settings say; may be called again with other ones."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_name_modem)
    handler.setFormatter(_Json() if settings.format is LogFormat.JSON else logging.Formatter(_TEXT))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for part in LogPart:
        level = settings.levels.get(part)
        logging.getLogger(f"{_ROOT}.{part}").setLevel(logging.NOTSET if level is None else level.upper())
    _trace.configure(settings.levels.get(LogPart.TRACE, settings.level))


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

_TEXT: Final = "%(asctime)s %(levelname)-7s %(prefix)s%(name)s: %(message)s"


def _name_modem(record: logging.LogRecord) -> bool:
    name = current_modem.get()
    record.modem = name or None
    record.prefix = f"[{name}] " if name else ""
    return True


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
        return json.dumps(line, ensure_ascii=False)
