"""The transparent mode of the SIM800-compatible stack: what is typed is data, until it is interrupted.

Source: TCP/IP note V1.02 section 4. How typed bytes are gathered into sends is the SIM800 family's default of +CIPCCFG.
"""

from collections.abc import Callable

from sim7020_emulator.schedule import Schedule, Timer
from sim7020_emulator.sockets.module_socket import Received

_LONGEST_PACKET = 1024
_PATIENCE = 0.2
"""Seconds without a further byte after which what was typed is sent."""


class Transparent:
    """Whether a link is transparent now, and what was typed for it or received meanwhile.

    Args:
        send: Takes a packet for the network.
        say: Puts bytes on the line as they are.
    """

    def __init__(self, schedule: Schedule, *, send: Callable[[bytes], None], say: Callable[[bytes], None]) -> None:
        self._schedule = schedule
        self._send = send
        self._say = say
        self._typed = bytearray()
        self._received = Received()
        self._timer: Timer | None = None
        self.passing = False

    def resume(self) -> None:
        """Take what is typed for data, and print what came in the meantime."""
        self.passing = True
        if self._received:
            self._say(self._received.take(len(self._received)))

    def pause(self) -> None:
        """Send what was typed; take what follows for commands."""
        self._flush()
        self.passing = False

    def end(self) -> None:
        """Be interrupted for good: nothing is kept."""
        self.passing = False
        self._typed.clear()
        self._received.clear()

    def type(self, data: bytes) -> None:
        """Take typed bytes."""
        self._typed += data
        while len(self._typed) >= _LONGEST_PACKET:
            self._hand_over(_LONGEST_PACKET)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._schedule.timer(_PATIENCE, self._flush)

    def receive(self, data: bytes) -> None:
        """Print received bytes, or keep them until data may pass again."""
        if self.passing:
            self._say(data)
        else:
            self._received.put(data)

    def full(self) -> bool:
        """Say whether too much was kept for more to be received."""
        return self._received.full()

    def _flush(self) -> None:
        if self._typed:
            self._hand_over(len(self._typed))

    def _hand_over(self, count: int) -> None:
        data = bytes(self._typed[:count])
        del self._typed[:count]
        self._send(data)
