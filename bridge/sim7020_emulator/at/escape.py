"""The escape from data back to commands: ``+++`` between two silences of a second (TCP/IP note V1.02 section 4)."""

from collections.abc import Callable

from sim7020_emulator.schedule import Schedule, Timer

_GUARD = 1.0
"""Seconds of silence before and after, and the most between two plus signs."""

_SEQUENCE = b"+++"


class Escape:
    """Passes data on, all but the sequence.

    Args:
        pass_through: Takes what is data.
        escaped: Called when the silence after the sequence is over.
    """

    def __init__(self, schedule: Schedule, pass_through: Callable[[bytes], None], escaped: Callable[[], None]) -> None:
        self._schedule = schedule
        self._pass_through = pass_through
        self._escaped = escaped
        self._held = b""
        self._last = float("-inf")
        self._timer: Timer | None = None

    def note(self) -> None:
        """Note that something was typed that is no data."""
        self._last = self._schedule.now()

    def feed(self, data: bytes) -> None:
        """Take data as they come off the line."""
        quiet = self._schedule.now() - self._last >= _GUARD
        self._last = self._schedule.now()
        if self._timer is not None:
            self._timer.cancel()
        held, self._held = self._held + data, b""
        if (quiet or len(held) > len(data)) and _SEQUENCE.startswith(held):
            self._held = held
            self._timer = self._schedule.timer(_GUARD, self._silence)
        else:
            self._pass_through(held)

    def _silence(self) -> None:
        held, self._held = self._held, b""
        if held == _SEQUENCE:
            self._escaped()
        else:
            self._pass_through(held)
