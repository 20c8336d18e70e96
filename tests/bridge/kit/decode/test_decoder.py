"""A log from any program is explained line by line, and rightly."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim7020_bridge.kit.decode.decoder import explained
from sim7020_bridge.kit.decode.kinds import Direction, Explained, Kind
from tests.bridge.kit.decode.captures import CAPTURES
from tests.transcript import DIRECTORY

TRANSCRIPTS = sorted(DIRECTORY.glob("*.at"))


def read(log: str) -> list[Explained]:
    """Explain a log given as text."""
    return list(explained([log.encode()]))


def kinds(log: str) -> list[str]:
    """Return what a log's lines are: kind and name of each."""
    return [f"{each.kind.value} {each.name}".strip() for each in read(log)]


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_every_line_of_a_transcript_is_explained(path: Path) -> None:
    """No line of any dialogue that is known is unknown, each has words, and marks of direction are believed."""
    data = path.read_bytes()
    lines = list(explained([data]))
    for number, (raw, each) in enumerate(zip(data.decode().splitlines(), lines, strict=True), start=1):
        assert each.line == number
        assert each.explanation
        match raw[0]:
            case "#":
                assert each.kind is Kind.COMMENT
            case ">":
                assert each.direction is Direction.OUT
                assert each.kind is (Kind.COMMAND if raw[:2] == "> " else Kind.DATA)
            case _:
                assert each.direction is Direction.IN
                assert each.kind in {Kind.ANSWER, Kind.URC, Kind.FINAL, Kind.PROMPT, Kind.BLANK}


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(
            '> AT+CEREG?\n< AT+CEREG?\n< +CEREG: 1,"5B57"\n< +CEREG: 2,1\n< OK',
            ["command +CEREG", "echo +CEREG", "urc +CEREG", "answer +CEREG", "final OK"],
            id="a report amid the answer of its own name",
        ),
        pytest.param(
            "> AT+CFUN?\n< +CFUN: 1\n< +CSONMI: 0,2,31\n< +CFUN: 0\n< OK",
            ["command +CFUN", "urc +CFUN", "urc +CSONMI", "answer +CFUN", "final OK"],
            id="of two lines of one name the last answers",
        ),
        pytest.param(
            "> AT+CPIN?\n< +CPIN: NOT READY\n< OK",
            ["command +CPIN", "answer +CPIN", "final OK"],
            id="a question answered OK has its answer",
        ),
        pytest.param(
            "> AT+CPIN?\n< +CPIN: NOT READY\n< +CME ERROR: 10",
            ["command +CPIN", "urc +CPIN", "final +CME ERROR"],
            id="a refused question has none",
        ),
        pytest.param(
            '> AT+CIPPING="192.0.2.1"\n< +CIPPING: 1,192.0.2.1,3,52\n< OK\n> AT+CIPPING?\n< +CIPPING: 4,32,100\n< OK',
            ["command +CIPPING", "urc +CIPPING", "final OK", "command +CIPPING", "answer +CIPPING", "final OK"],
            id="settings are an answer and echoes are not",
        ),
        pytest.param(
            '> AT+CDNSGIP="a.test"\n< +CDNSGIP: 192.0.2.1\n< OK\n< +CDNSGIP: 1,"a.test","192.0.2.1"',
            ["command +CDNSGIP", "answer +CDNSGIP", "final OK", "urc +CDNSGIP"],
            id="a bare address is the old answer",
        ),
        pytest.param(
            "> AT+CSORXGET=2,0,5\n< +CSORXGET: 1,0\n< +CSORXGET: 2,0,5,0\n< hello\n< OK",
            ["command +CSORXGET", "urc +CSORXGET", "answer +CSORXGET", "answer +CSORXGET", "final OK"],
            id="data fetched, and more that came",
        ),
        pytest.param(
            "> AT+CSQ\n< RDY\n< +CFUN: 1\n< +CSQ: 1,99\n< OK",
            ["command +CSQ", "urc RDY", "urc +CFUN", "answer +CSQ", "final OK"],
            id="a restart ends what was pending",
        ),
        pytest.param(
            "> ATV0\n< 0\n> AT+CSQ\n< +CSQ: 1,99\n< 0\n> ATV1\n< OK",
            ["command ATV", "final OK", "command +CSQ", "answer +CSQ", "final OK", "command ATV", "final OK"],
            id="results as digits",
        ),
        pytest.param(
            "> AT+CSODSEND=0,5\n< >\n> hello\n< hello\n< DATA ACCEPT: 5\n< OK",
            ["command +CSODSEND", "prompt >", "data", "echo", "final DATA ACCEPT", "final OK"],
            id="payload at a prompt",
        ),
        pytest.param(
            "> AT+XYZ?\n< +XYZ: 1,2\n< +QIND: 3\n< OK",
            ["command +XYZ", "answer +XYZ", "urc +QIND", "final OK"],
            id="commands of other modules",
        ),
        pytest.param(
            "> AT+CIPSTATUS\n< OK\n< STATE: IP INITIAL\n> AT+CIPSHUT\n< SHUT OK\n< 0, CLOSED",
            ["command +CIPSTATUS", "final OK", "answer STATE", "command +CIPSHUT", "final SHUT OK", "urc CLOSED"],
            id="the other socket stack",
        ),
        pytest.param(
            "< +CHTTPNMIH: 0,200,9,HTTP/1.1 200 OK\n< Date: today\n< +CHTTPERR: 0,-2\n< Date: today",
            ["urc +CHTTPNMIH", "urc +CHTTPNMIH", "urc +CHTTPERR", "unknown"],
            id="a report over several lines",
        ),
        pytest.param(
            "> AT&V\n< E: 1\n< +CMEE: 0\n< +CSONMI: 0,2,31\n< OK",
            ["command AT&V", "answer E", "answer +CMEE", "urc +CSONMI", "final OK"],
            id="a list of settings",
        ),
        pytest.param(
            "AT+CMGS=12\n> 0011\n+CMGS: 1\nOK\nAT+CIPSEND=0,1\n> a\n0, SEND OK",
            ["command +CMGS", "data", "answer +CMGS", "final OK", "command +CIPSEND", "data", "final SEND OK"],
            id="payload on a screen, behind the prompt",
        ),
        pytest.param("< garbage", ["unknown"], id="noise"),
        pytest.param("> garbage", ["unknown"], id="no command line"),
    ],
)
def test_the_pending_command_says_what_answers_it(log: str, expected: list[str]) -> None:
    """Answers, reports in their midst, echoes and results are told apart as the driver tells them."""
    assert kinds(log) == expected


