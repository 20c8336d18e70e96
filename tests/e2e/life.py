"""A long life of the bridge: an emulated module to which every fault happens in random order, for days of its time.

Run as a program by script/life; the tests live through a short one.
"""

import argparse
import asyncio
import gc
import os
import statistics
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sim7020_bridge.config.model import ModemSettings, PowerSavingSettings, RecoverySettings
from sim7020_emulator.field.conditions import PROFILES
from tests.e2e.fast_world import CHATTER, MOST_WAITING, NAME, ROOT, FastWorld, fast_world
from tests.e2e.fault import told
from tests.e2e.lived import Mark, outages
from tests.e2e.mqtt_peer import Heard
from tests.e2e.reliability import machine, write
from tests.fast_time import FastLoop

HOUR = 3600.0
MOST_GROWTH = 10.0
"""Percent by which memory may be more at the end than once warm."""

SAVINGS: Final = MappingProxyType(
    {
        "none": None,
        "psm": PowerSavingSettings(active_time=10.0, periodic_update=600.0),
        "edrx": PowerSavingSettings(edrx_cycle=163.84, paging_window=10.24),
    }
)
"""Power saving that a life may have."""

_NIGHTLY: Final = 180.0
"""Seconds between two messages to a modem that saves power: more often, and it never sleeps."""

_MENDS = (
    "fault: end of",
    "fault: mend",
    "fault: pwrkey",
    "fault: save",
    "fault: setting Q=0",
    "fault: set address=10.",
    "fault: sim ready",
    "fault: power on",
    "fault: registration home",
    "fault: signal 20",
)
_POWER = frozenset({"event: asleep", "event: woken", "event: booted", "event: off"})

_AT_ONCE = 0.01
"""Seconds of the module within which events of one fault happen."""


@dataclass(frozen=True, slots=True)
class Life:
    """What came of it; durations in the module's seconds, memory in MiB.

    Args:
        seed: Of the faults.
        speed: How many times as fast as the world.
        lived: How long.
        faults: How many happened.
        down: How often the modem was not up.
        median: Of the times until it was up again, counted from the fault.
        longest: Of them.
        steps: How often each recovery step was taken.
        memory: Of the process once warm, and at the end.
        saving: Which of SAVINGS.
        sleeps: How often the module slept.
        messages: How many were sent, and how often each final receipt came.
        unheard: Messages that the TCP peer is said to have and has not.
        presses: How often the power hook was used, and how often of these the module slept as agreed.
    """

    seed: int
    speed: float
    lived: float
    faults: int
    down: int
    median: float
    longest: float
    steps: dict[str, int]
    memory: tuple[float, float]
    saving: str
    sleeps: int
    messages: tuple[int, dict[str, int]]
    unheard: int
    presses: tuple[int, int]

    @property
    def lost(self) -> int:
        """How many messages have no final receipt, or are said to have arrived and have not."""
        sent, ends = self.messages
        return abs(sent - sum(ends.values())) + max(0, self.unheard)

    @property
    def growth(self) -> float:
        """How much more memory is used at the end than once warm, in percent."""
        warm, last = self.memory
        return (last / warm - 1) * 100


@dataclass(slots=True)
class _Tally:
    """What was sent, and what became of it."""

    sent: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    arrived: int = 0


def live(
    directory: Path,
    *,
    seed: int,
    faults: int,
    lasts: float,
    speed: float,
    saving: str = "none",
    spoil: int = 0,
    profile: str | None = None,
) -> Life:
    """Live for so many faults and so many seconds at least, then until all is well, and hold the bridge to tidiness."""
    arguments = ["--scenario", f"random:{seed}", "--seed", str(seed), "--spoil", str(spoil)]
    if profile is not None:
        arguments += ["--profile", profile]
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(_live(directory, arguments, seed, faults, lasts, speed, saving))


