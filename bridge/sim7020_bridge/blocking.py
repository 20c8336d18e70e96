"""Calls that block, each in a thread of its own: asyncio has few for all of them, and waits for them at its end."""

import asyncio
import threading
from collections.abc import Callable
from errno import EAGAIN
from functools import partial
from typing import TypeVar

Value = TypeVar("Value")


async def in_a_thread(call: Callable[[], Value], *, discard: Callable[[Value], object] = lambda _: None) -> Value:
    """Return what a call returns that may block for long, as one that resolves a name.

    Cancelling waits for nothing, and neither do the ends of the event loop and of the program.

    Args:
        call: The call.
        discard: Given what the call returns after all, when nobody waits for it any more; in a thread, too.

    Raises:
        BlockingIOError: No thread is to be had.
        Exception: What the call raises.
    """
    loop = asyncio.get_running_loop()
    called: asyncio.Future[Value] = loop.create_future()

    def discard_late(called: "asyncio.Future[Value]") -> None:
        if called.exception() is None:
            threading.Thread(target=discard, args=(called.result(),), daemon=True).start()

    def attempt() -> None:
        undone = []
        try:
            undone.append(call())
            tell = partial(called.set_result, undone[0])
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            tell = partial(called.set_exception, error)
        try:
            loop.call_soon_threadsafe(tell)
        except RuntimeError:  # the loop is closed
            for value in undone:
                discard(value)

    try:
        threading.Thread(target=attempt, daemon=True).start()
    except RuntimeError as error:
        raise BlockingIOError(EAGAIN, str(error)) from error
    try:
        return await asyncio.shield(called)
    except asyncio.CancelledError:
        called.add_done_callback(discard_late)
        raise
