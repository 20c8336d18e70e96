"""What was sent last with each key: the next waits for a while after it, or until it has something new to say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

MOST_KEYS: Final = 10_000
"""Keys of a modem that are remembered; of more, those are forgotten that were sent longest ago."""

NOTHING: Final = "{}"
"""What says nothing: whatever comes next is new."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The last message that was sent with a key.

    Args:
        socket: Its socket.
        key: Its key.
        at: When the module had taken it, in the outbox's own time.
        said: What of it is compared with the next, a JSON object.
    """

    socket: str
    key: str
    at: float
    said: str


class LastSent:
    """The last that was sent with each key, the one that was sent longest ago first."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Sent] = {}

    def __iter__(self) -> Iterator[Sent]:
        """Yield all that is remembered."""
        return iter(self._by_key.values())

    def of(self, socket: str, key: str) -> Sent | None:
        """Return what was sent last; None if nothing was, or it is forgotten."""
        return self._by_key.get((socket, key))

    def doubt(self, keys: Iterable[tuple[str, str]]) -> list[Sent]:
        """Note that something else may have been sent since with keys, each of a socket; return what is known then."""
        doubted = [replace(self._by_key[key], said=NOTHING) for key in keys if key in self._by_key]
        self._by_key |= {(sent.socket, sent.key): sent for sent in doubted}
        return doubted

    def note(self, several: Iterable[Sent]) -> None:
        """Note what was sent, each later than what is remembered already."""
        for sent in several:
            self._by_key.pop((sent.socket, sent.key), None)
            self._by_key[sent.socket, sent.key] = sent
        while len(self._by_key) > MOST_KEYS:
            del self._by_key[next(iter(self._by_key))]
