"""The recovery ladder: which step, when, and how often."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.modem.ladder import ATTACHING, DAY, DEFAULT_BUDGETS, STEPS_FOR_SOCKETS, Ladder, Rung, Step, Trouble


def climbed(ladder: Ladder, trouble: Trouble, steps: int, now: float = 0.0) -> tuple[list[Step], float]:
    """Take so many steps, waiting as told; return them and the time."""
    taken = []
    for _ in range(steps):
        step = ladder.next(trouble, now=now)
        now += step.wait
        ladder.take(step, now=now)
        taken.append(step)
    return taken, now


@pytest.mark.parametrize(
    ("trouble", "power", "rungs"),
    [
        pytest.param(Trouble.PORT, True, [Rung.REOPEN] * 12, id="port"),
        pytest.param(Trouble.MISSING, False, [Rung.REOPEN] * 12, id="missing port"),
        pytest.param(Trouble.MODULE, False, [Rung.REOPEN] * 12, id="module"),
        pytest.param(
            Trouble.NETWORK,
            False,
            ([Rung.REATTACH] * 3 + [Rung.REBOOT] * 2 + [Rung.REOPEN] * 3) * 2,
            id="network",
        ),
        pytest.param(
            Trouble.NETWORK,
            True,
            ([Rung.REATTACH] * 3 + [Rung.REBOOT] * 2 + [Rung.REOPEN] * 3 + [Rung.POWER] * 2) * 2,
            id="network, power hook",
        ),
        pytest.param(Trouble.DENIED, True, [Rung.REATTACH] * 12, id="denied"),
        pytest.param(
            Trouble.SOCKETS, False, ([Rung.CONTEXT] + [Rung.REATTACH] * 3 + [Rung.REBOOT] * 2) * 2, id="sockets"
        ),
        pytest.param(
            Trouble.SOCKETS,
            True,
            ([Rung.CONTEXT] + [Rung.REATTACH] * 3 + [Rung.REBOOT] * 2 + [Rung.POWER] * 2) * 2,
            id="sockets, power hook",
        ),
    ],
)
def test_each_rung_hands_over_to_the_next(trouble: Trouble, rungs: list[Rung], *, power: bool) -> None:
    """Rungs are tried as often as their budgets allow, in order, and the ladder starts over after the last."""
    steps, _ = climbed(Ladder(power=power, ceiling=1000), trouble, len(rungs))
    assert [step.rung for step in steps] == rungs


def test_waits_grow_and_stay_long_from_the_second_round_on() -> None:
    """Each try of a rung waits twice as long as the last, and the longest once the whole ladder did not help."""
    steps, _ = climbed(Ladder(power=False, ceiling=1000), Trouble.NETWORK, 16)
    first, second = steps[:8], steps[8:]
    for step, longest in zip(first, (10, 20, 40, 30, 60, 0.25, 0.5, 0.5), strict=True):
        assert 0.75 * longest <= step.wait <= longest
    for step in second:
        last = DEFAULT_BUDGETS[step.rung].last
        assert 0.75 * last <= step.wait <= last


def test_port_that_stays_shut_is_tried_every_second() -> None:
    """A port that stays shut is tried again at least every second, and only the first tries are told of."""
    steps, _ = climbed(Ladder(power=True, ceiling=4), Trouble.PORT, 100)
    assert all(step.wait <= 1.0 for step in steps)
    assert [step.again for step in steps] == [False] * 3 + [True] * 97


@pytest.mark.parametrize(("trouble", "first"), [(Trouble.MODULE, 10), (Trouble.MISSING, 300)])
def test_modem_is_heard_between_presses_of_the_power_hook(trouble: Trouble, first: float) -> None:
    """While the power hook waits to be used again the port is not left shut for longer than a second."""
    ladder = Ladder(power=True, ceiling=1000)
    pressed: list[float] = []
    now = 0.0
    while len(pressed) < 4:
        (step,), now = climbed(ladder, trouble, 1, now)
        assert step.wait <= 1.0
        if step.rung is Rung.POWER:
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
    ladder = Ladder(power=True, ceiling=ceiling)
    now = 0.0
    attaches: list[float] = []
    for trouble, mended, pause in faults:
        (step,), now = climbed(ladder, trouble, 1, now)
        if step.rung in ATTACHING:
            attaches.append(now)
        if mended:
            ladder.online()
        now += pause
    for index, attach in enumerate(attaches[ceiling:]):
        assert attach - attaches[index] >= DAY - 0.001


def test_sockets_are_worth_a_step_now_and_then() -> None:
    """A modem that is attached is soon reset once round, and then taken off the network a few times a day at most."""
    steps, _ = climbed(Ladder(power=True, ceiling=1000), Trouble.SOCKETS, 30)
    assert sum(step.wait for step in steps[:8]) < 300
    assert not any(step.again for step in steps)
    assert {step.wait for step in steps[8:]} == {DAY / STEPS_FOR_SOCKETS}


def test_power_hook_is_not_used_beyond_the_ceiling() -> None:
    """A silent module is listened to, and its power left alone, for as long as the ceiling forbids another start."""
    ladder = Ladder(power=True, ceiling=4)
    steps, now = climbed(ladder, Trouble.MODULE, 250_000)
    assert now > DAY
    assert all(step.wait <= 1.0 for step in steps)
    assert sum(step.rung is Rung.POWER for step in steps) <= 4 * (1 + now // DAY)


def test_attaching_on_request_counts() -> None:
    """What a user asks for is not held up, counts like the ladder's own attempts, and is told of beyond the ceiling."""
    ladder = Ladder(power=False, ceiling=4)
    assert [ladder.asked(now=0.0) for _ in range(5)] == [None] * 4 + [
        "4 attach attempts were made within 24 hours, and this was one more"
    ]
    assert ladder.next(Trouble.DENIED, now=1.0).wait >= DAY - 1


