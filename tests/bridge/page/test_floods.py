"""Whoever may publish to a bridge fills neither the page's memory nor its time, seen from a browser over a socket."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.page import live_routes
from sim7020_bridge.page.feed import Feed
from sim7020_bridge.page.live import Live
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
        self.port = 0


@pytest.fixture
async def flooded(tmp_path: Path) -> AsyncIterator[Flooded]:
    """Serve a modem."""
    made = Flooded()
    live = cast(Live, SimpleNamespace(modems={"shed": made.modem}, feed=made.feed, recalled=asyncio.Event()))
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
