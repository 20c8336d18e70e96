"""Calls that block: however many do, others go on, and nothing waits for what nobody wants any more."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from sim7020_bridge.blocking import in_a_thread
from tests.no_threads import no_threads

MANY = 100


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Hold threads up until it is opened, at the end of the test at the latest."""
    gate = threading.Event()
    yield gate
    gate.set()


async def test_many_that_block(gate: threading.Event) -> None:
    """They hold up no other."""
    blocked = [asyncio.create_task(in_a_thread(gate.wait)) for _ in range(MANY)]
    assert await in_a_thread(lambda: "at once") == "at once"
    gate.set()
    assert await asyncio.gather(*blocked) == [True] * MANY


async def test_what_goes_wrong_is_raised() -> None:
    """As if the call had been made here."""
    with pytest.raises(ZeroDivisionError):
        await in_a_thread(lambda: 1 / 0)


async def test_what_nobody_waits_for_is_discarded(gate: threading.Event) -> None:
    """Cancelling returns at once; what the call returns after all is given back."""
    loop, discarded = asyncio.get_running_loop(), asyncio.Event()

    def discard(value: str) -> None:
        assert value == "True"
        loop.call_soon_threadsafe(discarded.set)

    waiting = asyncio.create_task(in_a_thread(lambda: str(gate.wait()), discard=discard))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gate.set()
    await discarded.wait()


async def test_what_is_discarded_needs_no_other_thread(gate: threading.Event) -> None:
    """The thread of the call does it: by then another one might not be to be had."""
    discarded = threading.Event()
    waiting = asyncio.create_task(in_a_thread(gate.wait, discard=lambda _: discarded.set()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with no_threads():
        gate.set()
        async with asyncio.timeout(60):
            while not discarded.is_set():  # noqa: ASYNC110 - it is set in a thread
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("fails", [False, True])
async def test_what_comes_in_the_moment_of_cancelling(
    gate: threading.Event, caplog: pytest.LogCaptureFixture, *, fails: bool
) -> None:
    """It is discarded, too, though it was told already; an error of which nobody hears is none."""
    discarded, loop = threading.Event(), asyncio.get_running_loop()

    async def give_up() -> None:
        def call() -> bool:
            gate.wait()
            # a round later: what the call comes to is told in that round, or will be in the next
            loop.call_soon_threadsafe(lambda: loop.call_soon(waiting.cancel))
            if fails:
                raise ZeroDivisionError
            return True

        waiting = asyncio.create_task(in_a_thread(call, discard=lambda _: discarded.set()))
        await asyncio.sleep(0)
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    await give_up()
    if not fails:
        await in_a_thread(discarded.wait)
    gc.collect()
    assert not caplog.text


async def test_what_the_thread_goes_on_with() -> None:
    """It goes on with what was returned, and is told nothing of how long that takes."""
    going_on, over = threading.Event(), threading.Event()

    def go_on(value: int) -> None:
        assert value == 7
        going_on.set()
        over.wait()

    assert await in_a_thread(lambda: 7, then=go_on) == 7
    assert await in_a_thread(going_on.wait)
    over.set()


def test_the_end_of_the_loop_waits_for_nothing(gate: threading.Event) -> None:
    """What comes after it is discarded, too."""
    discarded = threading.Event()

    async def begin() -> None:
        waiting = asyncio.create_task(in_a_thread(gate.wait, discard=lambda _: discarded.set()))
        await asyncio.sleep(0)
        assert not waiting.done()

    asyncio.run(begin())
    assert not discarded.is_set()
    gate.set()
    assert discarded.wait(60)


async def test_no_thread() -> None:
    """It is an error of the system, as those are for which callers are prepared."""
    with no_threads(), pytest.raises(BlockingIOError, match="can't start new thread"):
        await in_a_thread(lambda: None)
