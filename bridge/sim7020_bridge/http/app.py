"""Routes behind the limits: the only file that knows microdot.

microdot finds the route; reading and writing, with all limits, is done here, and so is who may in: a route can't be
added without saying for whom it is.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import microdot
from microdot.microdot import NoCaseDict

from sim7020_bridge.http import listener
from sim7020_bridge.http.access import Access, Caller
from sim7020_bridge.http.head import BadHead, Head, read_head
from sim7020_bridge.http.listener import Connection, TooManyAtWork, TooManyStreams
from sim7020_bridge.http.names import Names, check_origin
from sim7020_bridge.http.pages import Pages
from sim7020_bridge.http.reply import Refusal, Reply
from sim7020_bridge.http.role import Role

log: Final = logging.getLogger(__name__)

LONGEST_BODY: Final = 256 * 1024
"""Bytes that may be sent with a request; more are refused without being read."""

LONGEST_OF_A_STRANGER: Final = 4096
"""The same, from somebody who need not have logged in; it has as long as a head."""

BODY_PATIENCE: Final = 20.0
"""Seconds that a client has to send a body."""

PART: Final = 16 * 1024
"""Bytes that are written at once."""

PART_PATIENCE: Final = 10.0
"""Seconds that a client has to take them."""

LINGER: Final = 2.0
"""Seconds that a refused client has to read why, while what it still sends is thrown away."""

_POLICY: Final = (
    "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors "
)
_SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Call(NamedTuple):
    """A request to a route, from somebody who may make it.

    Args:
        head: As it was sent.
        arguments: What the query says; of a name that is there twice, the first.
        cookies: By their names.
        body: All of it.
        caller: Who makes it.
        peer: The address that it is from.
        encrypted: The browser came by TLS, here or at a proxy.
    """

    head: Head
    arguments: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes
    caller: Caller
    peer: str
    encrypted: bool

    def document(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            Refusal: It is none.
        """
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "not_json", "the body must be a JSON object")
        return document


Handler = Callable[..., Awaitable[Reply]]
"""Takes a Call, and what stands for ``<name>`` in the path by that name; may raise Refusal."""


class Route(NamedTuple):
    """What is done for a method and a path, and for whom.

    Args:
        method: ``GET``, which HEAD is answered by as well, or ``POST``.
        path: With ``<name>`` for a segment, and ``<path:name>`` for all the rest; starts with a slash.
        role: Who may.
        longest: Bytes of a body.
    """

    method: str
    path: str
    role: Role
    longest: int


