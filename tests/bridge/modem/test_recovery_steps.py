"""The recovery steps: which, when, and how often."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.modem.recovery import (
    ATTACHING,
    DAY,
    DEFAULT_BUDGETS,
    STEPS_FOR_REFUSALS,
    Plan,
    Recovery,
    RecoveryStep,
    Trouble,
)


def recovered(recovery: Recovery, trouble: Trouble, steps: int, now: float = 0.0) -> tuple[list[Plan], float]:
    """Take so many steps, waiting as told; return them and the time."""
    taken = []
    for _ in range(steps):
        plan = recovery.next(trouble, now=now)
        now += plan.wait
        recovery.count(plan, now=now)
        if plan.step in ATTACHING - {RecoveryStep.POWER}:
            recovery.attach(now=now)
        taken.append(plan)
    return taken, now


@pytest.mark.parametrize(
    ("trouble", "power", "steps"),
    [
        pytest.param(Trouble.PORT, True, [RecoveryStep.REOPEN] * 12, id="port"),
        pytest.param(Trouble.MISSING, False, [RecoveryStep.REOPEN] * 12, id="missing port"),
        pytest.param(Trouble.MODULE, False, [RecoveryStep.REOPEN] * 12, id="module"),
        pytest.param(
            Trouble.NETWORK,
            False,
            ([RecoveryStep.REATTACH] * 3 + [RecoveryStep.REBOOT] * 2 + [RecoveryStep.REOPEN] * 3) * 2,
            id="network",
        ),
        pytest.param(
            Trouble.NETWORK,
            True,
            (
                [RecoveryStep.REATTACH] * 3
                + [RecoveryStep.REBOOT] * 2
                + [RecoveryStep.REOPEN] * 3
                + [RecoveryStep.POWER] * 2
            )
            * 2,
            id="network, power hook",
        ),
        pytest.param(Trouble.DENIED, True, [RecoveryStep.REATTACH] * 12, id="denied"),
        pytest.param(Trouble.RADIO, False, ([RecoveryStep.REATTACH] * 3 + [RecoveryStep.REBOOT] * 2) * 2, id="radio"),
        pytest.param(
            Trouble.SOCKETS,
            False,
            ([RecoveryStep.CONTEXT] + [RecoveryStep.REATTACH] * 3 + [RecoveryStep.REBOOT] * 2) * 2,
            id="sockets",
        ),
        pytest.param(
            Trouble.SOCKETS,
            True,
            (
                [RecoveryStep.CONTEXT]
                + [RecoveryStep.REATTACH] * 3
                + [RecoveryStep.REBOOT] * 2
                + [RecoveryStep.POWER] * 2
            )
            * 2,
            id="sockets, power hook",
        ),
    ],
)
def test_each_step_hands_over_to_the_next(trouble: Trouble, steps: list[RecoveryStep], *, power: bool) -> None:
    """Steps are tried as often as their budgets allow, in order, and recovery starts over after the last."""
    plans, _ = recovered(Recovery(power=power, ceiling=1000), trouble, len(steps))
    assert [plan.step for plan in plans] == steps


def test_waits_grow_and_stay_long_from_the_second_round_on() -> None:
    """Each try of a step waits twice as long as the last, and the longest once all of them did not help."""
    plans, _ = recovered(Recovery(power=False, ceiling=1000), Trouble.NETWORK, 16)
    first, second = plans[:8], plans[8:]
    for plan, longest in zip(first, (10, 20, 40, 30, 60, 0.25, 0.5, 0.5), strict=True):
        assert 0.75 * longest <= plan.wait <= longest
    for plan in second:
        last = DEFAULT_BUDGETS[plan.step].last
        assert 0.75 * last <= plan.wait <= last


def test_port_that_stays_shut_is_tried_every_second() -> None:
    """A port that stays shut is tried again at least every second, and only the first tries are told of."""
    plans, _ = recovered(Recovery(power=True, ceiling=4), Trouble.PORT, 100)
    assert all(plan.wait <= 1.0 for plan in plans)
    assert [plan.again for plan in plans] == [False] * 3 + [True] * 97


@pytest.mark.parametrize(("trouble", "first"), [(Trouble.MODULE, 10), (Trouble.MISSING, 300)])
def test_modem_is_heard_between_presses_of_the_power_hook(trouble: Trouble, first: float) -> None:
    """While the power hook waits to be used again the port is not left shut for longer than a second."""
    recovery = Recovery(power=True, ceiling=1000)
    pressed: list[float] = []
    now = 0.0
    while len(pressed) < 4:
        (plan,), now = recovered(recovery, trouble, 1, now)
        assert plan.wait <= 1.0
        if plan.step is RecoveryStep.POWER:
            pressed.append(now)
    gaps = [later - earlier for earlier, later in itertools.pairwise(pressed)]
    assert 0.75 * first <= pressed[0] <= first + 3
    assert 0.75 * max(first, 20) <= gaps[0] <= max(first, 20) + 3
    assert all(1350 <= gap <= 1800 + 10 for gap in gaps[1:])


@given(
    st.integers(4, 60),
    st.lists(st.tuples(st.sampled_from(Trouble), st.booleans(), st.floats(0, 5000)), max_size=300),
)
def test_ceiling_holds_in_any_24_hours(ceiling: int, faults: list[tuple[Trouble, bool, float]]) -> None:
    """Whatever goes wrong and is mended, no 24 hours see more attach attempts than the ceiling."""
    recovery = Recovery(power=True, ceiling=ceiling)
    now = 0.0
    attaches: list[float] = []
    for trouble, mended, pause in faults:
        (plan,), now = recovered(recovery, trouble, 1, now)
        if plan.step in ATTACHING:
            attaches.append(now)
        if mended:
            recovery.online()
        now += pause
    for index, attach in enumerate(attaches[ceiling:]):
        assert attach - attaches[index] >= DAY - 0.001


@pytest.mark.parametrize("trouble", [Trouble.SOCKETS, Trouble.RADIO])
def test_refusals_are_worth_a_step_now_and_then(trouble: Trouble) -> None:
    """A modem that refuses is soon reset once round, and then a few times a day at most."""
    plans, _ = recovered(Recovery(power=True, ceiling=1000), trouble, 30)
    assert sum(plan.wait for plan in plans[:7]) < 300
    assert not any(plan.again for plan in plans)
    assert {plan.wait for plan in plans[8:]} == {DAY / STEPS_FOR_REFUSALS}


def test_step_against_refused_sockets_is_due_when_it_was_planned() -> None:
    """Planned again, as after a module's sleep, it does not wait anew; the step after it does."""
    recovery = Recovery(power=True, ceiling=48)
    first = recovery.next(Trouble.SOCKETS, now=0.0)
    assert recovery.next(Trouble.SOCKETS, now=1.0).wait == pytest.approx(first.wait - 1)
    late = recovery.next(Trouble.SOCKETS, now=1000.0)
    assert (late.step, late.wait) == (first.step, 0.0)
    recovery.count(late, now=1000.0)
    assert recovery.next(Trouble.SOCKETS, now=1000.0).wait > 0
    recovery.online()
    assert recovery.next(Trouble.SOCKETS, now=5000.0).wait > 0


