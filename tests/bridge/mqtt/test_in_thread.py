"""Calls in a thread of their own."""

import asyncio
import threading

import pytest

from sim7020_bridge.mqtt.in_thread import call_in_thread
from tests.bridge.mqtt.peer import until


class Call:
    """A call that ends when it is told to, and then raises what it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.may_end = threading.Event()
        self.abandoned_in: list[threading.Thread] = []
        self.thread: threading.Thread | None = None

    def __call__(self) -> None:
        """Block."""
        self.thread = threading.current_thread()
        self.may_end.wait()
        if self.error is not None:
            raise self.error

    def abandoned(self) -> None:
        """Note where it was told that nobody waits."""
        self.abandoned_in.append(threading.current_thread())

    async def made(self) -> None:
        """Make it."""
        await call_in_thread(self, name="a call", abandoned=self.abandoned)


async def test_call_comes_to_its_end() -> None:
    """Who waits goes on once it has, and hears what it raised."""
    call = Call()
    call.may_end.set()
    await call.made()
    failing = Call(LookupError("not here"))
    failing.may_end.set()
    with pytest.raises(LookupError, match="not here"):
        await failing.made()
    assert (call.abandoned_in, failing.abandoned_in) == ([], [])


@pytest.mark.parametrize("error", [None, OSError("refused")])
async def test_call_that_nobody_waits_for(error: Exception | None) -> None:
    """Cancelling does not wait, and the call's end is told in the event loop's thread."""
    call = Call(error)
    task = asyncio.create_task(call.made())
    await until(lambda: call.thread is not None)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.abandoned_in == []
    call.may_end.set()
    await until(lambda: call.abandoned_in == [threading.current_thread()])


@pytest.mark.parametrize("error", [None, OSError("refused")])
async def test_cancelled_as_it_ends(error: Exception | None) -> None:
    """A call that has ended is abandoned too when its end comes together with cancelling."""
    call = Call(error)
    task = asyncio.create_task(call.made())
    await until(lambda: call.thread is not None)
    call.may_end.set()
    thread = call.thread
    if thread is not None:
        thread.join()
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.abandoned_in == [threading.current_thread()]


def test_call_that_outlives_the_loop() -> None:
    """With the loop closed the call's own thread is told."""
    call = Call()

    async def begin() -> None:
        task = asyncio.create_task(call.made())
        await until(lambda: call.thread is not None)
        task.cancel()

    asyncio.run(begin())
    call.may_end.set()
    thread = call.thread
    assert thread is not None
    thread.join()
    assert call.abandoned_in == [thread]
