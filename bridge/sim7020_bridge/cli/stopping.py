"""Runs what goes on until somebody stops it, or closes its terminal."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any


def run_until_stopped(work: Coroutine[Any, Any, None]) -> bool:
    """Run something to its end or until SIGINT, SIGTERM or, unless that is ignored, SIGHUP; whether it was stopped.

    What it raises is raised.
    """
    return asyncio.run(_run(work))


def let_go_of_the_terminal() -> None:
    """Have what a closed terminal does not take dropped, and not counted as a failure of the program."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
            # nothing fails as well, at a terminal that is gone
            os.write(stream.fileno(), b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


async def _run(work: Coroutine[Any, Any, None]) -> bool:
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
        loop.add_signal_handler(signal.SIGHUP, _hung_up, task)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


def _hung_up(task: asyncio.Task[None]) -> None:
    let_go_of_the_terminal()
    task.cancel()
