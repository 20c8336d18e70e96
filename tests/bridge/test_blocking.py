"""Calls that block: however many do, others go on, and nothing waits for what nobody wants any more."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from sim7020_bridge.blocking import in_a_thread

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


async def test_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error of the system, as those are for which callers are prepared."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(BlockingIOError, match="can't start new thread"):
        await in_a_thread(lambda: None)
