"""Lives through one fault of the matrix, and says what came of it."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sim7020_bridge.config.model import ModemSettings, RecoverySettings
from tests.e2e.fast_world import NAME, FastWorld, Published, fast_world
from tests.e2e.fault import UP, Fault
from tests.e2e.faults import FAULTS
from tests.e2e.lived import Outage, outages
from tests.e2e.mqtt_peer import Heard
from tests.fast_time import FastLoop

CONNECTING = 0.8
"""Seconds that opening a TCP socket takes the module at most."""

BARRED = 30.0
"""Seconds for which something keeps the bridge from its port."""

MOST_ADDED = 2.0
MOST_ADDED_PART = 0.1
"""What the bridge may add to the time that recovering takes anyway: seconds, or a part of it where that is more."""


TOLD_WITHIN = 10.0
"""Seconds in which an alert must be in the log."""

Span = tuple[float, float]


class Dialogue(logging.Handler):
    """Every line between the bridge and the module, and when by the loop's clock."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[float, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the trace."""
        self.lines.append((asyncio.get_running_loop().time(), record.getMessage()))

    def first(self, start: str, *, since: float) -> float:
        """Return when a command was first written since then; ``since`` itself if it was not."""
        return next((at for at, line in self.lines if at >= since and line.startswith(f"> {start}")), since)

    def last(self, start: str, *, since: float, until: float) -> float:
        """Return when the module said such a line last in a time; ``since`` if it did not."""
        return max(
            (at for at, line in self.lines if since <= at <= until and line.startswith(f"< {start}")), default=since
        )

    def connecting(self) -> Iterator[Span]:
        """Yield when the module was opening connections, each time for CONNECTING at most."""
        began: float | None = None
        for at, line in self.lines:
            if line.startswith("> "):
                began = at if line.startswith("> AT+CSOCON=") else None
            elif began is not None and line.startswith(("< OK", "< ERROR", "< +CME ERROR")):
                yield began, min(at, began + CONNECTING)
                began = None


@contextmanager
def _listening() -> Iterator[Dialogue]:
    """Listen to what is said, by the bridge's own trace."""
    trace, lines = logging.getLogger("sim7020_bridge.trace"), Dialogue()
    level, propagate = trace.level, trace.propagate
    trace.setLevel(logging.DEBUG)
    trace.propagate = False
    trace.addHandler(lines)
    try:
        yield lines
    finally:
        trace.removeHandler(lines)
        trace.setLevel(level)
        trace.propagate = propagate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bridge did about a fault; seconds are the module's.

    Args:
        steps: The steps taken, and how often each.
        raised: The alerts that were raised at any time.
        alerts: Those that hold at the end.
        up: Whether it is up at the end.
        took: From the fault until it was up again, the longest if it was down more than once; None if never.
        module: What the module needed of that: the fault's own duration, its start, attaching.
        waited: What had to be waited for beyond that.
        alerted: From the fault until the alert that it ends at; None if it ends up.
        commands: What the module was told.
        lived: How long all of it took.
        said: The last of what the bridge logged, by the loop's clock.
        untold: What the log does not tell: alerts with their advice, each within 10 s and again when it is over, and
            that the modem is online in the end.
    """

    steps: Mapping[str, int]
    raised: frozenset[str]
    alerts: frozenset[str]
    up: bool
    took: float | None
    module: float
    waited: float
    alerted: float | None
    commands: tuple[str, ...]
    lived: float
    said: tuple[str, ...]
    untold: tuple[str, ...]

    @property
    def added(self) -> float:
        """What the bridge added to what the module needed and what had to be waited for."""
        return 0.0 if self.took is None else self.took - self.module - self.waited

    @property
    def allowed(self) -> float:
        """What it may add."""
        return max(MOST_ADDED, (self.module + self.waited) * MOST_ADDED_PART)


def live_through_one(name: str, pace: float, directory: Path) -> Outcome:
    """Do so with a fault by its name, as a process of its own does; ``pace`` goes before its speed."""
    fault = next(fault for fault in FAULTS if fault.id == name)
    return live_through(replace(fault, speed=fault.speed * pace), directory)


def live_through(fault: Fault, directory: Path) -> Outcome:
    """Run the emulator and the bridge until the fault is over; hold the bridge to the contract and to tidiness."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(_live(fault, directory))


async def _live(fault: Fault, directory: Path) -> Outcome:
    events = [word for event in fault.do for word in ("--do", event)]
    arguments = ("--scenario", fault.scenario, *events, *fault.arguments)
    async with fast_world(directory, *arguments, speed=fault.speed, tcp_port=fault.tcp_port) as world:
        power = None if fault.hook is None else fault.hook(directory)
        if power is not None and power.topic is not None:
            world.mqtt.watch(lambda heard: _plug(world, heard))
        settings = ModemSettings(
            name=NAME,
            port=world.emulator.place,
            sockets=world.sockets(*fault.sockets),
            recovery=RecoverySettings(power=power),
            **fault.modem,
        )
        world.published.may_sleep = settings.power_saving is not None
        began = world.loop.time()
        with _listening() as lines:
            barrier = await _barred(fault, world)
            async with _first_on_path(directory / "bin"), world.bridge(settings):
                talking = [*barrier, *(asyncio.create_task(world.chat(name)) for name in fault.sockets if fault.chat)]
                if fault.act is not None:
                    talking.append(asyncio.create_task(fault.act(world)))
                try:
                    await _until_over(fault, world)
                finally:
                    for task in talking:
                        task.cancel()
                    await asyncio.gather(*talking, return_exceptions=True)
                outcome = _outcome(fault, world, lines, world.loop.time() - began)
        world.check()
        return outcome


