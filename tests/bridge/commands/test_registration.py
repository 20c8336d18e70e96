"""Registration in every form of the reference, and the operator."""

import pytest

from sim7020_bridge.at.command import Command
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.registration import (
    EMM_CAUSES,
    Operator,
    ReadGprsRegistration,
    ReadOperator,
    ReadRegistration,
    Registration,
    RegistrationReport,
    RegistrationStatus,
)
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import MalformedAnswer
from tests.bridge.commands.conftest import Ask

HOME = RegistrationStatus.HOME
ROAMING = RegistrationStatus.ROAMING
DENIED = RegistrationStatus.DENIED
CELL = ("5B57", "01A50B1A", 9)

# (stat and what follows it, what it means); the read form has n before it
FORMS = [
    pytest.param(0, "1", Registration(HOME), id="n=0 home"),
    pytest.param(0, "0", Registration(RegistrationStatus.NOT_REGISTERED), id="n=0 idle"),
    pytest.param(1, "2", Registration(RegistrationStatus.SEARCHING), id="n=1 searching"),
    pytest.param(1, "3", Registration(DENIED), id="n=1 denied"),
    pytest.param(1, "4", Registration(RegistrationStatus.UNKNOWN), id="n=1 unknown"),
    pytest.param(1, "5", Registration(ROAMING), id="n=1 roaming"),
    pytest.param(1, "6", Registration(RegistrationStatus.SMS_ONLY_HOME), id="n=1 SMS only at home"),
    pytest.param(1, "7", Registration(RegistrationStatus.SMS_ONLY_ROAMING), id="n=1 SMS only roaming"),
    pytest.param(1, "8", Registration(RegistrationStatus.EMERGENCY_ONLY), id="n=1 emergency only"),
    pytest.param(1, "100", Registration(RegistrationStatus.WITHHELD), id="n=1 attach withheld"),
    pytest.param(1, "42", Registration(42), id="n=1 a status of tomorrow"),
    pytest.param(2, '1,"5B57","01A50B1A"', Registration(HOME, "5B57", "01A50B1A"), id="n=2 without AcT"),
    pytest.param(2, '1,"5B57","01A50B1A",9', Registration(HOME, *CELL), id="n=2 without rac"),
    pytest.param(2, '5,"5B57","01A50B1A",9,"00"', Registration(ROAMING, *CELL, rac="00"), id="n=2 with rac"),
    pytest.param(3, "3,,,,0,15", Registration(DENIED, cause_type=0, cause=15), id="n=3 denied"),
    pytest.param(3, "3,,,,,0,15", Registration(DENIED, cause_type=0, cause=15), id="n=3 denied, empty rac"),
    pytest.param(3, '1,"5B57","01A50B1A",9,"00"', Registration(HOME, *CELL, rac="00"), id="n=3 home"),
    pytest.param(4, "3", Registration(DENIED), id="n=4 denied"),
    pytest.param(
        4,
        '1,"5B57","01A50B1A",9,"00",,,"00000001","11100000"',
        Registration(HOME, *CELL, rac="00", active_time="00000001", periodic_tau="11100000"),
        id="n=4 with rac",
    ),
    pytest.param(
        4,
        '1,"5B57","01A50B1A",9,,,"00000001","11100000"',
        Registration(HOME, *CELL, active_time="00000001", periodic_tau="11100000"),
        id="n=4 without rac",
    ),
    pytest.param(
        4,
        '1,"5B57","01A50B1A",9,,,,"00000001","11100000"',
        Registration(HOME, *CELL, active_time="00000001", periodic_tau="11100000"),
        id="n=4 with empty rac",
    ),
    pytest.param(
        4,
        '1,"5B57","01A50B1A",9,"00000001","11100000"',
        Registration(HOME, *CELL, active_time="00000001", periodic_tau="11100000"),
        id="n=4 without causes",
    ),
    pytest.param(
        4,
        '1,"5B57","01A50B1A",9,"00",,,,"11100000"',
        Registration(HOME, *CELL, rac="00", periodic_tau="11100000"),
        id="n=4 without active time",
    ),
    pytest.param(
        4,
        '1,"5B57","01A50B1A",9,"00",,,"00000001"',
        Registration(HOME, *CELL, rac="00", active_time="00000001"),
        id="n=4 without TAU",
    ),
    pytest.param(
        5,
        '1,"00A0","0002920C",9,"00",0,0,"00100010","00010010"',
        Registration(HOME, "00A0", "0002920C", 9, "00", 0, 0, "00100010", "00010010"),
        id="n=5 from a device",
    ),
    pytest.param(
        5,
        '5,"5B57","01A50B1A",9,0,0,"00100010","00010010"',
        Registration(ROAMING, *CELL, cause_type=0, cause=0, active_time="00100010", periodic_tau="00010010"),
        id="n=5 without rac",
    ),
    pytest.param(2, "5,1234,01A50B1A,9", Registration(ROAMING, "1234", "01A50B1A", 9), id="n=2 without quotes"),
    pytest.param(
        5,
        '1,00A0,0002920C,9,00,0,0,"00100010","00010010"',
        Registration(HOME, "00A0", "0002920C", 9, "00", 0, 0, "00100010", "00010010"),
        id="n=5 without quotes",
    ),
    pytest.param(5, "3,,,,,1,7,,", Registration(DENIED, cause_type=1, cause=7), id="n=5 denied, empty rac and timers"),
    pytest.param(5, "3,,,,0,11,,", Registration(DENIED, cause_type=0, cause=11), id="n=5 denied, empty timers"),
    pytest.param(
        5,
        '1,"00A0","0002920C",9,"00",0,0,"001x0010","0001001"',
        Registration(HOME, "00A0", "0002920C", 9, "00", 0, 0),
        id="n=5 garbled timers",
    ),
]


