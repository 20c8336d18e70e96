"""The page behind its ports: the parts put together, and who is let in where."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim7020_bridge.config.model import HttpSettings, IngressSettings
from sim7020_bridge.http.access import CLOSED, Access
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.files import Files
from sim7020_bridge.http.listener import Limits, is_loopback, listen
from sim7020_bridge.http.names import Names
from sim7020_bridge.http.pages import Pages
from sim7020_bridge.http.reply import Refusal, Reply
from sim7020_bridge.http.role import Role
from sim7020_bridge.page import session
from sim7020_bridge.page.session import About

if TYPE_CHECKING:
    from sim7020_bridge.http.certificate import Certificate

log: Final = logging.getLogger(__name__)

LIMITS: Final = Limits(clients=128, streams=64)
"""A browser that opens the page asks for six files at once, and then keeps a stream."""

WWW: Final = Path(__file__).parent / "www"

Part = Callable[[App], None]
"""Adds its routes to a port's; called once for each port."""


class Page:
    """What is served where the page is wanted.

    Args:
        settings: Of the port.
        passwords: The file of passwords.
        about: Tells what it is the page of, as it is now.
        pages: Those made by hand, which everybody may get.
        parts: What there is beside the files and the log-in.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        passwords: Path,
        about: Callable[[], About],
        pages: Pages,
        parts: Sequence[Part] = (),
    ) -> None:
        self._settings = settings
        self._local = local = is_loopback(f"[{settings.host}]" if ":" in settings.host else settings.host)
        self._access = Access(passwords)
        # a browser sends the cookies of a name to all its ports
        cookie = f"sim7020_{settings.port}"
        names = Names(local=local, allowed=settings.allowed_hosts)
        self.app = App(self._access, names=names, pages=pages, local=local, cookie=cookie)
        self._supervised: tuple[App, IngressSettings] | None = None
        apps = [self.app]
        if settings.ingress is not None:
            trusted = Access(passwords, trusted=True)
            ingress = App(trusted, names=None, pages=pages, local=False, cookie=cookie, framed_by="'self'")
            self._supervised = ingress, settings.ingress
            apps.append(ingress)
        files = Files(WWW)
        for app in apps:
            _files(app, files=files)
            session.routes(app, about=about)
            for part in parts:
                part(app)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        """Serve it, and yield the port.

        Raises:
            OSError: It can't listen there, or its certificate can't be used.
        """
        settings, certificate = self._settings, None
        if settings.tls is not None:
            # only where it is wanted: it takes memory
            from sim7020_bridge.http.certificate import Certificate  # noqa: PLC0415

            certificate = Certificate(settings.tls.cert_file, settings.tls.key_file)
            await certificate.load()
        tls = None if certificate is None else certificate.context
        async with AsyncExitStack() as stack:
            if self._supervised is not None:
                await stack.enter_async_context(_serve_supervisor(*self._supervised))
            open_port = listen(settings.host, settings.port, self.app.answer, limits=LIMITS, tls=tls)
            port = await stack.enter_async_context(open_port)
            if certificate is not None:
                await stack.enter_async_context(_following(certificate))
            # asked in any case, so that it is known from the beginning that there are some
            if not await self._has_passwords() and not self._local:
                log.error("the page is closed: %s", CLOSED)
            yield port

    async def _has_passwords(self) -> bool:
        try:
            return await self._access.has_passwords()
        except Refusal:  # the log says so
            return True


def _files(app: App, *, files: Files) -> None:
    @app.get("/", role=Role.ANYONE)
    async def index(call: Call) -> Reply:
        return await files.reply("index.html", call.head.fields)

    @app.get("/static/<path:name>", role=Role.ANYONE)
    async def static(call: Call, name: str) -> Reply:
        return await files.reply(name, call.head.fields)


@asynccontextmanager
async def _serve_supervisor(app: App, settings: IngressSettings) -> AsyncIterator[None]:
    try:
        host = _address_towards(settings.supervisor)
    except OSError as error:
        raise OSError(f"http.ingress: no way to {settings.supervisor}: {error.strerror}") from error
    async with listen(host, settings.port, app.answer, limits=LIMITS, only=settings.supervisor) as port:
        log.info("the page is at port %d of %s for the Supervisor", port, host)
        yield


@asynccontextmanager
async def _following(certificate: "Certificate") -> AsyncIterator[None]:
    following = asyncio.create_task(certificate.follow(), name="certificate")
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _address_towards(peer: str) -> str:
    """Return the own address in the network of a peer, to whom nothing is sent.

    Raises:
        OSError: There is no way to it.
    """
    with socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((peer, 9))
        return str(way.getsockname()[0])
