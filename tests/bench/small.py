"""The whole path on a small computer: a bridge held to a tenth of a core, beside one that has as much as it wants."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench import idle
from tests.bench.figures import Goal, Result, Table, machine, median, percentile
from tests.bench.stage import BRIDGE, PATIENCE, Arrival, Bridge, Ear, Stage
from tests.bench.tenth import cpu
from tests.bench.wire import per_second, uplink_bytes

BAUD = 115200
SIZES = (16, 64, 256, 512)
PROGRAMS: Mapping[str, Sequence[str]] = {"free": BRIDGE, "a tenth": ("tests.bench.tenth",)}

_LEAD = 3
"""Messages before those that count: until the line is busy without a break."""

_WAITING = 16
"""Messages that are published ahead of their arrival."""

_TOLD = 1.5
"""Seconds in which a bridge at rest is done with what it tells a little later."""

_APART = 0.3
"""Seconds from a message's arrival to the next: each finds the bridge at rest, a tenth of a core included."""

_CPU_OF = 64
"""Bytes of the messages whose cost in CPU is held to ``_MOST_CPU``."""

_MOST_CPU = 1.0
"""Milliseconds of CPU that a message may cost, of these many bytes and at the line's rate."""


@dataclass(slots=True)
class Found:
    """What was found of one bridge: by size parts of the line's limit and ms of CPU a message, and ms of latency."""

    parts: dict[int, list[float]] = field(default_factory=dict)
    costs: dict[int, list[float]] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)


def measure(rounds: int, seconds: float, messages: int, sizes: Sequence[int] = SIZES) -> Result:
    """Measure both bridges in turns.

    Args:
        rounds: How often.
        seconds: Of line time for each size.
        messages: How many come one at a time in each round.
        sizes: Bytes of the messages.
    """
    load = os.getloadavg()[0]
    with Stage() as stage:
        ports, _ = stage.modules(len(PROGRAMS), "--baud", str(BAUD))
        bridges = {
            name: stage.bridge([port], program=program, baudrate=BAUD)
            for port, (name, program) in zip(ports, PROGRAMS.items(), strict=True)
        }
        found = {name: Found() for name in bridges}
        ear = stage.ear()
        for _ in range(rounds):
            for size in sizes:
                count = max(_LEAD + 2, int(per_second(uplink_bytes(size), BAUD) * seconds))
                for name, bridge in bridges.items():
                    part, cost = _flow(stage, ear, bridge, size=size, count=count)
                    found[name].parts.setdefault(size, []).append(part)
                    found[name].costs.setdefault(size, []).append(cost)
            for name, bridge in bridges.items():
                found[name].took += _singly(stage, ear, bridge, messages)
    starts = {name: median([idle.start(program) for _ in range(rounds)]) for name, program in PROGRAMS.items()}
    return Result([_flows(found, sizes), _singles(found, starts, load)], goals=goals(found))


def goals(found: Mapping[str, Found]) -> list[Goal]:
    """Hold the CPU of a message, of a bridge that has as much as it wants, to what is aimed at."""
    costs = found["free"].costs.get(_CPU_OF, [])
    text = f"less than {_MOST_CPU:g} ms of CPU for a message of {_CPU_OF} bytes at {BAUD:,} baud"
    if not costs:
        return [Goal(text, "", None)]
    cost = round(median(costs), 2)
    return [Goal(text, f"{cost:.2f} ms", cost < _MOST_CPU)]


def _flow(stage: Stage, ear: Ear, bridge: Bridge, *, size: int, count: int) -> tuple[float, float]:
    """Send messages as fast as they go; return the part of the line's limit, and the ms of CPU of each."""
    time.sleep(_TOLD)
    process = bridge.process.pid
    before = cpu(process)
    arrivals: list[Arrival] = []
    published = 0
    while len(arrivals) < _LEAD + count:
        while published < _LEAD + count and published - len(arrivals) < _WAITING:
            ear.publish(bridge.topic("send"), published.to_bytes(4, "big") + bytes(size - 4))
            published += 1
        arrivals += stage.peer.take(1)
    if [int.from_bytes(arrival.payload[:4], "big") for arrival in arrivals] != list(range(_LEAD + count)):
        raise RuntimeError("the bridge lost or changed messages")
    rate = (count - 1) / (arrivals[-1].at - arrivals[_LEAD].at) * 1e9
    _rest(process)
    return rate / per_second(uplink_bytes(size), BAUD), (cpu(process) - before) / len(arrivals) * 1e3


def _rest(process: int) -> None:
    """Return once a bridge is done with what it tells a little later: it has had nearly nothing to do for a while."""
    end_at = time.monotonic() + PATIENCE
    used = cpu(process)
    while time.monotonic() < end_at:
        time.sleep(_TOLD)
        before, used = used, cpu(process)
        if used - before < _TOLD / 100:
            return
    raise TimeoutError("the bridge does not come to rest")


def _singly(stage: Stage, ear: Ear, bridge: Bridge, count: int) -> list[float]:
    """Send messages one at a time; return the ms that each took to its peer."""
    took = []
    for number in range(count):
        time.sleep(_APART)
        at = ear.publish(bridge.topic("send"), number.to_bytes(_CPU_OF, "big"))
        (arrival,) = stage.peer.take(1)
        took.append((arrival.at - at) / 1e6)
    return took


def _flows(found: Mapping[str, Found], sizes: Sequence[int]) -> Table:
    free, held = found.values()
    rows = []
    for size in sizes:
        limit = per_second(uplink_bytes(size), BAUD)
        parts = (median(free.parts[size]), median(held.parts[size]))
        costs = (median(free.costs[size]), median(held.costs[size]))
        cells = (*(f"{part:.3f}" for part in parts), f"{parts[1] * limit:.1f}", *(f"{cost:.2f}" for cost in costs))
        rows.append((str(size), f"{limit:.1f}", *cells))
    head = ("payload, bytes", "limit, msg/s", "free", "a tenth", "msg/s", "free, CPU ms/msg", "a tenth, CPU ms/msg")
    return Table("small", head, rows)


def _singles(found: Mapping[str, Found], starts: Mapping[str, float], load: float) -> Table:
    rows = [
        (name, *(f"{percentile(each.took, part):.1f}" for part in (50, 90, 99)), f"{starts[name]:.2f}")
        for name, each in found.items()
    ]
    note = f"All of this section on {machine()}, with a load of {load:.1f} at the start."
    return Table("small-latency", ("bridge", "p50, ms", "p90, ms", "p99, ms", "start to first byte, s"), rows, note)
