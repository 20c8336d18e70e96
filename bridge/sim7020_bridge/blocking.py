"""Calls that block, each in a thread of its own: asyncio has few for all of them, and waits for them at its end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from errno import EAGAIN
from functools import partial
from typing import TypeVar

Value = TypeVar("Value")


class NoThread(BlockingIOError):
    """No thread is to be had, as where their number is limited."""

    def __init__(self, said: object) -> None:
        super().__init__(EAGAIN, str(said))


async def in_a_thread(
    call: Callable[[], Value],
    *,
    discard: Callable[[Value], object] = lambda _: None,
    then: Callable[[Value], object] = lambda _: None,
) -> Value:
    """Return what a call returns that may block for long, as one that resolves a name.

    Cancelling waits for nothing, and neither do the ends of the event loop and of the program.

    Args:
        call: The call.
        discard: Given what the call returns after all, when nobody waits for it any more; in the same thread.
        then: Given it otherwise, once it was returned here; in the same thread, where it may go on for long.

    Raises:
        NoThread: No thread is to be had.
        Exception: What the call raises.
    """
    loop = asyncio.get_running_loop()
    called: asyncio.Future[Value] = loop.create_future()
    settled = threading.Event()
    taken = False

    def tell(result: Callable[[], object]) -> None:
        if not called.done():
            result()

    def attempt() -> None:
        undone = []
        try:
            undone.append(call())
            result = partial(called.set_result, undone[0])
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            result = partial(called.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(tell, result)
            settled.wait()
        for value in undone:
            # another thread for what nobody takes any more might not be to be had
            (then if taken else discard)(value)

    try:
        threading.Thread(target=attempt, daemon=True).start()
    except RuntimeError as error:
        raise NoThread(error) from error
    try:
        value = await called
        taken = True
    except asyncio.CancelledError:
        if not called.cancelled():
            called.exception()  # nobody asks any more
        raise
    finally:
        settled.set()
    return value