async def _barred(fault: Fault, world: FastWorld) -> "list[asyncio.Task[None]]":
    """Keep the bridge from its port for a while, if the fault is that; return the task that does."""
    barrier, closed = fault.barred, asyncio.Event()
    if barrier is None:
        return []

    async def bar() -> None:
        with barrier(Path(world.emulator.place)):
            closed.set()
            await asyncio.sleep(BARRED)
        world.trace.comment("fault: end of the barrier")

    task = asyncio.create_task(bar())
    await closed.wait()
    return [task]


@asynccontextmanager
async def _first_on_path(directory: Path) -> AsyncIterator[None]:
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{directory}{os.pathsep}{path}"
    try:
        yield
    finally:
        os.environ["PATH"] = path


def _plug(world: FastWorld, heard: Heard) -> None:
    if heard.topic == "plug/set":
        world.emulator.tell("power on" if heard.payload == b"ON" else "power off")


async def _until_over(fault: Fault, world: FastWorld) -> None:
    """Wait for the last fault and for all that it must lead to, then for the end, and that it stays so.

    The bridge tells in order: what it told before the echo of a message has been heard when the echo has.
    """
    told = world.published
    event, times = fault.awaits

    def happened() -> bool:
        return (
            world.trace.faults() >= fault.faults
            and told.events.count(event) >= times
            and fault.steps <= set(told.steps)
            and fault.alerts <= {name for _, name in told.raised}
        )

    def over() -> bool:
        return told.is_up and not told.alerts if fault.ends == UP else fault.ends in told.alerts

    await world.until(happened, within=fault.within)
    while True:
        await world.until(over, within=fault.within)
        if fault.ends != UP:
            await asyncio.sleep(fault.stays)
            if over():
                return
            continue
        # one that has not noticed yet carries nothing
        await world.carries(*fault.sockets)
        if await world.remains(over, seconds=fault.stays):
            return


def _outcome(fault: Fault, world: FastWorld, lines: Dialogue, lived: float) -> Outcome:
    told = world.published
    marks = world.trace.marks
    first = next((mark.at for mark in marks if mark.fault), 0.0)
    worst = max(
        (outage for outage in outages(marks, told.up) if outage.over > first),
        key=lambda outage: outage.over - outage.began - sum(_least(fault, outage, told, lines)),
        default=None,
    )
    module, waited = (0.0, 0.0) if worst is None else _least(fault, worst, told, lines)
    raised = next((at for at, name in told.raised if name == fault.ends), None)
    return Outcome(
        steps=Counter(told.steps),
        raised=frozenset(name for _, name in told.raised),
        alerts=frozenset(told.alerts),
        up=told.is_up,
        took=None if worst is None else worst.over - worst.began,
        module=module,
        waited=waited,
        alerted=None if raised is None else raised - (first or marks[0].at),
        commands=tuple(world.trace.commands),
        lived=lived,
        said=tuple(world.said),
        untold=tuple(_untold(told, world.log)),
    )


def _untold(told: Published, log: Sequence[tuple[float, str]]) -> Iterator[str]:
    """Yield what a reader of the log at level info would miss."""
    for at, document in told.documents:
        words = document["message"]
        lines = [line for when, line in log if when < at + TOLD_WITHIN]  # the broker, too, takes its time
        if not any(words in line and document["advice"] in line for line in lines):
            yield f"{at:.2f} {words}"
    for name, last in {document["id"]: document["message"] for _, document in told.documents}.items():
        over = {f"resolved: {last}", f"resolved again: {last}"}
        if name not in told.alerts and not any(line in over for _, line in log):
            yield f"resolved: {last}"
    link = [line for _, line in log if "online: " in line or line.startswith("online ")]
    if told.layer == "online" and not (link and link[-1].startswith("online")):
        yield f"online: {link}"


def _least(fault: Fault, outage: Outage, told: Published, lines: Dialogue) -> tuple[float, float]:
    """Return what the module needs, and what has to be waited for beyond that."""
    over = outage.over
    mended = outage.mended if fault.lasts is None else outage.began + fault.lasts
    if fault.strikes:
        mended = lines.last(fault.strikes, since=mended, until=over)
    waited = mended
    if fault.wait is not None:
        waited = max(mended, lines.first(fault.wait.since, since=outage.began) + fault.wait.seconds)

    def able(ready: float) -> float:
        return min(over, max(outage.online, ready) if fault.needs is None else ready + fault.needs)

    connecting = list(lines.connecting())
    waits = [wait for each in told.waits.values() for wait in each.taken]
    connected = _spent(connecting, able(waited), over)
    in_all = able(waited) + _spent([*connecting, *waits], able(waited), over) - outage.began
    module = able(mended) + connected - outage.began
    return module, in_all - module


def _spent(spans: Iterable[Span], begin: float, end: float) -> float:
    """Return how much of a time is in any of the spans."""
    total, reached = 0.0, begin
    for began, over in sorted(spans):
        total += max(0.0, min(over, end) - max(began, reached))
        reached = max(reached, min(over, end))
    return total
