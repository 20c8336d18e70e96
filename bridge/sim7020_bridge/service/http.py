"""A small HTTP/1.1 server for pages that are made anew for each GET; it knows nothing of what they say."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

log: Final = logging.getLogger(__name__)

LONGEST_HEAD: Final = 8192
"""Bytes of a request's head; a longer one is refused."""

PATIENCE: Final = 5.0
"""Seconds that a client has to ask, and to take the answer."""

MOST_CLIENTS: Final = 32
"""Clients at the same time; more are turned away."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a GET is answered with."""

    content_type: str
    body: bytes
    status: HTTPStatus = HTTPStatus.OK


Pages = Mapping[str, Callable[[], Page]]


@asynccontextmanager
async def serve(host: str, port: int, pages: Pages) -> AsyncIterator[int]:
    """Serve pages by their paths, and yield the port.

    Raises:
        OSError: It can't listen there.
    """
    clients: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(clients) >= MOST_CLIENTS:
            writer.close()
            return
        clients.add(task)
        try:
            async with asyncio.timeout(PATIENCE):
                await _answer(reader, writer, pages)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.debug("a client of the HTTP port went away")
        finally:
            clients.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(answer, host, port, limit=LONGEST_HEAD)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: Pages) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        page, method = _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), ""
    else:
        page, method = _page(head, pages)
    allow = "Allow: GET, HEAD\r\n" if page.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    writer.write(
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(page.body)}\r\n"
        f"{allow}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
    )
    if method != "HEAD":
        writer.write(page.body)
    await writer.drain()


def _page(head: bytes, pages: Pages) -> tuple[Page, str]:
    line = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    match line:
        case [method, target, version] if version.startswith("HTTP/1."):
            make = pages.get(target.partition("?")[0])
            if method not in {"GET", "HEAD"}:
                return _refusal(HTTPStatus.METHOD_NOT_ALLOWED), method
            return (_refusal(HTTPStatus.NOT_FOUND) if make is None else make()), method
    return _refusal(HTTPStatus.BAD_REQUEST), ""


def _refusal(status: HTTPStatus) -> Page:
    return Page("text/plain; charset=utf-8", f"{status.phrase}\n".encode(), status)
