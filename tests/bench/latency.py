"""What the bridge adds between MQTT and the line: a module without a line rate notes when each line came and went."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.figures import Goal, Result, Table, percentile
from tests.bench.stage import Stage, end

_APART = 0.05
"""Seconds between two messages: each finds the bridge at rest."""

_MOST: Mapping[int, float] = {50: 1.0, 99: 5.0}
"""Milliseconds that the bridge may add, by percentile."""

_UNIT = 1e6
"""Nanoseconds in what the table is in."""


def measure(rounds: int, each: int) -> Result:
    """Measure both directions, and beside them what broker and disk take by themselves."""
    times: dict[str, list[float]] = {
        "publish to first byte on the line": [],
        "last byte of +CSONMI to publish heard": [],
        "broker alone, publish to publish heard": [],
        "disk alone, 4 KiB written and synchronised": [],
    }
    up, down, broker, disk = times.values()
    with Stage() as stage:
        stamps = stage.directory / "stamps"
        (port,), module = stage.modules(1, "--baud", "0", stamps=stamps)
        bridge = stage.bridge([port])
        ear = stage.ear(bridge.topic("received"), "bench/echo")
        sent: dict[str, int] = {}
        heard: dict[str, int] = {}
        with (stage.directory / "disk").open("wb") as file:
            for number in range(rounds * each):
                payload = number.to_bytes(16, "big")
                sent[payload.hex().upper()] = ear.publish(bridge.topic("send"), payload)
                (arrival,) = stage.peer.take(1)
                time.sleep(_APART)
                back = (number + (1 << 64)).to_bytes(16, "big")
                stage.peer.send(back, arrival.peer)
                heard[back.hex().upper()] = ear.take().at
                time.sleep(_APART)
                at = ear.publish("bench/echo", payload)
                broker.append((ear.take().at - at) / _UNIT)
                disk.append(_synchronised(file.fileno()) / _UNIT)
        bridge.stop()
        end(module)
        _read(stamps, sent, heard, up, down)
    rows = [(name, *_row(values)) for name, values in times.items()]
    spent = percentile(broker, 50) + percentile(disk, 50)
    added = {name: [value - spent for value in times[name]] for name in list(times)[:2]}
    rows += [(f"added, {name}", *_row(values)) for name, values in added.items()]
    note = "Added is what remains after the medians of broker and disk are taken off."
    return Result([Table("latency", ("ms", "p50", "p90", "p99", "longest"), rows, note)], goals=goals(added))


def goals(added: Mapping[str, Sequence[float]]) -> list[Goal]:
    """Hold the milliseconds that were added on each way to what is aimed at."""
    found = []
    for name, values in added.items():
        for part, most in _MOST.items():
            value = round(percentile(values, part), 2)
            found.append(Goal(f"added, {name}: p{part} at most {most:g} ms", f"{value:.2f} ms", value <= most))
    return found


def _read(stamps: Path, sent: dict[str, int], heard: dict[str, int], up: list[float], down: list[float]) -> None:
    for at, direction, text in json.loads(stamps.read_text()):
        data = text.rpartition(",")[2].strip('"')
        if direction == ">" and data in sent:
            up.append((at - sent[data]) / _UNIT)
        elif direction == "<" and data in heard:
            down.append((heard[data] - at) / _UNIT)
    if len(up) != len(sent) or len(down) != len(heard):
        raise RuntimeError(f"{len(sent) - len(up)} and {len(heard) - len(down)} messages never passed the line")


def _synchronised(descriptor: int) -> int:
    began = time.monotonic_ns()
    os.write(descriptor, bytes(4096))
    os.fdatasync(descriptor)
    return time.monotonic_ns() - began


def _row(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{value:.2f}" for value in (*(percentile(values, part) for part in (50, 90, 99)), max(values)))
