"""One socket of a callback library, watched by the event loop."""

import asyncio
import socket
import ssl
from collections.abc import Callable


class Descriptor:
    """Tells when a socket can be read or written.

    The library may open its socket, and ask to write, in another thread; nothing is watched before ``watch``, which
    like all else happens in the thread of the event loop.

    Args:
        readable: Called whenever there is something to read.
        writable: Called whenever something can be written, while that is wanted.
    """

    def __init__(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._readable = readable
        self._writable = writable
        self._loop = asyncio.get_running_loop()
        self._opened: socket.socket | None = None
        self._wants_to_write = False
        self._number: int | None = None

    @property
    def watched(self) -> bool:
        """Whether a socket is watched: it is open, and no other thread has it."""
        return self._number is not None

    def opened(self, connection: socket.socket) -> None:
        """Take a socket. Nagle's algorithm would hold back each small packet by some 40 ms."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._opened = connection
        self._wants_to_write = False

    def watch(self) -> None:
        """Watch the socket from now on, if it is still open."""
        if self._opened is None:
            return
        self._number = self._opened.fileno()
        self._loop.add_reader(self._number, self._readable)
        if self._wants_to_write:
            self._loop.add_writer(self._number, self._writable)

    def closing(self) -> None:
        """Watch it no longer."""
        self._opened = None
        if self._number is not None:
            self._loop.remove_reader(self._number)
            self._loop.remove_writer(self._number)
            self._number = None

    def write_wanted(self) -> None:
        """Watch for room to write."""
        self._wants_to_write = True
        if self._number is not None:
            self._loop.add_writer(self._number, self._writable)

    def write_done(self) -> None:
        """Watch for room to write no longer."""
        self._wants_to_write = False
        if self._number is not None:
            self._loop.remove_writer(self._number)

    def read_again(self, connection: object) -> None:
        """Come back if TLS has decrypted more than was read: the event loop can't see that."""
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            self._loop.call_soon(self._read_pending)

    def _read_pending(self) -> None:
        if self._number is not None:
            self._readable()
