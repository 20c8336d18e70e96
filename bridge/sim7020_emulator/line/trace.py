"""The dialogue as it happens, in the form of a transcript."""

import datetime as dt
from typing import Protocol, TextIO


class Tracer(Protocol):
    """What is told the dialogue, and what else happens."""

    def line(self, direction: str, text: str) -> None:
        """Take one piece of dialogue: ``>`` to the module, ``<`` from it."""
        ...

    def comment(self, text: str) -> None:
        """Take a remark."""
        ...


class Trace:
    """Writes ``> `` lines to the module, ``< `` lines from it and ``# `` comments; each line at once."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._second = ""

    def line(self, direction: str, text: str) -> None:
        """Write one piece of dialogue; what isn't printable is written in hex, as ``>!`` or ``<!``."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        if now != self._second:
            self._second = now
            self._write(f"# time: {now}")
        for part in text.split("\r\n"):
            if part.isascii() and part.isprintable():
                self._write(f"{direction} {part}")
            else:
                self._write(f"{direction.rstrip('!')}! {part.encode('latin-1').hex().upper()}")

    def comment(self, text: str) -> None:
        """Write a remark, with its time to the millisecond."""
        now = dt.datetime.now(dt.UTC)
        self._second = now.strftime("%Y-%m-%d %H:%M:%S")
        self._write(f"# time: {self._second}.{now.microsecond // 1000:03d}")
        self._write(f"# {text}")

    def _write(self, text: str) -> None:
        self._file.write(text + "\n")
        self._file.flush()
