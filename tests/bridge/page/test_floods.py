"""Whoever may publish to a bridge fills neither the page's memory nor its time, seen from a browser over a socket."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.page import live_routes, pieces
from sim7020_bridge.page.dialogue import Explainer
from sim7020_bridge.page.feed import Feed
from sim7020_bridge.page.live import Live
from sim7020_bridge.page.log import LogLines
from sim7020_bridge.page.messages import MOST, MOST_OF_ALL
from sim7020_bridge.page.shown import Shown
from tests.bridge.page.served import served
from tests.bridge.page.turns import others_have_their_turn
from tests.web import connection, get, request, until

LONG = "<b>\U0001f600" * 9000
"""About as long as a topic can be."""


class Flooded:
    """A modem that nothing is known of, shown at a port."""

    def __init__(self) -> None:
        self.feed = Feed("r")
        self.modem = Shown("shed", self.feed)
        self.log = LogLines()
        self.port = 0


@pytest.fixture
async def flooded(tmp_path: Path) -> AsyncIterator[Flooded]:
    """Serve a modem."""
    made = Flooded()
    told = {"feed": made.feed, "log": made.log, "recalled": asyncio.Event(), "one_answer": asyncio.Lock()}
    live = cast(Live, SimpleNamespace(modems={"shed": made.modem}, **told))
    live.recalled.set()
    async with served(tmp_path, partial(live_routes.routes, live=live)) as made.port:
        yield made
    made.modem.end()


async def test_long_topics_are_listed_in_no_time(flooded: Flooded) -> None:
    """What is refused is kept, and its list is short, whatever is in its topic."""
    for number in range(MOST):
        received = Received(topic=f"{number}{LONG}", payload=b"\xff" * 20_000)
        flooded.modem.refused(f"m{number}", f"{number}{LONG}", received)
    with others_have_their_turn():
        await until(lambda: len(flooded.modem.messages) == MOST)
        for query in ("", "?text=zz", "?text=ff"):
            answer = await get(flooded.port, f"/api/modems/shed/messages{query}")
            assert len(answer.body) < 400_000
    (record, *_) = (await get(flooded.port, "/api/modems/shed/messages?limit=1")).document()["messages"]
    assert (record["bytes"], record["cut"]) == (20_000, True)
    assert sum(len(each.data) for each in flooded.modem.messages._records) <= MOST_OF_ALL


async def test_long_publications_cut_no_stream(flooded: Flooded) -> None:
    """An answer that somebody has sent to a topic of their own is not told to browsers if it is long."""
    async with connection(flooded.port, request("GET", "/api/events")) as (reader, _):
        await reader.readuntil(b"retry: 2000\n\n")
        for number in range(20):
            flooded.modem.published(Publication(topic=f"{number}{LONG}", payload=b"{}"))
            flooded.modem.published(Publication(topic="sim7020/shed/response/outbox", payload=b"x" * 200_000))
        flooded.modem.published(Publication(topic="sim7020/shed/event/hello", payload=b"{}"))
        async with asyncio.timeout(30):
            told = await reader.readuntil(b"data: {}\n\n")
        assert told.count(b"event:") == 1
        assert b"data: sim7020/shed/event/hello\n" in told


@pytest.mark.parametrize("what", ["modems/shed/at", "log"])
async def test_answers_have_their_slices_one_by_one(
    flooded: Flooded, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """However many ask at the same time, what is worked up in one turn of the event loop is a slice of one answer."""
    for number in range(400):
        flooded.modem.dialogue.add(f"< +CSQ: {number % 30},0")
        flooded.modem.delivered("udp", b"x%d" % number, "t")
        flooded.log.handle(
            logging.makeLogRecord({"name": "a", "msg": f"line {number}", "levelno": 20, "levelname": "INFO"})
        )
    await until(lambda: len(flooded.modem.messages) == 400)
    worked = most = 0

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def count(*given: Any) -> Any:
            nonlocal worked
            worked += 1
            return work(*given)

        return count

    async def watch() -> None:
        nonlocal most
        while True:
            before = worked
            await asyncio.sleep(0)
            most = max(most, worked - before)

    monkeypatch.setattr(Explainer, "take", counted(Explainer.take))
    monkeypatch.setattr(pieces, "in_json", counted(pieces.in_json))
    watching = asyncio.create_task(watch())
    answers = await asyncio.gather(*(get(flooded.port, f"/api/{what}") for _ in range(6)))
    watching.cancel()
    assert {answer.status for answer in answers} == {200}
    assert worked >= 6 * 100
    # its end and the beginning of the next one may fall into the same turn
    assert most <= 2 * (pieces.SLICE + 1)
