"""TLS handshakes of strangers: one step at a time, with rests between, and each address in its turn.

A handshake has the bridge sign before its client has proved anything. With a long key on a small machine that takes a
good part of a second, of the thread that everything else is done in.
"""

import asyncio
import ssl
import time
from contextvars import ContextVar
from typing import Final

from sim7020_bridge.http.addresses import whose

REST: Final = 3.0
"""How many times as long as a step took it is rested after it."""

LONGEST_REST: Final = 0.25
"""Seconds of a rest, at most: a browser comes with several connections at once, and has not much patience either."""

MOST_AHEAD: Final = 64 * 1024
"""Bytes that a client may send before its handshake is over."""


class Handshakes:
    """All of a port."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Handshake]] = {}
        self._resting: asyncio.TimerHandle | None = None
        self._whose_turn: _Handshake | None = None

    async def shake(self, writer: asyncio.StreamWriter, context: ssl.SSLContext, peer: str, *, patience: float) -> None:
        """Have a client's connection encrypted.

        Args:
            writer: The connection's.
            context: A ``Context``; any other is not waited with.
            peer: Its address.
            patience: Seconds that it may take, with what it has to wait for others.

        Raises:
            OSError: It can't be, or it took too long.
        """
        handshake = _Handshake(self, writer.transport, whose(peer))
        # asyncio makes what does the steps in this context
        before = _made_for.set(handshake)
        try:
            await writer.start_tls(context, ssl_handshake_timeout=patience)
        finally:
            _made_for.reset(before)
            self._forget(handshake)

    def close(self) -> None:
        """Rest no longer: there is nobody left."""
        if self._resting is not None:
            self._resting.cancel()

    def may_go_on(self, handshake: "_Handshake") -> bool:
        """Whether a handshake may do a step; if not, it is told when it has its turn."""
        if handshake is self._whose_turn or (self._resting is None and not self._waiting):
            return True
        others = self._waiting.setdefault(handshake.whose, [])
        if handshake not in others:
            others.append(handshake)
        return False

    def rest(self, after: float) -> None:
        """Have nobody do a step for a while after one that took so many seconds."""
        self.close()
        self._whose_turn = None
        wait = min(LONGEST_REST, after * REST)
        self._resting = asyncio.get_running_loop().call_later(wait, self._go_on)

    def _go_on(self) -> None:
        self._resting = None
        while self._waiting and self._resting is None:
            address = next(iter(self._waiting))
            others = self._waiting.pop(address)
            self._whose_turn = first = others.pop(0)
            if others:
                # behind those of all other addresses
                self._waiting[address] = others
            first.go_on()
            self._whose_turn = None

    def _forget(self, handshake: "_Handshake") -> None:
        others = self._waiting.get(handshake.whose, [])
        if handshake in others:
            others.remove(handshake)
            if not others:
                del self._waiting[handshake.whose]


class _Handshake:
    """One of them."""

    def __init__(self, all_of_them: Handshakes, transport: asyncio.BaseTransport, address: str) -> None:
        self.all = all_of_them
        self.whose = address
        self._transport = transport

    def go_on(self) -> None:
        """Have the next step done, with what came meanwhile."""
        protocol = self._transport.get_protocol()
        if isinstance(protocol, asyncio.BufferedProtocol) and not self._transport.is_closing():
            protocol.get_buffer(1)
            protocol.buffer_updated(0)


_made_for: Final[ContextVar[_Handshake | None]] = ContextVar("made_for", default=None)


class _Encrypted(ssl.SSLObject):
    """A connection whose handshake waits for its turn at each step."""

    incoming: ssl.MemoryBIO
    handshake: _Handshake | None

    def do_handshake(self) -> None:
        """Do a step.

        Raises:
            SSLWantReadError: It is not its turn, or nothing is there for a step.
            SSLError: It has failed.
        """
        if self.handshake is None or not self.incoming.pending:
            super().do_handshake()
            return
        if self.incoming.pending > MOST_AHEAD:
            raise ssl.SSLError("much came before the handshake was over")
        if not self.handshake.all.may_go_on(self.handshake):
            raise ssl.SSLWantReadError
        began = time.thread_time()
        try:
            super().do_handshake()
        finally:
            self.handshake.all.rest(time.thread_time() - began)


class Context(ssl.SSLContext):
    """What a port's connections are encrypted with."""

    sslobject_class = _Encrypted

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as it is called
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Return a connection."""
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _Encrypted):
            made.incoming = incoming
            made.handshake = _made_for.get()
        return made
