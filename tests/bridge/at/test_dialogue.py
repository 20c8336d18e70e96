"""Answer, URC, echo or final result: what a line means."""

import pytest

from sim7020_bridge.at.command import Command, Order, Probe, UnknownLine, UrcTable
from sim7020_bridge.at.dialogue import Dialogue, Ended, Event, Repeated, UnexpectedResult, Unsolicited, result_of
from sim7020_bridge.at.framer import Line, Prompt
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.identity import EchoOff, ReadManufacturer
from sim7020_bridge.commands.radio import Functionality, ReadFunctionality, ReadSignalQuality, SetFunctionality
from sim7020_bridge.commands.registration import (
    ReadGprsRegistration,
    ReadRegistration,
    Registration,
    RegistrationStatus,
)
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.sim import ReadSimState, SimReading, SimReport
from sim7020_bridge.commands.sockets import CreateSocket, SendData, SocketId
from sim7020_bridge.errors import CommandRefused, MalformedAnswer


def events(command: Command[object] | None, *texts: str) -> list[Event]:
    """Return what the lines mean while a command is pending."""
    dialogue = Dialogue()
    if command is not None:
        dialogue.begin(command)
    return [event for text in texts for event in dialogue.take(Prompt() if text == "> " else Line.of(text))]


def result(command: Command[object], *texts: str) -> object:
    """Return what a command makes of its answer."""
    (ended,) = (event for event in events(command, *texts) if isinstance(event, Ended))
    return result_of(command, ended.answer)


def unsolicited(command: Command[object] | None, *texts: str) -> list[str]:
    """Return the lines that answer nothing."""
    return [event.line.text for event in events(command, *texts) if isinstance(event, Unsolicited)]


def test_urc_inside_reply_is_not_information() -> None:
    """A line that the pending command doesn't name is a URC, wherever it stands."""
    lines = ("+CSONMI: 0,2,31", "+CSQ: 20,0", "SEND: 0,11", "OK")
    assert unsolicited(ReadSignalQuality(), *lines) == ["+CSONMI: 0,2,31", "SEND: 0,11"]
    assert result(ReadSignalQuality(), *lines) is not None


def test_names_are_matched_whole() -> None:
    """+CSQN is not an answer to +CSQ, nor +CSOCON one to +CSOC."""
    assert unsolicited(ReadSignalQuality(), "+CSQN: 11,0") == ["+CSQN: 11,0"]
    assert unsolicited(CreateSocket(stream=True), "+CSOCON: 0,1") == ["+CSOCON: 0,1"]


def test_displaced_line_was_a_urc() -> None:
    """Where one line answers, the last one does; one of the same name before it was unsolicited."""
    lines = ("+CPIN: SIM PIN", "+CPIN: READY", "OK")
    assert unsolicited(ReadSimState(), *lines) == ["+CPIN: SIM PIN"]
    assert result(ReadSimState(), *lines) == SimReading("READY")


def test_boot_report_while_reading_functionality() -> None:
    """The boot's own +CFUN line comes first and the answer last."""
    lines = ("+CFUN: 0", "+CFUN: 1", "OK")
    assert unsolicited(ReadFunctionality(), *lines) == ["+CFUN: 0"]
    assert result(ReadFunctionality(), *lines) is Functionality.FULL


@pytest.mark.parametrize("text", ["NOT READY", "NOT INSERTED"])
def test_sim_states_that_are_never_answers(text: str) -> None:
    """A SIM that goes away while its state is asked for says so by URC."""
    assert unsolicited(ReadSimState(), f"+CPIN: {text}") == [f"+CPIN: {text}"]
    assert URCS.read(Line.of(f"+CPIN: {text}")) == SimReport(SimReading(text))


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("+CEREG: 0,1", True),
        ("+CEREG: 5,1", True),
        ('+CEREG: 2,1,"5B57","01A50B1A",9,"00"', True),
        ("+CEREG: 3,3,,,,0,15", True),
        ("+CEREG: 1,100", True),
        ("+CGREG: 0,0", True),
        ("+CEREG: 1", False),
        ('+CEREG: 1,"5B57","01A50B1A",9,"00"', False),
        ("+CEREG: 3,,,,0,15", False),
        ("+CGREG: 2", False),
        ("+CREG: 0,1", False),
    ],
)
def test_registration_answers_by_shape(text: str, *, answers: bool) -> None:
    """A number after the first number makes the read form; anything else is unsolicited."""
    assert unsolicited(ReadRegistration(), text) == ([] if answers else [text])


def test_registration_report_between_question_and_answer() -> None:
    """A change that is reported while the registration is read is neither lost nor taken for the answer."""
    lines = ('+CEREG: 5,"5B57","01A50B1A",9', "+CEREG: 2,1", "OK")
    assert unsolicited(ReadRegistration(), *lines) == [lines[0]]
    assert result(ReadRegistration(), *lines) == Registration(RegistrationStatus.HOME)


def test_eps_report_while_packet_registration_is_read() -> None:
    """+CEREG never answers AT+CGREG?, though +CGREG may answer AT+CEREG?."""
    assert unsolicited(ReadGprsRegistration(), "+CEREG: 0,1") == ["+CEREG: 0,1"]