WANTED = ["command +CSQ", "answer +CSQ", "final OK", "urc +CSONMI", "command AT", "final ERROR"]


@pytest.mark.parametrize("capture", CAPTURES.values(), ids=CAPTURES.keys())
def test_the_same_dialogue_from_any_program(capture: str) -> None:
    """Line ends, times, marks, quotes and escapes of terminal programs change nothing about what was said."""
    lines = read(capture)
    said = [each for each in lines if each.kind not in {Kind.BLANK, Kind.COMMENT}]
    assert [f"{each.kind.value} {each.name}" for each in said] == WANTED
    directions = [Direction.OUT if each.kind is Kind.COMMAND else Direction.IN for each in said]
    assert [each.direction for each in said] == directions
    assert said[1].fields == {"rssi_index": 20, "ber": 0}
    assert len(lines) == len(capture.encode().splitlines())


@pytest.mark.parametrize(
    "dump",
    [
        "41 54 2B 43 53 51 0D\n0D 0A 2B 43 53 51 3A 20 32 30\n2C 30 0D 0A 0D 0A 4F 4B 0D 0A",
        (
            "00000000  41 54 2b 43 53 51 0d  |AT+CSQ.|\n"
            "00000007  0d 0a 2b 43 53 51 3a 20  32 30 2c 30 0d 0a 0d 0a  |..+CSQ: 20,0....|\n"
            "00000017  4f 4b 0d 0a              |OK..|"
        ),
    ],
)
def test_dumps_are_read_over_their_lines(dump: str) -> None:
    """A line of the dialogue that a dump breaks over two of its own is explained where it ends."""
    said = [each for each in read(dump) if each.kind is not Kind.DATA]
    assert next(f"{each.kind.value} {each.name}" for each in said if each.kind is not Kind.BLANK) == "command +CSQ"
    assert said[-1].kind is Kind.FINAL
    assert len(read(dump)) == len(dump.splitlines())


def test_times_are_kept() -> None:
    """What the log says about when something was said is passed on as it stands."""
    assert [each.time for each in read("[03:04:05.6] > AT\n> AT\n")] == ["03:04:05.6", None]


