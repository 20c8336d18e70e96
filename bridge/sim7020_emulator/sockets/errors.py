"""What goes wrong with a socket: the codes of +CSOERR, and which of them an error of the host stands for.

Source: manual V1.05's list, whose names mirror lwIP's.
"""

import errno
from enum import IntEnum


class SocketError(IntEnum):
    """The codes of +CSOERR."""

    COMMON = -1
    ROUTE = 1
    ABORTED = 2
    RESET = 3
    CLOSED = 4
    VALUE = 5
    BUFFER = 6
    BLOCK = 7
    ADDRESS_IN_USE = 8
    ALREADY_CONNECTING = 9
    ALREADY_CONNECTED = 10
    NETIF = 11
    PARAMETER = 12


_ERRNO = {
    errno.EHOSTUNREACH: SocketError.ROUTE,
    errno.ENETUNREACH: SocketError.ROUTE,
    errno.ECONNABORTED: SocketError.ABORTED,
    errno.ETIMEDOUT: SocketError.ABORTED,
    errno.ECONNRESET: SocketError.RESET,
    errno.ECONNREFUSED: SocketError.RESET,
    errno.ENOTCONN: SocketError.CLOSED,
    errno.EPIPE: SocketError.CLOSED,
    errno.EINVAL: SocketError.VALUE,
    errno.ENOBUFS: SocketError.BUFFER,
    errno.EMSGSIZE: SocketError.BUFFER,
    errno.EAGAIN: SocketError.BLOCK,
    errno.EADDRINUSE: SocketError.ADDRESS_IN_USE,
    errno.EALREADY: SocketError.ALREADY_CONNECTING,
    errno.EISCONN: SocketError.ALREADY_CONNECTED,
    errno.ENETDOWN: SocketError.NETIF,
    errno.EFAULT: SocketError.PARAMETER,
    errno.EDESTADDRREQ: SocketError.PARAMETER,
}


def error_code(error: OSError) -> int:
    """Return the +CSOERR code that an error of the host stands for."""
    if isinstance(error, TimeoutError):
        return SocketError.ABORTED
    return _ERRNO.get(error.errno or 0, SocketError.COMMON)


class SocketFailed(Exception):
    """A socket that could not connect, listen or send; ``code`` is for +CSOERR."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"socket failed: {code}")
