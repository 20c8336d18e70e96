"""A life that was lived: what happened to an emulated module and what a bridge published, on one clock."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_FAULT = "fault: "
SOCKET_ENDED = "said: +CSOERR"
ONLINE = "event: online"


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened to the module, or what became of it, and when by the loop's clock, in seconds."""

    at: float
    text: str

    @property
    def fault(self) -> bool:
        """Whether somebody did it to the module."""
        return self.text.startswith(_FAULT)


@dataclass(slots=True)
class Trace:
    """What an emulator in this process is told and what happens to it; ``on_mark`` is called for the latter."""

    on_mark: Callable[[], None]
    commands: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def line(self, direction: str, text: str) -> None:
        """Take a piece of dialogue."""
        if direction == ">":
            self.commands.append(text)
        elif text.startswith("+CSOERR"):
            self.comment(f"said: {text}")

    def comment(self, text: str) -> None:
        """Take what happened."""
        self.marks.append(Mark(asyncio.get_running_loop().time(), text))
        self.on_mark()

    def faults(self) -> int:
        """Return how many faults have happened or ended so far."""
        return sum(mark.fault for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Outage:
    """One time of not being up; times by the loop's clock, in seconds.

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
