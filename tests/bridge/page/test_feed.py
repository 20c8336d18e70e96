"""Events for many readers: in order, resumed where they broke off, the newest only for who is slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from sim7020_bridge.http.stream import KEEP_ALIVE
from sim7020_bridge.page.feed import AT_ONCE, MOST_KEPT, Feed
from tests.bridge.page.memory import memory_traced
from tests.virtual_time import run


async def read(stream: AsyncIterator[bytes], parts: int = 1) -> str:
    """Return the next parts of a stream."""
    return "".join([(await anext(stream)).decode() for _ in range(parts)])


async def begun(feed: Feed, last: str | None = None, also: tuple[str, ...] = ()) -> AsyncIterator[bytes]:
    """Return a stream that has said how soon to come again."""
    stream = feed.follow(last, also)
    assert await read(stream) == "retry: 2000\n\n"
    return stream


def test_who_comes_anew_gets_what_holds_and_then_what_changes() -> None:
    """What was replaced or emptied is not told; ids grow, so that the last one says where to go on."""

    async def main() -> None:
        feed = Feed("r")
        feed.tell("mqtt", b"a\n1", key="a")
        feed.tell("mqtt", b"b\n1", key="b")
        feed.tell("mqtt", b"c\n1", key="c")
        feed.tell("mqtt", b"a\n2", key="a")
        feed.tell("mqtt", b"c\n", key="c", empty=True)
        feed.tell("message", b"{}")
        stream = await begun(feed)
        expected = "id: r-2\nevent: mqtt\ndata: b\ndata: 1\n\nid: r-4\nevent: mqtt\ndata: a\ndata: 2\n\n"
        assert await read(stream) == expected
        feed.tell("mqtt", b"b\n", key="b", empty=True)
        assert await read(stream) == "id: r-7\nevent: mqtt\ndata: b\ndata: \n\n"

    run(main())


def test_a_reader_that_was_away_goes_on() -> None:
    """What came meanwhile comes in order, and once; of what replaces each other the newest."""

    async def main() -> None:
        feed = Feed("r")
        for number in range(1, 5):
            feed.tell("mqtt", b"a\n%d" % number, key="a")
            feed.tell("message", b"%d" % number)
        stream = await begun(feed, "r-4")
        expected = "id: r-6\nevent: message\ndata: 3\n\nid: r-7\nevent: mqtt\ndata: a\ndata: 4\n\n"
        assert await read(stream) == f"{expected}id: r-8\nevent: message\ndata: 4\n\n"

    run(main())


@pytest.mark.parametrize("last", ["other-1", "r-5", "r-", "r--1", "r-x", "r", "r-٣", "r-" + "9" * 5000, "r-0", "r-2"])
def test_a_reader_that_was_away_too_long_begins_anew(last: str) -> None:
    """An id that is gone, or never was, is answered by all that holds."""

    async def main() -> None:
        feed = Feed("r")
        feed.tell("message", b"gone")
        feed.tell("mqtt", b"a\n1", key="a")
        feed.tell("message", bytes(MOST_KEPT - 1000))
        feed.tell("message", bytes(1000))
        stream = await begun(feed, last)
        assert await read(stream) == "event: restart\ndata: \n\n"
        assert (await read(stream)).startswith("id: r-2\nevent: mqtt\ndata: a\n")

    run(main())


def test_a_slow_reader_is_cut() -> None:
    """Who is further behind than what is kept is sent no more; it comes again, and begins anew."""

    async def main() -> None:
        feed = Feed("r")
        stream = await begun(feed)
        reading = asyncio.create_task(read(stream))
        await asyncio.sleep(0)
        feed.tell("message", b"first")
        assert "first" in await reading
        for _ in range(MOST_KEPT // AT_ONCE + 1):
            feed.tell("message", b"x" * AT_ONCE)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert "restart" in await read(await begun(feed, "r-1"))

    run(main())


def test_a_slow_reader_of_what_replaces_each_other() -> None:
    """A topic that changes a thousand times while somebody does not read comes once."""

    async def main() -> None:
        feed = Feed("r")
        stream = await begun(feed)
        reading = asyncio.create_task(read(stream))
        await asyncio.sleep(0)
        for number in range(100):
            feed.tell("mqtt", b"a\n%d" % number, key="a")
        assert await reading == "id: r-100\nevent: mqtt\ndata: a\ndata: 99\n\n"

    run(main())


def test_what_replaces_each_other_costs_nobody_his_place() -> None:
    """A topic or a message that changes all the time takes no more room than once; a message is not for who is new."""

    async def main() -> None:
        feed = Feed("r")
        feed.tell("message", b"first")
        for number in range(100):
            feed.tell("mqtt", b"a\n" + b"x" * AT_ONCE, key="a")
            feed.tell("message", b"%d" % number * AT_ONCE, key="message 1", holds=False)
        feed.tell("message", b"last", key="message 1", holds=False)
        away = await begun(feed, "r-1")
        assert (await read(away)).startswith("id: r-200\nevent: mqtt\n")
        assert await read(away) == "id: r-202\nevent: message\ndata: last\n\n"
        new = await begun(feed)
        assert (await read(new)).startswith("id: r-200\n")
        feed.tell("message", b"{}")
        assert await read(new) == "id: r-203\nevent: message\ndata: {}\n\n"
        assert "first" in await read(await begun(feed, "r-0"))

    run(main())


def test_what_was_emptied_is_forgotten() -> None:
    """Once nobody can have missed it any more: topics that come and go are not kept for ever."""

    async def main() -> None:
        feed = Feed("r")
        with memory_traced() as held:
            for number in range(2000):
                feed.tell("mqtt", b"%d\n" % number, key=f"{number}", empty=True)
                feed.tell("message", b"x" * 1000)
            kept = held()
        assert kept < 3 * MOST_KEPT

    run(main())


def test_lines_are_for_who_wants_them() -> None:
    """A flood of lines costs nobody else his place, and nothing at all where nobody reads them."""

    async def main() -> None:
        feed = Feed("r")
        assert not feed.wants("trace")
        plain, curious = await begun(feed), await begun(feed, also=("trace", "nonsense"))
        waiting = [asyncio.create_task(read(each)) for each in (plain, curious)]
        await asyncio.sleep(0)
        assert feed.wants("trace")
        assert not feed.wants("log")
        for _ in range(100):
            feed.tell("trace", b"x" * AT_ONCE)
        feed.tell("message", b"m")
        assert await waiting[0] == "id: r-101\nevent: message\ndata: m\n\n"
        assert (await waiting[1]).count("event: trace") == 1
        await curious.aclose()  # type: ignore[attr-defined]
        assert not feed.wants("trace")

    run(main())


def test_each_event_is_joined_once_for_all() -> None:
    """Readers at one place share what they are sent."""

    async def main() -> None:
        feed = Feed("r")
        streams = [await begun(feed) for _ in range(20)]
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.sleep(0)
        feed.tell("message", b"a")
        feed.tell("message", b"b")
        parts = await asyncio.gather(*waiting)
        assert all(part is parts[0] for part in parts)

    run(main())


def test_readers_at_many_places_take_little_memory() -> None:
    """Who comes again and again, each time with another id, has nothing kept that nobody reads any more."""

    async def main() -> None:
        feed = Feed("r")
        for _ in range(1000):
            feed.tell("message", b"x" * 60)
        with memory_traced() as held:
            for number in range(900, 1000):
                async with aclosing(feed.follow(f"r-{number - 300}")) as stream:
                    await anext(stream)
                    await anext(stream)
            kept = held()
        assert kept < 10 * MOST_KEPT

    run(main())


def test_silence_is_broken() -> None:
    """A proxy does not take a stream for dead on which nothing happens."""

    async def main() -> None:
        feed = Feed("r")
        streams = [await begun(feed) for _ in range(2)]
        began = asyncio.get_running_loop().time()
        for turn in range(1, 4):
            assert await asyncio.gather(*map(read, streams)) == [":\n\n"] * 2
            assert asyncio.get_running_loop().time() - began == turn * KEEP_ALIVE
            feed.tell("trace", b"x")

    run(main())
