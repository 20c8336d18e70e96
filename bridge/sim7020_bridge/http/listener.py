"""A port that is listened at: how many clients at once, how long each may take, and who is served at all."""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, SupportsIndex
from urllib.parse import urlsplit

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.http.addresses import whose

if TYPE_CHECKING:
    from sim7020_bridge.http.handshakes import Handshakes

log: Final = logging.getLogger(__name__)

LONGEST_HEAD: Final = 8192
"""Bytes of a request's head; a longer one is refused."""

PATIENCE: Final = 5.0
"""Seconds that a client has to ask, and to take the answer."""

MOST_CLIENTS: Final = 32
"""Clients at the same time, where pages are short."""


class TooManyStreams(Exception):
    """There are as many streams as there may be."""


class TooManyAtWork(Exception):
    """Those who may only look are at work as much as they may be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a port bears.

    Args:
        clients: Clients at the same time that are no streams. For one more, one goes that is waited for: of those from
            the address that has the most of them, the one that is waited for the longest.
        streams: Clients whose answer never ends; counted apart, so that they can't keep short requests out.

    Of both, those who may only look have half, so that they can't keep the others out.
    """

    clients: int
    streams: int = 0


class Reader(asyncio.StreamReader):
    """What a client sends, of which ``LONGEST_HEAD`` bytes are kept at most."""

    def __init__(self) -> None:
        super().__init__(limit=LONGEST_HEAD)
        self.came: Callable[[], None] = _nothing
        """Called whenever more came, or the end."""

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Take more."""
        super().feed_data(data)
        self.came()

    def feed_eof(self) -> None:
        """Take the end."""
        super().feed_eof()
        self.came()

    def set_exception(self, exc: Exception) -> None:
        """Take a failure."""
        super().set_exception(exc)
        self.came()


def _nothing() -> None:
    pass


class Connection:
    """A client that is being served.

    Args:
        reader: What it sends.
        writer: What it is sent.
        peer: Its address; an empty text if that can't be known.
        crowd: The others.
    """

    def __init__(self, reader: Reader, writer: asyncio.StreamWriter, peer: str, crowd: "_Crowd") -> None:
        self.reader = reader
        self.writer = writer
        self.peer = peer
        self.whose = whose(peer)
        self.only_looks = False
        """Whether it is from somebody who may change nothing."""
        self._crowd = crowd

    @property
    def encrypted(self) -> bool:
        """Whether it came by TLS."""
        return self.writer.get_extra_info("ssl_object") is not None

    def at_work(self) -> None:
        """Say that it has asked, and that it is the bridge that makes it wait: it makes room for nobody.

        Raises:
            TooManyAtWork: It only looks, and too many who do are at work already.
        """
        crowd = self._crowd
        working = sum(each.only_looks and each not in crowd.waiting for each in crowd.clients)
        if self.only_looks and working >= crowd.limits.clients // 2:
            raise TooManyAtWork
        crowd.waiting.pop(self, None)

    def waits(self) -> None:
        """Say that the client is waited for, from now on."""
        self._crowd.waiting.pop(self, None)
        self._crowd.waiting[self] = None

    @contextmanager
    def as_stream(self, gone: Callable[[], None]) -> Iterator[None]:
        """Count it among the streams; ``gone`` is called once the client has hung up, or sends what it must not.

        Raises:
            TooManyStreams: There are as many as there may be.
        """
        crowd = self._crowd
        looking = sum(each.only_looks for each in crowd.streams)
        if len(crowd.streams) >= crowd.limits.streams or (self.only_looks and looking >= crowd.limits.streams // 2):
            raise TooManyStreams
        task = crowd.clients.pop(self)
        crowd.waiting.pop(self, None)
        crowd.streams.add(self)
        self.reader.came = gone
        try:
            yield
        finally:
            self.reader.came = _nothing
            crowd.streams.discard(self)
            crowd.clients[self] = task


Answer = Callable[[Connection], Awaitable[None]]


class _Crowd:
    """All clients of a port."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clients: dict[Connection, asyncio.Task[None]] = {}
        self.waiting: dict[Connection, None] = {}
        self.streams: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def has_room(self, peer: str) -> bool:
        """Whether one more may come from an address, perhaps for one that goes."""
        if len(self.clients) < self.limits.clients:
            return True
        if not self.waiting:
            return False
        # of several with as many, the first is whose oldest client is the oldest; the newcomer stands last
        ((most, _),) = Counter([*(each.whose for each in self.waiting), whose(peer)]).most_common(1)
        oldest = next(each for each in self.waiting if each.whose == most)
        self.waiting.pop(oldest)
        self.clients.pop(oldest).cancel()
        return True


