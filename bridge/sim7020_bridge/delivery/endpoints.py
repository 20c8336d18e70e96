"""The CoAP endpoints of those sockets that speak it, each for as long as its socket is in the configuration."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.outbox.message import Entry, Publications
from sim7020_bridge.outbox.outbox import Outbox

if TYPE_CHECKING:
    from sim7020_bridge.coap.endpoint import Endpoint


class Endpoints:
    """One modem's.

    Args:
        outbox: Where it is kept what went and came under which number.
        folder: Where it is kept which numbers a key was used with.
        free: Called whenever the next message of one may go.
    """

    def __init__(self, outbox: Outbox, folder: Path, *, free: Callable[[], None]) -> None:
        self._outbox = outbox
        self._folder = folder
        self._free = free
        self._of: dict[ModemSocket, Endpoint] = {}

    def __contains__(self, socket: ModemSocket) -> bool:
        return socket in self._of

    def open(self, socket: ModemSocket, tasks: asyncio.TaskGroup) -> None:
        """Speak CoAP over a socket whose settings say so."""
        if socket.settings.coap is None:
            return
        from sim7020_bridge.coap.endpoint import Endpoint  # noqa: PLC0415 - aiocoap may not be installed

        name = socket.settings.name
        heard = self._outbox.last_command(name)
        self._of[socket] = endpoint = Endpoint(socket, folder=self._folder, heard=heard, free=self._free)
        tasks.create_task(endpoint.run(), name=f"coap: {name}")

    def keep_only(self, sockets: Iterable[ModemSocket]) -> "list[asyncio.Future[None]]":
        """Close those of sockets that are gone, and return the ends of what was under way."""
        ends = [self._of.pop(socket).close() for socket in self._of.keys() - set(sockets)]
        return [end for end in ends if end is not None]

    def pause(self, socket: ModemSocket) -> float:
        """Return the seconds until the next message of a socket may go, so far as can be known; 0 without CoAP."""
        return self._of[socket].pause() if socket in self._of else 0.0

    def before(self, socket: ModemSocket, entry: Entry) -> bytes | None:
        """Return what a message was in when the server may have got it, for as long as it knows that again."""
        return self._of[socket].before(entry.message.id) if socket in self._of else None

    async def mark(self, socket: ModemSocket, entries: Sequence[Entry]) -> None:
        """Write down what a far end will know messages by that are about to go, if it does.

        Raises:
            NoNumber: They must not go now: nothing can seal them.
            StorageFailed: They must not go now: it can't be written down.
        """
        if socket not in self._of:
            return
        known = entries[0].mark
        # of what was sealed together, none is known by it any longer that does not go with the first of it
        if left := [each for each in self._outbox if known is not None and each.mark == known and each not in entries]:
            await self._outbox.mark(left, None)
        mark = await self._of[socket].mark(known)
        if mark is not None and any(entry.mark != mark for entry in entries):
            await self._outbox.mark(entries, mark)

    async def send(
        self, socket: ModemSocket, data: bytes, entries: Sequence[Entry], *, more: bool
    ) -> "asyncio.Future[None]":
        """Post messages in one datagram; see Endpoint.send.

        Raises:
            SocketLost: The socket has gone.
        """
        if (endpoint := self._of.get(socket)) is None:
            raise SocketLost("the socket is no longer in the configuration")
        return await endpoint.send(data, message=entries[0].message.id, more=more, mark=entries[0].mark)

    def received(self, socket: ModemSocket, data: bytes, publish: Callable[[bytes], Publications]) -> None:
        """Keep what an answer brings; it is said once it is on disk."""
        endpoint = self._of.get(socket)
        arrived = None if endpoint is None else endpoint.received(data)
        if endpoint is None or arrived is None:
            return
        command = arrived.command
        commands = {} if command is None else {socket.settings.name: command}
        kept = self._outbox.keep(publish(arrived.payload), commands)
        if command is not None:
            kept.add_done_callback(lambda _kept: endpoint.took(command))