async def _live(  # noqa: PLR0917 - what live was told
    directory: Path, arguments: list[str], seed: int, faults: int, lasts: float, speed: float, saving: str
) -> Life:
    async with fast_world(directory, *arguments, speed=speed) as world:
        tally = _Tally()
        # a TCP connection keeps the module out of deep sleep; with PSM it is open on demand only
        names = ("telemetry",) if saving == "edrx" else ("telemetry", "control")
        world.mqtt.watch(lambda heard: _take(world, tally, heard))
        settings = ModemSettings(
            name=NAME,
            port=world.emulator.place,
            sockets=world.sockets(*names),
            power_saving=SAVINGS[saving],
            recovery=RecoverySettings(power=told("pwrkey")(directory)),
        )
        world.published.may_sleep = settings.power_saving is not None
        every = _NIGHTLY if world.published.may_sleep else CHATTER
        began = world.loop.time()
        memory: list[float] = []
        async with world.bridge(settings):
            talking = [asyncio.create_task(_talk(world, tally, name, every)) for name in names]
            while count(world.trace.marks) < faults or world.loop.time() - began < lasts:
                await asyncio.sleep(max(lasts / 96, 60.0))
                world.trace.commands.clear()
                memory.append(_memory())
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
            await world.until(lambda: world.published.is_up and tally.sent <= sum(tally.ends.values()), within=2 * HOUR)
            lived = world.loop.time() - began
        times = [each.over - each.began for each in outages(world.trace.marks, world.published.up)]
        # once warm: after an eighth of its life
        warm, last = memory[len(memory) // 8 :][: len(memory) // 8 or 1], memory[-(len(memory) // 8 or 1) :]
        steps = world.published.steps
        return Life(
            seed,
            speed,
            lived,
            count(world.trace.marks),
            len(times),
            statistics.median(times),
            max(times),
            {step: steps.count(step) for step in sorted(set(steps))},
            (statistics.median(warm), statistics.median(last)),
            saving,
            sum(mark.text == "event: asleep" for mark in world.trace.marks),
            (tally.sent, dict(sorted(tally.ends.items()))),
            tally.acknowledged - tally.arrived,
            _presses(world.trace.marks, agreed=settings.power_saving is not None),
        )


def count(marks: list[Mark]) -> int:
    """Return how many faults happened: several events at once are one, and those that mend are none."""
    times = [mark.at for mark in marks if mark.fault and not mark.text.startswith(_MENDS)]
    return sum(1 for before, at in zip([0.0, *times], times, strict=False) if at - before > _AT_ONCE)


def _presses(marks: list[Mark], *, agreed: bool) -> tuple[int, int]:
    """Return how often PWRKEY was pressed, and how often of these the module slept, where that was agreed."""
    presses = asleep = 0
    sleeps = False
    for mark in marks:
        if mark.text == "fault: pwrkey":
            presses += 1
            asleep += sleeps and agreed
        elif mark.text in _POWER:
            sleeps = mark.text == "event: asleep"
    return presses, asleep


async def _talk(world: FastWorld, tally: _Tally, socket: str, every: float) -> None:
    """Send a message every now and then, for ever, unless many wait already: they would count as memory."""
    while True:
        await asyncio.sleep(every)
        if world.published.waiting <= MOST_WAITING:
            world.mqtt.post(f"{ROOT}/socket/{socket}/send", b"m", qos=0)
            tally.sent += 1


def _take(world: FastWorld, tally: _Tally, heard: Heard) -> None:
    """Hold what was published to the contract, count it, and let the test's own memory stay as it is."""
    try:
        world.check()
    finally:
        world.mqtt.heard.clear()
    tally.arrived += world.tcp.stream.count(b"m")
    world.udp.datagrams.clear()
    world.tcp.stream.clear()
    if heard.topic.endswith("/receipt") and (receipt := heard.json())["final"]:
        tally.ends[receipt["state"]] += 1
        tally.acknowledged += receipt["state"] == "acknowledged"


def _memory() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> int:
    """Live as long as the command line says, and print what came of it; the exit status says whether memory stayed."""
    parser = argparse.ArgumentParser(description="Let every fault happen to the bridge in random order.")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same faults (7)")
    parser.add_argument("--faults", type=int, default=500, help="how many at least (500)")
    parser.add_argument("--hours", type=float, default=24.0, help="how long at least, in the module's time (24)")
    parser.add_argument("--speed", type=float, default=300.0, help="how many times as fast as the world (300)")
    parser.add_argument("--write", action="store_true", help="write what came of it into docs/reliability.md")
    parser.add_argument(
        "--saving", choices=tuple(SAVINGS), default="none", help="power saving that is configured (none)"
    )
    parser.add_argument("--spoil", type=int, default=200, help="spoil one line in so many (200); 0: none")
    parser.add_argument("--profile", choices=tuple(PROFILES), help="the radio network, as in the field (none)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        life = live(
            Path(directory),
            seed=given.seed,
            faults=given.faults,
            lasts=given.hours * HOUR,
            speed=given.speed,
            saving=given.saving,
            spoil=given.spoil,
            profile=given.profile,
        )
    lines = table(life)
    print("\n".join(lines))  # noqa: T201 - the program's output
    if given.write:
        write("life", lines)
    return 1 if life.growth > MOST_GROWTH or life.lost or life.presses[1] else 0


def table(*lives: Life) -> list[str]:
    """Return what came of lives as a table for people, a column each."""
    columns = [_column(life) for life in lives]
    rows = [f"| {' | '.join((name, *(column[name] for column in columns)))} |" for name in columns[0]]
    return ["| |" + " |" * len(lives), "|---|" + "---|" * len(lives), *rows]


def _column(life: Life) -> dict[str, str]:
    warm, last = life.memory
    ends = ", ".join(f"{count} {state}" for state, count in life.messages[1].items())
    presses, asleep = life.presses
    times = f"median {life.median:.0f} s, longest {life.longest:.0f} s"
    return {
        "machine": machine(),
        "seed, pace": f"{life.seed}, {life.speed:g} times as fast",
        "power saving": f"{life.saving}; slept {life.sleeps} times",
        "lived": f"{life.lived / HOUR:.1f} h, {life.faults} faults",
        "not online, or a socket not open": f"{life.down} times; {times}",
        "steps": ", ".join(f"{step} {count}" for step, count in life.steps.items()) or "none",
        "power hook": f"used {presses} times, {asleep} of them while the module slept as agreed",
        "messages": f"{life.messages[0]}: {ends}; {life.lost} lost",
        "memory": f"{warm:.1f} MiB once warm, {last:.1f} MiB at the end ({life.growth:+.1f} %)",
        "at the end": "online; nothing unhandled in the log; no task, thread or descriptor left",
    }


if __name__ == "__main__":
    sys.exit(main())