@pytest.mark.parametrize(
    ("log", "commands"),
    [
        pytest.param(
            "> AT+CSQ\n< AT+CSQ\n< +CSQ: 1,0\n< +CSONMI: 0,2,31\n< OK\n< +CSONMI: 0,2,31\n",
            [None, 1, 1, None, 1, None],
            id="one after the other",
        ),
        pytest.param("> AT+CGATT=1\n> AT+CGATT?\n< OK\n< +CGATT: 1\n< OK\n", [None, None, 1, 2, 2], id="typed ahead"),
        pytest.param(
            "> AT+CMEE=1\n> AT+CPIN?\n> AT+CSQ\n< OK\n< +CPIN: READY\n< OK\n< AT+CSQ\n< +CSQ: 1,0\n< ERROR\n",
            [None, None, None, 1, 2, 2, 3, 3, 3],
            id="typed ahead, with an echo",
        ),
        pytest.param(
            "> AT\n> AT\n> AT+CFUN=1\n> AT+CPIN?\n< +CPIN: READY\n< OK\n", [None] * 4 + [4, 4], id="some never heard"
        ),
        pytest.param("> AT+CSQ\n> ATE0\n< ATE0\n< OK\n", [None, None, 2, 2], id="the echo says which"),
        pytest.param("> AT+CSQ\n> AT+CSQ\n< +CSQ: 1,0\n< OK\n", [None, None, 2, 2], id="said again"),
        pytest.param(
            "> AT+CRESET\n> AT\n< OK\n> ATI\n< SIM7020 R1752\n< OK\n", [None, None, 1, None, 4, 4], id="one too many"
        ),
    ],
)
def test_answers_lead_back_to_their_commands(log: str, commands: list[int | None]) -> None:
    """An answer, echo or result names the line of its command, also of several that wait; a report does not."""
    assert [each.command_line for each in read(log)] == commands


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("< +CME ERROR: 10", "SIM not inserted"),
        ("< +CSQ: 20,0", "about -69 dBm, good"),
        ("< +CSQ: 99,99", "not known"),
        ("< +CSOERR: 1,3", "socket 1 failed: the connection was reset"),
        ("< +CSOERR: 1,4", "socket 1 has ended: the peer closed the connection"),
        ("< +CSQ: 199,32", "strength not known"),
        ("< +CENG: ,,,,,,,,,,,,", "serving cell: RSRP not told, coverage level not told"),
        ('< +CMQPUB: 0,"led_set",0,0,0,4,"4F4E"', "client, on led_set: ON"),
        ('< +CMQPUB: 0,"led_set",0,0,0,2,"ON"', "client, on led_set: ON"),
        ('< +CMQPUB: 0,"led_set",0,0,0,15,"{"a": 1,"b": 2}"', 'client, on led_set: {"a": 1,"b": 2}'),
        ("< +CHTTPERR: 1,-2", "the server closed the connection of the module's HTTP client"),
        ("< +CHTTPERR: 1,-1", "the module's HTTP client failed"),
        ('< +CGPADDR: 1,"10.0.2.15","::1:2:3:4"', "has the addresses 10.0.2.15 and ::1:2:3:4"),
        (
            '< +CGCONTRDP: 1,5,"iot","::1:2:3:4/64",,"2001:db8::",,,,,,1500',
            "address ::1:2:3:4, DNS 2001:db8::, MTU 1500",
        ),
        ('< +CGCONTRDP: 1,5,"iot","10.0.0.2.255.255.255.0","10.0.0.1"', "address 10.0.0.2, gateway 10.0.0.1"),
        ("< +CHTTPCREATEEXT: 0,0,(null)", "HTTP client 0 is not in use"),
        ('< +CHTTPCREATEEXT: 1,1,"http://a.example/"', "HTTP client 1 is for http://a.example/"),
        ("< +IPCONFIG: 127.0.0.1", "the module itself (loopback): 127.0.0.1"),
        ("< +IPCONFIG: fe80:0:0:0:1:2:3:4", "address on the radio link alone: fe80:0:0:0:1:2:3:4"),
        ("< +IPCONFIG: 10.0.2.15", "own address: 10.0.2.15"),
        ("> AT+CSODSEND=0,5", "asks to send 5 bytes on socket 0"),
        ("< +CEREG: 3,,,,0,15", "no suitable cells in tracking area"),
        ('< +CEREG: 5,"1A2B","01A2B3C4",9', "registered, roaming, cell 01A2B3C4"),
        ("< +CSONMI: 0,6,313233", "3 bytes came to socket 0: 123"),
        ("< +CSONMI: 0,6,******", "3 bytes came to socket 0, masked in the log"),
        ("< +CSONMI: 0,6,***", "data came to a socket, but not as hex"),
        ("< +CGEV: NW PDN DEACT 1", "the network deactivated a PDN context (context 1)"),
        ("< +CTZV: 32", "+8 h from UTC"),
        ('> AT+CSOCON=0,5005,"192.0.2.1"', "connects socket 0 to 192.0.2.1, port 5005"),
        ("> AT+CEREG=?", "asks what +CEREG accepts"),
        ("> AT+CSQ;+CFUN?", "asks for signal quality; asks for radio functionality"),
    ],
)
def test_meanings_are_said_in_words(line: str, words: str) -> None:
    """Codes and numbers come with what they mean."""
    assert words in read(line)[0].explanation