@asynccontextmanager
async def listen(
    host: str,
    port: int,
    answer: Answer,
    *,
    limits: Limits,
    tls: Callable[[], ssl.SSLContext] | None = None,
    only: str | None = None,
) -> AsyncIterator[int]:
    """Have every client answered, and yield the port.

    Args:
        host: The address to listen at.
        port: 0 for a free one.
        answer: Answers one client; it may raise what a connection fails with, and is cancelled at the end.
        limits: How many there may be.
        tls: Returns what to encrypt a new connection with: a ``handshakes.Context``, so that strangers' handshakes
            don't hold up everything else.
        only: The one address that is served; others are hung up on.

    Raises:
        OSError: It can't listen there.
    """
    crowd = _Crowd(limits)
    handshakes = None if tls is None else _handshakes()
    loop = asyncio.get_running_loop()

    async def meet(reader: Reader, writer: asyncio.StreamWriter) -> None:
        peer = _peer(writer)
        task = asyncio.current_task()
        if task is None or not (only is None or peer == only) or not crowd.has_room(peer):
            writer.transport.abort()
            return
        connection = Connection(reader, writer, peer, crowd)
        crowd.tasks.add(task)
        crowd.clients[connection] = task
        connection.waits()
        begun = False
        try:
            if tls is not None and handshakes is not None:
                # at once: what the client sends before would be lost
                await handshakes.shake(writer, tls(), peer, patience=PATIENCE)
            begun = True
            await _served(answer, connection)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.debug("a client of the HTTP port went away")
        except asyncio.CancelledError:  # this is a task of its own, which asyncio does not expect to be cancelled
            writer.transport.abort()
        finally:
            crowd.clients.pop(connection, None)
            crowd.waiting.pop(connection, None)
            if not begun:
                # asyncio tells nobody that a connection is closed that did not get so far
                writer.transport.abort()
            else:
                with suppress(asyncio.CancelledError):
                    await _close(writer)
            crowd.tasks.discard(task)

    def begin() -> asyncio.StreamReaderProtocol:
        reader = Reader()
        return asyncio.StreamReaderProtocol(reader, lambda _, writer: meet(reader, writer))

    # a start that is cancelled while it begins to listen would leave the port open
    server = await loop.create_server(begin, await _addresses(host), port, start_serving=False)
    try:
        await server.start_serving()
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in crowd.tasks:
            task.cancel()
        await asyncio.gather(*crowd.tasks, return_exceptions=True)
        if handshakes is not None:
            handshakes.close()


def _handshakes() -> "Handshakes":
    # only where it is encrypted: it takes memory
    from sim7020_bridge.http.handshakes import Handshakes  # noqa: PLC0415

    return Handshakes()


async def _addresses(host: str) -> list[str]:
    """Return what a name leads to; asyncio would resolve it in a thread that takes one more to be ended."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    resolving = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(str(place[0]) for *_, place in await in_a_thread(resolving)))


async def _served(answer: Answer, connection: Connection) -> None:
    """Answer a client, and have it count until it has taken the end of that."""
    await answer(connection)
    connection.waits()
    await _close(connection.writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(PATIENCE):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


def _peer(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    address = str(name[0]) if isinstance(name, tuple) and name else ""
    return address.removeprefix("::ffff:")


def is_loopback(host: str) -> bool:
    """Whether a host, perhaps with a port, is this machine and nobody else's name for it."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
