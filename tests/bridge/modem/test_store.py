"""The state store: who listens, who waits; and the waits that grow."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer, ModemState, ModuleAnswered, PortLost, PortOpened, Recovering
from sim7020_bridge.modem.store import StateStore
from tests.bridge.modem.bench import virtual_clock
from tests.bridge.scripted_module import on_virtual_time


def answering(state: ModemState) -> bool:
    """Whether the module answers."""
    return state.answering


@on_virtual_time
async def test_listeners_hear_changes_in_order() -> None:
    """Each listener gets the state before and after each change, and nothing where nothing changed."""
    store = StateStore(virtual_clock)
    heard: list[tuple[Layer, Layer]] = []
    store.listen(lambda before, after: heard.append((before.link.layer, after.link.layer)))
    store.apply(PortOpened(), ModuleAnswered(), ModuleAnswered())
    store.apply(PortLost("gone"))
    assert heard == [(Layer.PORT, Layer.AT), (Layer.AT, Layer.SIM), (Layer.SIM, Layer.PORT)]


@on_virtual_time
async def test_until_returns_at_once_if_it_holds() -> None:
    """A condition that holds already needs no turn of the loop."""
    store = StateStore(virtual_clock)
    store.apply(PortOpened(), ModuleAnswered())
    await store.until(answering)


@on_virtual_time
async def test_until_wakes_all_who_wait() -> None:
    """Everybody who waits is woken by the fact that makes the condition true, and by no other."""
    store = StateStore(virtual_clock)
    waiting = [asyncio.create_task(store.until(answering)) for _ in range(3)]
    await asyncio.sleep(1)
    store.apply(PortOpened())
    await asyncio.sleep(1)
    assert not any(task.done() for task in waiting)
    store.apply(ModuleAnswered())
    store.apply(PortLost("gone"))
    await asyncio.sleep(0)
    assert all(task.done() for task in waiting)
    assert store._waiting == []


@on_virtual_time
async def test_until_leaves_nothing_behind_when_cancelled() -> None:
    """A wait that times out is forgotten, also if the fact comes in the same turn of the loop."""
    store = StateStore(virtual_clock)
    store.apply(PortOpened())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await store.until(answering)
    assert store._waiting == []
    task = asyncio.create_task(store.until(answering))
    await asyncio.sleep(0)
    store.apply(ModuleAnswered())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.apply(Recovering(RecoveryStep.REATTACH))
    assert store._waiting == []


@given(st.floats(0.01, 100), st.floats(1, 100), st.integers(1, 2000))
def test_backoff_grows_to_its_longest(first: float, factor: float, failures: int) -> None:
    """Each wait is within a quarter below its step; the steps double up to the longest, however many there are."""
    last = first * factor
    backoff = Backoff(first, last)
    for number in range(failures):
        step = min(last, first * 2.0 ** min(number, 40))
        assert 0.75 * step <= backoff.next_wait() <= step
    assert backoff.failures == failures
    backoff.reset()
    assert backoff.next_wait() <= first
