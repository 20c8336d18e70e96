"""The SIM's states, and the tries that are left."""

import pytest

from sim7020_bridge.at.command import Answer
from sim7020_bridge.at.dialogue import result_of
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import final_result
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.sim import (
    PinAttempts,
    ReadPinAttempts,
    ReadSimState,
    SimInsertedReport,
    SimReading,
    SimReport,
    SimState,
)
from sim7020_bridge.errors import CommandRefused
from tests.bridge.commands.conftest import Ask


@pytest.mark.parametrize("state", SimState)
def test_every_state_is_known(state: SimState) -> None:
    """Each code of the manual is read, as a report too."""
    report = URCS.read(Line.of(f"+CPIN: {state}"))
    assert isinstance(report, SimReport)
    assert report.reading.state is state


def test_unknown_code_is_kept(ask: Ask) -> None:
    """A code that nobody knows is a fact and no error."""
    reading = ask(ReadSimState(), "+CPIN: PH-MOON PIN")
    assert reading == SimReading("PH-MOON PIN")
    assert SimReading("PH-MOON PIN").state is None
    assert SimReading("PH-MOON PIN").words == "the SIM says PH-MOON PIN"


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("READY", (True, False, False, False)),
        ("SIM PIN", (False, True, False, False)),
        ("SIM PUK", (False, False, True, False)),
        ("NOT INSERTED", (False, False, False, True)),
        ("SIM PIN2", (False, False, False, False)),
    ],
)
def test_what_a_state_means(code: str, facts: tuple[bool, ...]) -> None:
    """Ready, PIN, PUK and missing are told apart."""
    reading = SimReading(code)
    assert (reading.ready, reading.pin_required, reading.puk_required, reading.missing) == facts


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ("+CME ERROR: 10", "NOT INSERTED"),
        ("+CME ERROR: SIM not inserted", "NOT INSERTED"),
        ("+CME ERROR: 11", "SIM PIN"),
        ("+CME ERROR: 12", "SIM PUK"),
        ("+CME ERROR: 13", "SIM failure"),
        ("+CME ERROR: 14", "NOT READY"),
        ("+CME ERROR: 772", "NOT READY"),
        ("+CME ERROR: 770", "SIM invalid - network reject"),
        ("+CME ERROR: 9999", "+CME ERROR: 9999"),
        ("+CME ERROR: SIM blocked by its owner", "SIM blocked by its owner"),
        ("+CMS ERROR: 310", "SIM not inserted"),
        ("ERROR", None),
    ],
)
def test_a_refusal_says_something_too(result: str, code: str | None) -> None:
    """Where the question is refused, the error tells the state; a bare ERROR tells nothing."""
    final = final_result(Line.of(result))
    assert final is not None
    with pytest.raises(CommandRefused) as refused:
        result_of(ReadSimState(), Answer((), final))
    assert SimReading.of_refusal(refused.value) == (None if code is None else SimReading(code))


def test_attempts(ask: Ask) -> None:
    """Tries left come one code a line."""
    assert ask(ReadPinAttempts(), '+CPINR: "SIM PIN",1,3', '+CPINR: "SIM PUK",10') == (
        PinAttempts("SIM PIN", 1, 3),
        PinAttempts("SIM PUK", 10, None),
    )


@pytest.mark.parametrize(("line", "inserted"), [("+CSMINS: 1,0", False), ("+CSMINS: 1,1", True)])
def test_card_put_in_or_taken_out(line: str, *, inserted: bool) -> None:
    """The second number says whether a card is there."""
    assert URCS.read(Line.of(line)) == SimInsertedReport(inserted)
