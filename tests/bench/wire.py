"""The serial line's own limit, from the bytes that must travel, and a bare loop that runs against it.

Run as a program: ``python -m tests.bench.wire PORT HOST_PORT`` sets a module up by hand and then sends, for each line
``SIZE COUNT`` on standard input, that many payloads one after the other.
"""

import os
import sys
import tty
from collections.abc import Callable

BITS_PER_BYTE = 10
"""A start bit, eight bits, a stop bit."""


def send_command(payload: bytes) -> bytes:
    """Return the line that gives a payload to socket 0."""
    return b'AT+CSOSEND=0,%d,"%s"\r' % (2 * len(payload), payload.hex().upper().encode())


ANSWER = b"\r\nOK\r\n"


def uplink_bytes(size: int) -> int:
    """Return the bytes on the line for one payload sent, both ways: one after the other, as AT wants it."""
    return len(send_command(bytes(size))) + len(ANSWER)


def downlink_bytes(size: int) -> int:
    """Return the bytes on the line for one payload received."""
    return len(b"\r\n+CSONMI: 0,%d,%s\r\n" % (2 * size, bytes(size).hex().encode()))


def per_second(on_the_line: int, baud: int) -> float:
    """Return how often so many bytes fit into a second."""
    return baud / BITS_PER_BYTE / on_the_line


def exchange(descriptor: int) -> Callable[[bytes], None]:
    """Return a function that writes a line and blocks until OK has come."""

    def ask(line: bytes) -> None:
        os.write(descriptor, line)
        heard = b""
        while not heard.endswith(ANSWER):
            heard += os.read(descriptor, 4096)
            if heard.endswith(b"ERROR\r\n"):
                raise RuntimeError(f"{line!r}: {heard!r}")

    return ask


def main(port: str, host_port: str) -> None:
    """Send what standard input asks for."""
    descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor)
    ask = exchange(descriptor)
    for line in ("ATE0", "AT+CSOC=1,2,1", f'AT+CSOCON=0,{host_port},"127.0.0.1"'):
        ask(line.encode() + b"\r")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for order in sys.stdin:
        size, count = map(int, order.split())
        for number in range(count):
            ask(send_command(number.to_bytes(4, "big") + bytes(size - 4)))


if __name__ == "__main__":
    main(*sys.argv[1:])
