"""The world beyond the module: where endpoints really are, names, pings, and endpoints that fail."""

import asyncio
import ipaddress
import socket
from collections import defaultdict, deque
from dataclasses import dataclass, field
from enum import StrEnum

DNS_COMMON_ERROR = 8
"""The failure code of a name that can't be resolved."""


def is_address(text: str) -> bool:
    """Say whether a text is a numeric IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class FailurePoint(StrEnum):
    """When an endpoint that is told to fail does so."""

    CONNECT = "connect"
    SEND = "send"
    LATER = "later"


class NameNotResolved(Exception):
    """A name has no address; ``code`` is what +CDNSGIP reports."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"DNS failure {code}")


@dataclass(frozen=True, slots=True)
class Echo:
    """One answer to a ping: its time in 100 ms units, or None if it was lost; and the TTL."""

    time: int | None
    ttl: int = 52


@dataclass(slots=True)
class Internet:
    """Tables that stand in for a network, with the host's own network behind them."""

    names: dict[str, tuple[str, ...] | int] = field(default_factory=dict)
    pings: dict[str, tuple[Echo, ...]] = field(default_factory=dict)
    routes: dict[tuple[str, int | None], tuple[str, int | None]] = field(default_factory=dict)
    swallowed: set[tuple[str, int | None]] = field(default_factory=set)
    """Endpoints from which nothing ever comes back."""
    swallowing: bool = False
    """Whether all of them are such."""
    failures: dict[tuple[str, int], tuple[int, FailurePoint]] = field(default_factory=dict)
    coming: dict[FailurePoint, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    """Codes that the next connections or sends will fail with, wherever they go."""

    def route(self, address: str, port: int) -> tuple[str, int]:
        """Return the host and port where an endpoint really is."""
        host, real_port = self.routes.get((address, port)) or self.routes.get((address, None)) or (address, port)
        return host, port if real_port is None else real_port

    def swallows(self, peer: tuple[str, int] | None) -> bool:
        """Say whether nothing gets to an endpoint or comes from it, and nothing tells so."""
        if peer is None:
            return self.swallowing
        return self.swallowing or peer in self.swallowed or (peer[0], None) in self.swallowed

    def failure(self, address: str, port: int, point: FailurePoint) -> int | None:
        """Return the +CSOERR code that an endpoint gives at a point, if it was told to."""
        if self.coming[point]:
            return self.coming[point].popleft()
        code, when = self.failures.get((address, port), (None, None))
        return code if when is point else None

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Return a name's IPv4 addresses, at most two; raises ``NameNotResolved``."""
        entry = self.names.get(name.lower())
        if isinstance(entry, int):
            raise NameNotResolved(entry)
        if entry is not None:
            return entry[:2]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError):
            raise NameNotResolved(DNS_COMMON_ERROR) from None
        return tuple(dict.fromkeys(str(item[4][0]) for item in found))[:2]

    async def address(self, host: str) -> str:
        """Return a numeric address as it is, and a name's first; raises ``NameNotResolved``."""
        return host if is_address(host) else (await self.resolve(host))[0]

    def echo(self, address: str, sequence: int) -> Echo:
        """Return the answer to the ping number ``sequence`` (from 0) of a series."""
        table = self.pings.get(address)
        if table:
            return table[sequence % len(table)]
        if ipaddress.ip_address(address).is_loopback or address in {key for key, _ in self.routes}:
            return Echo(time=1, ttl=64)
        return Echo(time=None)
