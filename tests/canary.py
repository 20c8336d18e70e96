"""What a test's clock must not run ahead of: bytes that are under way in a pseudo terminal."""

import os
import select
import tty

_LONGEST_FLIGHT = 2.0
"""Seconds of the world after which a byte is not waited for any more: it is late by more than any test minds."""


class Canary:
    """A pseudo terminal of our own: when a byte is through it, what was written to others before is through as well.

    The kernel passes it on in a thread of its own, which a busy machine may leave waiting for a tenth of a second.
    """

    def __init__(self) -> None:
        self._near, self._far = os.openpty()
        tty.setraw(self._far)

    def fly(self) -> None:
        """Send a byte through."""
        os.write(self._near, b".")
        if select.select([self._far], [], [], _LONGEST_FLIGHT)[0]:
            os.read(self._far, 1024)

    def close(self) -> None:
        """Let go of both ends."""
        os.close(self._near)
        os.close(self._far)
