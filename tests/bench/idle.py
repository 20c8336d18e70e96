"""What a bridge costs while nothing happens: start, imports, memory, CPU and wake-ups."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Result, Table, median
from tests.bench.stage import Reading, Stage, end

_IMPORTS = "import time; a = time.perf_counter(); import sim7020_bridge.cli.run; print(time.perf_counter() - a)"
_DAY = 1440
"""Messages up, and as many down: one a minute."""

_FURTHER = 15
"""Modems beyond the first."""

_SETTLED = 3.0
"""Seconds after which a bridge that has just started is at rest."""


def measure(rounds: int, seconds: float, day: int = _DAY, further: int = _FURTHER) -> Result:
    """Measure start-up, one modem at rest for so many seconds, a day of traffic, and further modems."""
    rows = [("import of the daemon, median", f"{median([_imported() for _ in range(rounds)]):.3f} s", "")]
    starts = [_start() for _ in range(rounds)]
    rows.append(("start to first byte on the line, median", f"{median(starts):.3f} s", "< 0.35 s"))
    with Stage() as stage:
        (port, *ports), _ = stage.modules(1 + further, "--baud", "0")
        bridge = stage.bridge([port])
        time.sleep(min(_SETTLED, seconds))
        first = Reading.of(bridge.process.pid)
        rows.append(("resident memory, one modem, after its start", _mib(first.memory), "< 40 MiB"))
        time.sleep(seconds)
        rest = Reading.of(bridge.process.pid)
        took = rest.at - first.at
        part = (rest.cpu - first.cpu) / took
        rows.append((f"CPU at rest, of one core, in {took:.0f} s", f"{100 * part:.2f} %", "< 0.3 %"))
        rows.append(("the same in an hour", f"{3600 * part:.1f} s", ""))
        rows.append(("wake-ups at rest, all threads", f"{(rest.switches - first.switches) / took:.1f} /s", ""))
        ear = stage.ear(bridge.topic("received"))
        for number in range(day):
            ear.publish(bridge.topic("send"), number.to_bytes(64, "big"))
            (arrival,) = stage.peer.take(1)
            stage.peer.send(arrival.payload, arrival.peer)
            ear.take()
        time.sleep(min(_SETTLED, seconds))
        after = Reading.of(bridge.process.pid)
        rows.append((f"memory after {day:,} messages each way", _mib(after.memory), ""))
        bridge.stop()
        one = first.memory
        many = stage.bridge([port, *ports])
        time.sleep(min(_SETTLED, seconds))
        reading = Reading.of(many.process.pid)
        rows.append(("memory of each further modem", _mib((reading.memory - one) / further), "< 1.5 MiB"))
        time.sleep(seconds)
        rest = Reading.of(many.process.pid)
        part = (rest.cpu - reading.cpu) / (rest.at - reading.at)
        rows.append((f"CPU at rest with {1 + further} modems, for each", f"{100 * part / (1 + further):.2f} %", ""))
    return Result([Table("idle", ("what", "measured", "goal"), rows)])


def slowest_imports(most: int) -> Sequence[tuple[int, str]]:
    """Return the imports that take longest by themselves, in microseconds."""
    command = [sys.executable, "-X", "importtime", "-c", "import sim7020_bridge.cli.run"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = []
    for line in told.splitlines()[1:]:
        alone, _, name = line.removeprefix("import time:").split("|")
        if alone.strip().isdecimal():
            found.append((int(alone), name.strip()))
    return sorted(found, reverse=True)[:most]


def _imported() -> float:
    return float(subprocess.check_output([sys.executable, "-c", _IMPORTS], text=True))


def _start() -> float:
    with Stage() as stage:
        stamps = stage.directory / "stamps"
        (port,), module = stage.modules(1, "--baud", "0", stamps=stamps)
        bridge = stage.bridge([port])
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
