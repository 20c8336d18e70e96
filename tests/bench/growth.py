"""What a message costs when much waits, when many filters are configured, and when a year was counted."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sim7020_bridge.config.model import DataBudgetSettings, SocketSettings, Transport
from sim7020_bridge.modem.usage import DayUsage, Usage
from sim7020_bridge.mqtt.topics import Inbox, Topics
from tests import measure_outbox
from tests.bench.figures import Plot, Result, Table, flat, median


def measure(waiting: tuple[int, ...], rounds: int) -> Result:
    """Measure the outbox with so many messages, and filters and usage."""
    found = [(count, asyncio.run(measure_outbox.measure(count, rounds))) for count in waiting]
    outbox = Table("outbox", measure_outbox.HEAD, [row.cells() for _, row in found])
    per_message = {
        "enqueue": [(count, 1e6 / row.enqueued) for count, row in found],
        "end": [(count, 1e6 / row.ended) for count, row in found],
    }
    plot = Plot("growth-outbox", "Microseconds a message", "messages that wait", dict(per_message))
    filters = {count: _filters(count, rounds) for count in (1, 10, 100, 1000)}
    usage = {days: _usage(days, rounds) for days in (1, 31, 366)}
    tables = [
        outbox,
        Table("filters", ("send_topics", "first, us", "last, us", "with wildcards, last, us"), _rows(filters)),
        Table("usage", ("days kept", "count bytes, us", "rows to write, us"), _rows(usage)),
    ]
    goals = [
        *(flat(f"{what} of a message", costs, "waiting", "us") for what, costs in per_message.items()),
        flat("finding the socket", [(count, 1e6 * row[1]) for count, row in filters.items()], "send_topics", "us"),
        flat("the same by wildcards", [(count, 1e6 * row[2]) for count, row in filters.items()], "send_topics", "us"),
        flat("counting a message", [(days, 1e6 * row[0]) for days, row in usage.items()], "days kept", "us"),
    ]
    return Result(tables, [plot], goals)


def _rows(found: Mapping[int, Iterable[float]]) -> list[tuple[str, ...]]:
    return [(f"{count:,}", *(f"{1e6 * each:.2f}" for each in seconds)) for count, seconds in found.items()]


def _filters(count: int, rounds: int) -> tuple[float, float, float]:
    plain = _inbox(tuple(f"house/{number}/temperature" for number in range(count)))
    wild = _inbox(tuple(f"house/{number}/+" for number in range(count)))
    first, last = "house/0/temperature", f"house/{count - 1}/temperature"
    return (
        _cost(lambda: plain.destination(first), rounds),
        _cost(lambda: plain.destination(last), rounds),
        _cost(lambda: wild.destination(last), rounds),
    )


def _inbox(topics: tuple[str, ...]) -> Inbox:
    socket = SocketSettings(name="t", transport=Transport.UDP, host="127.0.0.1", port=9, send_topics=topics)
    return Inbox(Topics("sim7020", "shed"), (socket,))


def _usage(days: int, rounds: int) -> tuple[float, float]:
    today = datetime(2026, 6, 30, 12, tzinfo=UTC)
    usage = Usage(DataBudgetSettings(bytes=10**9), changed=lambda _before, _after: None, clock=lambda: today)
    usage.restore(DayUsage((today - timedelta(days=back)).date(), 1000, 1000) for back in range(days))
    return _cost(lambda: usage.count(up=1), rounds), _cost(usage.rows, rounds)


def _cost(call: Callable[[], object], rounds: int) -> float:
    """Return the seconds that a call takes: the median of some hundred calls together."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(200):
            call()
        times.append((time.perf_counter() - began) / 200)
    return median(times)
