"""The SIM's states, and the tries that are left."""

import pytest

from sim7020_bridge.at.framer import Line
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
    ("cme", "code"),
    [
        (10, "NOT INSERTED"),
        (11, "SIM PIN"),
        (12, "SIM PUK"),
        (13, "SIM failure"),
        (14, "NOT READY"),
        (772, "NOT READY"),
        (770, "SIM invalid - network reject"),
        (9999, "CME error 9999"),
        (None, "NOT READY"),
    ],
)
def test_a_refusal_says_something_too(cme: int | None, code: str) -> None:
    """Where the question is refused, the error tells the state."""
    assert SimReading.of_refusal(cme) == SimReading(code)


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
