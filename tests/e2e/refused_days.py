"""Days of a module that refuses one thing for good: what the bridge does about it, what it tells, what it keeps."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import DEFAULT_ATTACH_CEILING, ModemSettings
from tests.e2e.fast_world import NAME, ROOT, FastWorld, fast_world
from tests.e2e.mqtt_peer import Heard
from tests.fast_time import FastLoop

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
EVERY: Final = 1800.0
"""Seconds between two messages to each socket."""

MOST_LINES: Final = 100
"""Of a day's log at INFO."""

SET_UP: Final = (
    "ATE0", "AT+CMEE=*", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN*", "AT+IPR*", "AT+CPSMS*", "AT+CEDRXS*", "AT+CSCLK*",
    "AT+CEREG=*", "AT+CGEREP=*", "AT+CPSMSTATUS=*", "AT+CSORCVFLAG*", "AT+CSORXGET=*", "AT+CSOSENDFLAG*", "AT+CTZU*",
    "AT+CLTS*", "AT[*]MCGDEFCONT*",
)  # fmt: skip
"""What the bridge asks of a module before it is of use: the modem is online without any of it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is refused for good, and what has to come of it.

    Args:
        do: The emulator's events at the start.
        alert: The one alert that tells; empty: none, for the modem is online.
        sent: Whether messages reach their peers.
    """

    name: str
    do: tuple[str, ...]
    alert: str = ""
    sent: bool = False
    apn: str | None = None


REFUSALS: Final = (
    Refusal("sockets", ('refuse "AT+CSOC=*" ERROR',), "sockets_refused"),
    Refusal("connections", ('refuse "AT+CSOCON=*" ERROR',), "sockets_refused"),
    Refusal("sends", ('refuse "AT+CSOSEND=*" ERROR',), "sockets_refused"),
    Refusal("sends-without-bearer", ("send-fails 11 100000",), "sockets_refused"),
    Refusal("radio", ('refuse "AT+CFUN=1*" ERROR', "setting CFUN=0"), "radio_refused"),
    Refusal("all-of-it", tuple(f'refuse "{line}" ERROR' for line in SET_UP), "apn_rejected", sent=True, apn="iot"),
    *(Refusal(line, (f'refuse "{line}" ERROR',), sent=True) for line in SET_UP[:-1]),
    Refusal(SET_UP[-1], (f'refuse "{SET_UP[-1]}" ERROR',), "apn_rejected", sent=True, apn="iot"),
)


class Lines(logging.Handler):
    """Counts what a log at INFO has, and how often each line came but for its numbers."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line."""
        self.lines["".join(letter for letter in record.getMessage() if not letter.isdigit())] += 1


@dataclass(slots=True)
class Day:
    """What came of it."""

    attaches: int = 0
    """Times that the network was asked: none of these is refused by it."""
    raised: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    lines: Counter[str] = field(default_factory=Counter)


def live(refusal: Refusal, directory: Path, *, lasts: float = DAY, speed: float = 4000.0) -> Day:
    """Live through it, with a message to each socket every half hour."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(_live(refusal, directory, lasts, speed))


async def _live(refusal: Refusal, directory: Path, lasts: float, speed: float) -> Day:
    events = [word for event in refusal.do for word in ("--do", event)]
    async with fast_world(directory, *events, speed=speed) as world:
        day = Day()
        world.mqtt.watch(lambda heard: _take(world, day, heard))
        settings = ModemSettings(
            name=NAME, port=world.emulator.place, sockets=world.sockets("telemetry", "control"), apn=refusal.apn
        )
        log, lines = logging.getLogger("sim7020_bridge"), Lines()
        log.addHandler(lines)
        try:
            async with world.bridge(settings):
                began = world.loop.time()
                while world.loop.time() - began < lasts:
                    await asyncio.sleep(EVERY)
                    for socket in ("telemetry", "control"):
                        world.mqtt.post(f"{ROOT}/socket/{socket}/send", b"m", qos=0)
                    day.sent += 2
                await asyncio.sleep(EVERY)
                day.waiting = world.published.waiting
        finally:
            log.removeHandler(lines)
        day.attaches = sum(mark.text == "event: registered" for mark in world.trace.marks)
        day.raised = Counter(name for _, name in world.published.raised)
        day.lines = lines.lines
        return day


def _take(world: FastWorld, day: Day, heard: Heard) -> None:
    try:
        world.check()
    finally:
        world.mqtt.heard.clear()
    if heard.topic.endswith("/receipt") and (receipt := heard.json())["final"]:
        day.ends[receipt["state"]] += 1


def check(refusal: Refusal, day: Day) -> None:
    """Hold a day to what has to come of it: few attach attempts, one alert, no message lost, a log that can be read."""
    assert day.attaches <= DEFAULT_ATTACH_CEILING
    assert dict(day.raised) == ({refusal.alert: 1} if refusal.alert else {})
    if refusal.sent:
        assert day.ends.total() == day.sent
        assert set(day.ends) <= {"accepted", "acknowledged"}
    else:
        assert not day.ends
        assert day.waiting == day.sent
    assert day.lines.total() < MOST_LINES, day.lines.most_common(10)
