"""The demo's visit to the page: what it takes for one, and what it says of anything else."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from sim7020_bridge.demo.child import DemoFailed
from sim7020_bridge.demo.visit import Seen, visit
from tests.ports import free_port

HOST = "127.0.0.1"
TOPIC = "sim7020/demo/state"
PAGE = b"HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>A page</html>\n"
FEED = f'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: mqtt\ndata: {TOPIC}\ndata: {{"link": 1}}\n\n'
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html></html>"


@asynccontextmanager
async def served(answers: Mapping[str, bytes]) -> AsyncIterator[int]:
    """Answer each path with these bytes, and others with none; return the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.get(head.split()[1].decode(), b""))
        await writer.drain()
        writer.close()

    port = free_port()
    async with await asyncio.start_server(answer, HOST, port):
        yield port


async def test_a_page_and_a_document_are_a_visit() -> None:
    """The size is that of the page without its head, and other documents of the feed are passed over."""
    feed = FEED.replace(TOPIC, "sim7020/demo/info").encode() + FEED.partition("\r\n\r\n")[2].encode()
    async with served({"/": PAGE, "/api/events": feed}) as port:
        assert await visit(HOST, port, TOPIC) == Seen(len(b"<html>A page</html>\n"), TOPIC)


@pytest.mark.parametrize(
    ("page", "feed", "reason"),
    [
        (NOT_FOUND, FEED, r"the page's / is not to be had: HTTP/1.1 404 Not Found$"),
        (b"", FEED, r"the page's / is not to be had: no answer$"),
        (PAGE.replace(b"text/html", b"text/plain"), FEED, r"is no page: text/plain; charset=utf-8, 20 bytes$"),
        (PAGE.replace(b"</html>", b""), FEED, r"is no page: text/html; charset=utf-8, 13 bytes$"),
        (PAGE, NOT_FOUND.decode(), r"the page's /api/events is not to be had: HTTP/1.1 404 Not Found$"),
        (PAGE, FEED.replace(TOPIC, "sim7020/demo/state2"), rf"feed ended before it brought {TOPIC}$"),
    ],
)
async def test_what_is_no_page_is_told(page: bytes, feed: str, reason: str) -> None:
    """Whatever is not as it should be is named."""
    async with served({"/": page, "/api/events": feed.encode()}) as port:
        with pytest.raises(DemoFailed, match=reason):
            await visit(HOST, port, TOPIC)


async def test_where_nobody_listens_there_is_no_page() -> None:
    """The demo's own words say where."""
    port = free_port()
    with pytest.raises(DemoFailed, match=rf"the page at {HOST}:{port} can't be fetched: "):
        await visit(HOST, port, TOPIC)
