"""What the network bills: payload and the headers that carry it.

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
class DataCost:
    """Bytes each way."""

    up: int = 0
    down: int = 0

    def back(self) -> "DataCost":
        """Return what makes up for a cost that did not arise."""
        return DataCost(-self.up, -self.down)


def sent(size: int, *, stream: bool) -> DataCost:
    """Return the cost of a datagram with so much payload, or of a TCP segment and its acknowledgement."""
    return DataCost(up=TCP_HEADERS + size, down=TCP_HEADERS) if stream else DataCost(up=UDP_HEADERS + size)


def received(size: int, *, stream: bool) -> DataCost:
    """Return the same for one that came."""
    return DataCost(up=TCP_HEADERS, down=TCP_HEADERS + size) if stream else DataCost(down=UDP_HEADERS + size)


def connected() -> DataCost:
    """Return the cost of TCP's handshake, begun by the module, and of closing in order one day."""
    return DataCost(up=4 * TCP_HEADERS + _SYN_OPTIONS, down=3 * TCP_HEADERS + _SYN_OPTIONS)


def resolved(name: str, addresses: int) -> DataCost:
    """Return the cost of a DNS query and its answer."""
    query = UDP_HEADERS + _DNS_FIXED + len(name)
    return DataCost(up=query, down=query + _DNS_ANSWER * addresses)


def pinged(size: int, *, asked: int, answered: int) -> DataCost:
    """Return the cost of pings and of the replies that came."""
    return DataCost(up=asked * (ICMP_HEADERS + size), down=answered * (ICMP_HEADERS + size))


def time_asked() -> DataCost:
    """Return the cost of one SNTP question and its answer."""
    return DataCost(up=UDP_HEADERS + _SNTP, down=UDP_HEADERS + _SNTP)
