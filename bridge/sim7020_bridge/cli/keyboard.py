"""A person's lines, with history and editing, while the other side may speak at any time; or a script's."""

import asyncio
import os
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Final, Self

import click

from sim7020_bridge.commands.secrets import mask

_LONGEST_HISTORY: Final = 1000
_ERASE_LINE: Final = "\r\x1b[K"


class Keyboard:
    """Reads lines from standard input and writes lines to standard output, one not disturbing the other.

    Use it as a context manager: it leaves the terminal as it was, and keeps the history but for what is secret.
    """

    def __init__(self) -> None:
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._asked = threading.Event()
        self._prompt = ""
        self._reading = False
        self._readline: ModuleType | None = None
        self._settings: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Self:
        if self.interactive:
            self._settings = termios.tcgetattr(sys.stdin)
            self._readline = _readline()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="console: read lines", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._settings is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._settings)
        if self._readline is not None:
            with suppress(OSError):
                file = _history()
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._readline.write_history_file(str(file))

    async def line(self, prompt: str) -> str | None:
        """Ask for the next line; None at the end of the input."""
        self._prompt = prompt
        self._asked.set()
        return await self._lines.get()

    def show(self, line: str) -> None:
        """Write a line, above the one that is being typed."""
        if self._reading and self._readline is not None:
            typed = self._readline.get_line_buffer()
            click.echo(f"{_ERASE_LINE}{line}\n{self._prompt}{typed}", nl=False)
        else:
            click.echo(line)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        line: str | None = ""
        while line is not None:
            self._asked.wait()
            self._asked.clear()
            line = self._next()
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(self._lines.put_nowait, line)

    def _next(self) -> str | None:
        if self._readline is None:
            read = sys.stdin.readline()
            return read.rstrip("\r\n") if read else None
        self._reading = True
        try:
            line = input(self._prompt)
        except (EOFError, OSError):
            return None
        finally:
            self._reading = False
        if line.strip() and mask(line) == line:
            self._readline.add_history(line)
        return line


def _readline() -> ModuleType:
    import readline  # noqa: PLC0415 - it changes how the process reads its terminal

    readline.set_auto_history(False)
    readline.set_history_length(_LONGEST_HISTORY)
    with suppress(OSError):
        readline.read_history_file(str(_history()))
    return readline


def _history() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sim7020-bridge" / "console-history"