def test_several_lines_in_one_are_told_in_parts() -> None:
    """A logger that writes an answer and its result in one line gets one explanation that tells both."""
    (line,) = read("<-- '<CR><LF>+CSQ: 20,0<CR><LF><CR><LF>OK<CR><LF>'\n")
    assert line.kind is Kind.FINAL
    parts = line.fields["parts"]
    assert isinstance(parts, list)
    assert [part["kind"] for part in parts if isinstance(part, dict)] == ["answer", "final"]


WORDS = (
    *(
        "> ",
        "< ",
        "<! ",
        ">! ",
        "TX: ",
        "[00:00:01] ",
        "#",
        "AT",
        "+CSQ",
        "+CEREG",
        "+CIPPING",
        "+CSORXGET",
        "+CSODSEND=0",
    ),
    *(
        ": ",
        "=",
        "?",
        "=?",
        ",",
        '"',
        "0",
        "1,2",
        "V0",
        ";",
        "OK",
        "ERROR",
        "+CME ERROR: ",
        "RDY",
        ">",
        "DATA ACCEPT: 3",
    ),
    *(
        "0D0A",
        "41 54 ",
        "00000000  41 42",
        "b'",
        "\\r",
        "<CR>",
        "\\xff",
        "\u6536\u2190\u25c6",
        "\r",
        "\n",
        "\0",
        "\x1b[",
    ),
    *(
        "<debug> [1.5] (a): --> ",
        "D (1) esp-modem: ",
        "writing:",
        "reading:",
        "[D/AT] send: 0000-0020: ",
        "0x3ffb9be4   0d 0a",
    ),
    *(
        "SENDING frametype",
        "RECEIVED frametype",
        "41A|54T|0D ",
        "AT read OK 6 ",
        "S: ",
        "R: OK - 1",
        "send (",
        "^M",
        ")",
        " - 2",
    ),
    *("['", "', '", "']", "uart:~$ ", "INFO: ", "AT TX ( 2): ", "<cr><ln>", "AT+CSQ", "AT+CPIN?", "+CPIN: READY"),
)
FRAGMENTS = st.sampled_from(WORDS).map(str.encode) | st.just(b"\xff")
LOGS = st.binary(max_size=200) | st.lists(FRAGMENTS, max_size=40).map(b"".join)


@given(LOGS, st.integers(0, 200))
@example(b"\r\n\n\r", 1)
@example(b"> AT+CDNSGIP=\n< +CDNSGIP:\n", 0)
def test_any_bytes_are_explained(log: bytes, cut: int) -> None:
    """Whatever a file holds, each of its lines is told of, in order, as JSON, however the file is read."""
    lines = list(explained([log]))
    assert [each.line for each in lines] == list(range(1, len(log.splitlines()) + 1))
    assert all(each.explanation for each in lines)
    assert json.dumps([asdict(each) for each in lines])
    assert list(explained([log[:cut], log[cut:]])) == lines


