"""A visit to the bridge's page, as a browser makes it: the page itself, and a document of the feed that follows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.demo.child import DemoFailed

_LONGEST: Final = 1 << 20
"""More bytes than a line of the feed has."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a visitor saw.

    Args:
        size: The bytes of the page's first document.
        topic: The topic of a document that the feed brought.
    """

    size: int
    topic: str


async def visit(host: str, port: int, topic: str) -> Seen:
    """Fetch the page, and follow its feed until it brings a document on a topic.

    Raises DemoFailed if the page can't be fetched, is not HTML, or the feed ends before.
    """
    try:
        async with _asked(host, port, "") as (reader, kind):
            page = await reader.read()
        if not kind.startswith("text/html") or b"</html>" not in page.lower():
            raise DemoFailed(f"the page at {host}:{port} is no page: {kind or 'of no type'}, {len(page)} bytes")
        async with _asked(host, port, "api/events") as (feed, _):
            while line := await feed.readline():
                if line.strip() == f"data: {topic}".encode():
                    return Seen(len(page), topic)
    except (OSError, ValueError) as error:
        raise DemoFailed(f"the page at {host}:{port} can't be fetched: {error}") from error
    raise DemoFailed(f"the page's feed ended before it brought {topic}")


@contextlib.asynccontextmanager
async def _asked(host: str, port: int, path: str) -> AsyncIterator[tuple[asyncio.StreamReader, str]]:
    """Ask for a path, and give what follows the head, and its type; with HTTP/1.0 the end is the connection's."""
    reader, writer = await asyncio.open_connection(host, port, limit=_LONGEST)
    try:
        writer.write(f"GET /{path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = [await reader.readline()]
        while head[-1].strip():
            head.append(await reader.readline())
        status, *fields = [line.decode("latin-1").strip() for line in head]
        if status.split()[1:2] != ["200"]:
            raise DemoFailed(f"the page's /{path} is not to be had: {status or 'no answer'}")
        kinds = [field.partition(":")[2].strip() for field in fields if field.lower().startswith("content-type:")]
        yield reader, "".join(kinds)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
