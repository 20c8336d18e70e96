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
from dataclasses import dataclass
from pathlib import Path

from sim7020_bridge.config.model import ModemSettings
from tests.e2e.fast_world import NAME, FastWorld, fast_world
from tests.e2e.lived import Mark, outages
from tests.e2e.mqtt_peer import Heard
from tests.e2e.reliability import machine, write
from tests.fast_time import FastLoop

HOUR = 3600.0
MOST_GROWTH = 10.0
"""Percent by which memory may be more at the end than once warm."""

_MENDS = (
    "fault: end of",
    "fault: mend",
    "fault: sim ready",
    "fault: power on",
    "fault: registration home",
    "fault: signal 20",
)
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

    @property
    def growth(self) -> float:
        """How much more memory is used at the end than once warm, in percent."""
        warm, last = self.memory
        return (last / warm - 1) * 100


def live(directory: Path, *, seed: int, faults: int, lasts: float, speed: float) -> Life:
    """Live for so many faults and so many seconds at least, then until all is well, and hold the bridge to tidiness."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(_live(directory, seed, faults, lasts, speed))


async def _live(directory: Path, seed: int, faults: int, lasts: float, speed: float) -> Life:
    async with fast_world(directory, "--scenario", f"random:{seed}", speed=speed) as world:
        world.mqtt.watch(lambda heard: _forget(world, heard))
        settings = ModemSettings(name=NAME, port=world.emulator.place, sockets=world.sockets("telemetry", "control"))
        began = world.loop.time()
        memory: list[float] = []
        async with world.bridge(settings):
            talking = [asyncio.create_task(world.chat(name)) for name in ("telemetry", "control")]
            while count(world.trace.marks) < faults or world.loop.time() - began < lasts:
                await asyncio.sleep(max(lasts / 96, 60.0))
                world.trace.commands.clear()
                memory.append(_memory())
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
            await world.until(lambda: world.published.is_up, within=2 * HOUR)
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
        )


def count(marks: list[Mark]) -> int:
    """Return how many faults happened: several events at once are one, and those that mend are none."""
    times = [mark.at for mark in marks if mark.fault and not mark.text.startswith(_MENDS)]
    return sum(1 for before, at in zip([0.0, *times], times, strict=False) if at - before > _AT_ONCE)


def _forget(world: FastWorld, _heard: Heard) -> None:
    """Hold what was published to the contract, and let the test's own memory stay as it is."""
    try:
        world.check()
    finally:
        world.mqtt.heard.clear()
    world.udp.datagrams.clear()
    world.tcp.stream.clear()


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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        life = live(Path(directory), seed=given.seed, faults=given.faults, lasts=given.hours * HOUR, speed=given.speed)
    lines = table(life)
    print("\n".join(lines))  # noqa: T201 - the program's output
    if given.write:
        write("life", lines)
    return 1 if life.growth > MOST_GROWTH else 0


def table(life: Life) -> list[str]:
    """Return what came of it as a table for people."""
    steps = ", ".join(f"{step} {count}" for step, count in life.steps.items()) or "none"
    warm, last = life.memory
    down = f"{life.down} times; median {life.median:.0f} s, longest {life.longest:.0f} s"
    return [
        "| | |",
        "|---|---|",
        f"| machine | {machine()} |",
        f"| seed, pace | {life.seed}, {life.speed:g} times as fast |",
        f"| lived | {life.lived / HOUR:.1f} h, {life.faults} faults |",
        f"| not online, or a socket not open | {down} |",
        f"| steps | {steps} |",
        f"| memory | {warm:.1f} MiB once warm, {last:.1f} MiB at the end ({life.growth:+.1f} %) |",
        "| at the end | online; nothing unhandled in the log; no task, thread or descriptor left |",
    ]


if __name__ == "__main__":
    sys.exit(main())
