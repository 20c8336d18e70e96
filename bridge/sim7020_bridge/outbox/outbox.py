"""The messages that wait for their sockets, in memory: they are lost when the bridge ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.outbox.message import Message, Priority

MOST_MESSAGES: Final = 1000
MOST_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Entry:
    message: Message
    since: float
    expiry: asyncio.TimerHandle | None = None


class Outbox:
    """Messages by socket, priority and age.

    Args:
        on_expired: Called with a message whose time to live ran out while it waited.
        on_change: Called after messages came or went.
    """

    def __init__(self, *, on_expired: Callable[[Message], None], on_change: Callable[[], None]) -> None:
        self._on_expired = on_expired
        self._on_change = on_change
        self._entries: dict[tuple[str, Priority], dict[int, _Entry]] = {}
        self._keys: dict[tuple[str, str], tuple[Priority, int]] = {}
        self._filled: dict[str, asyncio.Event] = {}
        self._any = asyncio.Event()
        self._serial = 0
        self.messages = 0
        self.bytes = 0

    @property
    def oldest(self) -> float | None:
        """Age of the oldest message in seconds; None if nothing waits."""
        firsts = [next(iter(entries.values())).since for entries in self._entries.values() if entries]
        return asyncio.get_running_loop().time() - min(firsts) if firsts else None

    def put(self, message: Message) -> Message | None:
        """Take a message and return the one with the same key whose place it takes, if there is one.

        Raises:
            PayloadRefused: ``outbox_full``.
        """
        superseded = self._keys.get((message.socket, message.key)) if message.key is not None else None
        freed = 0 if superseded is None else len(self._entry(message.socket, *superseded).message.data)
        too_many = superseded is None and self.messages >= MOST_MESSAGES
        if too_many or self.bytes - freed + len(message.data) > MOST_BYTES:
            raise PayloadRefused("outbox_full", f"{self.messages} messages wait already, and no more are taken")
        old = None if superseded is None else self._remove(message.socket, *superseded)
        self._add(message)
        self._on_change()
        return old

    async def wait(self, socket: str) -> None:
        """Return once a message waits for a socket."""
        await self._event(socket).wait()

    async def until_any(self) -> None:
        """Return once a message waits for any socket."""
        await self._any.wait()

    def take(self, socket: str) -> Message | None:
        """Take the next message for a socket out, or return None if none waits any more."""
        for priority in sorted(Priority, reverse=True):
            entries = self._entries.get((socket, priority))
            if entries:
                message = self._remove(socket, priority, next(iter(entries)))
                self._on_change()
                return message
        return None

    def _add(self, message: Message) -> None:
        loop = asyncio.get_running_loop()
        self._serial += 1
        entry = _Entry(message, loop.time())
        self._entries.setdefault((message.socket, message.priority), {})[self._serial] = entry
        if message.key is not None:
            self._keys[message.socket, message.key] = (message.priority, self._serial)
        if message.ttl is not None:
            entry.expiry = loop.call_later(message.ttl, self._expire, message, self._serial)
        self.messages += 1
        self.bytes += len(message.data)
        self._event(message.socket).set()
        self._any.set()

    def _remove(self, socket: str, priority: Priority, serial: int) -> Message:
        entry = self._entry(socket, priority, serial)
        del self._entries[socket, priority][serial]
        message = entry.message
        if entry.expiry is not None:
            entry.expiry.cancel()
        if message.key is not None:
            del self._keys[socket, message.key]
        self.messages -= 1
        self.bytes -= len(message.data)
        if not any(self._entries.get((socket, each)) for each in Priority):
            self._event(socket).clear()
        if not self.messages:
            self._any.clear()
        return message

    def _entry(self, socket: str, priority: Priority, serial: int) -> _Entry:
        return self._entries[socket, priority][serial]

    def _expire(self, message: Message, serial: int) -> None:
        self._remove(message.socket, message.priority, serial)
        self._on_change()
        self._on_expired(message)

    def _event(self, socket: str) -> asyncio.Event:
        return self._filled.setdefault(socket, asyncio.Event())
