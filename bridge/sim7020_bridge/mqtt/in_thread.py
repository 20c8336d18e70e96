"""A blocking call in a thread of its own, which nobody need wait for at the end."""

import asyncio
import threading
from collections.abc import Callable


async def call_in_thread(call: Callable[[], None], *, name: str, abandoned: Callable[[], None]) -> None:
    """Return once the call has; cancelling leaves it to itself.

    Unlike ``asyncio.to_thread`` this holds up neither the end of the event loop nor that of the program.

    Args:
        call: What it raises comes out here.
        name: The thread's.
        abandoned: Called instead of returning, once the call has come to its end after all: in the thread of the event
            loop, or in the call's own if the loop is closed. A loop that is closed just then may leave it uncalled.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if done.done():
            abandoned()
        elif error is not None:
            done.set_exception(error)
        else:
            done.set_result(None)

    def work() -> None:
        problem = None
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            problem = error
        try:
            loop.call_soon_threadsafe(tell, problem)
        except RuntimeError:  # the loop is closed
            abandoned()

    threading.Thread(target=work, name=name, daemon=True).start()
    try:
        await done
    except asyncio.CancelledError:
        if not done.cancelled():
            done.exception()  # asyncio complains of one that nobody asked for
            abandoned()
        raise
