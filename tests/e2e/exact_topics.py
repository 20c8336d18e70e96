"""A broker like RabbitMQ: what is retained comes to a subscription of its very topic, and to none with a wildcard.

It stands before a real one and asks that, by MQTT 5's Retain Handling, for each subscription with a wildcard.
"""

import asyncio
from typing import Final, Self

_SUBSCRIBE: Final = 8
_NOTHING_RETAINED: Final = 0b10_0000


class ExactTopics:
    """A relay to a broker, for clients that speak MQTT 5."""

    def __init__(self, broker: int) -> None:
        self.port = 0
        self._broker = broker
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._broker)
        back = asyncio.create_task(_copy(from_broker, writer))
        try:
            while True:
                to_broker.write(await _packet(reader))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            to_broker.close()
            await asyncio.gather(back, return_exceptions=True)
            self._tasks.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def _packet(reader: asyncio.StreamReader) -> bytes:
    """Return the next packet, in which a subscription with a wildcard wants nothing that is retained."""
    head = await reader.readexactly(1)
    length = shift = 0
    while True:
        head += await reader.readexactly(1)
        length |= (head[-1] & 0x7F) << shift
        shift += 7
        if not head[-1] & 0x80:
            break
    body = bytearray(await reader.readexactly(length))
    if head[0] >> 4 == _SUBSCRIBE:
        place = 3 + body[2]
        while place < length:
            end = place + 2 + int.from_bytes(body[place : place + 2], "big")
            if b"+" in body[place:end] or b"#" in body[place:end]:
                body[end] = (body[end] & 0b1111) | _NOTHING_RETAINED
            place = end + 1
    return head + bytes(body)
