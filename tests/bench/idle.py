"""What a bridge costs while nothing happens: start, imports, memory, CPU and wake-ups."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Goal, Result, Table, median
from tests.bench.stage import BRIDGE, Reading, Stage, end

_IMPORTS = "import time; a = time.perf_counter(); import sim7020_bridge.cli.run; print(time.perf_counter() - a)"
_OTHERS_IMPORTS = "import asyncio, click, paho.mqtt.client, ruamel.yaml, serial, sqlite3, ssl, voluptuous"
_DAY = 1440
"""Messages up, and as many down: one a minute."""

_FURTHER = 15
"""Modems beyond the first."""

_SETTLED = 3.0
"""Seconds after which a bridge that has just started is at rest."""


def measure(rounds: int, seconds: float, day: int = _DAY, further: int = _FURTHER) -> Result:
    """Measure start-up, one modem at rest for so many seconds, a day of traffic, and further modems."""
    rows = [("import of the daemon, median", f"{median([_imported() for _ in range(rounds)]):.3f} s")]
    starts = [(start(), _bare()) for _ in range(rounds)]
    started, times = median([took for took, _ in starts]), median([took / bare for took, bare in starts])
    rows.append(("start to first byte on the line, median", f"{started:.3f} s"))
    rows.append(("the same, times a bare interpreter with the same imports of others", f"{times:.2f}"))
    with Stage() as stage:
        (port, *ports), _ = stage.modules(1 + further, "--baud", "0")
        bridge = stage.bridge([port])
        time.sleep(min(_SETTLED, seconds))
        first = Reading.of(bridge.process.pid)
        rows.append(("resident memory, one modem, after its start", _mib(first.memory)))
        time.sleep(seconds)
        rest = Reading.of(bridge.process.pid)
        took = rest.at - first.at
        part = (rest.cpu - first.cpu) / took
        rows.append((f"CPU at rest, of one core, in {took:.0f} s", f"{100 * part:.2f} %"))
        rows.append(("the same in an hour", f"{3600 * part:.1f} s"))
        rows.append(("wake-ups at rest, all threads", f"{(rest.switches - first.switches) / took:.1f} /s"))
        ear = stage.ear(bridge.topic("received"))
        for number in range(day):
            ear.publish(bridge.topic("send"), number.to_bytes(64, "big"))
            (arrival,) = stage.peer.take(1)
            stage.peer.send(arrival.payload, arrival.peer)
            ear.take()
        time.sleep(min(_SETTLED, seconds))
        after = Reading.of(bridge.process.pid)
        rows.append((f"memory after {day:,} messages each way", _mib(after.memory)))
        bridge.stop()
        one = first.memory
        many = stage.bridge([port, *ports])
        time.sleep(min(_SETTLED, seconds))
        reading = Reading.of(many.process.pid)
        each = (reading.memory - one) / further
        rows.append(("memory of each further modem", _mib(each)))
        time.sleep(seconds)
        rest = Reading.of(many.process.pid)
        busy = (rest.cpu - reading.cpu) / (rest.at - reading.at)
        rows.append((f"CPU at rest with {1 + further} modems, for each", f"{100 * busy / (1 + further):.2f} %"))
    table = Table("idle", ("what", "measured"), rows)
    return Result([table], goals=goals(cpu=part, memory=one, further=each, start=started))


def goals(*, cpu: float, memory: float, further: float, start: float) -> list[Goal]:
    """Hold a part of one core, the KiB of one modem and of each further one, and seconds to what is aimed at."""
    return [
        Goal("less than 0.3 % of one core at rest", f"{100 * cpu:.2f} %", round(100 * cpu, 2) < 0.3),
        Goal("at most 36 MiB for one modem", _mib(memory), round(memory / 1024, 1) <= 36),
        Goal("less than 1.5 MiB for each further modem", _mib(further), round(further / 1024, 1) < 1.5),
        Goal("less than 0.25 s from start to the first byte on the line", f"{start:.3f} s", round(start, 3) < 0.25),
    ]


def _imported() -> float:
    return float(subprocess.check_output([sys.executable, "-c", _IMPORTS], text=True))


def _bare() -> float:
    """Return the seconds in which an interpreter starts, imports what the daemon does from elsewhere, and ends."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", _OTHERS_IMPORTS], check=True)
    return time.monotonic() - began


def start(program: Sequence[str] = BRIDGE) -> float:
    """Return the seconds from the start of a bridge to its first byte on the line."""
    with Stage() as stage:
        stamps = stage.directory / "stamps"
        (port,), module = stage.modules(1, "--baud", "0", stamps=stamps)
        bridge = stage.bridge([port], program=program)
        bridge.stop()
        end(module)
        return (_first(stamps) - bridge.started) / 1e9


def _first(stamps: Path) -> int:
    for at, direction, _ in json.loads(stamps.read_text()):
        if direction == ">":
            return int(at)
    raise RuntimeError("nothing was said to the module")


def _mib(kib: float) -> str:
    return f"{kib / 1024:.1f} MiB"
