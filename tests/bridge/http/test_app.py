"""Routes behind the limits, over real sockets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import pytest

from sim7020_bridge.http import app as app_module
from sim7020_bridge.http import listener
from sim7020_bridge.http.access import Access
from sim7020_bridge.http.app import App, Call
from sim7020_bridge.http.listener import Limits, listen
from sim7020_bridge.http.names import Names
from sim7020_bridge.http.pages import Page
from sim7020_bridge.http.passwords import hashed, read_passwords, write_passwords
from sim7020_bridge.http.reply import EVENTS, LINES, Refusal, Reply, in_json
from sim7020_bridge.http.role import Role
from sim7020_bridge.http.stream import event
from tests.bridge.http.events import Events
from tests.web import connection, get, parsed, post, request, send, until

LIMITS = Limits(clients=16, streams=2)


def make(file: Path) -> App:
    """Return an app without routes, and one page by hand."""
    pages = {"/health": lambda: Page("text/plain", b"well")}
    return App(Access(file), names=Names(local=True), pages=pages, local=True, cookie="session")


class Served:
    """An app with its routes, and what they saw."""

    def __init__(self, file: Path) -> None:
        self.app = app = make(file)
        self.calls: list[Call] = []
        self.streams: list[Events] = []
        self.given_up = asyncio.Event()
        self.port = 0

        @app.get("/things/<name>", role=Role.READ_ONLY)
        async def thing(call: Call, name: str) -> Reply:
            self.calls.append(call)
            return in_json({"name": name, "query": call.arguments.get("q")})

        @app.post("/things/<name>", role=Role.FULL, longest=1000)
        async def change(call: Call, name: str) -> Reply:
            self.calls.append(call)
            return in_json({name: call.document()})

        @app.post("/open", role=Role.ANYONE)
        async def welcome(_call: Call) -> Reply:
            return in_json({})

        @app.get("/fails", role=Role.READ_ONLY)
        async def fails(call: Call) -> Reply:
            raise ZeroDivisionError(call.head.target)

        @app.get("/events", role=Role.READ_ONLY)
        async def events(_call: Call) -> Reply:
            waiting = Events(event("first", "1"))
            self.streams.append(waiting)
            return Reply(waiting.parts(), EVENTS)

        @app.get("/endless", role=Role.READ_ONLY)
        async def endless(_call: Call) -> Reply:
            return Reply(self._endless(), EVENTS)

        @app.get("/lines", role=Role.READ_ONLY)
        async def lines(_call: Call) -> Reply:
            return Reply(self._lines(), LINES)

    @property
    def open(self) -> int:
        """How many streams are read."""
        return sum(each.begun and not each.closed for each in self.streams)

    async def _endless(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield event("big", "x" * 10_000)
        finally:
            self.given_up.set()

    async def _lines(self) -> AsyncIterator[bytes]:
        try:
            yield b"{}\n"
            await asyncio.Event().wait()
        finally:
            self.given_up.set()


@asynccontextmanager
async def serving(app: App, limits: Limits = LIMITS) -> AsyncIterator[int]:
    """Have an app served on a free port."""
    async with listen("127.0.0.1", 0, app.answer, limits=limits) as port:
        yield port


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """Serve some routes on a free port."""
    served = Served(tmp_path / "passwords")
    async with serving(served.app) as served.port:
        yield served


async def test_a_route(served: Served) -> None:
    """A handler is given what stands for a name in the path, and its answer is JSON that nobody keeps."""
    answer = await get(served.port, "/things/one?q=a%20b&q=c")
    assert (answer.status, answer.document()) == (200, {"name": "one", "query": "a b"})
    assert answer.fields["content-type"] == "application/json; charset=utf-8"
    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["connection"] == "close"


async def test_security_headers(served: Served) -> None:
    """Every answer says that nothing else may run, frame or guess."""
    for path in ("/things/one", "/nothing", "/fails", "/health"):
        fields = (await get(served.port, path)).fields
        assert "default-src 'self'" in fields["content-security-policy"]
        assert "frame-ancestors 'none'" in fields["content-security-policy"]
        assert "unsafe" not in fields["content-security-policy"]
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["referrer-policy"] == "no-referrer"
        assert fields["x-frame-options"] == "DENY"


async def test_posting(served: Served) -> None:
    """A body is a JSON object, whole and no longer than its route allows."""
    assert (await post(served.port, "/things/one", {"a": 1})).document() == {"one": {"a": 1}}
    for wrong in (b"[]", b"{", b"", b"\xff", b"[" * 900):
        answer = await post(served.port, "/things/one", wrong)
        assert (answer.status, answer.code) == (400, "not_json")
    assert (await post(served.port, "/things/one", {}, Content_Type="text/plain")).status == 415
    assert (await post(served.port, "/things/one", b"x" * 1001)).status == 413
    half = request("POST", "/things/one", b"{}", {"Content-Length": "3"})
    async with connection(served.port, half) as (reader, writer):
        writer.write_eof()
        assert b" 400 " in await reader.readline()


async def test_what_is_not_there(served: Served) -> None:
    """Unknown paths, wrong methods and broken queries are refused in JSON."""
    assert (await get(served.port, "/nothing")).code == "not_found"
    answer = await post(served.port, "/fails")
    assert (answer.status, answer.code, answer.fields["allow"]) == (405, "wrong_method", "GET, HEAD")
    for method in ("OPTIONS", "DELETE", "PUT", "TRACE"):
        assert (await send(served.port, request(method, "/things/one"))).status == 405
    assert (await get(served.port, "/things/one?q=%zz")).status == 400
    assert (await post(served.port, "/health")).fields["allow"] == "GET, HEAD"


async def test_head(served: Served) -> None:
    """HEAD is answered like GET, without the document; a stream is not begun."""
    answer = await send(served.port, request("HEAD", "/things/one"))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.fields["content-length"] == "30"
    assert (await send(served.port, request("HEAD", "/events"))).body == b""
    assert [each.begun for each in served.streams] == [False]
    assert (await send(served.port, request("HEAD", "/health"))).body == b""


async def test_a_handler_that_fails(
    served: Served, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log says how, the client only that; nothing is printed."""
    with caplog.at_level(logging.ERROR):
        answer = await get(served.port, "/fails")
    assert (answer.status, answer.code) == (500, "failed")
    assert "ZeroDivisionError" in caplog.text
    assert b"ZeroDivisionError" not in answer.body
    assert capsys.readouterr() == ("", "")