@pytest.mark.parametrize(("n", "arguments", "registration"), FORMS)
def test_read_form(ask: Ask, n: int, arguments: str, registration: Registration) -> None:
    """The read form answers the question; with n before it, it says the same as the URC."""
    assert ask(ReadRegistration(), f"+CEREG: {n},{arguments}") == registration


@pytest.mark.parametrize(("n", "arguments", "registration"), FORMS)
def test_unsolicited_form(n: int, arguments: str, registration: Registration) -> None:
    """The URC says the same without n, is no answer, and a late answer is read as what it says."""
    line = Line.of(f"+CEREG: {arguments}")
    assert URCS.read(line) == RegistrationReport("+CEREG", registration)
    assert not ReadRegistration().answers(line)
    assert URCS.read(Line.of(f"+CEREG: {n},{arguments}")) == RegistrationReport("+CEREG", registration)


@pytest.mark.parametrize(
    ("command", "domain"),
    [(ReadRegistration(), "+CEREG"), (ReadRegistration(), "+CGREG"), (ReadGprsRegistration(), "+CGREG")],
)
def test_domains(ask: Ask, command: Command[object], domain: str) -> None:
    """Each domain has its own name; +CGREG under AT+CEREG? is the manual's misprint."""
    line = f"{domain}: 0,1"
    assert ask(command, line) == Registration(HOME)
    assert URCS.read(Line.of(line)) == RegistrationReport(domain, Registration(HOME))


@pytest.mark.parametrize(
    ("status", "facts"),
    [
        (HOME, (True, False)),
        (ROAMING, (True, False)),
        (DENIED, (False, True)),
        (RegistrationStatus.SEARCHING, (False, False)),
        (RegistrationStatus.SMS_ONLY_HOME, (False, False)),
        (RegistrationStatus.WITHHELD, (False, False)),
        (42, (False, False)),
    ],
)
def test_what_a_status_means(status: int, facts: tuple[bool, ...]) -> None:
    """Only at home and roaming is registered; SMS alone carries no data."""
    registration = Registration(status)
    assert (registration.registered, registration.denied) == facts


@pytest.mark.parametrize(
    ("registration", "words"),
    [
        (Registration(HOME), "registered at home"),
        (Registration(DENIED), "the network denied registration"),
        (Registration(DENIED, cause_type=0, cause=8), f"the network denied registration: {EMM_CAUSES[8]}"),
        (Registration(DENIED, cause_type=0, cause=77), "the network denied registration: EMM cause 77"),
        (Registration(DENIED, cause_type=0, cause=0), "the network denied registration"),
        (Registration(RegistrationStatus.HOME, cause_type=0, cause=0), "registered at home"),
        (Registration(RegistrationStatus.HOME, cause_type=0, cause=15), "registered at home"),
        (Registration(DENIED, cause_type=1, cause=3), "the network denied registration: vendor cause 3"),
        (Registration(8), "registered for emergency services only"),
        (Registration(42), "registration status 42"),
    ],
)
def test_words(registration: Registration, words: str) -> None:
    """Status and cause are said in words, unknown ones by number."""
    assert registration.words == words


@pytest.mark.parametrize(
    ("line", "operator"),
    [
        ("+COPS: 0", Operator(0)),
        ('+COPS: 0,0,"CHN-UNICOM",9', Operator(0, name="CHN-UNICOM", access_technology=9)),
        ('+COPS:0,0,"CHN-UNICOM",9', Operator(0, name="CHN-UNICOM", access_technology=9)),
        ('+COPS: 1,2,"46000",9', Operator(1, plmn="46000", access_technology=9)),
        ('+COPS: 0,1,"CMCC"', Operator(0, name="CMCC")),
    ],
)
def test_operator(ask: Ask, line: str, operator: Operator) -> None:
    """The operator comes by name or by number, or not at all."""
    assert ask(ReadOperator(), line) == operator


@pytest.mark.parametrize("arguments", [r'5,1,"01A\xf90B1A"', '5,1,"00A0","0002920G"'])
def test_cell_that_is_no_number(ask: Ask, arguments: str) -> None:
    """A tracking area or cell whose digits were spoilt on the line is refused, and not told to anybody."""
    with pytest.raises(MalformedAnswer):
        ask(ReadRegistration(), f"+CEREG: {arguments}")


def test_operator_that_is_no_number(ask: Ask) -> None:
    """So is an operator's number that is none."""
    with pytest.raises(MalformedAnswer):
        ask(ReadOperator(), '+COPS: 0,2,"46\\x800",9')