def test_ceiling_says_why_it_waits() -> None:
    """The attempt that would be one too many waits until a day after the first, and says so."""
    ladder = Ladder(power=False, ceiling=4)
    _, now = climbed(ladder, Trouble.DENIED, 4)
    step = ladder.next(Trouble.DENIED, now=now)
    assert step.held == "4 attach attempts were made within 24 hours"
    assert DAY - now <= step.wait < DAY


@pytest.mark.parametrize("trouble", [Trouble.NETWORK, Trouble.DENIED])
def test_network_is_left_alone_as_long_as_it_asks(trouble: Trouble) -> None:
    """T3346 is waited for where it is longer than the step's own wait, and only then given as the reason."""
    ladder = Ladder(power=False, ceiling=48)
    step = ladder.next(trouble, now=0.0, network_wait=1200.0)
    assert (step.wait, step.held) == (1200.0, "the network asked to be left alone for a while (T3346)")
    short = ladder.next(trouble, now=0.0, network_wait=1.0)
    assert short.wait > 1.0
    assert short.held is None


def test_denied_modem_asks_rarely() -> None:
    """A modem that is denied all day asks a handful of times an hour, and no more than the ceiling in all."""
    ladder = Ladder(power=True, ceiling=48)
    now = 0.0
    attaches: list[float] = []
    while now < DAY:
        _, now = climbed(ladder, Trouble.DENIED, 1, now)
        attaches.append(now)
    assert sum(at < 3600 for at in attaches) <= 8
    assert len([at for at in attaches if at < DAY]) <= 48


def test_online_says_what_helped_and_starts_over() -> None:
    """What was taken last helped; a step that was chosen but not taken did not, and costs nothing."""
    ladder = Ladder(power=False, ceiling=4)
    assert ladder.online() is None
    for _ in range(10):
        assert ladder.next(Trouble.NETWORK, now=0.0).rung is Rung.REATTACH
    assert ladder.online() is None
    climbed(ladder, Trouble.NETWORK, 4)
    assert ladder.online() is Rung.REBOOT
    assert ladder.online() is None
    assert ladder.next(Trouble.PORT, now=0.0).wait <= 1.0
