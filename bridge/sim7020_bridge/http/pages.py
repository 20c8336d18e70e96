"""Pages that are made anew for each GET, over HTTP/1.1 written by hand; knows nothing of what they say."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from sim7020_bridge.http import listener
from sim7020_bridge.http.listener import Connection, Limits, is_loopback, listen


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

    On loopback a request that names another host is refused: a web page whose name leads to 127.0.0.1 would ask so.

    Raises:
        OSError: It can't listen there.
    """

    async def answer(client: Connection) -> None:
        async with asyncio.timeout(listener.PATIENCE):
            await _answer(client.reader, client.writer, pages, local=is_loopback(host))

    async with listen(host, port, answer, limits=Limits(clients=listener.MOST_CLIENTS)) as number:
        yield number


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: Pages, *, local: bool) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        page, method = _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), ""
    else:
        page, method = _page(head, pages, local=local)
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


def _page(head: bytes, pages: Pages, *, local: bool) -> tuple[Page, str]:
    line, *fields = head.decode("latin-1").split("\r\n")
    hosts = [field.partition(":")[2].strip() for field in fields if field.lower().startswith("host:")]
    match line.split(" "):
        case [_, _, version] if len(hosts) > 1 or (version == "HTTP/1.1" and not hosts):
            return _refusal(HTTPStatus.BAD_REQUEST), ""
        case [method, _, version] if version.startswith("HTTP/1.") and local and not all(map(is_loopback, hosts)):
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST), method
        case [method, target, version] if version.startswith("HTTP/1."):
            all_pages: Pages = {"/": partial(_index, tuple(pages)), **pages}
            make = all_pages.get(target.partition("?")[0])
            if method not in {"GET", "HEAD"}:
                return _refusal(HTTPStatus.METHOD_NOT_ALLOWED), method
            return (_refusal(HTTPStatus.NOT_FOUND) if make is None else make()), method
    return _refusal(HTTPStatus.BAD_REQUEST), ""


def _index(names: tuple[str, ...]) -> Page:
    """Return a page that leads to the others."""
    links = "".join(f'<li><a href="{name}">{name}</a></li>' for name in names)
    return Page("text/html; charset=utf-8", f"<!doctype html><title>sim7020-bridge</title><ul>{links}</ul>\n".encode())


def _refusal(status: HTTPStatus) -> Page:
    return Page("text/plain; charset=utf-8", f"{status.phrase}\n".encode(), status)
