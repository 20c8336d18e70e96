"""Messages that were sealed together: whoever knows them again by their number must not lose another for it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import aiocoap
import pytest

from sim7020_bridge.coap.endpoint import LIFETIME
from sim7020_bridge.coap.pause import PAUSES
from sim7020_bridge.config.model import BatchFormat, CoapSettings, SocketSettings
from tests.bridge.coap_server import COAP, Answer, serving, silent
from tests.bridge.desk import change, named, staffed
from tests.bridge.scripted_module import on_virtual_time
from tests.coap_datagram import Seen
from tests.oscore_peer import FIRST, KEYS, Peer, value

LONG = 5 * PAUSES[1] + 5 * LIFETIME
SEALED = replace(COAP, coap=CoapSettings(("t",), oscore=KEYS))
BATCHED = replace(SEALED, batch=BatchFormat.NEWLINE, batch_wait=5.0)


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write numbers at once: a thread takes the world's time, and the tests' clock would run away from it."""

    async def at_once(call: Callable[[], object]) -> object:
        return call()

    monkeypatch.setattr("sim7020_bridge.coap.numbers.in_a_thread", at_once)


class FarEnd:
    """A server that answers a message that it knows, and takes nothing of it again."""

    def __init__(self, *, knows: list[Seen]) -> None:
        self._peer = Peer()
        self._done: set[int] = set()
        self.taken: list[bytes] = []
        for seen in knows:
            self._peer.open(seen)
        self._take()

    def __call__(self, seen: Seen) -> list[Answer]:
        """Answer a request."""
        if seen.code != (0, 2):
            return []
        answer = self._peer.answer(seen, aiocoap.CHANGED)
        self._take()
        return [answer]

    def _take(self) -> None:
        for number, message in self._peer.opened:
            first = value(message, FIRST)
            identity = number if first is None else first
            if identity not in self._done:
                self._done.add(identity)
                self.taken += message.payload.splitlines()
        self._peer.opened.clear()


@pytest.mark.parametrize("arrived", [True, False], ids=["all answers were lost", "nothing arrived"])
@on_virtual_time
async def test_nothing_joins_what_was_sealed(tmp_path: Path, *, arrived: bool) -> None:
    """A message that came later is not in the one that the server may have, however long that takes."""
    async with staffed(BATCHED, folder=tmp_path) as desk, serving(desk, then=silent) as server:
        for name in ("m0", "m1"):
            desk.send("coap", name.encode(), **named(name))
        await desk.module.hears("AT+CSOSEND")
        desk.send("coap", b"m2", **named("m2"))
        await asyncio.sleep(LONG)
        server.then = far_end = FarEnd(knows=server.got if arrived else [])
        for name in ("m0", "m1", "m2"):
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        assert far_end.taken == [b"m0", b"m1", b"m2"]


@on_virtual_time
async def test_without_the_first_of_it(tmp_path: Path) -> None:
    """Nor is it if the message that went first was cancelled meanwhile."""
    async with staffed(BATCHED, folder=tmp_path) as desk, serving(desk, then=silent) as server:
        for name in ("m0", "m1"):
            desk.send("coap", name.encode(), **named(name))
        await desk.module.hears("AT+CSOSEND")
        desk.send("coap", b"m2", **named("m2"))
        await asyncio.sleep(LONG)
        await desk.outbox.queue.until_any()
        assert await desk.outbox.cancel([1]) == 1
        server.then = far_end = FarEnd(knows=server.got)
        for name in ("m1", "m2"):
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        assert far_end.taken == [b"m0", b"m1", b"m2"]


@pytest.mark.parametrize("now", [SEALED, replace(BATCHED, max_payload=BATCHED.max_payload - BATCHED.room + 3)])
@on_virtual_time
async def test_what_no_longer_goes_together(now: SocketSettings, tmp_path: Path) -> None:
    """Of messages that were sealed together and now go alone, only the first is the one that the server may have."""
    async with staffed(BATCHED, folder=tmp_path) as desk, serving(desk, then=silent) as server:
        for name in ("m0", "m1"):
            desk.send("coap", name.encode(), **named(name))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(LONG)
        await change(desk, now)
        server.then = far_end = FarEnd(knows=[])
        for name in ("m0", "m1"):
            assert (await desk.final("coap", name, within=1e6))["state"] == "acknowledged"
        assert far_end.taken == [b"m0", b"m1"]
