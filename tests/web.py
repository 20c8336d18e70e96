"""A client of HTTP that sends what it is told to, good or bad, over a real socket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

PATIENCE = 120
"""Seconds for an answer: whatever computes on the machine comes before a password that is checked."""


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 if nothing did."""

    status: int
    fields: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> object:
        """Why it was refused."""
        return self.document()["code"]

    @property
    def cookie(self) -> str:
        """The cookie that it sets, without what is said about it."""
        return self.fields["set-cookie"].partition(";")[0]


def parsed(data: bytes) -> Answer:
    """Take an answer apart."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(line.split()[1]) if line else 0, fields, body)


async def send(port: int, data: bytes, *, host: str = "127.0.0.1", source: str | None = None) -> Answer:
    """Send bytes as they are and return all that comes back."""
    async with asyncio.timeout(PATIENCE), connection(port, host=host, source=source) as (reader, writer):
        try:
            writer.write(data)
            await writer.drain()
            return parsed(await reader.read())
        except ConnectionError:
            return parsed(b"")


@asynccontextmanager
async def connection(
    port: int, data: bytes = b"", *, host: str = "127.0.0.1", source: str | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, send bytes, and hang up at the end."""
    local = None if source is None else (source, 0)
    reader, writer = await asyncio.open_connection(host, port, local_addr=local)
    try:
        writer.write(data)
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def until(fact: Callable[[], object]) -> None:
    """Return once something holds."""
    async with asyncio.timeout(PATIENCE):
        while not fact():  # noqa: ASYNC110 - many facts set no event
            await asyncio.sleep(0.001)


def request(
    method: str, path: str, body: object = None, fields: Mapping[str, str] | None = None, host: str = "localhost"
) -> bytes:
    """Return a request as a browser's page makes it; a field that is empty is left out."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"Host": host}
    if method == "POST":
        head |= {
            "Origin": f"http://{host}",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
        }
    head |= fields or {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


async def get(port: int, path: str, **fields: str) -> Answer:
    """Get a path; an underscore in a field's name is a hyphen."""
    return await send(port, request("GET", path, fields=_named(fields)))


async def post(port: int, path: str, body: object = None, **fields: str) -> Answer:
    """Post a document, or bytes as they are."""
    return await send(port, request("POST", path, {} if body is None else body, _named(fields)))


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}
