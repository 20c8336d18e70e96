"""TLS handshakes by strangers, who have the bridge sign for the price of a hello."""

import asyncio
import ssl
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from sim7020_bridge.http import handshakes, listener
from sim7020_bridge.http.certificate import Certificate
from sim7020_bridge.http.listener import Connection, Limits, listen
from tests.bridge.http.test_access import passes
from tests.certificates import certificate
from tests.web import until

TURNS = 200
"""Of the event loop; far more than a handshake takes."""

REST = 3600.0


async def answer(client: Connection) -> None:
    """Say nothing."""
    await client.reader.read()


def hello() -> bytes:
    """Return what a client begins with."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.fixture
async def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Return a certificate, after each step of a handshake with which it is rested for an hour."""
    monkeypatch.setattr(handshakes, "REST", 1e12)
    monkeypatch.setattr(handshakes, "LONGEST_REST", REST)
    monkeypatch.setattr(listener, "PATIENCE", 100 * REST)
    # loopback has addresses enough for a crowd, but all of them are one machine's
    monkeypatch.setattr(handshakes, "whose", str)
    shown = Certificate(*certificate(tmp_path, "localhost"))
    await shown.load()
    return shown


class Clients:
    """Those who have said hello, and who of them has been answered."""

    def __init__(self, stack: AsyncExitStack, port: int) -> None:
        self._stack = stack
        self._port = port
        self.answered: list[str] = []
        self._asked: list[asyncio.Task[None]] = []

    async def come(self, number: int, address: str, sent: bytes) -> None:
        """Connect all of them, then have all of them say it at once."""
        writers = []
        for _ in range(number):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(address, 0))
            self._stack.callback(writer.close)
            self._asked.append(asyncio.create_task(self._wait(reader, address)))
            writers.append(writer)
        for writer in writers:
            writer.write(sent)
        await self.turns()

    async def turns(self) -> None:
        """Let the loop do what it can do without time."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def _wait(self, reader: asyncio.StreamReader, address: str) -> None:
        came = b""
        with suppress(ConnectionError):
            came = await reader.read(1)
        self.answered.append(address if came else f"{address} was hung up on")

    async def leave(self) -> None:
        """Wait no longer."""
        for each in self._asked:
            each.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)


async def test_hellos_of_strangers_are_answered_one_by_one(shown: Certificate) -> None:
    """However many come at once, one signature is made, then there is a rest; and addresses take turns."""
    async with AsyncExitStack() as stack:
        limits = Limits(clients=32)
        port = await stack.enter_async_context(listen("127.0.0.1", 0, answer, limits=limits, tls=shown.context))
        clients = Clients(stack, port)
        stack.push_async_callback(clients.leave)
        await clients.come(8, "127.0.0.1", hello())
        assert clients.answered == ["127.0.0.1"]
        await clients.come(1, "127.0.0.2", hello())
        assert clients.answered == ["127.0.0.1"]
        for expected in (["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]):
            passes(REST)
            await clients.turns()
            assert clients.answered[1:] == expected


async def test_what_comes_before_a_handshake_is_over_is_bounded(shown: Certificate) -> None:
    """Who sends on while others have their turn is hung up on, and who goes away meanwhile has none."""
    async with AsyncExitStack() as stack:
        limits = Limits(clients=32)
        port = await stack.enter_async_context(listen("127.0.0.1", 0, answer, limits=limits, tls=shown.context))
        clients = Clients(stack, port)
        stack.push_async_callback(clients.leave)
        await clients.come(1, "127.0.0.1", hello())
        await clients.come(1, "127.0.0.2", hello() + bytes(2 * handshakes.MOST_AHEAD))
        await until(lambda: len(clients.answered) > 1)
        assert clients.answered[1:] == ["127.0.0.2 was hung up on"]
        _, gone = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.3", 0))
        gone.write(hello())
        await clients.turns()
        gone.transport.abort()
        await clients.come(1, "127.0.0.4", hello())
        passes(REST)
        await clients.turns()
        assert clients.answered[2:] == ["127.0.0.4"]


async def test_handshakes_come_to_their_end(
    shown: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step in its turn, with what came while it waited for it."""
    monkeypatch.setattr(handshakes, "LONGEST_REST", 0.001)
    trusting = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
    async with listen("127.0.0.1", 0, answer, limits=Limits(clients=32), tls=shown.context) as port:
        for _, writer in await asyncio.gather(
            *(asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="localhost") for _ in range(8))
        ):
            writer.transport.abort()
