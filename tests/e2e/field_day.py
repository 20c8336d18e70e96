"""A day of the bridge with a module in the field: what arrived and when, and each step beside what called for it.

Run as a program by script/field-day; the tests live through short ones.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sim7020_bridge.config.model import ModemSettings, PowerSavingSettings
from sim7020_emulator.field.conditions import PROFILES
from tests.e2e.fast_world import NAME, ROOT, FastWorld, fast_world
from tests.e2e.lived import SOCKET_ENDED, Mark, outages
from tests.e2e.mqtt_peer import Heard, Mqtt5
from tests.fast_time import FastLoop

HOUR = 3600.0
EVERY = 300.0
"""Seconds between two messages to each socket."""

SIZE = 20
UDP_HEADERS = 28

SAVINGS: Final = MappingProxyType(
    {
        "none": None,
        "rai": PowerSavingSettings(release_assistance=True),
        "psm": PowerSavingSettings(active_time=10.0, periodic_update=600.0, release_assistance=True),
    }
)
"""Power saving that a day may have."""

EVENTS: Final = MappingProxyType(
    {
        "none": (),
        "hour": ((1200.0, "detach"), (2400.0, "swallow 92"), (3000.0, "swallow 300")),
        "day": ((HOUR, "detach"), (3 * HOUR, "swallow 92"), (4 * HOUR, "swallow 300")),
    }
)
"""What happens beside the profile, each at a random moment of every so many seconds."""

_DIALOGUE: Final = MappingProxyType(
    {
        "sockets made": "AT+CSOC=",
        "sockets closed": "AT+CSOCL=",
        "contexts activated": "AT+CGACT=1",
        "contexts switched off": "AT+CGACT=0",
        "radio off": "AT+CFUN=0",
        "attach attempts": "AT+CFUN=1",
        "attaches commanded": "AT+CGATT=1",
    }
)


@dataclass(slots=True)
class Message:
    """One message: times by the loop's clock."""

    posted: float
    socket: str
    end: str = ""
    ended: float = 0.0
    arrived: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Day:
    """What came of it; durations in the module's seconds.

    Args:
        profile: Of PROFILES.
        saving: Of SAVINGS.
        lived: How long.
        messages: All that were sent, by id.
        lost: Datagrams of them that the model lost on their way up.
        steps: Each step of recovery with its time.
        uncalled: Those that nothing called for.
        said: How often the bridge gave each command of _DIALOGUE.
        down: Seconds of each time of not being online with all sockets open, but for the first.
        alerts: What was raised.
        figures: What the model has counted.
        detachments: How often the network detached the module.
        assistance: What the bridge says of release assistance at the end.
    """

    profile: str
    saving: str
    lived: float
    messages: dict[str, Message]
    lost: int
    steps: list[tuple[float, str]]
    uncalled: list[tuple[float, str]]
    said: dict[str, int]
    down: list[float]
    alerts: list[str]
    figures: dict[str, str]
    detachments: int
    assistance: str | None

    def of(self, socket: str) -> list[Message]:
        """Return the messages of one socket."""
        return [message for message in self.messages.values() if message.socket == socket]

    def ages(self, socket: str) -> list[float]:
        """Return how old each message of a socket was when it arrived, in order."""
        return sorted(message.arrived[0] - message.posted for message in self.of(socket) if message.arrived)

    def untold(self) -> list[str]:
        """Return the messages whose final receipt is missing, or says of TCP that they arrived where they have not."""
        return [
            name
            for name, message in self.messages.items()
            if not message.end or (message.end == "acknowledged" and not message.arrived)
        ]

    def unexplained(self) -> int:
        """Return how many accepted datagrams did not arrive that the model has not lost."""
        return sum(m.end == "accepted" and not m.arrived for m in self.of("telemetry")) - self.lost


def live(
    directory: Path,
    *,
    profile: str,
    hours: float,
    seed: int = 7020,
    saving: str = "none",
    events: str = "day",
    speed: float = 600.0,
    every: float = EVERY,
    ignored: bool = False,
) -> Day:
    """Live for so many hours, then until the last message has ended; ``ignored`` if release assistance always is."""
    arguments = ["--profile", profile, "--seed", str(seed), "--variant", "cscon=yes"]
    if ignored:
        arguments += ["--set", "rai_ignored=100"]
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(_live(directory, arguments, profile, hours, seed, saving, events, speed, every))


