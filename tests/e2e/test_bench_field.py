"""The bench of the field: a few messages of each sender, and what goals and tables make of what was measured."""

from dataclasses import replace
from typing import Any

import pytest

from tests.bench.field import PLOTS, Found, goals, result
from tests.bench.field_company import Company, company
from tests.bench.field_life import Return, Rhythm, Stall, ages, returns, rhythms, stalls
from tests.bench.field_place import SENDERS, Case, payload
from tests.bench.figures import DOCUMENT

PAGE = DOCUMENT.with_name("field.md")
GOOD = Rhythm(
    sent=2,
    latencies=[1.0, 2.0],
    again=0,
    ages=[1.0, 60.0],
    packets=2,
    billed=96,
    joules=[0.2, 0.24],
    connections=2,
    steps=(),
    opened=1,
    lost=0,
    asked=2,
    ignored=0,
)
BACK = Return(online=10.0, arrived=10.5, sent=1, lost=0, dropped=0, attaches=1, billed=48)
TOGETHER = Company(
    replace(Case("field-good", stream=False, assisted=True, size=20, sender="bridge"), company=5.0),
    together=5,
    sent=10,
    arrived=10,
    packets=2,
    billed=276,
    joules=0.5,
    asked=2,
)
STILL = Stall(seconds=92.0, steps=(), opened=0, sent=5, arrived=5)


def cases(sender: str = "bridge", size: int = 20) -> dict[str, Case]:
    """Return a case over each protocol, with release assistance."""
    return {name: Case("field-good", name == "tcp", assisted=True, size=size, sender=sender) for name in ("udp", "tcp")}


def found(
    *,
    tcp: Rhythm = GOOD,
    script: Rhythm = GOOD,
    back: Return = BACK,
    still: Stall = STILL,
    together: Company = TOGETHER,
    **udp: Any,
) -> Found:
    """Return what a bench may have found, all of it well but for what is named."""
    steady = {case: script for sender in SENDERS[1:] for case in cases(sender).values()}
    here = cases()
    steady = {here["udp"]: replace(GOOD, **udp), here["tcp"]: tcp, **steady}
    return Found(
        steady,
        {each["udp"]: [back] for each in map(cases, SENDERS)},
        {case: [still] for case in here.values()},
        [together],
    )


def missed(of: Found) -> list[str]:
    """Return the first words of the goals that are not met."""
    return [goal.text.partition(":")[0] for goal in goals(of) if not goal.met]


def test_all_goals_can_be_met() -> None:
    """What is well is called well."""
    assert missed(found()) == []


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (found(joules=[0.251, 0.3]), ["with release assistance at level 0, 20 bytes over UDP"]),
        (found(billed=98), ["bytes billed a message over UDP, recovery included"]),
        (found(back=replace(BACK, billed=49)), ["bytes billed a message over UDP, recovery included"]),
        (found(latencies=[1.0]), ["over UDP"]),
        (found(again=1), ["over UDP"]),
        (found(tcp=replace(GOOD, latencies=[1.0])), ["over TCP"]),
        (found(tcp=replace(GOOD, again=1)), ["over TCP"]),
        (found(script=replace(GOOD, latencies=[0.8, 2.0])), ["latency p50"]),
        (found(asked=1), ["release assistance asked for with each message that should"]),
        (found(steps=("sockets",)), ["in a steady rhythm"]),
        (found(opened=2), ["in a steady rhythm"]),
        (found(back=replace(BACK, attaches=2)), ["a module that was off"]),
        (found(back=replace(BACK, lost=1)), ["a module that was off"]),
        (found(still=replace(STILL, steps=("radio",))), ["stalls of 92 and 300 s"]),
        (found(still=replace(STILL, opened=1)), ["stalls of 92 and 300 s"]),
        (
            found(together=replace(TOGETHER, asked=5)),
            ["of several messages at once, release assistance asked for with two at the most"],
        ),
    ],
)
def test_each_goal_can_be_missed(of: Found, words: list[str]) -> None:
    """One thing that is not well is one goal that is missed."""
    assert missed(of) == words


