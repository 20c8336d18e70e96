"""What each act of a modem's costs of data: payload and its headers, from the IP header on.

UDP, DNS, ping and SNTP are exact as far as one datagram is one packet. TCP is an estimate: one segment for each piece
that is given to the module or reported by it, each acknowledged on its own, and nothing sent again.
"""

from dataclasses import dataclass
from typing import Final

IP_HEADER: Final = 20
UDP_HEADERS: Final = IP_HEADER + 8
TCP_HEADERS: Final = IP_HEADER + 20
ICMP_HEADERS: Final = IP_HEADER + 8

_DNS_FIXED: Final = 12 + 1 + 5  # header; the name's end; type and class, and one byte more for the first label
_DNS_ANSWER: Final = 16
_SNTP: Final = 48
_SYN_OPTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes each way, and the packets that they are in, where that is known."""

    up: int = 0
    down: int = 0
    packets: int = 0

    @property
    def total(self) -> int:
        """Both ways."""
        return self.up + self.down

    def __neg__(self) -> "Bytes":
        return Bytes(-self.up, -self.down, -self.packets)


def sent(size: int, *, stream: bool) -> Bytes:
    """Return the cost of a datagram with so much payload, or of a TCP segment and its acknowledgement."""
    if stream:
        return Bytes(up=TCP_HEADERS + size, down=TCP_HEADERS, packets=2)
    return Bytes(up=UDP_HEADERS + size, packets=1)


def received(size: int, *, stream: bool) -> Bytes:
    """Return the same for one that came."""
    if stream:
        return Bytes(up=TCP_HEADERS, down=TCP_HEADERS + size, packets=2)
    return Bytes(down=UDP_HEADERS + size, packets=1)


def connected() -> Bytes:
    """Return the cost of TCP's handshake, begun by the module, and of closing in order one day."""
    return Bytes(up=4 * TCP_HEADERS + _SYN_OPTIONS, down=3 * TCP_HEADERS + _SYN_OPTIONS, packets=7)


def kept_alive(probes: int) -> Bytes:
    """Return the cost of so many probes of a quiet TCP connection, and of their answers."""
    return Bytes(up=probes * TCP_HEADERS, down=probes * TCP_HEADERS, packets=2 * probes)


def resolved(name: str, addresses: int) -> Bytes:
    """Return the cost of a DNS query and its answer."""
    query = UDP_HEADERS + _DNS_FIXED + len(name)
    return Bytes(up=query, down=query + _DNS_ANSWER * addresses, packets=2)


def pinged(size: int, *, asked: int, answered: int) -> Bytes:
    """Return the cost of pings and of the replies that came."""
    one = ICMP_HEADERS + size
    return Bytes(up=asked * one, down=answered * one, packets=asked + answered)


def time_asked() -> Bytes:
    """Return the cost of one SNTP question and its answer."""
    return Bytes(up=UDP_HEADERS + _SNTP, down=UDP_HEADERS + _SNTP, packets=2)
