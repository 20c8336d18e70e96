"""A CoAP server at the far end of a scripted module, which answers as a test has it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from sim7020_bridge.config.model import CoapSettings, SocketSettings
from tests.bridge.desk import Desk
from tests.bridge.modem.bench import UDP, now
from tests.coap_datagram import ACK, Seen, put_together, taken_apart

COAP: SocketSettings = replace(UDP, name="coap", port=5683, coap=CoapSettings(("t",)))

Answer = tuple[float, bytes]
"""Seconds until a datagram comes, and the datagram."""


def saying(code: tuple[int, int], payload: bytes = b"", *options: tuple[int, bytes]) -> Callable[[Seen], list[Answer]]:
    """Make a server that answers each request so, in the acknowledgement, after a second."""

    def answer(seen: Seen) -> list[Answer]:
        if seen.code[0] != 0 or seen.code == (0, 0):
            return []
        return [(1.0, put_together(Seen(ACK, code, seen.id, seen.token, options, payload)))]

    return answer


CHANGED = saying((2, 4))


def silent(_: Seen) -> list[Answer]:
    """Answer nothing."""
    return []


@dataclass(slots=True)
class Server:
    """What it is to answer to each datagram in turn, and to all that follow; what it has got, and when."""

    desk: Desk
    then: Callable[[Seen], Sequence[Answer]] = CHANGED
    first: list[Callable[[Seen], Sequence[Answer]]] = field(default_factory=list)
    got: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def serve(self) -> None:
        """Answer until cancelled."""
        while True:
            await self.desk.module.hears("AT+CSOSEND", times=len(self.got) + 1, within=1e9)
            lines = [line for line in self.desk.module.heard if line.startswith("AT+CSOSEND=")]
            data = bytes.fromhex(lines[len(self.got)].split('"')[1])
            seen = taken_apart(data)
            self.raw.append(data)
            self.got.append(seen)
            self.at.append(now())
            answer = self.first.pop(0) if self.first else self.then
            for delay, datagram in answer(seen):
                asyncio.get_running_loop().call_later(delay, self.say, datagram)

    def say(self, datagram: bytes) -> None:
        """Send the module a datagram."""
        self.desk.module.say(f"+CSONMI: 0,{2 * len(datagram)},{datagram.hex().upper()}")

    @property
    def posts(self) -> list[Seen]:
        """Return the requests that came."""
        return [seen for seen in self.got if seen.code == (0, 2)]


@asynccontextmanager
async def serving(
    desk: Desk, *first: Callable[[Seen], Sequence[Answer]], then: Callable[[Seen], Sequence[Answer]] = CHANGED
) -> AsyncIterator[Server]:
    """Serve while the block runs: the ``first`` datagrams so, all others as ``then`` has it."""
    server = Server(desk, then, list(first))
    task = asyncio.create_task(server.serve(), name="coap server")
    try:
        yield server
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