def test_what_the_network_lost_is_not_the_bridge_s() -> None:
    """A datagram that the model lost may be missing, and a case of which nothing came makes a row without latencies."""
    assert missed(found(latencies=[1.0], lost=1, back=replace(BACK, lost=1, dropped=1))) == []
    (first, *_), *_ = (table.rows for table in result(found(latencies=[], ages=[], lost=2)).tables)
    assert [cell.partition(" ")[0] for cell in first[3:8]] == ["0.0", "-", "-", "-", "-"]


def test_every_figure_has_its_place() -> None:
    """The page has a place for each table, and shows each plot."""
    text = PAGE.read_text()
    of = result(found())
    for table in of.tables:
        assert f"<!-- bench: {table.mark} -->" in text
        assert {len(row) for row in table.rows} == {len(table.head)}
    for plot in PLOTS.glob("*.svg"):
        assert f"field/{plot.name}" in text
    assert {plot.folder for plot in of.plots} == {PLOTS}


def test_age_is_that_of_the_newest_message_that_is_there() -> None:
    """It grows by a second each second, and a message that comes after a newer one makes nothing newer."""
    assert ages([0.0, 10.0, 20.0], {0: 2.0, 2: 23.0, 1: 24.0}, 26.0) == [
        *(float(age) for age in range(2, 23)),
        *(3.0, 4.0, 5.0, 6.0),
    ]
    assert ages([0.0], {}, 5.0) == []


def test_a_message_tells_its_number() -> None:
    """Whatever its size."""
    assert len(payload(7, 20)) == 20
    assert payload(7, 20)[:4] == b"\0\0\0\7"


def test_messages_of_each_sender() -> None:
    """A rhythm: all that is sent arrives or was lost, and costs payload and headers; the network is asked to let go."""
    several = [
        Case("field-edge", stream, assisted=True, size=20, sender=by) for by in SENDERS for stream in (False, True)
    ]
    for case, rhythm in zip(several, rhythms(several, 3, 60.0, 1), strict=True):
        assert rhythm.sent == 3
        assert len(rhythm.latencies) == 3 if case.stream else 3 - rhythm.lost
        assert rhythm.again == 0
        assert all(latency > 0 for latency in rhythm.latencies)
        assert rhythm.asked == 3
        assert len(rhythm.joules) == 3
        assert not rhythm.steps
        if not case.stream:
            assert (rhythm.packets, rhythm.billed) == (3, 3 * 48)


def test_a_module_that_was_off_and_a_network_that_stalls() -> None:
    """The bridge loses nothing that waits, attaches once, and takes no step for a stall."""
    off = [Case("field-good", stream=False, assisted=False, size=20, sender=sender) for sender in SENDERS]
    bridge, script, tutorial = (several for (several,) in zip(*[iter(returns(off, 1, 1))], strict=True))
    assert [each.lost for each in bridge] == [0]
    assert [each.attaches for each in (*bridge, *script, *tutorial)] == [1, 1, 1]
    still = [Case("field-cellar", stream, assisted=False, size=20, sender="bridge") for stream in (False, True)]
    (over_udp,), (over_tcp,) = stalls(still, (92.0,), 1)
    assert over_udp.steps == over_tcp.steps == ()
    assert over_udp.opened == over_tcp.opened == 0
    assert over_tcp.arrived == over_tcp.sent


def test_several_messages_at_once() -> None:
    """They are billed as many datagrams as they are in, and the network is asked to let go."""
    for each in company(2, 1, together=3):
        shared = each.case.company > 0
        assert each.billed == 28 * each.packets + (22 if shared else 20) * each.sent
        assert shared or each.packets == each.sent
        assert (each.asked > 0) is each.case.assisted
        assert each.arrived == each.sent
