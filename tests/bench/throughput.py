"""How close the whole path comes to the serial line's own limit."""

import queue
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from tests.bench.figures import Goal, Plot, Result, Table, median
from tests.bench.stage import Arrival, Bridge, Stage
from tests.bench.wire import downlink_bytes, per_second, uplink_bytes

BAUDS = (9600, 115200, 921600)
SIZES = (16, 64, 256, 512)
_LEAST = 4
_LEAD = 3
"""Messages before those that count: until the line is busy without a break."""

_MOST_BEHIND: Mapping[int, float] = {115200: 0.01, 921600: 0.05}
"""By how much the bridge may be behind the bare loop, as a part of the line's limit, by baud."""

_LEAST_DOWNLINK = 0.99
"""Part of the line's limit that must come out over MQTT."""

_SILENT = 10.0
"""Seconds without a message after which those that did not come are lost."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: rounds, and seconds of line time in each."""

    rounds: int
    seconds: float
    bauds: tuple[int, ...] = BAUDS
    sizes: tuple[int, ...] = SIZES


@dataclass(slots=True)
class Downlink:
    """What came out over MQTT: by baud and size the part of the line's limit, and how much was sent and lost."""

    parts: dict[tuple[int, int], float] = field(default_factory=dict)
    sent: int = 0
    lost: int = 0


def goals(behind: Mapping[int, Mapping[int, float]], down: Downlink) -> list[Goal]:
    """Hold differences to the bare loop, by baud and size, and the downlink to what is aimed at."""
    found = []
    for baud, most in _MOST_BEHIND.items():
        differences = {size: round(difference, 3) for size, difference in behind.get(baud, {}).items()}
        told = ", ".join(f"{difference:+.3f} ({size} bytes)" for size, difference in differences.items())
        met = all(difference >= -most for difference in differences.values()) if differences else None
        found.append(Goal(f"within {most} of the bare loop at {baud:,} baud, at each size", told, met))
    if not down.parts:
        return found
    (baud, size), least = min(down.parts.items(), key=lambda item: item[1])
    return [
        *found,
        Goal("downlink: nothing lost", f"{down.lost:,} of {down.sent:,} lost", not down.lost),
        Goal(
            f"downlink: at least {_LEAST_DOWNLINK} of the line, at each rate and size",
            f"{least:.3f} at the least ({baud:,} baud, {size} bytes)",
            round(least, 3) >= _LEAST_DOWNLINK,
        ),
    ]


def measure(effort: Effort) -> Result:
    """Measure both directions at all rates and sizes."""
    rows, down = [], []
    behind: dict[int, dict[int, float]] = {}
    received = Downlink()
    arrivals: list[Arrival] = []
    lines: dict[str, list[tuple[float, float]]] = {}
    for baud in effort.bauds:
        with Stage() as stage:
            (first, second), _ = stage.modules(2, "--baud", str(baud))
            bare = stage.bare(first)
            bridge = stage.bridge([second], baudrate=baud)
            ear = stage.ear(bridge.topic("received"))
            for size in effort.sizes:
                limit = per_second(uplink_bytes(size), baud)
                count = max(_LEAST, int(limit * effort.seconds))
                ratios: dict[str, list[float]] = {"bare": [], "bridge": []}
                for _ in range(effort.rounds):
                    if bare.stdin is None:
                        raise RuntimeError("the bare loop takes no orders")
                    bare.stdin.write(f"{size} {count + _LEAD}\n")
                    bare.stdin.flush()
                    ratios["bare"].append(_rate(stage.peer.take(count + _LEAD)) / limit)
                    for number in range(count + _LEAD):
                        ear.publish(bridge.topic("send"), _payload(number, size))
                    arrivals = stage.peer.take(count + _LEAD)
                    _check(arrivals, size)
                    ratios["bridge"].append(_rate(arrivals) / limit)
                bare_ratio, ratio = median(ratios["bare"]), median(ratios["bridge"])
                rate = ratio * limit
                rows.append(
                    (
                        *(f"{baud:,}", str(size), f"{limit:.1f}", f"{bare_ratio:.3f}", f"{ratio:.3f}"),
                        *(f"{ratio - bare_ratio:+.3f}", f"{rate:.1f}", f"{rate * size:,.0f}"),
                    )
                )
                lines.setdefault(f"bridge, {baud:,} baud", []).append((size, ratio))
                if baud == max(effort.bauds):
                    lines.setdefault(f"bare loop, {baud:,}", []).append((size, bare_ratio))
                behind.setdefault(baud, {})[size] = ratio - bare_ratio
                module = arrivals[-1].peer
                down.append(_downlink(stage, bridge, module, size=size, baud=baud, effort=effort, into=received))
    head = ("baud", "payload, bytes", "limit, msg/s", "bare loop", "bridge", "difference", "msg/s", "payload B/s")
    plot = Plot("throughput", "Part of the line's limit", "bytes of payload", dict(lines), high=1.0)
    down_head = ("baud", "payload, bytes", "limit, msg/s", "part of it", "lost")
    tables = [Table("throughput", head, rows), Table("downlink", down_head, down)]
    return Result(tables, [plot], goals(behind, received))


def _downlink(
    stage: Stage, bridge: Bridge, module: tuple[str, int], *, size: int, baud: int, effort: Effort, into: Downlink
) -> tuple[str, ...]:
    """Send datagrams faster than the line takes them, and see how they come out over MQTT."""
    limit = per_second(downlink_bytes(size), baud)
    count = _LEAD + min(150, max(_LEAST, int(limit * effort.seconds)))
    ratios, lost = [], 0
    for _ in range(effort.rounds):
        ear = stage.ear(bridge.topic("received"))
        wanted = dict.fromkeys(_payload(number, size) for number in range(count))
        for payload in wanted:
            stage.peer.send(payload, module)
        arrivals: dict[bytes, Arrival] = {}
        while wanted.keys() - arrivals.keys():
            try:
                arrival = ear.take(patience=_SILENT)
            except queue.Empty:
                break
            arrivals.setdefault(arrival.payload, arrival)
        ear.close()
        lost += len(wanted.keys() - arrivals.keys())
        if len(arrivals) > _LEAD + 1:
            ratios.append(_rate(list(arrivals.values())) / limit)
    part = median(ratios) if ratios else 0.0
    into.parts[baud, size] = part
    into.sent += count * effort.rounds
    into.lost += lost
    return f"{baud:,}", str(size), f"{limit:.1f}", f"{part:.3f}", f"{lost} of {count * effort.rounds:,}"


def _payload(number: int, size: int) -> bytes:
    return number.to_bytes(4, "big") + bytes(size - 4)


def _rate(arrivals: list[Arrival]) -> float:
    counted = arrivals[_LEAD:]
    return (len(counted) - 1) / (counted[-1].at - counted[0].at) * 1e9


def _check(arrivals: list[Arrival], size: int) -> None:
    """Hold what came to what was published: all of it, once, in order."""
    numbers = [int.from_bytes(arrival.payload[:4], "big") for arrival in arrivals]
    if any(len(arrival.payload) != size for arrival in arrivals) or any(b - a != 1 for a, b in pairwise(numbers)):
        raise RuntimeError(f"the bridge lost or changed messages: {numbers}")