async def _live(  # noqa: PLR0917 - what live was told
    directory: Path,
    arguments: list[str],
    profile: str,
    hours: float,
    seed: int,
    saving: str,
    events: str,
    speed: float,
    every: float,
) -> Day:
    async with fast_world(directory, *arguments, speed=speed) as world:
        life = _Life(world, speed)
        names = ("telemetry", "control")
        settings = ModemSettings(
            name=NAME, port=world.emulator.place, sockets=world.sockets(*names), power_saving=SAVINGS[saving]
        )
        world.published.may_sleep = saving == "psm"
        world.mqtt.watch(life.take)
        async with world.bridge(settings):
            began = world.loop.time()
            dice = random.Random(seed)  # noqa: S311 - the same day again
            happening = [asyncio.create_task(_happen(world, dice, *event)) for event in EVENTS[events]]
            await world.until(lambda: world.published.is_up, within=HOUR)
            while world.loop.time() - began < hours * HOUR:
                await life.send(names)
                await asyncio.sleep(every * dice.uniform(0.8, 1.2))
            for task in happening:
                task.cancel()
            await asyncio.gather(*happening, return_exceptions=True)
            await world.until(lambda: all(m.end for m in life.messages.values()), within=2 * HOUR)
            await asyncio.sleep(600)
            lived = world.loop.time() - began
            figures = dict(world.emulator.figures())
        return life.day(profile, saving, lived, figures)


async def _happen(world: FastWorld, dice: random.Random, every: float, words: str) -> None:
    while True:
        moment = dice.uniform(0, every)
        await asyncio.sleep(moment)
        world.emulator.tell(words)
        await asyncio.sleep(every - moment)


class _Life:
    """What is sent, and what is heard of it."""

    def __init__(self, world: FastWorld, speed: float) -> None:
        self._world = world
        self._speed = speed
        self._numbers = count()
        self._queued: set[str] = set()
        self._stream = bytearray()
        self.messages: dict[str, Message] = {}
        self.steps: list[tuple[float, str]] = []
        world.udp.on_data = self._datagram
        world.tcp.on_data = self._segment

    async def send(self, sockets: Sequence[str]) -> None:
        """Send a message to each socket; the broker is no faster than the world, so nor is the clock meanwhile."""
        world = self._world
        world.loop.run_at(1)
        for socket in sockets:
            name = f"{next(self._numbers):0{SIZE}d}"
            self.messages[name] = Message(world.loop.time(), socket)
            world.mqtt.post(f"{ROOT}/socket/{socket}/send", name, properties=Mqtt5(user=(("id", name),)))
        await world.until(lambda: len(self._queued) == len(self.messages), within=60)
        world.loop.run_at(self._speed)

    def take(self, heard: Heard) -> None:
        """Hold what was published to the contract, and keep what is of interest."""
        world, now = self._world, asyncio.get_running_loop().time()
        try:
            world.check()
        finally:
            world.mqtt.heard.clear()
        if heard.topic.endswith("/receipt"):
            receipt = heard.json()
            self._queued.add(receipt["id"])
            if receipt["final"]:
                message = self.messages[receipt["id"]]
                assert not message.end, f"two final receipts: {receipt}"
                message.end, message.ended = receipt["state"], now
        elif heard.topic.endswith("/event") and (event := heard.json())["type"] == "recovering":
            self.steps += [(now, event["rung"])] * event.get("times", 1)
        world.published.changed.set()

    def _datagram(self, data: bytes) -> None:
        self._arrived(data)

    def _segment(self, data: bytes) -> None:
        self._stream += data
        while len(self._stream) >= SIZE:
            self._arrived(bytes(self._stream[:SIZE]))
            del self._stream[:SIZE]

    def _arrived(self, data: bytes) -> None:
        self.messages[data.decode()].arrived.append(asyncio.get_running_loop().time())

    def day(self, profile: str, saving: str, lived: float, figures: dict[str, str]) -> Day:
        """Say what came of it."""
        trace = self._world.trace
        lost = sum(mark.text == f"lost up: {SIZE + UDP_HEADERS} bytes" for mark in trace.marks)
        down = [each.over - each.began for each in outages(trace.marks, self._world.published.up)]
        said = {
            what: sum(command.startswith(prefix) for command in trace.commands) for what, prefix in _DIALOGUE.items()
        }
        return Day(
            profile,
            saving,
            lived,
            self.messages,
            lost,
            self.steps,
            list(_uncalled(self.steps, trace.marks)),
            said,
            down[1:],
            [name for _, name in self._world.published.raised],
            figures,
            sum(mark.text == "fault: detach" for mark in trace.marks),
            self._world.mqtt.latest[f"{ROOT}/state"].json()["power"]["release_assistance"],
        )


