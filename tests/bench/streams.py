"""Readers of the page's feed, in a process of their own: ``python -m tests.bench.streams PORT COUNT``.

Prints a line once each has had a document, reads what comes until its standard input ends, and prints how many
documents that were.
"""

import selectors
import socket
import sys
from typing import Final

_READ: Final = 65536
_DOCUMENT: Final = b"event: "
PATIENCE: Final = 60.0
"""Seconds in which a stream must have brought something."""


def follow(port: int, count: int) -> None:
    """Follow the feed with so many streams until standard input ends."""
    chosen = selectors.DefaultSelector()
    silent = set()
    for _ in range(count):
        stream = socket.create_connection(("127.0.0.1", port), PATIENCE)
        stream.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        chosen.register(stream, selectors.EVENT_READ)
        silent.add(stream.fileno())
    chosen.register(sys.stdin, selectors.EVENT_READ)
    documents = 0
    while True:
        ready = chosen.select(PATIENCE if silent else None)
        if not ready:
            raise TimeoutError(f"{len(silent)} of {count} streams brought nothing")
        for key, _ in ready:
            if not isinstance(key.fileobj, socket.socket):
                sys.stdout.write(f"{documents}\n")
                return
            came = key.fileobj.recv(_READ)
            if not came:
                raise EOFError("a stream ended")
            documents += came.count(_DOCUMENT)
            if silent and _DOCUMENT in came:
                silent.discard(key.fd)
                if not silent:
                    sys.stdout.write("ready\n")
                    sys.stdout.flush()


if __name__ == "__main__":
    follow(int(sys.argv[1]), int(sys.argv[2]))
