"""Requests about what waits and what it cost."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from sim7020_bridge.clock import rfc3339
from sim7020_bridge.errors import RequestRefused
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.outbox.message import Entry, Place
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.requests.body import Data, RequestBody, Verb

MOST_LISTED: Final = 100
"""Messages in one answer."""

MOST_CALIBRATED: Final = 1024**4
"""Bytes."""

ACTIONS: Final = ("list", "show", "cancel", "purge")


class DeliveryVerbs:
    """Carries out the requests ``outbox`` and ``calibrate``."""

    def __init__(self, outbox: Outbox, usage: Usage) -> None:
        self._outbox = outbox
        self._usage = usage

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """Each verb and how it is carried out."""
        return {"outbox": self._act, "calibrate": self._calibrate}

    async def _act(self, body: RequestBody) -> Data:
        socket, name = body.optional_text("socket"), body.optional_text("id")
        start = body.integer("start", minimum=0, maximum=10**9, default=0)
        limit = body.integer("limit", minimum=1, maximum=MOST_LISTED, default=MOST_LISTED)
        action = body.choice("action", ACTIONS, default="list")
        if name is not None and action in {"list", "purge"}:
            raise RequestRefused("invalid_request", f"{action} is for all messages: id goes with show and cancel")
        match action:
            case "show":
                entries = self._named(name, socket)
                return {"messages": len(entries), "entries": [described(entry, data=True) for entry in entries]}
            case "cancel":
                return await self._cancel(self._named(name, socket))
            case "purge":
                return await self._cancel(self._to(socket))
            case _:
                entries = self._to(socket)
                listed = [described(entry) for entry in entries[start : start + limit]]
                return {"messages": len(entries), "entries": listed}

    def _to(self, socket: str | None) -> list[Entry]:
        return [entry for entry in self._outbox if socket in {None, entry.message.socket}]

    def _named(self, name: str | None, socket: str | None) -> list[Entry]:
        if not name:
            raise RequestRefused("invalid_request", "id is needed")
        found = [entry for entry in self._to(socket) if entry.message.id == name]
        if not found:
            raise RequestRefused("unknown_message", f"no message {name} is in the outbox; it may be finished already")
        return found

    async def _cancel(self, entries: Sequence[Entry]) -> Data:
        """Cancel what waits; what the module has already can't be called back."""
        cancelled = await self._outbox.cancel([entry.number for entry in entries])
        return {"cancelled": cancelled, "sending": sum(entry.place is Place.SENDING for entry in entries)}

    async def _calibrate(self, body: RequestBody) -> Data:
        self._usage.calibrate(body.integer("used", minimum=0, maximum=MOST_CALIBRATED))
        return {"used": self._usage.used, "budget": self._usage.budget, "left": self._usage.left}


def described(entry: Entry, *, data: bool = False) -> Data:
    """Return a message of the outbox as the contract shows it, with its payload if that is asked for."""
    message = entry.message
    expires = None if message.ttl is None else rfc3339(message.at + timedelta(seconds=message.ttl))
    known: dict[str, object] = {
        "id": message.id,
        "socket": message.socket,
        "state": "queued" if entry.place in {Place.COMING, Place.WAITING} else "sending",
        "priority": message.priority.name.lower(),
        "key": message.key,
        "at": rfc3339(message.at),
        "expires": expires,
        "bytes": len(message.data),
        "attempts": entry.attempts,
    }
    return {**known, "data_hex": message.data.hex()} if data else known
