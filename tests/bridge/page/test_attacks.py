"""What THREAT_MODEL.md says is held, tried over real sockets against every route that there is."""

import asyncio
import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sim7020_bridge.page
from sim7020_bridge.config.model import HttpSettings
from sim7020_bridge.http import access as access_module
from sim7020_bridge.http import app as app_module
from sim7020_bridge.http import listener
from sim7020_bridge.http.access import IDLE
from sim7020_bridge.http.app import App, Call, Route
from sim7020_bridge.http.reply import EVENTS, Reply
from sim7020_bridge.http.role import Role
from sim7020_bridge.http.stream import event
from sim7020_bridge.page.page import LIMITS, Page, Part
from tests.bridge.http.events import Events
from tests.bridge.page.whole import ALL, EYES, page, serving, weak, with_passwords
from tests.fast_time import FastLoop
from tests.web import connection, get, post, request, send

HERE = HttpSettings(port=0, page=True)
BODY = 8 * 1024 * 1024


def parts() -> Iterator[Part]:
    """Yield all parts of the page but those that every page has; nothing is behind them."""
    for found in pkgutil.iter_modules(sim7020_bridge.page.__path__):
        module = importlib.import_module(f"sim7020_bridge.page.{found.name}")
        routes = getattr(module, "routes", None)
        if routes is None or found.name == "session":
            continue
        needed = [*inspect.signature(routes).parameters.values()][1:]
        behind = {each.name: MagicMock() for each in needed if each.default is each.empty}

        def part(app: App, routes: Part = routes, behind: dict[str, MagicMock] = behind) -> None:
            routes(app, **behind)

        yield part


def whole(file: Path) -> Page:
    """Return the page with all of its parts."""
    return page(HERE, file, parts=[*parts()])


ROUTES = whole(Path("none")).app.routes
POSTS = [route for route in ROUTES if route.method == "POST"]
NEEDS_A_LOG_IN = [route for route in ROUTES if route.role is not Role.ANYONE]


def filled_in(route: Route) -> str:
    """Return a path that a route answers."""
    return re.sub(r"<(?:\w+:)?\w+>", "shed", route.path)


def asked(route: Route, fields: dict[str, str], host: str = "localhost") -> bytes:
    """Return a request to a route."""
    return request(route.method, filled_in(route), {} if route.method == "POST" else None, fields, host)


def test_there_is_something_to_attack() -> None:
    """The parts are found, and everything but the files and the log-in is for whom has logged in."""
    assert len(POSTS) >= 6
    public = {(route.method, route.path) for route in ROUTES if route.role is Role.ANYONE}
    assert public == {
        ("GET", "/"),
        ("GET", "/static/<path:name>"),
        ("POST", "/api/login"),
        ("POST", "/api/logout"),
    }
    assert {route.role for route in POSTS} == {Role.ANYONE, Role.FULL}


