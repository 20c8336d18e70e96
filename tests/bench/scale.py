"""How far one process goes: modems in one bridge, and in several, each with a line of its own."""

import resource
import time
from collections.abc import Sequence

from tests.bench.figures import Plot, Result, Table, flat, percentile
from tests.bench.stage import Bridge, Reading, Stage

PAYLOAD = 64
_TOGETHER = 64
"""Emulated modules in one process."""

_LEAST_WAITING = 48
"""Messages that are published ahead of their arrival while the bridges are to be as busy as they can."""


def measure(counts: Sequence[int], several: Sequence[tuple[int, int]], messages: int, seconds: float) -> Result:
    """Measure so many modems in one process, then (processes, modems in each).

    Args:
        counts: Modems.
        several: Processes and modems in each.
        messages: How many are sent as fast as they go.
        seconds: For how long one message a second and modem is sent, at most 100 a second.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    rows, memory, cpu = [], [], []
    for processes, modems in (*((1, count) for count in counts), *several):
        row = _measure(processes, modems, messages, seconds)
        rows.append((str(processes), str(modems), *row.cells()))
        if processes == 1:
            memory.append((modems, row.memory / 1024))
            cpu.append((modems, row.cost * 1e3))
    head = (
        *("processes", "modems in each", "start, s", "msg/s", "CPU ms/msg", "one core's end, msg/s"),
        *("p50, ms", "p99, ms", "memory, MiB", "threads"),
    )
    plots = [
        Plot("scale-memory", "Memory of one process, MiB", "modems", {"resident": memory}),
        Plot("scale-cpu", "CPU for one message, ms", "modems", {"one process": cpu}),
    ]
    return Result([Table("scale", head, rows)], plots, [flat("CPU for a message", cpu, "modems in one process", "ms")])


class _Row:
    def __init__(self) -> None:
        self.start = self.rate = self.cost = self.memory = 0.0
        self.threads = 0
        self.waits: list[float] = []

    def cells(self) -> tuple[str, ...]:
        """Return it as cells."""
        p50, p99 = (percentile(self.waits, part) for part in (50, 99))
        numbers = (f"{self.start:.1f}", f"{self.rate:.0f}", f"{self.cost * 1e3:.2f}", f"{1 / self.cost:.0f}")
        return (*numbers, f"{p50:.1f}", f"{p99:.1f}", f"{self.memory / 1024:.0f}", str(self.threads))


def _measure(processes: int, modems: int, messages: int, seconds: float) -> _Row:
    row = _Row()
    with Stage() as stage:
        ports: list[str] = []
        while len(ports) < processes * modems:
            ports += stage.modules(min(_TOGETHER, processes * modems - len(ports)))[0]
        began = time.monotonic()
        bridges = [stage.bridge(ports[first : first + modems]) for first in range(0, len(ports), modems)]
        row.start = time.monotonic() - began
        topics = [bridge.topic("send", number) for bridge in bridges for number in range(modems)]
        ear = stage.ear()
        before = _used(bridges)
        began = time.monotonic()
        published = arrived = 0
        waiting = max(_LEAST_WAITING, 2 * len(topics))
        while arrived < messages:
            while published < messages and published - arrived < waiting:
                ear.publish(topics[published % len(topics)], bytes(PAYLOAD))
                published += 1
            stage.peer.take(1)
            arrived += 1
        row.rate = messages / (time.monotonic() - began)
        time.sleep(1.5)  # what is told a little later belongs to the cost
        row.cost = (_used(bridges) - before) / messages
        row.waits = _steady(stage, topics, seconds)
        readings = [Reading.of(bridge.process.pid) for bridge in bridges]
        row.memory = sum(reading.memory for reading in readings)
        row.threads = sum(reading.threads for reading in readings)
    return row


def _steady(stage: Stage, topics: Sequence[str], seconds: float) -> list[float]:
    """Publish evenly, and return how long each message took to its peer in milliseconds."""
    ear = stage.ear()
    rate = min(len(topics), 100)
    waits = []
    for number in range(int(rate * seconds)):
        at = ear.publish(topics[number % len(topics)], bytes(PAYLOAD))
        (arrival,) = stage.peer.take(1)
        waits.append((arrival.at - at) / 1e6)
        time.sleep(max(0.0, 1 / rate - (time.monotonic_ns() - at) / 1e9))
    return waits


def _used(bridges: Sequence[Bridge]) -> float:
    return sum(Reading.of(bridge.process.pid).cpu for bridge in bridges)
