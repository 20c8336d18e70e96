"""A life that was lived: what an emulator traced and what a bridge published, on one clock."""

import datetime as dt
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_STAMP = "# time: "
_FAULT = "# fault: "
_EVENT = "# event: "
ONLINE = "event: online"


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to the module, or what became of it, and when by the host's clock, in seconds."""

    at: float
    text: str

    @property
    def fault(self) -> bool:
        """Whether somebody did it to the module."""
        return self.text.startswith(_FAULT[2:])


@dataclass(slots=True)
class Trace:
    """An emulator's trace as it grows."""

    file: Path
    commands: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    _read: int = 0
    _rest: bytes = b""
    _now: float = 0.0

    def look(self) -> None:
        """Read what has come since the last look."""
        with self.file.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode("latin-1"))

    def faults(self) -> int:
        """Return how many faults have happened or ended so far."""
        self.look()
        return sum(mark.fault for mark in self.marks)

    def _take(self, line: str) -> None:
        if line.startswith("> "):
            self.commands.append(line[2:])
        elif line.startswith(_STAMP):
            self._now = _seconds(line.removeprefix(_STAMP))
        elif line.startswith((_FAULT, _EVENT)):
            self.marks.append(Mark(self._now, sys.intern(line[2:])))


def _seconds(stamp: str) -> float:
    return dt.datetime.fromisoformat(stamp).replace(tzinfo=dt.UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Outage:
    """One time of not being up; times by the host's clock, in seconds.

    Args:
        began: When the fault happened that took it down; when it went down if it had been up since that fault.
        mended: When the last fault ended that happened meanwhile.
        online: When the module itself was online again; ``mended`` if it was so all the time.
        over: When the bridge was up again.
    """

    began: float
    mended: float
    online: float
    over: float


def outages(marks: list[Mark], up: list[tuple[float, bool]]) -> Iterator[Outage]:
    """Yield each time of not being up, from what happened to the module and when the bridge was up and when not."""
    lost: float | None = marks[0].at if marks else None
    up_again = 0.0
    for at, is_up in up:
        if not is_up:
            lost = at if lost is None else lost
        elif lost is not None:
            began = max([mark.at for mark in marks if mark.at <= lost and _takes_down(mark)], default=lost)
            began = began if began > up_again else lost
            within = [mark for mark in marks if began <= mark.at <= at]
            mended = max([mark.at for mark in within if mark.fault], default=began)
            online = max([mark.at for mark in within if mark.text == ONLINE], default=mended)
            yield Outage(began, mended, max(online, mended), at)
            lost, up_again = None, at


def _takes_down(mark: Mark) -> bool:
    return mark.fault and not mark.text.startswith("fault: end of")
