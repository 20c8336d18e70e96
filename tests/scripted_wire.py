"""The module's end of a line in memory: says what it is told to, once it hears anything."""

import asyncio
from collections.abc import Sequence


class ScriptedWire:
    """A wire for `Channel`; answers the next write with what `answer_with` laid out, and then `AT` with OK.

    Args:
        answers_attention: Whether `AT` is answered when nothing is laid out, as a module does that is in its senses.
    """

    def __init__(self, *, answers_attention: bool = True) -> None:
        self.written: list[bytes] = []
        self._answers_attention = answers_attention
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._handed_out = False
        self._laid_out: list[bytes] | None = None

    def answer_with(self, chunks: Sequence[bytes]) -> None:
        """Lay out what follows the next write."""
        self._laid_out = list(chunks)

    def say(self, *chunks: bytes) -> None:
        """Deliver bytes now; b"" is the end of the line."""
        for chunk in chunks:
            self._incoming.put_nowait(chunk)

    async def read_out(self) -> None:
        """Wait until all that was said has been read and acted on."""
        await self._incoming.join()

    async def read(self) -> bytes:
        """Return the next chunk; asking for one more means that the last has been acted on."""
        if self._handed_out:
            self._incoming.task_done()
        self._handed_out = False
        chunk = await self._incoming.get()
        self._handed_out = True
        return chunk

    async def write(self, data: bytes) -> None:
        """Take what the host sends."""
        self.written.append(data)
        if self._laid_out is not None:
            chunks, self._laid_out = self._laid_out, None
            self.say(*chunks)
        elif self._answers_attention and data in {b"AT\r", b"ATV1\r"}:
            self.say(b"\r\nOK\r\n")
        elif self._answers_attention and data == b"AT+IFC?\r":
            self.say(b"\r\n+IFC: 0,0\r\n\r\nOK\r\n")