class App:
    """What a port serves: routes, and pages made by hand that everybody may get.

    Args:
        access: Who may in.
        names: Whom it may be asked for; None if whoever comes asks for somebody else, and that is in order.
        pages: By their paths.
        local: Only this machine can connect.
        cookie: The name of the cookie that holds a session.
        framed_by: What may show it in a frame, as in a Content-Security-Policy.
    """

    def __init__(
        self,
        access: Access,
        *,
        names: Names | None,
        pages: Pages,
        local: bool,
        cookie: str,
        framed_by: str = "'none'",
    ) -> None:
        self.access = access
        self.cookie = cookie
        self.routes: list[Route] = []
        self._names = names
        self._pages = pages
        self._local = local
        self._microdot = microdot.Microdot()
        self._security = {
            **_SECURITY,
            "Content-Security-Policy": _POLICY + framed_by,
            "X-Frame-Options": "DENY" if framed_by == "'none'" else "SAMEORIGIN",
        }

    def get(self, path: str, *, role: Role) -> Callable[[Handler], Handler]:
        """Register a coroutine function for GET; it changes nothing."""
        return self._register(Route("GET", path, role, 0))

    def post(self, path: str, *, role: Role, longest: int = LONGEST_BODY) -> Callable[[Handler], Handler]:
        """Register a coroutine function for POST; its body is JSON, of ``longest`` bytes at most."""
        most = LONGEST_OF_A_STRANGER if role is Role.ANYONE else longest
        return self._register(Route("POST", path, role, min(longest, most)))

    def _register(self, route: Route) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            async def carry_out(request: _Request, **arguments: str) -> microdot.Response:
                request.reply = await self._carry_out(route, handler, request, arguments)
                return microdot.Response()

            self.routes.append(route)
            self._microdot.route(route.path, methods=[route.method])(carry_out)
            return handler

        return register

    async def answer(self, connection: Connection) -> None:
        """Answer one client, once."""
        reply, caller, method, rest = await self._answer(connection)
        connection.waits()
        await self._send(connection, reply, caller, method=method)
        if rest:
            await _linger(connection)

    async def _answer(self, connection: Connection) -> tuple[Reply, Caller | None, str, bool]:
        """Return the reply, for whom it is, the method that was asked with, and whether there may be more to read."""
        try:
            async with asyncio.timeout(listener.PATIENCE):
                head = read_head(await connection.reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            refusal = Refusal(status, "too_long", f"a head has at most {listener.LONGEST_HEAD} bytes")
            return refusal.reply, None, "", True
        except BadHead as error:
            return Refusal(error.status, "bad_request", error.words).reply, None, "", True
        reply, caller = await self._reply(connection, head)
        return reply, caller, head.method, bool(head.length) and reply.status >= HTTPStatus.BAD_REQUEST

    async def _reply(self, connection: Connection, head: Head) -> tuple[Reply, Caller | None]:
        path = head.target.partition("?")[0]
        page = self._pages.get(path)
        try:
            if self._names is not None and (page is None or self._local):
                self._names.check(head)
            if page is not None:
                if head.method not in {"GET", "HEAD"}:
                    raise _not_allowed("GET, HEAD")
                made = page()
                return Reply(made.body, made.content_type, made.status), None
            request = _Request(self._microdot, connection, head)
        except Refusal as refusal:
            return refusal.reply, None
        if head.method in {"GET", "HEAD", "POST"}:
            await self._microdot.dispatch_request(request)
        if request.reply is not None:
            return request.reply, request.caller
        if methods := self._methods(request):
            return _not_allowed(methods).reply, None
        return Refusal(HTTPStatus.NOT_FOUND, "not_found", "there is nothing here").reply, None

    def _methods(self, request: microdot.Request) -> str:
        methods = self._microdot.default_options_handler(request)["Allow"].split(", ")
        return ", ".join(method for method in methods if method != "OPTIONS")

    async def _carry_out(self, route: Route, handler: Handler, request: "_Request", arguments: dict[str, str]) -> Reply:
        connection, head = request.connection, request.head
        try:
            posted, relayed = route.method == "POST", self._names is None
            check_origin(head, needed=posted, relayed=relayed, encrypted=connection.encrypted)
            request.caller = caller = await self._caller(route, head, request.cookies.get(self.cookie))
            body = await _body(route, connection, head)
            connection.only_looks = caller.role < Role.FULL
            connection.at_work()
            https = connection.encrypted or head.fields.get("origin", "").startswith("https://")
            call = Call(head, request.args, request.cookies, body, caller, connection.peer, https)
            return await handler(call, **arguments)
        except Refusal as refusal:
            return refusal.reply
        except TooManyAtWork:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return Refusal(status, "busy", "too much is asked for at once", Retry_After="1").reply
        except Exception:
            log.exception("%s %s failed", route.method, route.path)
            return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", "this failed: the log says how").reply

    async def _caller(self, route: Route, head: Head, token: str | None) -> Caller:
        local = self._local and (self._names is None or self._names.is_loopback(head))
        if route.role is Role.ANYONE:
            return Caller(Role.ANYONE, None, password=False, local=local)
        caller = await self.access.caller(token, local=local)
        if caller.role >= route.role:
            return caller
        if caller.role is Role.ANYONE:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "log_in", "log in first")
        raise Refusal(HTTPStatus.FORBIDDEN, "read_only", "this log-in may look, and change nothing")

    async def _send(self, connection: Connection, reply: Reply, caller: Caller | None, *, method: str) -> None:
        body = reply.body
        if isinstance(body, bytes):
            await self._send_head(connection, reply, length=len(body))
            if method != "HEAD":
                for start in range(0, len(body), PART):
                    await _write(connection, body[start : start + PART])
            return
        try:
            await self._stream(connection, reply, body, caller, method=method)
        except TooManyStreams:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            refusal = Refusal(status, "too_many_streams", "too many pages are open", Retry_After="5")
            await self._send(connection, refusal.reply, None, method=method)
        finally:
            if isinstance(body, AsyncGenerator):
                await body.aclose()

    async def _stream(
        self, connection: Connection, reply: Reply, parts: AsyncIterator[bytes], caller: Caller | None, *, method: str
    ) -> None:
        """Send parts as they come, until there are no more, the client goes away, or it may be there no longer."""
        over = asyncio.timeout(None)

        def end() -> None:
            if not over.expired():
                over.reschedule(0)

        try:
            async with over:
                with connection.as_stream(end), self.access.staying(caller, end):
                    # nginx would keep it back until it has enough
                    fields = {**reply.fields, "X-Accel-Buffering": "no"}
                    await self._send_head(connection, reply._replace(fields=fields))
                    if method == "HEAD" or not await _is_silent(connection):
                        return
                    async for part in parts:
                        await _write(connection, part)
        except TimeoutError:
            if not over.expired():
                raise

    async def _send_head(self, connection: Connection, reply: Reply, *, length: int | None = None) -> None:
        connection.writer.transport.set_write_buffer_limits(high=PART)
        fields = {"Cache-Control": "no-store", **self._security, **reply.fields}
        if reply.status is not HTTPStatus.NO_CONTENT:
            fields["Content-Type"] = reply.content_type
            if length is not None:
                fields["Content-Length"] = str(length)
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        status = f"HTTP/1.1 {reply.status.value} {reply.status.phrase}\r\n"
        await _write(connection, f"{status}{lines}Connection: close\r\n\r\n".encode("latin-1", errors="replace"))


