"""What of the data an operator bills: headers of its own, whole kilobytes of sessions, and none of it lost or twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sim7020_bridge.config.model import Billing, DataBudgetSettings
from sim7020_bridge.modem.usage import DayUsage, Usage


class Count:
    """A usage on a day that can be set, which can be made anew from what is kept."""

    def __init__(self, billing: Billing = Billing.SESSIONS) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        self.settings = DataBudgetSettings(10**6, billing=billing)
        self.usage = self.made()

    def made(self) -> Usage:
        """Return one that nothing was counted in."""
        return Usage(self.settings, changed=lambda *_: None, clock=lambda: self.now)

    def restart(self, billing: Billing | None = None) -> None:
        """Go on with what is kept, as after a kill; the operator may be another one."""
        self.settings = replace(self.settings, billing=billing or self.settings.billing)
        before, self.usage = self.usage, self.made()
        self.usage.restore(before.rows(), before.session)

    @property
    def facts(self) -> tuple[int, DayUsage, DayUsage, DayUsage]:
        """All that is told of it."""
        usage = self.usage
        return usage.used, usage.today, usage.period, usage.total


def datagram(count: Count) -> None:
    """Send 64 bytes."""
    count.usage.count(up=92, packets=1)


@pytest.mark.parametrize(("billing", "billed"), [("bytes", 920), ("packets", 920 + 540), ("sessions", 1024)])
def test_ten_datagrams(billing: str, billed: int) -> None:
    """The bytes of packets, those of the tunnel with them, or a whole kilobyte; and so counts the budget."""
    count = Count(Billing(billing))
    count.usage.begin_session("10.0.0.1")
    for _ in range(10):
        datagram(count)
    assert count.usage.used == count.usage.today.billed(count.usage.billing) == billed
    assert count.usage.left == 10**6 - billed


def test_each_session_is_rounded_up() -> None:
    """What is sent in one is rounded up once, and what is sent in three, three times; one without a byte costs none."""
    count = Count()
    for _ in range(3):
        count.usage.begin_session("10.0.0.1")
        datagram(count)
        datagram(count)
        count.usage.end_session()
    count.usage.begin_session("10.0.0.1")
    assert (count.usage.used, count.usage.today.sessions) == (3 * 1024, 4)
    count.usage.count(up=1024)
    assert count.usage.used == 4 * 1024
    count.usage.count(down=1)
    assert count.usage.used == 5 * 1024


def test_a_session_is_rounded_up_each_day() -> None:
    """One that lasts over midnight is billed on both days, and has begun once."""
    count = Count()
    count.usage.begin_session("10.0.0.1")
    datagram(count)
    count.now += timedelta(days=1)
    assert count.usage.today.billed(Billing.SESSIONS) == 0
    datagram(count)
    assert (count.usage.used, count.usage.today.billed(Billing.SESSIONS), count.usage.period.sessions) == (
        2048,
        1024,
        1,
    )


def test_another_address_is_another_session() -> None:
    """The same, and one that is only told later, is not."""
    count = Count()
    for address in (None, "10.0.0.1", None, "10.0.0.1"):
        count.usage.begin_session(address)
        datagram(count)
    assert (count.usage.used, count.usage.today.sessions) == (1024, 1)
    count.usage.begin_session("10.0.0.2")
    datagram(count)
    assert (count.usage.used, count.usage.today.sessions) == (2048, 2)


def test_what_is_refused_costs_nothing() -> None:
    """What was counted and did not leave is no kilobyte."""
    count = Count()
    count.usage.begin_session("10.0.0.1")
    datagram(count)
    count.usage.count(up=-92, packets=-1)
    assert (count.usage.used, count.usage.today.packets) == (0, 0)


STORY: tuple[Callable[[Count], None], ...] = (
    datagram,
    lambda count: count.usage.begin_session(None),
    lambda count: count.usage.begin_session("10.0.0.1"),
    datagram,
    lambda count: count.usage.count(up=600, down=700, packets=4),
    lambda count: setattr(count, "now", count.now + timedelta(days=1)),
    datagram,
    lambda count: count.usage.calibrate(5000),
    datagram,
    lambda count: count.usage.end_session(),
    lambda count: count.usage.count(up=-92, packets=-1),
    lambda count: count.usage.begin_session("10.0.0.1"),
    datagram,
    lambda count: count.usage.begin_session("10.0.0.2"),
    lambda count: count.usage.count(down=2000, packets=2),
    lambda count: setattr(count, "now", count.now + timedelta(days=8)),
    datagram,
)


@pytest.mark.parametrize("billing", Billing)
@pytest.mark.parametrize("kill", range(len(STORY)))
def test_killed_after_any_step(kill: int, billing: Billing) -> None:
    """Whenever the bridge ends, nothing is lost and nothing counted twice: it is as if it had not ended."""
    through, killed = Count(billing), Count(billing)
    for number, step in enumerate(STORY):
        step(through)
        step(killed)
        if number == kill:
            killed.restart()
        assert killed.facts == through.facts


@pytest.mark.parametrize("before", Billing)
@pytest.mark.parametrize("after", Billing)
@pytest.mark.parametrize("change", range(len(STORY)))
def test_another_operator_at_any_step(change: int, before: Billing, after: Billing) -> None:
    """Another way to bill counts the whole period as if it had always been that one, and so does the way back."""
    changed, always = Count(before), Count(after)
    for number, step in enumerate(STORY):
        step(changed)
        step(always)
        if number == change:
            changed.restart(after)
            assert changed.facts == always.facts
            changed.restart(before)
    changed.restart(after)
    assert changed.facts == always.facts


def test_a_file_that_is_read_late() -> None:
    """What was counted before the disk gave the file is of the session that goes on, and begins no other."""
    count = Count()
    count.usage.begin_session("10.0.0.1")
    datagram(count)
    kept = count.usage
    for address, billed, sessions in ((None, 1024, 1), ("10.0.0.1", 1024, 1), ("10.0.0.2", 2048, 2)):
        count.usage = late = count.made()
        late.begin_session(address)
        datagram(count)
        late.restore(kept.rows(), kept.session)
        datagram(count)
        assert (late.used, late.today.sessions, late.today.up) == (billed, sessions, 3 * 92)


def test_an_address_that_is_told_before_the_file_is_read() -> None:
    """It is that of the session that goes on, whose own was not known: with another one, it is another."""
    count = Count()
    count.usage.begin_session(None)
    datagram(count)
    kept, count.usage = count.usage, count.made()
    count.usage.begin_session("10.0.0.1")
    count.usage.restore(kept.rows(), kept.session)
    assert (count.usage.session.address, count.usage.today.sessions) == ("10.0.0.1", 1)
    datagram(count)
    assert count.usage.used == 1024
    count.usage.begin_session("10.0.0.2")
    assert count.usage.today.sessions == 2


def test_a_file_that_is_read_after_the_session() -> None:
    """One that has ended since the start does not go on, whatever was kept."""
    count = Count()
    count.usage.begin_session("10.0.0.1")
    datagram(count)
    kept, count.usage = count.usage, count.made()
    count.usage.end_session()
    count.usage.begin_session("10.0.0.1")
    datagram(count)
    count.usage.restore(kept.rows(), kept.session)
    assert (count.usage.used, count.usage.today.sessions) == (2048, 2)


def test_the_operator_s_figure_is_the_figure() -> None:
    """Whatever way to bill it is looked at with, the figure holds, and what comes then costs what it costs there."""
    count = Count()
    count.usage.begin_session("10.0.0.1")
    datagram(count)
    count.usage.calibrate(7000)
    for billing, more in ((Billing.BYTES, 92), (Billing.PACKETS, 146), (Billing.SESSIONS, 0)):
        count.restart(billing)
        assert count.usage.used == 7000
        datagram(count)
        assert count.usage.used == 7000 + more
        count.usage.calibrate(7000)
