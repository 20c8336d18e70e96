"""Counting bytes: days, billing periods, the budget's levels, and what survives."""

from datetime import UTC, date, datetime, timedelta

import pytest

from sim7020_bridge.config.model import DataBudgetSettings
from sim7020_bridge.modem.usage import EARLIER, BudgetLevel, DayUsage, Usage


class Calendar:
    """A wall clock to be set."""

    def __init__(self, *day: int) -> None:
        self.now = datetime(*day, 12, tzinfo=UTC)  # type: ignore[misc, arg-type] # year, month and day

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def usage(calendar: Calendar, budget: int | None = 1000, first_day: int = 1) -> tuple[Usage, list[BudgetLevel]]:
    """Return a count, and where the levels that it reaches are noted."""
    levels: list[BudgetLevel] = []

    def note(before: BudgetLevel, after: BudgetLevel) -> None:
        if before is not after:
            levels.append(after)

    return Usage(DataBudgetSettings(budget, first_day), changed=note, clock=calendar), levels


def both_ways(used: DayUsage) -> tuple[int, int]:
    """Return bytes up and down."""
    return used.up, used.down


def test_a_level_that_was_reached_before_a_restart_is_no_news() -> None:
    """What happens at a level happens once, however often the bridge is started; the next one is news."""
    calendar = Calendar(2026, 11, 23)
    counted, levels = usage(calendar)
    counted.count(up=850)
    assert levels == [BudgetLevel.WARNING]
    again, levels = usage(calendar)
    again.restore(counted.rows())
    assert levels == []
    again.count(up=150)
    assert levels == [BudgetLevel.USED_UP]


def test_what_was_long_ago_is_of_no_period() -> None:
    """It counts in all that was ever counted, and the day that it stands under has no month before it."""
    counted, _ = usage(Calendar(2026, 11, 23), first_day=24)
    counted.restore([DayUsage(EARLIER, up=500), DayUsage(date(2026, 11, 1), up=20)])
    assert (counted.used, counted.period.up, counted.total.up) == (20, 20, 520)


@pytest.mark.parametrize(
    ("today", "first_day", "start"),
    [
        ((2026, 11, 23), 1, (2026, 11, 1)),
        ((2026, 11, 23), 23, (2026, 11, 23)),
        ((2026, 11, 23), 24, (2026, 10, 24)),
        ((2026, 1, 5), 20, (2025, 12, 20)),
        ((2024, 3, 1), 28, (2024, 2, 28)),
    ],
)
def test_a_period_starts_on_its_day_of_the_month(
    today: tuple[int, ...], first_day: int, start: tuple[int, int, int]
) -> None:
    """The period is the one that the day is in, also over the turn of the year."""
    assert usage(Calendar(*today), first_day=first_day)[0].period_start == date(*start)


def test_levels() -> None:
    """At 80 % there is a warning; with nothing left the budget is used up."""
    counted, levels = usage(Calendar(2026, 11, 23))
    counted.count(up=700, down=99)
    assert (counted.level, counted.left) == (BudgetLevel.GOOD, 201)
    counted.count(up=1)
    counted.count(up=300)
    assert levels == [BudgetLevel.WARNING, BudgetLevel.USED_UP]
    assert counted.left == 0


def test_without_a_budget_bytes_are_only_counted() -> None:
    """No budget has no level but good."""
    counted, levels = usage(Calendar(2026, 11, 23), None)
    counted.count(up=10**9)
    assert (counted.level, counted.left, levels) == (BudgetLevel.GOOD, None, [])


def test_a_new_period_starts_from_nothing() -> None:
    """Days count for their own period."""
    calendar = Calendar(2026, 11, 30)
    counted, _ = usage(calendar)
    counted.count(up=1000)
    assert counted.left == 0
    calendar.now += timedelta(days=1)
    assert counted.level is BudgetLevel.GOOD
    counted.count(down=5)
    assert (counted.today.down, both_ways(counted.period)) == (5, (0, 5))


def test_a_period_that_began_is_not_left() -> None:
    """A clock that was a day ahead, over the end of the period, does not bring the old one back."""
    calendar = Calendar(2026, 11, 30)
    counted, _ = usage(calendar)
    counted.count(up=300)
    calendar.now += timedelta(days=1)
    counted.count(up=7)
    calendar.now -= timedelta(days=1)
    counted.count(up=1)
    assert (counted.used, counted.period.up, counted.today.up) == (8, 8, 8)


