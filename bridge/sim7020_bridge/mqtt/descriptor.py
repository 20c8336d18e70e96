"""One socket of a callback library, watched by the event loop."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable


class Descriptor:
    """Tells when a socket can be read or written.

    The library may open its socket in another thread; all else happens in the thread of the event loop.

    Args:
        readable: Called whenever there is something to read.
        writable: Called whenever something can be written, while that is wanted.
    """

    def __init__(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._readable = readable
        self._writable = writable
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._number: int | None = None

    def opened(self, connection: socket.socket) -> None:
        """Watch a socket from now on. Nagle's algorithm would hold back each small packet by some 40 ms."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in_loop(self._watch, connection.fileno())

    def closing(self) -> None:
        """Watch it no longer."""
        if self._number is not None:
            self._loop.remove_reader(self._number)
            self._loop.remove_writer(self._number)
            self._number = None

    def write_wanted(self) -> None:
        """Watch for room to write."""
        self._in_loop(self._watch_writing)

    def write_done(self) -> None:
        """Watch for room to write no longer."""
        if self._number is not None:
            self._loop.remove_writer(self._number)

    def read_again(self, connection: object) -> None:
        """Come back if TLS has decrypted more than was read: the event loop can't see that."""
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            self._loop.call_soon(self._read_pending)

    def _read_pending(self) -> None:
        if self._number is not None:
            self._readable()

    def _watch(self, number: int) -> None:
        self._number = number
        self._loop.add_reader(number, self._readable)

    def _watch_writing(self) -> None:
        if self._number is not None:
            self._loop.add_writer(self._number, self._writable)

    def _in_loop(self, call: Callable[..., None], *args: int) -> None:
        if threading.get_ident() == self._thread:
            call(*args)
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for this connection any more
            self._loop.call_soon_threadsafe(call, *args)
