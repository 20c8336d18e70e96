"""The HTTP port with good clients, bad ones, and such as say nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from http import HTTPStatus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim7020_bridge.http import listener
from sim7020_bridge.http.pages import Page, serve
from tests.no_threads import no_threads
from tests.ports import free_port

PAGES = {"/health": lambda: Page("text/plain", b"well", HTTPStatus.SERVICE_UNAVAILABLE)}


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve a page on a free port."""
    async with serve("127.0.0.1", 0, PAGES) as port:
        yield port


def test_a_name_leaves_no_thread_to_end() -> None:
    """What a name leads to is found out in a way that the end of the program needs no thread for."""

    async def run() -> bytes:
        async with serve("localhost", free_port(), PAGES) as port:
            return await ask(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")

    async def end(threads: ExitStack) -> bytes:
        answer = await run()
        threads.enter_context(no_threads())
        return answer

    with ExitStack() as threads:
        assert b"well" in asyncio.run(end(threads))


@pytest.mark.parametrize("turns", range(1, 6))
async def test_start_that_is_cancelled_leaves_nothing_open(turns: int) -> None:
    """At whichever turn of the loop a signal comes, the port is free again."""
    number = free_port()

    async def run() -> None:
        async with serve("127.0.0.1", number, PAGES):
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    for _turn in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", number)


async def ask(port: int, request: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /health HTTP/1.1", b"503 Service Unavailable"),
        (b"GET /health?verbose HTTP/1.0", b"503 Service Unavailable"),
        (b"GET /other HTTP/1.1", b"404 Not Found"),
        (b"GET / HTTP/1.1", b"200 OK"),
        (b"POST /health HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET /health", b"400 Bad Request"),
        (b"GET /health HTTP/2", b"400 Bad Request"),
        (b"\xff\xfe\x00", b"400 Bad Request"),
        (b"", b"400 Bad Request"),
    ],
)
async def test_answers(port: int, request_line: bytes, status: bytes) -> None:
    """Each request has an answer with its length, and the connection is closed."""
    answer = await ask(port, request_line + b"\r\nHost: localhost\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert f"Content-Length: {len(body)}".encode() in head.splitlines()
    if status.startswith(b"503"):
        assert body == b"well"
    if status.startswith(b"200"):
        assert b'<a href="/health">' in body
    if status.startswith(b"405"):
        assert b"Allow: GET, HEAD" in head.splitlines()


async def test_head_has_no_body(port: int) -> None:
    """HEAD is answered like GET, without the document."""
    answer = await ask(port, b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"Content-Length: 4\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_head_that_is_too_long(port: int) -> None:
    """More than a head may have is refused and not kept in memory."""
    answer = await ask(port, b"GET /health HTTP/1.1\r\nX: " + b"y" * 20000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


async def test_silent_clients(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that say nothing are hung up on, and keep nobody else out for long."""
    monkeypatch.setattr(listener, "PATIENCE", 0.2)
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
    async with asyncio.timeout(10):
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()
    assert b"well" in await ask(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")


async def test_too_many_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """For one client more than there may be, the one that is waited for the longest is hung up on, and no other."""
    monkeypatch.setattr(listener, "MOST_CLIENTS", 3)
    async with serve("127.0.0.1", 0, PAGES) as port:
        await _crowd(port)


async def _crowd(port: int) -> None:
    first, hung_up = await asyncio.open_connection("127.0.0.1", port)
    others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            assert await first.read() == b""
        hung_up.close()
        for reader, writer in others:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"well" in await reader.read()
            writer.close()


async def test_the_end_hangs_up() -> None:
    """A client that is there when the port closes doesn't hold that up."""
    async with serve("127.0.0.1", 0, PAGES) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET ")
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes(noise: bytes) -> None:
    """Whatever comes, the port answers the next one."""

    async def live() -> None:
        async with serve("127.0.0.1", 0, PAGES) as port:
            await ask(port, noise)
            assert b"well" in await ask(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")

    asyncio.run(live())


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ((b"Host: 127.0.0.1:7020",), b"503"),
        ((b"host: [::1]:7020",), b"503"),
        ((b"Host: LOCALHOST",), b"503"),
        ((b"Host: rebound.example",), b"421 Misdirected Request"),
        ((b"Host: rebound.example:7020",), b"421"),
        ((b"Host: 192.0.2.1",), b"421"),
        ((b"Host: ",), b"421"),
        ((b"Host: [",), b"421"),
        ((), b"400 Bad Request"),
        ((b"Host: localhost", b"Host: rebound.example"), b"400"),
    ],
)
async def test_whom_it_is_asked_for(port: int, fields: tuple[bytes, ...], status: bytes) -> None:
    """A web page that has its own name lead to this machine learns nothing."""
    answer = await ask(port, b"\r\n".join((b"GET /health HTTP/1.1", *fields, b"", b"")))
    assert answer.startswith(b"HTTP/1.1 " + status)


async def test_without_a_host() -> None:
    """HTTP/1.0 needs none; and where others may ask, this machine has names that it does not know of."""
    async with serve("127.0.0.1", 0, PAGES) as port:
        assert (await ask(port, b"GET /health HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 503")
    async with serve("0.0.0.0", 0, PAGES) as port:  # noqa: S104 - for a moment
        assert (await ask(port, b"GET /health HTTP/1.1\r\nHost: pi.example\r\n\r\n")).startswith(b"HTTP/1.1 503")
