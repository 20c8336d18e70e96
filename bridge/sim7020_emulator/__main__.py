"""The program: reads the command line, opens the port, runs until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from typing import TextIO

from sim7020_emulator.emulator import Options, running
from sim7020_emulator.line.trace import Trace
from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.options import read_options, read_order
from sim7020_emulator.scenario.control import tell
from sim7020_emulator.scenario.words import Target


async def run(options: Options) -> None:
    """Run one emulator until SIGTERM or SIGINT."""
    with contextlib.ExitStack() as stack:
        trace = None
        if options.trace is not None:
            try:
                file: TextIO = stack.enter_context(options.trace.open("w", encoding="utf-8"))
            except OSError as error:
                raise Mistake(f"can't write {options.trace}: {error.strerror}") from None
            trace = Trace(file)
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with running(options, trace) as module:
            loop.add_signal_handler(signal.SIGUSR1, lambda: _press_pwrkey(module.target))
            sys.stdout.write(f"{module.name}\n")
            sys.stdout.flush()
            await stop.wait()


def _press_pwrkey(target: Target) -> None:
    target.log("event: pwrkey")
    target.module.press_pwrkey()


def main() -> None:
    """Entry point of ``sim7020-emulator``."""
    try:
        order = read_order(sys.argv[1:])
        if order is not None:
            sys.stdout.write(f"{tell(*order)}\n")
            return
        asyncio.run(run(read_options(sys.argv[1:])))
    except Mistake as mistake:
        sys.stderr.write(f"sim7020-emulator: {mistake}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
