"""The module's end of a line in memory: says what it is told to, once it hears anything."""

import asyncio
from collections.abc import Callable, Sequence

from sim7020_bridge.errors import PortClosed


class ScriptedWire:
    """A wire for `Channel`; answers the next write with what `answer_with` laid out, and then `AT` with OK.

    Args:
        answers_attention: Whether `AT` is answered when nothing is laid out, as a module does that is in its senses.
    """

    def __init__(self, *, answers_attention: bool = True) -> None:
        self.written: list[bytes] = []
        self._answers_attention = answers_attention
        self._laid_out: list[bytes] | None = None

    def answer_with(self, chunks: Sequence[bytes]) -> None:
        """Lay out what follows the next write."""
        self._laid_out = list(chunks)

    def say(self, *chunks: bytes) -> None:
        """Deliver bytes as soon as the host listens; b"" is the end of the line."""
        for chunk in chunks:
            asyncio.get_running_loop().call_soon(self.deliver, chunk)

    async def read_out(self) -> None:
        """Wait until all that was said has been acted on."""
        done = asyncio.Event()
        asyncio.get_running_loop().call_soon(done.set)
        await done.wait()

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Deliver from now on."""
        self._heard, self._gone = heard, gone

    def deliver(self, chunk: bytes) -> None:
        """Deliver bytes now; b"" is the end of the line."""
        if chunk:
            self._heard(chunk)
        else:
            self._gone(PortClosed("the end of the line"))

    def write(self, data: bytes) -> None:
        """Take what the host sends."""
        self.written.append(data)
        if self._laid_out is not None:
            chunks, self._laid_out = self._laid_out, None
            self.say(*chunks)
        elif self._answers_attention and data in {b"AT\r", b"ATQ0V1\r", b"ATV1\r"}:
            self.say(b"\r\nOK\r\n")
        elif self._answers_attention and data == b"AT+IFC?\r":
            self.say(b"\r\n+IFC: 0,0\r\n\r\nOK\r\n")