@pytest.mark.parametrize("final", ["OK", "ERROR", "+CME ERROR: 10", "BUSY", "NO CARRIER", "> "])
def test_stray_final_result(final: str) -> None:
    """A final result that no command waits for ends nothing."""
    assert [type(event) for event in events(None, final)] == [UnexpectedResult]


@pytest.mark.parametrize("text", ["DATA ACCEPT: 5", "NORMAL POWER DOWN"])
def test_finals_only_where_declared(text: str) -> None:
    """These end only the commands that expect them; elsewhere they are news."""
    assert unsolicited(Probe(1.0), text) == [text]
    assert unsolicited(None, text) == [text]


def test_power_down_ends_with_its_own_result() -> None:
    """A command that declares it is over when the module says so; no OK follows."""

    class PowerDown(Order):
        syntax = "AT+CPOWD=1"
        successes = frozenset({Outcome.NORMAL_POWER_DOWN})

    assert result(PowerDown(), "NORMAL POWER DOWN") is None


def test_unexpected_prompt_ends_nothing() -> None:
    """A data prompt leaves the pending command pending."""
    assert [type(event) for event in events(Probe(1.0), "> ", "OK")] == [UnexpectedResult, Ended]


@pytest.mark.parametrize("command", [EchoOff(), ReadManufacturer(), SetFunctionality(Functionality.FULL)])
def test_echo_is_no_answer(command: Command[object]) -> None:
    """The command line repeated is an echo."""
    assert [type(event) for event in events(command, command.line())] == [Repeated]


def test_echo_of_an_earlier_line() -> None:
    """A late echo is an echo as well, also when nothing is pending, or of payload."""
    dialogue, send = Dialogue(), SendData(SocketId(0), b"AT")
    for command in (ReadFunctionality(), send, ReadSignalQuality()):
        dialogue.begin(command)
    late = ("AT+CFUN?", send.line(), "AT+CSQ")
    assert [type(event) for text in late for event in dialogue.take(Line.of(text))] == [Repeated] * 3
    dialogue.abandon()
    assert [type(event) for event in dialogue.take(Line.of("AT+CSQ"))] == [Repeated]


@pytest.mark.parametrize("text", ["AT", "at+csq", "AT+CFUN?", "ATTACH REJECTED", "at 12:00 the sun shone"])
def test_what_was_not_sent_is_no_echo(text: str) -> None:
    """A line that begins with AT is what somebody says."""
    assert unsolicited(ReadSignalQuality(), text) == [text]
    assert unsolicited(None, text) == [text]


def test_after_the_final_result_nothing_is_pending() -> None:
    """What comes after the final result is unsolicited, whatever its name."""
    assert unsolicited(ReadSignalQuality(), "+CSQ: 20,0", "OK", "+CSQ: 21,0") == ["+CSQ: 21,0"]


def test_abandoned_command_takes_nothing() -> None:
    """Lines for a command that was given up are unsolicited, and its final result is a stray."""
    dialogue = Dialogue()
    dialogue.begin(ReadSignalQuality())
    pending = [dialogue.pending]
    dialogue.abandon()
    assert [*pending, dialogue.pending] == [ReadSignalQuality(), None]
    assert isinstance(dialogue.take(Line.of("+CSQ: 20,0"))[0], Unsolicited)
    assert isinstance(dialogue.take(Line.of("OK"))[0], UnexpectedResult)


@pytest.mark.parametrize(
    ("final", "code", "shown"),
    [
        ("ERROR", None, "AT+CPIN?: ERROR"),
        ("+CME ERROR: 10", 10, "AT+CPIN?: +CME ERROR: 10 (SIM not inserted)"),
        ("+CME ERROR: SIM not inserted", 10, "AT+CPIN?: +CME ERROR: SIM not inserted"),
        ("+CMS ERROR: 310", 310, "AT+CPIN?: +CMS ERROR: 310 (SIM not inserted)"),
        ("BUSY", None, "AT+CPIN?: BUSY"),
        ("NO CARRIER", None, "AT+CPIN?: NO CARRIER"),
    ],
)
def test_refusals(final: str, code: int | None, shown: str) -> None:
    """Any other final result refuses the command, in the module's words and in ours."""
    with pytest.raises(CommandRefused) as refused:
        result(ReadSimState(), final)
    assert (refused.value.code, str(refused.value)) == (code, shown)


def test_answer_without_information() -> None:
    """OK without the line that should be there is malformed."""
    with pytest.raises(MalformedAnswer, match="expected one line of answer, got 0"):
        result(ReadSimState(), "OK")


def test_broken_urc_is_an_unknown_line() -> None:
    """A URC of a broken shape is kept as text, as is a line that nobody knows."""
    table = UrcTable([SimReport])
    assert table.read(Line.of("+CPIN")) == UnknownLine("+CPIN")
    assert table.read(Line.of("+NEW: 1")) == UnknownLine("+NEW: 1")
    assert "+CPIN" in table
