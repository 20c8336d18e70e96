"""What the modem cost, over restarts."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from sim7020_bridge.config.model import DataBudgetSettings, OutboxSettings
from sim7020_bridge.delivery.usage_record import DAY_LOOK, KEPT_WITHIN, UsageRecord
from sim7020_bridge.modem.usage import DayUsage, Usage
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import Priority
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.records import SessionRow, UsageRow
from tests.bridge.instant_store import InstantStore
from tests.bridge.scripted_module import on_virtual_time


class Kept(Outbox):
    """An outbox that notes what it is given to keep."""

    def __init__(self) -> None:
        super().__init__(
            InstantStore(),
            settings=OutboxSettings(),
            hooks=Hooks(
                lost=lambda *_: (),
                resumed=lambda _: None,
                changed=lambda: None,
                publish=lambda *_: None,
                usage=lambda *_: None,
            ),
        )
        self.rows: list[tuple[UsageRow, ...]] = []
        self.today: list[tuple[UsageRow, ...]] = []
        self.session: SessionRow | None = None

    def keep_usage(
        self,
        rows: tuple[UsageRow, ...],  # type: ignore[override]  # what the record gives it
        session: SessionRow,
        *,
        others: bool = False,
    ) -> None:
        """Note them."""
        (self.today if others else self.rows).append(rows)
        self.session = session


def row(day: str, up: int, down: int, *, padding: int = 0) -> UsageRow:
    """Return what is kept of a day."""
    return day, up, down, 0, 0, padding, 0, 0, 0


class Bench:
    """A record of a modem with a budget of 100 bytes, on a day that can be changed."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, 12, tzinfo=UTC)
        self.changes = 0
        self.outbox = Kept()
        self.usage = Usage(DataBudgetSettings(bytes=100), changed=self._changed, clock=lambda: self.now)
        self.record = UsageRecord(self.usage, outbox=self.outbox)

    def _changed(self, *_: object) -> None:
        self.changes += 1
        self.record.changed()


@on_virtual_time
async def test_written_down_soon() -> None:
    """Many counts are written down once, a moment later; at the end what was not yet, and nothing twice."""
    bench = Bench()
    for _ in range(10):
        bench.usage.count(up=1, down=2)
    assert bench.outbox.rows == []
    await asyncio.sleep(KEPT_WITHIN + 0.1)
    assert bench.outbox.rows == [(row("2026-11-28", 10, 20, padding=994),)]
    bench.usage.count(up=1, down=0)
    bench.record.keep()
    bench.record.keep()
    await asyncio.sleep(KEPT_WITHIN + 0.1)
    assert bench.outbox.rows[1:] == [(row("2026-11-28", 11, 20, padding=993),)]


@on_virtual_time
async def test_written_down_with_a_receipt() -> None:
    """What was counted today is written at once when a message ends, only if there is anything new; the rest soon."""
    bench = Bench()
    bench.usage.restore([DayUsage(date(2026, 11, 1), up=5)])
    bench.usage.begin_session("10.0.0.1")
    bench.usage.count(up=92, packets=1)
    for _ in range(2):
        bench.record.keep_today()
    today = ("2026-11-28", 92, 0, 0, 1, 932, 1, 0, 0)
    assert (bench.outbox.today, bench.outbox.rows) == ([(today,)], [])
    assert bench.outbox.session == ("2026-11-28", 92, 1, "10.0.0.1")
    await asyncio.sleep(KEPT_WITHIN + 0.1)
    assert bench.outbox.rows == [(row("2026-11-01", 5, 0), today)]
    again = Bench()
    again.record.restore(bench.outbox.rows[0], bench.outbox.session)
    assert (again.usage.rows(), again.usage.session) == (bench.usage.rows(), bench.usage.session)
    again.record.keep()


@on_virtual_time
async def test_restored() -> None:
    """What was kept counts again; a day that is none is left out."""
    bench = Bench()
    bench.record.restore([row("2026-11-28", 60, 40), row("never", 1000, 1000)], None)
    assert (bench.usage.today.up, bench.usage.today.down) == (60, 40)


@on_virtual_time
async def test_what_may_go() -> None:
    """Once the budget is used up, only what is important goes."""
    bench = Bench()
    assert bench.record.lowest() is Priority.LOW
    bench.usage.count(up=100, down=0)
    assert bench.record.lowest() is Priority.HIGH
    bench.record.keep()


@on_virtual_time
async def test_another_day() -> None:
    """That a day has begun is noticed without anything being sent."""
    bench = Bench()
    bench.usage.count(up=1, down=0)
    running = asyncio.create_task(bench.record.run())
    await asyncio.sleep(DAY_LOOK + 1)
    before = bench.changes
    bench.now += timedelta(days=1)
    await asyncio.sleep(DAY_LOOK + 1)
    assert bench.changes == before + 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    bench.record.keep()
