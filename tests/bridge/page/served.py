"""Routes of the page on a port of this machine, for everybody."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sim7020_bridge.http.access import Access
from sim7020_bridge.http.app import App
from sim7020_bridge.http.listener import Limits, listen
from sim7020_bridge.http.names import Names


@asynccontextmanager
async def served(directory: Path, *add: Callable[[App], None]) -> AsyncIterator[int]:
    """Serve what is added to an app, and yield the port."""
    app = App(Access(directory / "none"), names=Names(local=True), pages={}, local=True, cookie="session")
    for each in add:
        each(app)
    async with listen("127.0.0.1", 0, app.answer, limits=Limits(clients=16, streams=4)) as port:
        yield port
