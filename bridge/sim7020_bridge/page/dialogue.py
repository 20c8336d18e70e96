"""The last lines of a modem's AT dialogue, masked as the log's are, and explained when somebody asks."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from sim7020_bridge import VERSION
from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.clock import rfc3339

if TYPE_CHECKING:
    from sim7020_bridge.kit.decode.decoder import Decoder
    from sim7020_bridge.kit.decode.kinds import Explained
    from sim7020_bridge.kit.decode.log_line import LogReader

MOST: Final = 400
"""Lines."""

MOST_BYTES: Final = 64 * 1024
"""Characters of all of them."""

LONGEST: Final = 1000
"""Characters of a line; what is masked has its length in asterisks."""

SLICE: Final = 10
"""Lines that are explained before others have their turn."""


class Line(NamedTuple):
    """A line of the dialogue, with ``> `` or ``< `` in front; ``at`` is in seconds since 1970."""

    number: int
    at: float
    text: str

    def document(self, words: str | None) -> dict[str, object]:
        """Return it for the browser, with what it means."""
        return {
            "n": self.number,
            "time": _written(self.at),
            "direction": self.text[0],
            "line": self.text[2:],
            "words": words,
        }


class Dialogue:
    """The dialogue with one modem.

    Args:
        clock: The time of day.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lines: deque[Line] = deque()
        self._number = self._size = 0

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def add(self, text: str) -> Line:
        """Keep a line that passed, as the log would have it."""
        self._number += 1
        line = Line(self._number, self._clock().timestamp(), text[:LONGEST])
        self._lines.append(line)
        self._size += len(line.text)
        while self._size > MOST_BYTES or len(self._lines) > MOST:
            self._size -= len(self._lines.popleft().text)
        return line

    async def documents(self) -> list[dict[str, object]]:
        """Return all lines for the browser, the oldest first, each with what it means."""
        lines = list(self._lines)
        explainer = await explaining(live=False)
        words: dict[int, str] = {}
        for index, line in enumerate(lines):
            words.update(explainer.take(line))
            if index % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        words.update(explainer.rest())
        return [line.document(words.get(line.number)) for line in lines]

    async def recording(self, modem: str) -> bytes:
        """Return it as a recording, which ``decode`` explains; of the bring-up there may be nothing left to play."""
        # what only this needs is not in memory before
        writing = await in_a_thread(partial(import_module, "sim7020_bridge.kit.recording.writer"))
        written: list[str] = []
        at = 0.0
        writer = writing.Writer(written.append, clock=lambda: _written(at), elapsed=lambda: at, secrets=True)
        writer.begin(modem, f"the page's recording, sim7020-bridge {VERSION}")
        for index, line in enumerate(list(self._lines)):
            at = line.at
            content = line.text[2:].encode("ascii", "backslashreplace")
            if line.text.startswith(">"):
                writer.sent(content + b"\r")
            else:
                writer.received(b"\r\n" + content + (b"" if content == b"> " else b"\r\n"))
            if index % SLICE == SLICE - 1:
                await asyncio.sleep(0)
        return "".join(f"{each}\n" for each in written).encode("ascii", "backslashreplace")


class Explainer:
    """Says what lines of one dialogue mean, in their order.

    Args:
        reader: Takes lines apart.
        decoder: Knows what they are.
    """

    def __init__(self, reader: "LogReader", decoder: "Decoder") -> None:
        self._reader = reader
        self._decoder = decoder
        self._numbers: deque[int] = deque(maxlen=MOST)
        self._taken = 0

    def take(self, line: Line) -> dict[int, str]:
        """Take a line; return what is known by now of this and earlier ones, by their numbers."""
        self._numbers.append(line.number)
        self._taken += 1
        taken = self._reader.take(line.text.encode("ascii", "backslashreplace"))
        return self._by_number(self._decoder.take(taken))

    def rest(self) -> dict[int, str]:
        """Return what is known of the last ones."""
        return self._by_number(self._decoder.close())

    def _by_number(self, explained: "list[Explained]") -> dict[int, str]:
        forgotten = self._taken - len(self._numbers)
        return {
            self._numbers[each.line - 1 - forgotten]: each.explanation for each in explained if each.line > forgotten
        }


async def explaining(*, live: bool) -> Explainer:
    """Return who explains a dialogue; ``live`` if each line at once, though a later one might settle what it was.

    What it needs is not in memory before somebody asks, and takes a while to load.
    """
    reading = await in_a_thread(partial(import_module, "sim7020_bridge.kit.decode.log_line"))
    decoding = await in_a_thread(partial(import_module, "sim7020_bridge.kit.decode.decoder"))
    return Explainer(reading.LogReader(), decoding.Decoder(live=live))


def _written(at: float) -> str:
    return rfc3339(datetime.fromtimestamp(at, UTC))
