"""Whose trouble a refusal is: the rule by itself, on virtual time."""

import asyncio

import pytest

from sim7020_bridge.modem.connection import Asked, Failure
from sim7020_bridge.modem.refusals import Refusals
from sim7020_bridge.modem.state import Refused
from sim7020_bridge.modem.store import StateStore
from tests.bridge.modem.bench import virtual_clock
from tests.bridge.scripted_module import on_virtual_time

PATIENCE = 300.0


class Bench:
    """The rule, and what it told."""

    def __init__(self) -> None:
        self.store = StateStore(virtual_clock)
        self.rule = Refusals(self.store, PATIENCE)

    @property
    def told(self) -> Refused:
        """What the module is said to refuse."""
        return self.store.state.refused

    async def refuse(self, socket: str, asked: Asked | None, *, times: int, code: int | None = None) -> None:
        """Let a socket be refused so often, a hundred seconds apart."""
        for _ in range(times):
            self.rule.failed(socket, Failure(code, "module_refused", "ERROR", virtual_clock(), asked))
            await asyncio.sleep(100)


@pytest.mark.parametrize("asked", Asked)
@on_virtual_time
async def test_patience(asked: Asked) -> None:
    """It takes several refusals and some minutes; each that follows is told as one more."""
    bench = Bench()
    await bench.refuse("a", asked, times=3)
    assert bench.told == Refused(None)
    await bench.refuse("a", asked, times=1)
    assert bench.told == Refused(asked, 4)
    await bench.refuse("a", asked, times=1)
    assert bench.told == Refused(asked, 5)


@on_virtual_time
async def test_rare_refusals_are_few() -> None:
    """Two refusals are an accident, however far apart."""
    bench = Bench()
    await bench.refuse("a", Asked.CREATE, times=1)
    await asyncio.sleep(PATIENCE)
    await bench.refuse("a", Asked.CREATE, times=1)
    assert bench.told == Refused(None)


@pytest.mark.parametrize(
    ("asked", "done", "ends"),
    [
        (Asked.CREATE, Asked.CONNECT, True),
        (Asked.CONNECT, Asked.CONNECT, True),
        (Asked.CONNECT, Asked.SEND, True),
        (Asked.SEND, Asked.CONNECT, False),
        (Asked.SEND, Asked.SEND, True),
    ],
)
@on_virtual_time
async def test_what_ends_it(asked: Asked, done: Asked, *, ends: bool) -> None:
    """What was refused and is done for the same socket is refused no more; connecting does not make up for sending."""
    bench = Bench()
    await bench.refuse("a", asked, times=5)
    bench.rule.done("a", done)
    assert (bench.told.what is None) is ends


@pytest.mark.parametrize(
    ("asked", "done", "excused"),
    [
        (Asked.CREATE, Asked.CONNECT, False),
        (Asked.CREATE, Asked.SEND, False),
        (Asked.CONNECT, Asked.CONNECT, True),
        (Asked.SEND, Asked.CONNECT, False),
        (Asked.SEND, Asked.SEND, True),
    ],
)
@on_virtual_time
async def test_what_others_prove(asked: Asked, done: Asked, *, excused: bool) -> None:
    """A module that has since done the same for another socket is not to blame, but for sockets that it can't make."""
    bench = Bench()
    bench.rule.done("b", done)
    await asyncio.sleep(1)
    await bench.refuse("a", asked, times=5)
    assert bench.told == Refused(asked, 5)
    bench.rule.done("b", done)
    assert bench.rule.one_sided("a") is excused
    assert (bench.told.what is None) is excused


@on_virtual_time
async def test_causes_and_sockets_that_are_gone() -> None:
    """A cause of the peer's ends it, a failure of another kind does not; a socket that is gone is forgotten."""
    bench = Bench()
    await bench.refuse("a", Asked.CONNECT, times=5)
    await bench.refuse("a", None, times=1)
    assert bench.told == Refused(Asked.CONNECT, 5)
    await bench.refuse("a", None, times=1, code=3)
    assert bench.told == Refused(None)
    await bench.refuse("a", Asked.CONNECT, times=5)
    await bench.refuse("b", Asked.CREATE, times=5)
    assert bench.told == Refused(Asked.CONNECT, 10)
    bench.rule.forget("a")
    assert bench.told == Refused(Asked.CREATE, 5)
