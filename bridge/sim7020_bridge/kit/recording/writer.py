"""Bytes that pass both ways into lines of a transcript."""

import re
from collections.abc import Callable
from typing import Final

from sim7020_bridge.at.framer import Framer, Prompt
from sim7020_bridge.commands.secrets import mask

PAUSE: Final = 1.0
"""Seconds of silence that are worth a line."""

_PROMPT: Final = b"> "
_HIDDEN: Final = b"*"


class Writer:
    """Writes what passes as ``> `` and ``< `` lines, with the time of day in remarks.

    Args:
        write: Takes each line, without its end.
        clock: The time of day as text.
        elapsed: Seconds since some start.
        secrets: Whether payload and identities are written too.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        clock: Callable[[], str],
        elapsed: Callable[[], float],
        secrets: bool = False,
    ) -> None:
        self._write = write
        self._clock = clock
        self._elapsed = elapsed
        self._secrets = secrets
        self._incoming = Framer()
        self._sent = b""
        self._prompted = False
        self._last: float | None = None

    def begin(self, port: str, note: str) -> None:
        """Write the head."""
        for line in (f"# source: {port}", f"# what: {note}", "# fidelity: device"):
            self._write(line)

    def sent(self, data: bytes) -> None:
        """Take bytes from the host."""
        self._pause()
        if self._prompted:
            shown = data if self._secrets else _HIDDEN * len(data)
            self._write(f">! {shown.hex().upper()}")
            return
        *lines, self._sent = re.split(rb"[\r\n]", self._sent + data)
        for line in lines:
            text = line.replace(b"\0", b"").decode("ascii", "backslashreplace").strip()
            if text:
                self._write(f"# note: {self._clock()}")
                self._write(f"> {self._shown(text)}")

    def received(self, data: bytes) -> None:
        """Take bytes from the module."""
        self._pause()
        for item in self._incoming.feed(data):
            if isinstance(item, Prompt):
                self._prompted = True
                self._write(f"<! {_PROMPT.hex().upper()}")
            else:
                self._prompted = False
                self._write(f"< {self._shown(item.text)}")

    def _shown(self, text: str) -> str:
        return text if self._secrets else mask(text)

    def _pause(self) -> None:
        now = self._elapsed()
        if self._last is not None and now - self._last >= PAUSE:
            self._write(f"# event: wait {now - self._last:.1f}")
        self._last = now