async def test_no_cookie_and_an_invented_one(tmp_path: Path) -> None:
    """Without a session there is nothing, whatever is asked."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        for route in NEEDS_A_LOG_IN:
            for cookie in ("", "sim7020_0=", "sim7020_0=x", f"sim7020_0={'A' * 43}", "=", ";;;", "sim7020_0"):
                answer = await send(port, asked(route, {"Cookie": cookie}))
                assert (answer.status, answer.code) == (401, "log_in"), route


async def test_forged_origin(tmp_path: Path) -> None:
    """A page elsewhere has a browser that is logged in send whatever it likes: nothing of it is done."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        cookie = (await post(port, "/api/login", {"password": ALL})).cookie
        for route in ROUTES:
            for fields in (
                {"Origin": "http://evil.example"},
                {"Origin": "null"},
                {"Origin": "http://localhost:1"},
                {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
                {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
            ):
                answer = await send(port, asked(route, {"Cookie": cookie, **fields}))
                assert (answer.status, answer.code) == (403, "wrong_origin"), (route, fields)
        for route in POSTS:
            assert (await send(port, asked(route, {"Cookie": cookie, "Origin": ""}))).status == 403
        assert (await get(port, "/api/session", Cookie=cookie)).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_what_a_form_elsewhere_can_send(tmp_path: Path, kind: str) -> None:
    """A form sends these without asking first: they are never taken for JSON."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        cookie = (await post(port, "/api/login", {"password": ALL})).cookie
        for route in POSTS:
            answer = await send(port, asked(route, {"Cookie": cookie, "Content-Type": kind}))
            assert answer.status == 415, route


async def test_forged_host(tmp_path: Path) -> None:
    """A name that somebody has lead here (DNS rebinding) gets nothing, not even the page."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        cookie = (await post(port, "/api/login", {"password": ALL})).cookie
        for route in ROUTES:
            for host in ("evil.example", "evil.example:8020", "127.0.0.1.evil.example", "localhost.evil.example"):
                answer = await send(port, asked(route, {"Cookie": cookie}, host=host))
                assert (answer.status, answer.code) == (421, "wrong_host"), route
        assert (await get(port, "/nothing", Host="evil.example")).status == 421


async def test_forged_host_without_a_password(tmp_path: Path) -> None:
    """Where nobody needs one, it is the only border."""
    async with serving(whole(tmp_path / "none")) as port:
        for route in ROUTES:
            answer = await send(port, asked(route, {}, host="evil.example"))
            assert (answer.status, answer.code) == (421, "wrong_host"), route


async def test_read_only(tmp_path: Path) -> None:
    """Who may look can post nowhere but to log in and out, and is told so."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        cookie = (await post(port, "/api/login", {"password": EYES})).cookie
        for route in ROUTES:
            if route.role is Role.FULL:
                answer = await send(port, asked(route, {"Cookie": cookie}))
                assert (answer.status, answer.code) == (403, "read_only"), route
        assert (await get(port, "/api/session", Cookie=cookie)).document()["role"] == "read_only"
        assert (await post(port, "/api/logout", {}, Cookie=cookie)).status == 204


async def test_expired_session(tmp_path: Path) -> None:
    """It is as none, everywhere."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        cookie = (await post(port, "/api/login", {"password": ALL})).cookie
        loop = asyncio.get_running_loop()
        assert isinstance(loop, FastLoop)
        loop._pace.now += IDLE
        for route in NEEDS_A_LOG_IN:
            answer = await send(port, asked(route, {"Cookie": cookie}))
            assert (answer.status, answer.code) == (401, "log_in"), route


async def test_wrong_methods(tmp_path: Path) -> None:
    """Every route has one method, and HEAD where that is GET; the answer says which."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        for route in ROUTES:
            path, methods = filled_in(route), {each.method for each in ROUTES if filled_in(each) == filled_in(route)}
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"} - methods:
                answer = await send(port, request(method, path, {} if method == "POST" else None))
                assert (answer.status, answer.code) == (405, "wrong_method"), (method, path)
                assert set(answer.fields["allow"].split(", ")) - {"HEAD"} == methods


SLOW = {
    "head": b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    "body": request("POST", "/api/login", b"", {"Content-Length": "1000"}),
}


@pytest.mark.parametrize("where", SLOW)
async def test_a_slow_sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Who sends a head, or a body, a byte at a time is hung up on."""
    monkeypatch.setattr(listener, "PATIENCE", 0.2)
    monkeypatch.setattr(app_module, "BODY_PATIENCE", 0.2)
    async with serving(whole(tmp_path / "none")) as port, connection(port, SLOW[where]) as (reader, writer):
        answer = asyncio.create_task(reader.read())
        async with asyncio.timeout(30):
            while not answer.done():
                writer.write(b"x")
                await asyncio.sleep(0.02)
        error = answer.exception()
        assert isinstance(error, ConnectionError) or answer.result() == b"" or b" 408 " in answer.result()


async def test_a_slow_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not take the answer is hung up on, and nothing of it is kept."""
    monkeypatch.setattr(app_module, "PART_PATIENCE", 0.2)
    monkeypatch.setattr(listener, "PATIENCE", 0.2)
    ended = asyncio.Event()

    def big(app: App) -> None:
        @app.get("/api/big", role=Role.READ_ONLY)
        async def big(_call: Call) -> Reply:
            asyncio.current_task().add_done_callback(lambda _: ended.set())  # type: ignore[union-attr]
            return Reply(b"x" * 64 * 1024 * 1024)

    async with (
        serving(page(HERE, tmp_path / "none", parts=[big])) as port,
        connection(port, request("GET", "/api/big")),
        asyncio.timeout(30),
    ):
        await ended.wait()


@pytest.mark.parametrize("cookie", ["none", "full"])
async def test_eight_megabytes(tmp_path: Path, cookie: str) -> None:
    """A body that is too long is refused by its length alone; who isn't in can't send a byte of one."""
    async with serving(whole(with_passwords(tmp_path))) as port:
        held = (await post(port, "/api/login", {"password": ALL})).cookie if cookie == "full" else ""
        for route in POSTS:
            fields = {"Cookie": held, "Content-Length": str(BODY)}
            answer = await send(port, asked(route, fields))
            refused = 401 if route.role is not Role.ANYONE and not held else 413
            assert answer.status == refused, route
        # it is read although more is on its way than either side can hold
        assert (await post(port, "/api/login", b"x" * BODY)).status == 413


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(b"Content-Length: 2\r\nContent-Length: 40\r\n", id="two lengths"),
        pytest.param(b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", id="length and chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", id="chunks"),
        pytest.param(b"Transfer-Encoding: identity\r\n", id="identity"),
        pytest.param(b"transfer-encoding:\tchunked\r\nContent-Length: 2\r\n", id="a tab"),
        pytest.param(b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n", id="a blank"),
        pytest.param(b"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", id="folded"),
        pytest.param(b"X: a\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n", id="a lone line feed"),
        pytest.param(b"Content-Length: 2 2\r\n", id="a length with a blank"),
        pytest.param(b"Content-Length: 02\r\nContent-Length: 2\r\n", id="the same twice"),
        pytest.param(b"Content-Length: 2_0\r\n", id="digits as Python has them"),
    ],
)
async def test_smuggling(tmp_path: Path, fields: bytes) -> None:
    """What could be read in two ways is refused, and nothing that comes after it is read as a request."""
    async with serving(whole(tmp_path / "none")) as port:
        begin = b"POST /api/logout HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
        kind = b"Content-Type: application/json\r\n"
        answer = await send(port, begin + kind + fields + b"\r\n{}" + request("GET", "/api/session"))
        assert answer.status in {400, 501}
        assert answer.body.count(b"HTTP/1.1") == 0


async def test_one_request_for_each_connection(tmp_path: Path) -> None:
    """A second one behind the first, or in its body, is never read."""
    async with serving(whole(tmp_path / "none")) as port:
        second = request("GET", "/api/session")
        for first in (request("GET", "/"), request("POST", "/api/logout", {}), request("GET", "/health")):
            answer = await send(port, first + second)
            assert answer.fields["connection"] == "close"
            assert b"HTTP/1.1" not in answer.body
        body = await send(port, request("GET", "/", fields={"Content-Length": str(len(second))}) + second)
        assert body.status == 413


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(b"X: y\r\n" * 100_000, id="many fields"),
        pytest.param(b"X: " + b"y" * 1_000_000 + b"\r\n", id="one that is long"),
        pytest.param(b"".join(b"X%d: y\r\n" % number for number in range(500)), id="different ones"),
        pytest.param(b"Cookie: " + b"a=b; " * 100_000 + b"\r\n", id="cookies"),
        pytest.param(b"y" * 1_000_000, id="no field at all"),
    ],
)
async def test_header_floods(tmp_path: Path, flood: bytes) -> None:
    """A head has a length and a number of fields; more is not kept, and others are served."""
    async with serving(whole(tmp_path / "none")) as port:
        for start in (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"GET /?" + b"q" * 9000):
            answer = await send(port, start + flood + b"\r\n\r\n")
            assert answer.status in {0, 400, 431}
        assert (await get(port, "/health")).body == b"well"


async def test_a_query_and_cookies_that_are_no_good(tmp_path: Path) -> None:
    """They are mistakes of the client's."""
    async with serving(whole(tmp_path / "none")) as port:
        for query in ("%", "%zz", "%ff", "a=%e4", "&&&=", "=", "a[]=1", "%00", "+" * 4000):
            assert (await get(port, f"/api/session?{query}")).status in {200, 400}
        for cookie in ("=", ";", "a", "a=b=c", '"', "\xff", "a=b; " * 1000):
            assert (await get(port, "/api/session", Cookie=cookie)).status == 200


OTHER_PROTOCOLS = [b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\n"]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.sampled_from(OTHER_PROTOCOLS)))
def test_garbage(capsys: pytest.CaptureFixture[str], noise: bytes) -> None:
    """Whatever comes, nothing is printed, and the next client is served."""

    async def live() -> None:
        async with serving(page(HERE, Path("none"))) as port:
            async with connection(port, noise) as (reader, writer):
                writer.write_eof()
                async with asyncio.timeout(30):
                    with suppress(ConnectionError):
                        await reader.read()
            assert (await get(port, "/health")).body == b"well"

    asyncio.run(live())
    assert capsys.readouterr().err == ""


@asynccontextmanager
async def streaming(tmp_path: Path) -> AsyncIterator[tuple[int, list[Events]]]:
    """Serve a page with a stream."""
    streams: list[Events] = []

    def live(app: App) -> None:
        @app.get("/api/events", role=Role.READ_ONLY)
        async def events(_call: Call) -> Reply:
            streams.append(Events(event("first", "")))
            return Reply(streams[-1].parts(), EVENTS)

    async with serving(page(HERE, with_passwords(tmp_path), parts=[live])) as port:
        yield port, streams


async def test_fifty_streams(tmp_path: Path) -> None:
    """Each gets what is told, short requests are served beside them, and there is an end to their number."""
    async with streaming(tmp_path) as (port, streams), AsyncExitStack() as stack:
        cookie = (await post(port, "/api/login", {"password": ALL})).cookie
        readers = []
        for number in range(LIMITS.streams):
            source = f"127.0.0.{number % 50 + 1}"
            begun = connection(port, request("GET", "/api/events", fields={"Cookie": cookie}), source=source)
            reader, _ = await stack.enter_async_context(begun)
            await reader.readuntil(b"data: \n\n")
            readers.append(reader)
        for stream in streams:
            stream.push(event("more", "1"))
        for reader in readers:
            assert await reader.readuntil(b"\n\n") == b"event: more\ndata: 1\n\n"
        assert (await get(port, "/api/events", Cookie=cookie)).status == 503
        assert (await get(port, "/health")).body == b"well"
        assert (await get(port, "/api/session", Cookie=cookie)).status == 200
        assert (await get(port, "/api/events", Origin="http://evil.example", Cookie=cookie)).status == 403


async def test_a_stream_ends_with_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has logged out, or whose password is another by now, hears no more."""
    monkeypatch.setattr(access_module, "LOOK_AGAIN", 0.05)
    async with streaming(tmp_path) as (port, _):
        for end in ("log out", "password"):
            cookie = (await post(port, "/api/login", {"password": ALL})).cookie
            async with connection(port, request("GET", "/api/events", fields={"Cookie": cookie})) as (reader, _):
                await reader.readuntil(b"data: \n\n")
                if end == "log out":
                    await post(port, "/api/logout", {}, Cookie=cookie)
                else:
                    with_passwords(tmp_path, lambda password: weak(password + "!"))
                async with asyncio.timeout(30):
                    assert await reader.read() == b""


async def test_clients_that_say_nothing(tmp_path: Path) -> None:
    """As many as there may be keep nobody out."""
    async with serving(whole(tmp_path / "none")) as port, AsyncExitStack() as stack:
        for _ in range(LIMITS.clients):
            await stack.enter_async_context(connection(port, os.urandom(3).hex().encode()))
        for _ in range(20):
            assert (await get(port, "/health")).body == b"well"


HALFWAY = {
    "head": b"GET / HTTP/1.1\r\n",
    "body": request("POST", "/api/login", b"", {"Content-Length": "1000"}),
    "answer": request("GET", "/api/big"),
    "refused": request("POST", "/api/login", b"x", {"Content-Length": "99999999"}),
}


@pytest.mark.parametrize("where", HALFWAY)
async def test_clients_that_stop_halfway(tmp_path: Path, where: str) -> None:
    """Who begins to ask and stops, or does not take the answer, keeps nobody out either."""

    def big(app: App) -> None:
        @app.get("/api/big", role=Role.READ_ONLY)
        async def big(_call: Call) -> Reply:
            return Reply(b"x" * 8 * 1024 * 1024)

    async with serving(page(HERE, tmp_path / "none", parts=[big])) as port, AsyncExitStack() as stack:
        for _ in range(LIMITS.clients):
            await stack.enter_async_context(connection(port, HALFWAY[where]))
        for _ in range(20):
            assert (await get(port, "/health")).body == b"well"
