"""The page's stream of events, read as a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.web import connection, request


@dataclass
class Seen:
    """The events of a stream, by their kinds, with their ids."""

    events: list[tuple[str, str, list[str]]] = field(default_factory=list)

    def take(self, text: str) -> None:
        """Take an event apart."""
        lines = [line.partition(": ") for line in text.splitlines()]
        named = {name: value for name, _, value in lines}
        data = [value for name, _, value in lines if name == "data"]
        if "event" in named:
            self.events.append((named["event"], named.get("id", ""), data))

    def of(self, kind: str) -> list[Any]:
        """Return the documents of a kind."""
        return [json.loads(data[0]) for each, _, data in self.events if each == kind]

    def topics(self) -> dict[str, str]:
        """Return the last payload of each topic."""
        return {data[0]: data[1] for kind, _, data in self.events if kind == "mqtt"}

    @property
    def last(self) -> str:
        """The last id."""
        return next(number for _, number, _ in reversed(self.events) if number)


@asynccontextmanager
async def stream(port: int, query: str = "", **fields: str) -> AsyncIterator[Seen]:
    """Read a stream while the block runs."""
    seen = Seen()
    head = {name.replace("_", "-"): value for name, value in fields.items()}
    async with connection(port, request("GET", f"/api/events{query}", fields=head)) as (reader, _):
        started = await reader.readuntil(b"\r\n\r\n")
        assert started.startswith(b"HTTP/1.1 200")
        assert b"text/event-stream" in started

        async def read() -> None:
            with suppress(asyncio.IncompleteReadError):
                while True:
                    seen.take((await reader.readuntil(b"\n\n")).decode())

        reading = asyncio.create_task(read())
        try:
            yield seen
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
