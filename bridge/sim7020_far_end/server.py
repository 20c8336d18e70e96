"""The UDP port: whose a datagram is, what it was answered before, and silence for everybody else."""

import asyncio
import logging
import socket
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from aiocoap.numbers import codes

from sim7020_bridge.errors import StorageFailed
from sim7020_far_end import datagrams
from sim7020_far_end.datagrams import Arrived, Kind
from sim7020_far_end.modem import FarModem
from sim7020_far_end.sealing import NotSealed, Opened

log: Final = logging.getLogger(__name__)

LIFETIME: Final = 247.0
"""Seconds for which a message is known by its id and address (RFC 7252 section 4.8.2, EXCHANGE_LIFETIME)."""

REMEMBERED: Final = 64
"""Answers to one modem that are remembered at most; only those that were sealed rightly take any room."""

Address = tuple[Any, ...]
"""As the socket has it: a host and a port come first."""


@dataclass(eq=False, slots=True)
class _Remembered:
    """What a datagram was answered; None while it is not clear yet."""

    digest: bytes
    until: float
    answer: bytes | None = None


class Server(asyncio.DatagramProtocol):
    """Answers modems, and never anybody else with more than what came.

    Args:
        modems: Whose requests are answered.
        spawn: Has something done that nobody waits for.
    """

    def __init__(self, modems: Iterable[FarModem], spawn: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        self._by_kid: dict[bytes, list[FarModem]] = {}
        for modem in modems:
            self._by_kid.setdefault(modem.settings.oscore.recipient_id, []).append(modem)
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._answered: dict[str, OrderedDict[tuple[Address, int], _Remembered]] = defaultdict(OrderedDict)
        self._socket: socket.socket | None = None
        self._transport: asyncio.DatagramTransport | None = None

    async def bind(self, host: str, port: int) -> None:
        """Have a port, at which what comes waits.

        Raises:
            OSError: It can't be had.
        """
        self._socket = await self._loop.run_in_executor(None, _bound, host, port)

    async def listen(self) -> None:
        """Take datagrams from now on."""
        self._transport, _ = await self._loop.create_datagram_endpoint(lambda: self, sock=self._socket)

    @property
    def place(self) -> Address:
        """Where it listens."""
        return tuple(self._socket.getsockname()) if self._socket is not None else ()

    def close(self) -> None:
        """Take no more."""
        if self._transport is not None:
            self._transport.close()
        elif self._socket is not None:
            self._socket.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Answer a datagram, now or later, or leave it."""
        if datagrams.is_ping(data):
            self._send(datagrams.reset(data), addr)
            return
        arrived = datagrams.read(data)
        if arrived is None:
            return
        modems = () if arrived.kid is None else self._by_kid.get(arrived.kid, ())
        for modem in modems:
            if self._repeat(modem, arrived, data, addr):
                return
        for modem in modems:
            with suppress(NotSealed):
                self._take(modem, arrived, modem.keys.open(arrived), data, addr)
                return
        self._turn_away(arrived, addr)

    def error_received(self, exc: Exception) -> None:
        """Go on: that an answer could not be delivered is the network's affair."""
        log.debug("the network says: %s", exc)

    def _repeat(self, modem: FarModem, arrived: Arrived, data: bytes, address: Address) -> bool:
        """Answer a datagram that was there before as it was answered then; say whether it was."""
        answered = self._answered.get(modem.settings.name)
        before = None if answered is None else answered.get((address, arrived.id))
        if before is None or before.until <= self._loop.time() or before.digest != sha256(data).digest():
            return False
        if before.answer is not None:
            self._send(before.answer, address)
        return True

    def _take(self, modem: FarModem, arrived: Arrived, opened: Opened, data: bytes, address: Address) -> None:
        if modem.is_busy:
            log.warning("%s sends faster than its messages can be published", modem.settings.name)
            return
        now = self._loop.time()
        answered = self._answered[modem.settings.name]
        while answered and (len(answered) >= REMEMBERED or next(iter(answered.values())).until <= now):
            answered.popitem(last=False)
        entry = answered[address, arrived.id] = _Remembered(sha256(data).digest(), now + LIFETIME)
        answered.move_to_end((address, arrived.id))
        self._spawn(self._answer(modem, arrived, opened, address, entry), f"answer to {modem.settings.name}")

    async def _answer(
        self, modem: FarModem, arrived: Arrived, opened: Opened, address: Address, entry: _Remembered
    ) -> None:
        try:
            entry.answer = await modem.answer(arrived, opened, _written(address))
        except StorageFailed as error:
            log.error("%s is not answered, and sends it again: %s", modem.settings.name, error)
            entry.until = 0.0
            return
        if entry.answer is not None:
            self._send(entry.answer, address)

    def _turn_away(self, arrived: Arrived, address: Address) -> None:
        """Tell whoever asks to be told that nobody here knows it, in no more bytes than it sent, and keep nothing."""
        who = "without a seal" if arrived.kid is None else f"of {arrived.kid.hex() or 'an empty id'}, by unknown keys"
        log.warning("a request %s was turned away, from %s", who, _written(address))
        if arrived.kind is Kind.CONFIRMABLE:
            self._send(datagrams.unsealed(arrived, codes.UNAUTHORIZED), address)

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)


def _written(address: Address) -> str:
    """Write an address as people do; one of IPv4 as it was, whatever socket it came through."""
    host = str(address[0]).removeprefix("::ffff:")
    return f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket at an address; ``::`` stands for all of them, of both families where there are two."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    try:
        opened = socket.socket(family, kind, protocol)
    except OSError:
        if host != "::":
            raise
        return _bound("0.0.0.0", port)  # noqa: S104 - there is no IPv6, and all addresses are wanted
    try:
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        opened.setblocking(False)
        opened.bind(place)
    except OSError:
        opened.close()
        raise
    return opened
