"""A port that is listened at: how many clients at once, how long each may take, and who is served at all."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from sim7020_bridge.blocking import in_a_thread

log: Final = logging.getLogger(__name__)

LONGEST_HEAD: Final = 8192
"""Bytes of a request's head; a longer one is refused."""

PATIENCE: Final = 5.0
"""Seconds that a client has to ask, and to take the answer."""

MOST_CLIENTS: Final = 32
"""Clients at the same time, where pages are short; more are turned away."""


class TooManyStreams(Exception):
    """There are as many streams as there may be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a port bears.

    Args:
        clients: Clients at the same time that are no streams.
        streams: Clients whose answer never ends; counted apart, so that they can't keep short requests out.
        silence: Seconds after which a client that is waited for makes room for another one if there are too many; None
            if the newcomer is turned away.
    """

    clients: int
    streams: int = 0
    silence: float | None = None


class Connection:
    """A client that is being served.

    Args:
        reader: What it sends; keeps ``LONGEST_HEAD`` bytes at most.
        writer: What it is sent.
        peer: Its address; an empty text if that can't be known.
        crowd: The others.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, crowd: "_Crowd") -> None:
        self.reader = reader
        self.writer = writer
        self.peer = peer
        self._crowd = crowd

    @property
    def encrypted(self) -> bool:
        """Whether it came by TLS."""
        return self.writer.get_extra_info("ssl_object") is not None

    def at_work(self) -> None:
        """Say that it has asked, and that it is the bridge that makes it wait: it makes room for nobody."""
        self._crowd.silent.pop(self, None)

    def waits(self) -> None:
        """Say that the client is waited for, from now on."""
        self._crowd.silent.pop(self, None)
        self._crowd.silent[self] = asyncio.get_running_loop().time()

    @contextmanager
    def as_stream(self) -> Iterator[None]:
        """Count it among the streams.

        Raises:
            TooManyStreams: There are as many as there may be.
        """
        crowd = self._crowd
        if len(crowd.streams) >= crowd.limits.streams:
            raise TooManyStreams
        task = crowd.clients.pop(self)
        crowd.silent.pop(self, None)
        crowd.streams.add(self)
        try:
            yield
        finally:
            crowd.streams.discard(self)
            crowd.clients[self] = task


Answer = Callable[[Connection], Awaitable[None]]


class _Crowd:
    """All clients of a port."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clients: dict[Connection, asyncio.Task[None]] = {}
        self.silent: dict[Connection, float] = {}
        self.streams: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    def has_room(self) -> bool:
        """Whether one more may come, perhaps for one that goes."""
        if len(self.clients) < self.limits.clients:
            return True
        if self.limits.silence is None or not self.silent:
            return False
        oldest = next(iter(self.silent))
        if asyncio.get_running_loop().time() - self.silent[oldest] < self.limits.silence:
            return False
        self.silent.pop(oldest)
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
        tls: Returns what to encrypt a new connection with.
        only: The one address that is served; others are hung up on.

    Raises:
        OSError: It can't listen there.
    """
    crowd = _Crowd(limits)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _peer(writer)
        task = asyncio.current_task()
        if task is None or not (only is None or peer == only) or not crowd.has_room():
            writer.transport.abort()
            return
        connection = Connection(reader, writer, peer, crowd)
        crowd.tasks.add(task)
        crowd.clients[connection] = task
        connection.waits()
        try:
            if tls is not None:
                # at once: what the client sends before would be lost
                await writer.start_tls(tls(), ssl_handshake_timeout=PATIENCE)
            await answer(connection)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            log.debug("a client of the HTTP port went away")
        except asyncio.CancelledError:  # this is a task of its own, which asyncio does not expect to be cancelled
            writer.transport.abort()
        finally:
            crowd.tasks.discard(task)
            crowd.clients.pop(connection, None)
            crowd.silent.pop(connection, None)
            await _close(writer)

    # a start that is cancelled while it begins to listen would leave the port open
    server = await asyncio.start_server(meet, await _addresses(host), port, limit=LONGEST_HEAD, start_serving=False)
    try:
        await server.start_serving()
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in crowd.tasks:
            task.cancel()
        await asyncio.gather(*crowd.tasks, return_exceptions=True)


async def _addresses(host: str) -> list[str]:
    """Return what a name leads to; asyncio would resolve it in a thread that takes one more to be ended."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    resolving = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(str(place[0]) for *_, place in await in_a_thread(resolving)))


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
