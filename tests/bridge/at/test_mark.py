"""What is asked to prove a line."""

from itertools import combinations, pairwise

from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.mark import Marks


def test_a_mark_that_was_given_up_is_never_asked_again() -> None:
    """Each has names of its own, of which two put together are no third's, and grows slowly."""
    marks = Marks()
    asked = [marks.mark]
    for _ in range(300):
        marks.give_up()
        asked.append(marks.mark)
    names = [mark.names for mark in asked]
    assert (asked[0].line(), asked[1].line(), asked[2].line()) == ("AT+IFC?", "AT+CMEE?", "AT+IFC?;+ICF?")
    assert len(set(names)) == len(names)
    assert not {first + second for first, second in combinations(names[:60], 2)} & set(names)
    assert all(len(after) - len(before) <= 1 for before, after in pairwise(names))
    assert len(names[-1]) < 10


def test_a_mark_that_was_answered_is_asked_again() -> None:
    """Nothing is left to come of it."""
    marks = Marks()
    before = marks.mark
    marks.prove()
    assert marks.mark == before


def test_another_mark_s_answer() -> None:
    """The lines of a longer mark answer one that is a part of it, and are not all that it is promised."""
    marks = Marks()
    one = marks.mark
    marks.give_up()
    marks.give_up()
    two = marks.mark
    lines = [Line.of(f"{name}: 0") for name in two.names]
    assert all(one.answers(line) for line in lines)
    assert one.promised != two.promised == tuple(line.name for line in lines)


def test_module_that_takes_one_command_a_line() -> None:
    """One that refuses all longer marks is asked the short ones again, and a single refusal proves nothing."""
    marks = Marks()
    first = marks.mark
    for _ in range(8):
        marks.give_up(refused=True)
    assert marks.mark == first
    for refused in (True, True, True, True, True, True, True, False, True):
        marks.give_up(refused=refused)
    assert marks.mark != first