async def test_events(served: Served) -> None:
    """What is pushed comes in order, and the end is heard."""
    async with connection(served.port, request("GET", "/events")) as (reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"text/event-stream" in head
        assert await reader.readuntil(b"\n\n") == b"event: first\ndata: 1\n\n"
        served.streams[0].push(event("more", "a\nb\rc", number="7-1"))
        assert await reader.readuntil(b"\n\n") == b"id: 7-1\nevent: more\ndata: a\ndata: b c\n\n"
    await until(lambda: not served.open)


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_who_is_sent_events_sends_nothing(served: Served, when: str) -> None:
    """The stream ends otherwise."""
    asked = request("GET", "/events")
    async with connection(served.port, asked + b"x" if when == "at once" else asked) as (reader, writer):
        if when == "later":
            await reader.readuntil(b"data: 1\n\n")
            writer.write(b"x")
        async with asyncio.timeout(30):
            with suppress(ConnectionError):
                await reader.read()
        await until(lambda: not served.open)


async def test_events_that_end(served: Served) -> None:
    """What waits is sent before the end."""
    async with connection(served.port, request("GET", "/events")) as (reader, _):
        await until(lambda: served.streams)
        served.streams[0].push(event("last", ""))
        served.streams[0].end()
        assert (await reader.read()).endswith(b"event: last\ndata: \n\n")


async def test_a_reader_that_does_not_read(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut."""
    monkeypatch.setattr(app_module, "PART_PATIENCE", 0.2)
    async with connection(served.port, request("GET", "/endless")), asyncio.timeout(30):
        await served.given_up.wait()


async def test_too_many_streams(served: Served) -> None:
    """Streams have a limit of their own: short requests are answered beside them."""
    async with AsyncExitStack() as stack:
        for _ in range(LIMITS.streams):
            reader, _ = await stack.enter_async_context(connection(served.port, request("GET", "/events")))
            await reader.readuntil(b"data: 1\n\n")
        answer = await get(served.port, "/events")
        assert (answer.status, answer.code) == (503, "too_many_streams")
        assert not served.streams[-1].begun
        assert (await get(served.port, "/health")).body == b"well"
    await until(lambda: not served.open)


async def test_who_only_looks_keeps_nobody_out(tmp_path: Path) -> None:
    """They have half of the streams, and half of what may be at work."""
    served = Served(tmp_path / "passwords")
    go_on = asyncio.Event()
    cookies = {}
    for role, password in ((Role.READ_ONLY, "only to look"), (Role.FULL, "for everything")):
        write_passwords(tmp_path / "passwords", {**read_passwords(tmp_path / "passwords"), role: hashed(password)})

    @served.app.get("/slow", role=Role.READ_ONLY)
    async def slow(_call: Call) -> Reply:
        await go_on.wait()
        return in_json({"done": True})

    async with serving(served.app, Limits(clients=4, streams=4)) as port, AsyncExitStack() as stack:
        for password in ("only to look", "for everything"):
            token = await served.app.access.log_in(password, "127.0.0.1")
            cookies[password] = {"Cookie": f"session={token}"}
        looking, full = cookies["only to look"], cookies["for everything"]
        for who, most in ((looking, 2), (full, 4)):
            while served.open < most:
                stream_request = request("GET", "/events", fields=who)
                reader, _ = await stack.enter_async_context(connection(port, stream_request))
                await reader.readuntil(b"data: 1\n\n")
            assert (await get(port, "/events", **who)).code == "too_many_streams"
        waiting = [asyncio.create_task(get(port, "/slow", **looking)) for _ in range(3)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        (refused,) = [task.result() for task in done]
        assert (refused.status, refused.code) == (503, "busy")
        assert (await get(port, "/things/one", **full)).status == 200
        go_on.set()
        assert sorted(answer.status for answer in await asyncio.gather(*waiting)) == [200, 200, 503]


async def test_lines(served: Served) -> None:
    """What comes in parts is sent as it comes, and whoever makes it is cancelled when nobody reads any more."""
    async with connection(served.port, request("GET", "/lines")) as (reader, _):
        await reader.readuntil(b"{}\n")
        assert not served.given_up.is_set()
    async with asyncio.timeout(30):
        await served.given_up.wait()


async def test_a_slow_sender(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body has its time, and no more."""
    monkeypatch.setattr(app_module, "BODY_PATIENCE", 0.05)
    answer = await send(served.port, request("POST", "/things/one", b"{}", {"Content-Length": "10"}))
    assert (answer.status, answer.code) == (408, "too_slow")


async def test_silent_clients_make_room(served: Served) -> None:
    """Clients that have not asked keep nobody out: the oldest of them goes."""
    async with AsyncExitStack() as stack:
        for _ in range(LIMITS.clients):
            await stack.enter_async_context(connection(served.port))
        assert (await get(served.port, "/health")).body == b"well"


async def test_whoever_waits_for_the_bridge_makes_no_room(tmp_path: Path) -> None:
    """A request that takes long is carried out to its end, however many come meanwhile."""
    app = make(tmp_path / "none")
    begun, go_on = asyncio.Event(), asyncio.Event()

    @app.post("/slow", role=Role.FULL)
    async def slow(_call: Call) -> Reply:
        begun.set()
        await go_on.wait()
        return in_json({"done": True})

    async with serving(app, Limits(clients=2)) as port:
        waiting = asyncio.create_task(post(port, "/slow"))
        await begun.wait()
        async with connection(port):
            for _ in range(5):
                assert (await get(port, "/health")).body == b"well"
        go_on.set()
        assert (await waiting).document() == {"done": True}


async def test_who_has_the_most_clients_makes_room(served: Served) -> None:
    """Somebody who fills a port again and again loses his own clients by that, and nobody else is hung up on."""
    async with connection(served.port, source="127.0.0.2") as (reader, writer), AsyncExitStack() as stack:
        for _ in range(3 * LIMITS.clients):
            await stack.enter_async_context(connection(served.port, b"GET / HTTP/1.1\r\n"))
        writer.write(request("GET", "/health"))
        async with asyncio.timeout(30):
            assert parsed(await reader.read()).body == b"well"


async def test_the_body_of_a_stranger_is_small_and_quick(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not known yet has little to say: it does not take long."""
    monkeypatch.setattr(listener, "PATIENCE", 0.2)
    for length, status in (("4096", 408), ("4097", 413)):
        answer = await send(served.port, request("POST", "/open", b"{}", {"Content-Length": length}))
        assert answer.status == status


def test_a_refusal_names_fields() -> None:
    """Fields of a head can be given as Python allows."""
    assert Refusal(HTTPStatus.FORBIDDEN, "a", "b", Retry_After="1").reply.fields == {"Retry-After": "1"}