@pytest.mark.parametrize("back", [1, 40, 92, 93, 1200])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_goes_back_opens_no_budget(back: int, restarted: bool) -> None:  # noqa: FBT001 - a parameter
    """What is used up stays so, and what is counted meanwhile is part of it."""
    calendar = Calendar(2026, 11, 23)
    counted, _ = usage(calendar)
    counted.count(up=990)
    calendar.now -= timedelta(days=back)
    if restarted:
        rows = counted.rows()
        counted, _ = usage(calendar)
        counted.restore(rows)
    assert counted.level is BudgetLevel.WARNING
    counted.count(up=7, down=3)
    assert (counted.level, counted.left, both_ways(counted.total)) == (BudgetLevel.USED_UP, 0, (997, 3))
    calendar.now += timedelta(days=back)
    assert counted.used == (1000 if back <= 92 else 990)
    calendar.now += timedelta(days=8)
    assert counted.used == 0


def test_a_clock_that_was_far_ahead_has_a_way_out() -> None:
    """What it counted there counts in every period until the operator gives a figure, and never again."""
    calendar = Calendar(2026, 11, 23)
    counted, _ = usage(calendar)
    calendar.now += timedelta(days=3000)
    counted.count(up=1000)
    calendar.now -= timedelta(days=3000)
    assert counted.level is BudgetLevel.USED_UP
    counted.count(up=5)
    counted.calibrate(20)
    counted.count(up=1)
    again, _ = usage(calendar)
    again.restore(counted.rows())
    for each in (counted, again):
        assert (each.used, each.today.up, both_ways(each.total)) == (21, 1006, (1006, 0))
    calendar.now += timedelta(days=31)
    assert (counted.used, again.used) == (0, 0)


def test_the_operator_s_figure_counts() -> None:
    """A calibration holds for its period, and counting goes on from it."""
    calendar = Calendar(2026, 11, 23)
    counted, _ = usage(calendar)
    counted.count(up=300)
    counted.calibrate(500)
    counted.count(up=10)
    assert (counted.used, counted.left, both_ways(counted.period)) == (510, 490, (310, 0))
    counted.calibrate(100)
    assert counted.used == 100
    calendar.now += timedelta(days=31)
    assert counted.used == 0


def test_a_wall_clock_that_jumps_loses_nothing() -> None:
    """What was counted on a day far ahead counts as well, and what was counted before is there again afterwards."""
    calendar = Calendar(2026, 11, 23)
    counted, _ = usage(calendar)
    counted.count(up=300)
    calendar.now += timedelta(days=365)
    counted.count(up=7)
    assert counted.used == 7
    calendar.now -= timedelta(days=365)
    assert counted.used == 307


def test_rows_bring_everything_back() -> None:
    """What is kept and read again gives the same, however old it is."""
    calendar = Calendar(2026, 8, 1)
    counted, _ = usage(calendar)
    counted.count(up=1)
    calendar.now += timedelta(days=1)
    counted.count(up=2, down=3)
    calendar.now = datetime(2026, 11, 23, tzinfo=UTC)
    counted.count(up=300, down=20)
    counted.calibrate(600)
    again, levels = usage(calendar)
    again.count(up=1)
    again.restore(counted.rows())
    assert (again.used, again.today.up, again.period.down) == (601, 301, 20)
    assert levels == []
    assert (both_ways(again.total), both_ways(counted.total)) == ((304, 23), (303, 23))
    calendar.now += timedelta(days=365)
    for _ in range(2):
        again, _ = usage(calendar)
        again.restore(counted.rows())
        counted = again
    assert (both_ways(again.total), both_ways(again.period)) == ((303, 23), (0, 0))


def test_old_days_become_one_row() -> None:
    """Of days that are old, and of which there are many younger ones, only what they had is kept."""
    calendar = Calendar(2026, 1, 1)
    counted, _ = usage(calendar)
    for _ in range(200):
        counted.count(up=1)
        calendar.now += timedelta(days=1)
    for _ in range(2):
        again, _ = usage(calendar)
        again.restore(counted.rows())
        counted = again
    assert (counted.total.up, len(counted.rows()), counted.period.up) == (200, 93, 19)


def test_a_restart_while_the_clock_is_far_ahead() -> None:
    """What was written down with the wrong day in between still has what this period used."""
    calendar = Calendar(2026, 11, 23)
    counted, _ = usage(calendar)
    counted.count(up=300)
    counted.calibrate(500)
    for jump in (3000, -3000):
        calendar.now += timedelta(days=jump)
        counted.count(up=7)
        again, _ = usage(calendar)
        again.restore(counted.rows())
        counted = again
    assert counted.used == 514
