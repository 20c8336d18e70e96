"""What the page costs: its first view, the bridge's memory, the latency of messages, and what holds the event loop."""

import http
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench import held
from tests.bench.figures import Goal, Result, Table, machine, median, percentile
from tests.bench.stage import PATIENCE, Bridge, Ear, Reading, Stage, end, ready
from tests.ports import free_port

STREAMS: Final = 20
ENVIRONMENT: Final = Path(__file__).parents[2] / ".venv-page"
_SETTLED: Final = 2.0
"""Seconds after which a bridge has done what its last message gave it to do."""
_APART: Final = 0.02
"""Seconds between two messages whose way is timed."""
_MIB: Final = 1024.0
_UNIT: Final = 1e6
"""Nanoseconds in what the tables are in."""
_LOOKED: Final = (
    *("messages?limit=100", "messages?text=a&limit=100", "history?span=week", "history?span=hour", "link", "at"),
)
"""What is asked of a modem while the event loop is watched."""
_IMPORT: Final = re.compile(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", re.MULTILINE)
_PLAIN: Final = ("tests.bench.plain",)
_OF_PAGE: Final = ("microdot", "sim7020_bridge.page")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Args:
        rounds: How often each of what is measured in turns is.
        messages: How many have gone through a bridge before its memory is read.
        each: How many messages are timed in each round.
    """

    rounds: int
    messages: int
    each: int


@dataclass(slots=True)
class Found:
    """What was measured.

    Args:
        views: Of each first view its bytes and milliseconds.
        unseen: Why there are none.
        memory: KiB by kind of bridge, of each round.
        modules: What was imported, by kind of bridge.
        took: Milliseconds from publish to datagram by how many streams were open, of each round.
        held: The longest steps of the event loop: ms by the clock, ms of the processor, and what it was.
    """

    views: list[Mapping[str, float]] = field(default_factory=list)
    unseen: str = ""
    memory: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in ("off", "on", "streams")})
    modules: dict[str, set[str]] = field(default_factory=dict)
    took: dict[int, list[list[float]]] = field(default_factory=lambda: {0: [], STREAMS: []})
    held: list[tuple[float, float, str]] = field(default_factory=list)


def measure(effort: Effort) -> Result:
    """Measure all of it."""
    found = Found()
    with Stage() as stage:
        (port,), module = stage.modules(1, "--baud", "0")
        _see(stage, port, found, effort.rounds)
        for kind in found.memory:
            _count(stage, port, found, kind)
        for _ in range(effort.rounds):
            for kind in found.memory:
                _weigh(stage, port, found, kind, effort.messages)
        _time(stage, port, found, effort)
        _watch(stage, port, found, effort)
        end(module)
    return Result(_tables(found, effort), goals=goals(found))


def goals(found: Found) -> list[Goal]:
    """Hold what was measured to what is aimed at."""
    sent, drawn = (_view(found, what) for what in ("bytes", "drawn"))
    more = (median(found.memory["streams"]) - median(found.memory["off"])) / _MIB
    extra = sorted(name for name in found.modules["off"] if name.startswith(_OF_PAGE))
    longest = max((took for took, _, _ in found.held), default=0.0)
    result = [
        Goal(
            "first view at most 150 kB over the wire",
            found.unseen or f"{sent / 1e3:.1f} kB",
            _met(found, sent <= 150e3),
        ),
        Goal("drawn within 1 s", found.unseen or f"{drawn:.0f} ms", _met(found, drawn <= 1000)),
        Goal("page off: none of its modules", ", ".join(extra) or "none", not extra),
        Goal(f"page on with {STREAMS} streams: at most 2 MiB more", f"{more:.1f} MiB", round(more, 1) <= 2),
    ]
    for part in (50, 95):
        alone, beside = ([percentile(times, part) for times in found.took[streams]] for streams in (0, STREAMS))
        text = f"message to datagram with {STREAMS} streams: p{part} not above the highest round's without"
        value, most = round(median(beside), 2), round(max(alone), 2)
        result.append(Goal(text, f"{value:.2f} ms; without {min(alone):.2f} to {most:.2f} ms", value <= most))
    return [*result, Goal("event loop never held for more than 50 ms", f"{longest:.1f} ms", longest <= 50)]


def _met(found: Found, verdict: bool) -> bool | None:  # noqa: FBT001 - a verdict is what it is
    return None if found.unseen else verdict


def _view(found: Found, what: str) -> float:
    return median([view[what] for view in found.views]) if found.views else 0.0


def _tables(found: Found, effort: Effort) -> list[Table]:
    views = [
        ("over the wire, kB", "bytes", 1e3, 1),
        ("requests", "requests", 1, 0),
        ("first contentful paint, ms", "painted", 1, 0),
        ("drawn, with what the feed brought, ms", "drawn", 1, 0),
    ]
    seen = [(name, found.unseen or f"{_view(found, key) / unit:.{digits}f}") for name, key, unit, digits in views]
    off = median(found.memory["off"])
    names = {"off": "page off", "on": "page on", "streams": f"page on, {STREAMS} streams"}
    memory = []
    for kind, name in names.items():
        kib, imported = median(found.memory[kind]), found.modules[kind]
        own = sum(module.startswith(_OF_PAGE) for module in imported)
        spread = f"{kib / _MIB:.1f} ({min(found.memory[kind]) / _MIB:.1f} to {max(found.memory[kind]) / _MIB:.1f})"
        memory.append((name, spread, f"{(kib - off) / _MIB:+.1f}", str(len(imported)), str(own)))
    times = []
    for streams, rounds in found.took.items():
        parts = [[percentile(each, part) for each in rounds] for part in (50, 95)]
        told = [f"{median(part):.2f} ({min(part):.2f} to {max(part):.2f})" for part in parts]
        times.append((str(streams), *told, f"{max(max(each) for each in rounds):.2f}"))
    steps = [(f"`{words}`", f"{took:.1f}", f"{busy:.1f}") for took, busy, words in found.held]
    return [
        Table("page-view", ("first view", "measured"), seen, f"All of this section on {machine()}."),
        Table(
            "page-memory",
            (f"after {effort.messages:,} messages", "memory, MiB", "more", "modules imported", "of them the page's"),
            memory,
        ),
        Table("page-latency", ("streams", "p50, ms", "p95, ms", "longest, ms"), times),
        Table("page-held", ("longest steps of the event loop", "ms", "ms of the processor"), steps),
    ]


def _page(port: int) -> dict[str, object]:
    return {"http": {"port": port, "page": True}}


def _see(stage: Stage, module: str, found: Found, rounds: int) -> None:
    python, page = ENVIRONMENT / "bin" / "python", free_port()
    bridge = stage.bridge([module], document=_page(page))
    try:
        command = [
            str(python),
            "-m",
            "tests.page.first_view",
            f"http://127.0.0.1:{page}/",
            bridge.names[0],
            str(rounds),
        ]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        found.views.extend(json.loads(answer.stdout))
    except FileNotFoundError:
        found.unseen = "no browser: script/setup-page"
    except subprocess.CalledProcessError as error:
        found.unseen = error.stderr.strip().splitlines()[-1]
    finally:
        bridge.stop()


def _weigh(stage: Stage, module: str, found: Found, kind: str, messages: int) -> None:
    """Read the memory of a bridge after so many messages; ``kind`` as in what was found."""
    page = free_port()
    bridge = stage.bridge([module], program=_PLAIN, document={} if kind == "off" else _page(page))
    with _streams(stage, page, STREAMS if kind == "streams" else 0):
        _go(stage, stage.ear(), bridge, messages)
        time.sleep(_SETTLED)
        found.memory[kind].append(Reading.of(bridge.process.pid).memory)
    bridge.stop()


def _count(stage: Stage, module: str, found: Found, kind: str) -> None:
    """Note what a bridge of a kind imports."""
    page = free_port()
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    document = {} if kind == "off" else _page(page)
    bridge = stage.bridge([module], program=_PLAIN, document=document, environment=environment)
    with _streams(stage, page, STREAMS if kind == "streams" else 0):
        _go(stage, stage.ear(), bridge, 1)
    bridge.stop()
    found.modules[kind] = set(_IMPORT.findall(bridge.log))


def _time(stage: Stage, module: str, found: Found, effort: Effort) -> None:
    """Time messages with and without streams, in turns."""
    page = free_port()
    bridge = stage.bridge([module], document=_page(page))
    ear = stage.ear()
    for _ in range(effort.rounds):
        for streams, rounds in found.took.items():
            with _streams(stage, page, streams):
                rounds.append([took / _UNIT for took in _go(stage, ear, bridge, effort.each, _APART)])
    bridge.stop()


def _watch(stage: Stage, module: str, found: Found, effort: Effort) -> None:
    """Have a bridge note what holds its event loop while it has streams and messages, and somebody looks at it all."""
    page, notes = free_port(), stage.directory / "held.json"
    bridge = stage.bridge([module], program=("tests.bench.held", str(notes)), document=_page(page))
    bridge.process.send_signal(held.BEGIN)
    ear, paths = stage.ear(), [f"api/modems/{bridge.names[0]}/{path}" for path in _LOOKED]
    with _streams(stage, page, STREAMS):
        for _ in range(effort.rounds):
            for path in [*paths, "api/log", "api/configuration", "api/ports", "api/diagnostics", ""]:
                _go(stage, ear, bridge, max(1, effort.each // 10))
                _get(page, path)
    bridge.stop()
    found.held = [(took, busy, words) for took, busy, words in json.loads(notes.read_text())]


def _go(stage: Stage, ear: Ear, bridge: Bridge, count: int, apart: float = 0.0) -> list[int]:
    """Send so many messages, one after another, and return the ns from publish to datagram of each."""
    took = []
    for number in range(count):
        at = ear.publish(bridge.topic("send"), number.to_bytes(64, "big"))
        (arrival,) = stage.peer.take(1)
        took.append(arrival.at - at)
        time.sleep(apart)
    return took


@contextmanager
def _streams(stage: Stage, port: int, count: int) -> Iterator[None]:
    """Have so many readers of the feed until the end of the block."""
    if not count:
        yield
        return
    command = (sys.executable, "-m", "tests.bench.streams", str(port), str(count))
    readers = stage.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ready(readers)
    yield
    _, _ = readers.communicate(timeout=PATIENCE)
    if readers.returncode:
        raise RuntimeError("a reader of the feed failed")


def _get(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"/{path}: {answer.status} {answer.reason}")
    finally:
        connection.close()