class _Request(microdot.Request):
    """What microdot knows of a request, and what it does not."""

    def __init__(self, app: microdot.Microdot, connection: Connection, head: Head) -> None:
        self.connection = connection
        self.head = head
        self.caller: Caller | None = None
        self.reply: Reply | None = None
        # microdot would read the length as well, and refuse by a limit that all its applications share
        fields = {name: value for name, value in head.fields.items() if name != "content-length"}
        address = (connection.peer, 0)
        try:
            super().__init__(app, address, head.method, head.target, head.version, NoCaseDict(fields))
        except ValueError as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, "bad_request", "the query can't be read") from error


def _not_allowed(methods: str) -> Refusal:
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "wrong_method", f"this takes {methods}", Allow=methods)


async def _body(route: Route, connection: Connection, head: Head) -> bytes:
    if head.length > route.longest:
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise Refusal(status, "too_long", f"the body has more than {route.longest} bytes")
    if route.method == "POST" and head.fields.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "the body must be application/json")
    try:
        async with asyncio.timeout(listener.PATIENCE if route.role is Role.ANYONE else BODY_PATIENCE):
            return await connection.reader.readexactly(head.length)
    except TimeoutError:
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "the body did not come to its end in time") from None
    except (OSError, asyncio.IncompleteReadError):
        raise Refusal(HTTPStatus.BAD_REQUEST, "bad_request", "the body is shorter than it should be") from None


async def _write(connection: Connection, part: bytes) -> None:
    connection.writer.write(part)
    if not connection.writer.transport.get_write_buffer_size():
        # it is with the client's system: nobody need watch how long that takes
        await connection.writer.drain()
        return
    async with asyncio.timeout(PART_PATIENCE):
        await connection.writer.drain()


async def _is_silent(connection: Connection) -> bool:
    """Whether a client that is sent a stream has sent nothing after its request, and is there."""
    try:
        async with asyncio.timeout(0):
            await connection.reader.read(1)
    except TimeoutError:
        return True
    return False


async def _linger(connection: Connection) -> None:
    """Throw away what a refused client still sends: hanging up on it at once, it would not get the answer."""
    with contextlib.suppress(OSError, TimeoutError):
        if connection.writer.can_write_eof():
            connection.writer.write_eof()
        async with asyncio.timeout(LINGER):
            while await connection.reader.read(listener.LONGEST_HEAD):
                pass