FIELDS = [
    ("AT+CPIN=0001", {"arguments": ["0001"], "pin": "0001"}),
    ('AT+CPSMS=1,,,"01011111","00000001"', {"mode": 1, "periodic_tau": "01011111", "active_time": "00000001"}),
    ("AT+IPR=115200", {"arguments": [115200], "rate": 115200}),
    ('AT+CSOSEND=0,4,"3132"', {"socket": 0, "length": 4, "data": {"hex": "3132", "length": 2, "text": "12"}}),
    ("AT+CSOSEND=0,4,3132", {"socket": 0, "length": 4, "data": {"hex": "3132", "length": 2, "text": "12"}}),
    ('AT+CSOSEND=0,0,"12"', {"socket": 0, "length": 0, "data": {"hex": "3132", "length": 2, "text": "12"}}),
    ("AT+CSOSEND=0,4,3x", {"socket": 0, "length": 4, "data": "3x"}),
    ("+CEREG: 2", {"status": 2}),
    (
        '+CMQPUB: 0,"t",1,0,0,4,"4F4E"',
        {"client": 0, "topic": "t", "qos": 1, "length": 4, "message": {"hex": "4F4E", "length": 2, "text": "ON"}},
    ),
    ("+CHTTPERR: 1,-2", {"client": 1, "code": -2}),
    ("+CSQN: 11,0", {"rssi_index": 11, "ber": 0}),
    ("+CMUX: 0,31,007,9999999999,-1", {"arguments": [0, 31, "007", "9999999999", -1]}),
    ("+CHTTPNMIC: 0,0,3,3,616263", {"arguments": ["0", "0", "3", "3", "616263"]}),
    ("+CGREG: 5", {"domain": "+CGREG", "status": 5}),
    ('+CLTS: 18/06/22,09:27:49+32,"DST +1 in use"', {"zone_quarters": 32, "daylight_saving": "DST +1 in use"}),
]


@pytest.mark.parametrize(("line", "fields"), FIELDS)
def test_numbers_are_numbers_and_texts_lose_nothing(line: str, fields: dict[str, object]) -> None:
    """A number becomes one only if nothing is lost by it; what may be payload or a secret stays as it was written."""
    (said,) = explained([line.encode()])
    assert {key: said.fields.get(key) for key in fields} == fields


ANSWERED = [
    ("AT+CFUN=?", "+CFUN: (0,1,4,7),(0-2)", {"arguments": ["(0,1,4,7)", "(0-2)"]}),
    ("AT+CPWD=?", '+CPWD: ("SC",8),,(1', {"arguments": ['("SC",8)', "", "(1"]}),
    ("AT+CFUN?", "+CFUN: 1", {"level": 1}),
    ("AT+CEREG?", "+CEREG: 0,2", {"n": 0, "status": 2}),
    ("AT+CSOC=1,2,1", "+CSOC: 3", {"socket": 3}),
    ("AT+CSOC?", "+CSOC: 0,1,2,1", {"socket": 0, "domain": 1, "type": 2, "protocol": 1}),
    ("AT+CSOSTATUS=4", "+CSOSTATUS: 4,2", {"socket": 4, "status": 2}),
    ("AT+CGATT?", "+CGATT: 1", {"attached": True}),
    ("AT+CEDRXS?", '+CEDRXS: 5,"0010"', {"act_type": 5, "cycle": "0010"}),
    ("AT+CGSN", "0123456789012345", {"imei": "0123456789012345"}),
    ("ATS3?", "13", {"value": 13}),
]


@pytest.mark.parametrize(("command", "answer", "fields"), ANSWERED)
def test_an_answer_has_all_its_values_by_name(command: str, answer: str, fields: dict[str, object]) -> None:
    """What an answer says is found under a name, also what the bridge itself has no use for."""
    _, said, _ = explained([f"{command}\n{answer}\nOK\n".encode()])
    assert (said.kind, said.fields) == (Kind.ANSWER, fields)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_log_in_utf_16_has_as_many_lines_as_it_shows(encoding: str, size: int) -> None:
    """A shell that redirects into UTF-16 adds no blank lines, however the log is read."""
    mark = b"" if encoding == "utf-16" else b"\xfe\xff"
    log = mark + "> AT\r\n< OK\r\n".encode(encoding)
    said = list(explained(log[at : at + size] for at in range(0, len(log), size)))
    assert [(each.kind, each.text) for each in said] == [(Kind.COMMAND, "AT"), (Kind.FINAL, "OK")]


@pytest.mark.parametrize(("log", "lines"), [(b"", 0), (b"\n", 1), (b"A", 1), (b"\r", 1), (b"\xff", 1), (b"\n\n", 2)])
def test_a_log_of_a_byte_or_two(log: bytes, lines: int) -> None:
    """Nothing is too short to be a log."""
    assert len(list(explained([log]))) == lines
