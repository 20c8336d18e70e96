"""How close the whole path comes to the serial line's own limit."""

from dataclasses import dataclass
from itertools import pairwise

from tests.bench.figures import Plot, Result, Table, median
from tests.bench.stage import Arrival, Bridge, Stage
from tests.bench.wire import downlink_bytes, per_second, uplink_bytes

BAUDS = (9600, 115200, 921600)
SIZES = (16, 64, 256, 512)
_LEAST = 4
_LEAD = 3
"""Messages before those that count: until the line is busy without a break."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: rounds, and seconds of line time in each."""

    rounds: int
    seconds: float
    bauds: tuple[int, ...] = BAUDS
    sizes: tuple[int, ...] = SIZES


def measure(effort: Effort) -> Result:
    """Measure both directions at all rates and sizes."""
    rows, down = [], []
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
                down.append(_downlink(stage, bridge, arrivals[-1].peer, size=size, baud=baud, effort=effort))
    head = ("baud", "payload, bytes", "limit, msg/s", "bare loop", "bridge", "difference", "msg/s", "payload B/s")
    plot = Plot("throughput", "Part of the line's limit", "bytes of payload", dict(lines), high=1.0)
    down_head = ("baud", "payload, bytes", "limit, msg/s", "part of it", "lost")
    return Result([Table("throughput", head, rows), Table("downlink", down_head, down)], [plot])


def _downlink(
    stage: Stage, bridge: Bridge, module: tuple[str, int], *, size: int, baud: int, effort: Effort
) -> tuple[str, ...]:
    """Send datagrams faster than the line takes them, and see how they come out over MQTT."""
    limit = per_second(downlink_bytes(size), baud)
    count = min(150, max(_LEAST, int(limit * effort.seconds)))
    ratios, lost = [], 0
    for _ in range(effort.rounds):
        ear = stage.ear(bridge.topic("received"))
        wanted = [_payload(number, size) for number in range(count)]
        for payload in wanted:
            stage.peer.send(payload, module)
        arrivals = [ear.take() for _ in wanted]
        ear.close()
        lost += len(set(wanted) - {arrival.payload for arrival in arrivals})
        ratios.append(_rate(arrivals, lead=0) / limit)
    return f"{baud:,}", str(size), f"{limit:.1f}", f"{median(ratios):.3f}", f"{lost} of {count * effort.rounds:,}"


def _payload(number: int, size: int) -> bytes:
    return number.to_bytes(4, "big") + bytes(size - 4)


def _rate(arrivals: list[Arrival], lead: int = _LEAD) -> float:
    counted = arrivals[lead:]
    return (len(counted) - 1) / (counted[-1].at - counted[0].at) * 1e9


def _check(arrivals: list[Arrival], size: int) -> None:
    """Hold what came to what was published: all of it, once, in order."""
    numbers = [int.from_bytes(arrival.payload[:4], "big") for arrival in arrivals]
    if any(len(arrival.payload) != size for arrival in arrivals) or any(b - a != 1 for a, b in pairwise(numbers)):
        raise RuntimeError(f"the bridge lost or changed messages: {numbers}")
