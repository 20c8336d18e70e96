"""The last lines of the bridge's log, in memory."""

import copy
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sim7020_bridge import logs
from sim7020_bridge.clock import rfc3339

MOST: Final = 1000
"""Lines."""

MOST_BYTES: Final = 256 * 1024
"""Characters of all of them, and what it takes to keep them."""

LONGEST: Final = 1000
"""Characters of a line; a stack trace has four times as many."""

_OF_A_LINE: Final = 200
"""Bytes that a line takes beside its text."""

_TRACE: Final = "sim7020_bridge.trace"


class LogLine(NamedTuple):
    """A line of the log; ``at`` is in seconds since 1970."""

    number: int
    at: float
    level: str
    modem: str | None
    part: str
    message: str

    def document(self) -> dict[str, object]:
        """Return it for the browser."""
        return {
            "n": self.number,
            "time": rfc3339(datetime.fromtimestamp(self.at, UTC)),
            "level": self.level,
            "modem": self.modem,
            "part": self.part,
            "message": self.message,
        }


class LogLines(logs.Sparing):
    """Keeps what the log says, as sparingly as that, from ``begin`` to ``end``; the AT dialogue is kept elsewhere.

    Args:
        added: Called with each line, in whichever thread said it; must neither block nor raise.
    """

    def __init__(self, added: Callable[[LogLine], None] = lambda _: None) -> None:
        super().__init__()
        self._added = added
        self._lines: deque[LogLine] = deque()
        self._number = self._size = 0
        self._formatter = logging.Formatter()
        self._changing = threading.Lock()

    def begin(self) -> None:
        """Keep lines from now on."""
        logging.getLogger(logs.ROOT).addHandler(self)

    def end(self) -> None:
        """Keep no more."""
        logging.getLogger(logs.ROOT).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; it is counted here by itself, whatever other handlers make of it."""
        super().emit(copy.copy(record))

    def say(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        if record.name == _TRACE:
            return
        message = _cut(logs.printable(record.getMessage()))
        if record.exc_info:
            raised = self._formatter.formatException(record.exc_info)
            message += "".join(f"\n{logs.printable(line)}" for line in raised[-4 * LONGEST :].split("\n"))
        with self._changing:
            self._number += 1
            line = LogLine(
                self._number,
                record.created,
                record.levelname.lower(),
                getattr(record, "modem", None),
                record.name.removeprefix(f"{logs.ROOT}."),
                message,
            )
            self._lines.append(line)
            self._size += len(message) + _OF_A_LINE
            while self._size > MOST_BYTES or len(self._lines) > MOST:
                self._size -= len(self._lines.popleft().message) + _OF_A_LINE
        self._added(line)

    def find(self, modem: str = "", level: str = "") -> Iterator[LogLine]:
        """Yield what is kept, the oldest first; of one modem, at a level or above it, if these are given."""
        least = logging.getLevelNamesMapping().get(level.upper(), logging.NOTSET)
        with self._changing:
            lines = list(self._lines)
        for line in lines:
            if logging.getLevelNamesMapping()[line.level.upper()] >= least and modem in {"", line.modem}:
                yield line


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