def test_power_hook_is_not_used_beyond_the_ceiling() -> None:
    """A silent module is listened to, and its power left alone, for as long as the ceiling forbids another start."""
    recovery = Recovery(power=True, ceiling=4)
    plans, now = recovered(recovery, Trouble.MODULE, 250_000)
    assert now > DAY
    assert all(plan.wait <= 1.0 for plan in plans)
    assert sum(plan.step is RecoveryStep.POWER for plan in plans) <= 4 * (1 + now // DAY)


def test_attaching_on_request_counts() -> None:
    """What a user asks for is not held up, counts like the bridge's own attempts, and is told of beyond the ceiling."""
    recovery = Recovery(power=False, ceiling=4)
    told = []
    for _ in range(5):
        told.append(recovery.over(now=0.0))
        recovery.attach(now=0.0)
    assert told == [None] * 4 + ["4 attach attempts were made within 24 hours"]
    assert recovery.next(Trouble.DENIED, now=1.0).wait >= DAY - 1


def test_ceiling_says_why_it_waits() -> None:
    """The attempt that would be one too many waits until a day after the first, and says so."""
    recovery = Recovery(power=False, ceiling=4)
    _, now = recovered(recovery, Trouble.DENIED, 4)
    plan = recovery.next(Trouble.DENIED, now=now)
    assert plan.held == "4 attach attempts were made within 24 hours"
    assert DAY - now <= plan.wait < DAY


@pytest.mark.parametrize("trouble", [Trouble.NETWORK, Trouble.DENIED])
def test_network_is_left_alone_as_long_as_it_asks(trouble: Trouble) -> None:
    """T3346 is waited for where it is longer than the step's own wait, and only then given as the reason."""
    recovery = Recovery(power=False, ceiling=48)
    plan = recovery.next(trouble, now=0.0, network_wait=1200.0)
    assert (plan.wait, plan.held) == (1200.0, "the network asked to be left alone for a while (T3346)")
    short = recovery.next(trouble, now=0.0, network_wait=1.0)
    assert short.wait > 1.0
    assert short.held is None


def test_denied_modem_asks_rarely() -> None:
    """A modem that is denied all day asks a handful of times an hour, and no more than the ceiling in all."""
    recovery = Recovery(power=True, ceiling=48)
    now = 0.0
    attaches: list[float] = []
    while now < DAY:
        _, now = recovered(recovery, Trouble.DENIED, 1, now)
        attaches.append(now)
    assert sum(at < 3600 for at in attaches) <= 8
    assert len([at for at in attaches if at < DAY]) <= 48


def test_online_says_what_helped_and_starts_over() -> None:
    """What was taken last helped; a step that was chosen but not taken did not, and costs nothing."""
    recovery = Recovery(power=False, ceiling=4)
    assert recovery.online() is None
    for _ in range(10):
        assert recovery.next(Trouble.NETWORK, now=0.0).step is RecoveryStep.REATTACH
    assert recovery.online() is None
    recovered(recovery, Trouble.NETWORK, 4)
    assert recovery.online() is RecoveryStep.REBOOT
    assert recovery.online() is None
    assert recovery.next(Trouble.PORT, now=0.0).wait <= 1.0


def test_an_attempt_counts_for_a_day_and_no_longer() -> None:
    """A day after the first attempt another one is free, and nothing is said of the ceiling any more."""
    recovery = Recovery(power=False, ceiling=4)
    for _ in range(4):
        recovery.attach(now=0.0)
    assert recovery.next(Trouble.NETWORK, now=DAY - 100.0).wait == 100.0
    plan = recovery.next(Trouble.NETWORK, now=DAY)
    assert plan.held is None
    assert plan.wait <= DEFAULT_BUDGETS[RecoveryStep.REATTACH].first


def test_waits_are_short_again_after_a_recovery() -> None:
    """A modem that was online is not left alone as long as one that no round of steps could help."""
    recovery = Recovery(power=False, ceiling=1000)
    _, now = recovered(recovery, Trouble.NETWORK, 12)
    first = DEFAULT_BUDGETS[RecoveryStep.REATTACH].first
    assert recovery.next(Trouble.NETWORK, now=now).wait > first
    recovery.online()
    assert recovery.next(Trouble.NETWORK, now=now).wait <= first