def _uncalled(steps: Sequence[tuple[float, str]], marks: Sequence[Mark]) -> Iterator[tuple[float, str]]:
    """Yield the steps that nothing called for: a socket may be opened again for each that the module said has ended."""
    ends = [mark.at for mark in marks if mark.text.startswith(SOCKET_ENDED)]
    for at, step in steps:
        if step == "sockets" and ends and ends[0] <= at:
            ends.pop(0)
        else:
            yield at, step


def quantile(values: Sequence[float], part: float) -> float:
    """Return a quantile of sorted values; nan if there are none."""
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def rows(day: Day) -> dict[str, str]:
    """Return what came of a day in words, by what it is."""
    both = {"UDP": "telemetry", "TCP": "control"}
    ends = {name: Counter(message.end or "none" for message in day.of(socket)) for name, socket in both.items()}
    connected = sum(float(day.figures[f"{state}_j"]) for state in ("access", "connected", "waiting"))
    return {
        "lived": f"{day.lived / HOUR:.1f} h",
        "messages": "; ".join(f"{name} {', '.join(f'{n} {e}' for e, n in c.items())}" for name, c in ends.items()),
        "arrived": "; ".join(
            f"{name} {len(day.ages(socket))} of {len(day.of(socket))}, "
            f"{sum(len(m.arrived) > 1 for m in day.of(socket))} twice"
            for name, socket in both.items()
        ),
        "lost by the model": f"{day.lost} datagrams up; {day.unexplained()} not arrived beside these",
        "untold": str(len(day.untold())),
        "age of data, p50 · p95 · p99 · most, s": "; ".join(
            f"{name} {' · '.join(f'{quantile(ages, part):.1f}' for part in (0.5, 0.95, 0.99, 1))}"
            for name, socket in both.items()
            if (ages := day.ages(socket))
        ),
        "steps": ", ".join(f"{step} {n}" for step, n in Counter(step for _, step in day.steps).items()) or "none",
        "uncalled for": ", ".join(f"{step} at {at:.0f} s" for at, step in day.uncalled) or "none",
        "the network": f"detached it {day.detachments} times; the model counts {day.figures['attaches']} attaches, "
        f"{day.figures['updates']} updates, {day.figures['sessions']} sessions",
        "the bridge": ", ".join(f"{n} {what}" for what, n in day.said.items()),
        "not up": f"{len(day.down)} times; median {statistics.median(day.down):.0f} s, longest {max(day.down):.0f} s"
        if day.down
        else "never",
        "alerts": ", ".join(f"{name} {n}" for name, n in Counter(day.alerts).items()) or "none",
        "release assistance": f"{day.figures['rai']} times, {day.figures['rai_ignored']} ignored; {day.assistance}",
        "energy": f"{float(day.figures['joules']):.0f} J in all; {connected / len(day.messages):.2f} J a message",
        "bytes": f"up {day.figures['up_bytes']}, down {day.figures['down_bytes']}",
    }


def main() -> int:
    """Live as long as the command line says, and print what came of it; the exit status says whether all was well."""
    parser = argparse.ArgumentParser(description="Let the bridge live with a module in the field.")
    parser.add_argument("--profile", choices=tuple(PROFILES), default="field-day")
    parser.add_argument("--hours", type=float, default=24.0, help="how long, in the module's time (24)")
    parser.add_argument("--seed", type=int, default=7020, help="of the model's dice (7020)")
    parser.add_argument("--saving", choices=tuple(SAVINGS), default="none", help="power saving (none)")
    parser.add_argument("--events", choices=tuple(EVENTS), default="day", help="what happens beside the profile (day)")
    parser.add_argument("--speed", type=float, default=600.0, help="how many times as fast as the world (600)")
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between two messages to a socket (300)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        day = live(Path(directory), **vars(given))
    print("\n".join(f"{name}: {words}" for name, words in rows(day).items()))  # noqa: T201 - the program's output
    return 1 if day.uncalled or day.untold() or day.unexplained() > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
