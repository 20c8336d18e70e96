"""The page behind its port: all routes put together, and the port kept open."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import HttpSettings
from sim7020_bridge.http.access import CLOSED, Access
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.files import Files
from sim7020_bridge.http.listener import Limits, is_loopback, listen
from sim7020_bridge.http.names import Names
from sim7020_bridge.http.pages import Pages
from sim7020_bridge.http.passwords import Role
from sim7020_bridge.http.reply import Refusal, Reply
from sim7020_bridge.page import session
from sim7020_bridge.page.modem import Modem

log: Final = logging.getLogger(__name__)

LIMITS: Final = Limits(clients=128, streams=64, silence=1.0)
"""A browser that opens the page asks for six files at once, and then keeps a stream."""

WWW: Final = Path(__file__).parent / "www"


class Page:
    """What is served where the page is wanted.

    Args:
        settings: Of the port.
        passwords: The file of passwords.
        modems: What it shows.
        base_topic: What all topics start with.
        pages: Those made by hand, which everybody may get.
        setup: There is no configuration yet.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        passwords: Path,
        modems: Sequence[Modem],
        base_topic: str,
        pages: Pages,
        setup: bool = False,
    ) -> None:
        self._settings = settings
        self._local = local = is_loopback(f"[{settings.host}]" if ":" in settings.host else settings.host)
        self._access = Access(passwords)
        self.app = App(
            self._access,
            names=Names(local=local, allowed=settings.allowed_hosts),
            pages=pages,
            local=local,
            # a browser sends the cookies of a name to all its ports
            cookie=f"sim7020_{settings.port}",
        )
        _files(self.app)
        session.routes(self.app, modems=modems, base_topic=base_topic, setup=setup)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        """Serve it, and yield the port.

        Raises:
            OSError: It can't listen there.
        """
        async with listen(self._settings.host, self._settings.port, self.app.answer, limits=LIMITS) as port:
            if not self._local and not await self._has_passwords():
                log.error("the page is closed: %s", CLOSED)
            yield port

    async def _has_passwords(self) -> bool:
        try:
            return await self._access.has_passwords()
        except Refusal:  # the log says so
            return True


def _files(app: App) -> None:
    files = Files(WWW)

    @app.get("/", role=Role.ANYONE)
    async def index(call: Call) -> Reply:
        return await files.reply("index.html", call.head.fields)

    @app.get("/static/<path:name>", role=Role.ANYONE)
    async def static(call: Call, name: str) -> Reply:
        return await files.reply(name, call.head.fields)
