"""When sockets with a pace sent: kept on disk, so that a bridge that is started again keeps the pace."""

from collections.abc import Sequence
from functools import partial

from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.passing_time import PassingTime
from sim7020_bridge.outbox.writer import LEISURE, Writer


class SendTimes:
    """Notes when sockets send.

    Args:
        writer: Writes them.
        time: By which it is told.
    """

    def __init__(self, writer: Writer, time: PassingTime) -> None:
        self._writer = writer
        self._time = time
        self._earlier: Sequence[tuple[str, float]] = ()

    def restore(self, earlier: Sequence[tuple[str, float]]) -> None:
        """Take what earlier runs noted: sockets and times, the oldest first."""
        self._earlier = earlier

    def ages(self, socket: str) -> Sequence[float]:
        """Return how many seconds ago a socket sent in earlier runs, the oldest first."""
        return [self._time.now() - at for name, at in self._earlier if name == socket]

    def note(self, socket: str, *, remembered: float) -> None:
        """Note that a socket sends now; what is older than ``remembered`` seconds is forgotten."""
        self._writer.write(
            partial(records.note_sent, socket=socket, at=self._time.now(), remembered=remembered), within=LEISURE
        )
