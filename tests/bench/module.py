"""Emulated modules in a process of their own, on timers fine enough for a line of 921600 bit/s.

Run as a program: ``python -m tests.bench.module LINK... -- OPTION...`` with the emulator's own options. Prints a line
when all of them are there, and at its end, with ``--stamps FILE`` before the links, what was said and when.
"""

import asyncio
import contextlib
import ctypes
import json
import selectors
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sim7020_emulator.emulator import running
from sim7020_emulator.options import read_options

PR_SET_TIMERSLACK = 29


class Stamps:
    """Notes the dialogue with the nanosecond of each line, on the clock that all processes share."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []

    def line(self, direction: str, text: str) -> None:
        """Note one piece of dialogue."""
        self.lines.append((time.monotonic_ns(), direction, text))

    def comment(self, text: str) -> None:
        """Leave out what else happens."""


def exact_loop() -> asyncio.AbstractEventLoop:
    """Return a loop whose timers are right to some 10 us: epoll waits for whole milliseconds, select does not."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def run(links: Sequence[str], options: Sequence[str], stamps: Stamps | None) -> None:
    """Run a module at each link until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        for link in links:
            await stack.enter_async_context(running(read_options(["--link", link, *options]), stamps))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: list[str]) -> None:
    """Run what the command line says."""
    links, options = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    stamps = None
    file = Path(links[1] if links[0] == "--stamps" else links[0])
    if links[0] == "--stamps":
        stamps, links = Stamps(), links[2:]
    with asyncio.Runner(loop_factory=exact_loop) as runner:
        runner.run(run(links, options, stamps))
    if stamps is not None:
        file.write_text(json.dumps(stamps.lines))


if __name__ == "__main__":
    main(sys.argv[1:])
