"""The command line: echo, editing, joining, limits, result formats."""

import asyncio

import pytest

from sim7020_emulator.emulator import Setup
from tests.emulator.bench import FINAL, Bench
from tests.emulator.peers import Peer
from tests.virtual_time import run


async def test_echo_is_the_command_with_its_cr() -> None:
    """The echo ends with CR; the answer begins with its own CR LF; the host's LF is not echoed."""
    async with Bench(echo=True) as bench:
        bench.type(b"AT+CFUN?\r\n")
        assert await bench.until(b"OK\r\n") == b"AT+CFUN?\r\r\n+CFUN: 1\r\n\r\nOK\r\n"


async def test_echo_comes_as_typed() -> None:
    """Each character is echoed when it arrives, not when the line is complete."""
    async with Bench(echo=True) as bench:
        bench.type(b"A")
        assert bytes(bench.heard) == b"A"


async def test_ate0_is_echoed_itself() -> None:
    """ATE0 takes effect after its own line."""
    async with Bench(echo=True) as bench:
        assert await bench.command("ATE0") == b"ATE0\r\r\nOK\r\n"
        assert await bench.command("AT") == b"\r\nOK\r\n"
        assert await bench.command("ATE1") == b"\r\nOK\r\n"
        assert await bench.command("AT") == b"AT\r\r\nOK\r\n"


async def test_backspace_takes_back_a_character() -> None:
    """Backspace edits the line."""
    async with Bench() as bench:
        bench.type(b"AT+CFUX\x08N?\r")
        assert await bench.until(b"OK\r\n") == b"\r\n+CFUN: 1\r\n\r\nOK\r\n"


@pytest.mark.parametrize("prefix", ["AT", "at", "At", "aT"])
async def test_any_case(prefix: str) -> None:
    """Commands are not case-sensitive; arguments keep theirs."""
    async with Bench() as bench:
        assert await bench.ask(f"{prefix}+cfun?") == ["+CFUN: 1", "OK"]


async def test_empty_lines_are_ignored() -> None:
    """CR, LF and lines without AT get no answer."""
    async with Bench() as bench:
        bench.type(b"\r\n\r\nhello\r\n")
        assert await bench.ask("AT") == ["OK"]


async def test_joined_commands() -> None:
    """Basic commands run together, extended ones are joined by semicolons, quotes protect a semicolon."""
    async with Bench() as bench:
        assert await bench.ask("ATE0V1;+CMEE=1;+CSQ") == ["+CSQ: 20,0", "OK"]
        assert await bench.ask("AT&FZ;E0") == ["OK"]
        assert await bench.ask('AT+CGDCONT=2,"IP","a;b";+CGDCONT?') == ['+CGDCONT: 2,"IP","a;b","",0,0', "OK"]


async def test_a_thousand_empty_lines_in_one_piece() -> None:
    """However many lines come at once, each is read after the one before it, and an empty one is no command."""
    async with Bench() as bench:
        bench.type(b"\r" * 5000 + b"AT+CFUN?\r")
        assert await bench.until(FINAL) == b"\r\n+CFUN: 1\r\n\r\nOK\r\n"


@pytest.mark.parametrize("line_end", [(b"\r\n",), (b"\r", b"\n")])
async def test_payload_may_begin_with_a_line_feed(line_end: tuple[bytes, ...]) -> None:
    """The one LF that may follow a command's CR is not its payload; the next one is."""
    async with Bench() as bench:
        peer = await Peer("udp").open()
        await bench.ask("AT+CSOC=1,2,1")
        await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1")
        for piece in (b"AT+CSODSEND=0,2", *line_end):
            bench.type(piece)
        await bench.until(b"> ")
        bench.type(b"\n!")
        await peer.wait_for(b"\n!")
        peer.close()


@pytest.mark.parametrize("noise", [b"ok? ", b"\x00\xff ", b"\xdf\xdf"])
async def test_noise_before_a_command(noise: bytes) -> None:
    """A line begins at its AT, whatever bytes a wrong rate left before it."""
    async with Bench() as bench:
        assert await bench.ask(noise.decode("latin-1") + "AT+CFUN?") == ["+CFUN: 1", "OK"]


async def test_first_failure_ends_the_line() -> None:
    """What follows a failed command is not carried out."""
    async with Bench() as bench:
        assert await bench.ask("AT+CMEE=1;+CFUN=3;+CMEE=2") == ["+CME ERROR: 50"]
        assert await bench.ask("AT+CMEE?") == ["+CMEE: 1", "OK"]


async def test_what_cannot_be_read_is_error_whatever_came_before() -> None:
    """A command that is no command has no +CME ERROR, also behind one that has."""
    async with Bench() as bench:
        await bench.ask("AT+CMEE=1")
        assert await bench.ask('AT+CFUN?;+CSQ="') == ["+CFUN: 1", "ERROR"]


async def test_results_after_joined_cfun_come_once() -> None:
    """What a command reports after OK is not lost when another follows on the line."""
    async with Bench() as bench:
        await bench.ask("AT+CFUN=0")
        assert await bench.ask("AT+CFUN=1;+CFUN?") == ["+CFUN: 1", "OK"]
        assert await bench.line() == "+CPIN: READY"


@pytest.mark.parametrize(("length", "answer"), [(2048, ["OK"]), (2049, ["ERROR"])])
async def test_line_limit(length: int, answer: list[str]) -> None:
    """2048 characters may follow AT; a longer line is refused whole."""
    async with Bench() as bench:
        padding = "E0" * ((length - len("+CMEE=1;")) // 2)
        line = "+CMEE=1;" + padding + " " * (length - len("+CMEE=1;") - len(padding))
        assert await bench.ask("AT" + line) == answer
        assert await bench.ask("AT+CMEE?") == [f"+CMEE: {1 if answer == ['OK'] else 0}", "OK"]


async def test_numeric_results() -> None:
    """ATV0 gives digits and bare information text, ATV1 the words again."""
    async with Bench() as bench:
        bench.type(b"ATV0\r")
        assert await bench.until(b"0\r") == b"0\r"
        bench.type(b"AT+CFUN?\r")
        assert await bench.until(b"0\r") == b"+CFUN: 1\r\n0\r"
        bench.type(b"AT+NOSUCH\r")
        assert await bench.until(b"4\r") == b"4\r"
        assert await bench.ask("ATV1") == ["OK"]


async def test_quiet_results() -> None:
    """ATQ1 keeps the results of basic commands to itself, but not those of extended ones."""
    async with Bench() as bench:
        bench.type(b"ATQ1\r")
        await asyncio.sleep(0.01)
        bench.type(b"AT\r")
        await asyncio.sleep(0.01)
        assert not bench.heard
        assert await bench.ask("AT+CFUN?") == ["+CFUN: 1", "OK"]


@pytest.mark.parametrize(
    ("level", "answer"), [(0, "ERROR"), (1, "+CME ERROR: 3"), (2, "+CME ERROR: operation not allowed")]
)
async def test_error_levels(level: int, answer: str) -> None:
    """+CMEE chooses between ERROR, number and text."""
    async with Bench() as bench:
        await bench.ask(f"AT+CMEE={level}")
        assert await bench.ask('AT+CPIN="0000"') == [answer]


async def test_lines_typed_ahead_are_answered_in_turn() -> None:
    """Lines that come in one piece, or while a command is carried out, are all answered, one after the other."""
    async with Bench(Setup(baud=115200)) as bench:
        bench.type(b'AT+CMEE=1\r\nAT*MCGDEFCONT="IP","iot.example"\r\nAT+CLTS=1\r\n')
        bench.type(b"AT*MCGDEFCONT?\r\n")
        assert await bench.until(b'""\r\n\r\nOK\r\n') == (
            b'\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n\r\n*MCGDEFCONT: "IP","iot.example","",""\r\n\r\nOK\r\n'
        )


async def test_lines_typed_ahead_are_echoed_when_they_are_read() -> None:
    """The echo of a line stands between the answer to the one before and its own."""
    async with Bench(echo=True) as bench:
        bench.type(b"AT+CFUN?\r\nAT\r\n")
        assert await bench.until(b"AT\r\r\nOK\r\n") == b"AT+CFUN?\r\r\n+CFUN: 1\r\n\r\nOK\r\nAT\r\r\nOK\r\n"


async def test_payload_typed_ahead_is_payload() -> None:
    """What stands in the buffer when the prompt comes is payload, and what follows its end is a command again."""
    async with Bench() as bench:
        peer = await Peer("udp").open()
        await bench.ask("AT+CSOC=1,2,1")
        await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1")
        bench.type(b"AT+CSODSEND=0,2\rhiAT+CFUN?\r")
        assert await bench.until(b"OK\r\n") == b"\r\n> \r\nDATA ACCEPT: 2\r\n\r\n+CFUN: 1\r\n\r\nOK\r\n"
        await peer.wait_for(b"hi")
        peer.close()


async def test_what_is_typed_before_a_restart_is_forgotten() -> None:
    """A restart empties the buffer."""
    async with Bench() as bench:
        bench.type(b"AT+CFUN=1,1\rAT+CSQ\r")
        assert b"CSQ" not in await bench.until(b"SMS Ready\r\n")
        assert await bench.ask("ATE0;+CFUN?") == ["ATE0;+CFUN?\r", "+CFUN: 1", "OK"]


@pytest.mark.parametrize(
    ("typed_ahead", "typed", "lost", "answers"),
    [
        ("kept", b"AT\r" + b"\r" * 4093 + b"AT", b"AT", 2),
        ("lost", b"AT\r", b"AT\r", 1),
    ],
)
def test_what_finds_no_room_is_lost_and_traced(typed_ahead: str, typed: bytes, lost: bytes, answers: int) -> None:
    """Input beyond the buffer, or all of it where the firmware has none, is lost; the trace says what."""

    async def play() -> None:
        setup = Setup()
        setup.variants.set("typed_ahead", typed_ahead)
        async with Bench(setup) as bench:
            bench.type(b"AT+CFUN=0\r")
            await asyncio.sleep(0.5)
            bench.type(typed)
            await asyncio.sleep(5)
            assert bench.heard.count(b"OK") == answers
            assert ("#", f"lost, typed while a command was carried out: {lost.hex().upper()}") in bench.traced

    run(play())


async def test_multi_line_answers_have_single_line_ends() -> None:
    """Lines of one answer are separated by one CR LF."""
    async with Bench() as bench:
        assert await bench.command("AT+CDNSCFG?") == (
            b"\r\nPrimaryDns: 114.114.114.114\r\nSecondaryDns: 119.29.29.29\r\n\r\nOK\r\n"
        )


@pytest.mark.parametrize(
    "line", ["AT+", "AT+CSQ=", "AT+CSQ?x", "AT$X", 'AT+CGDCONT=2,"IP', "AT=", "ATS", "AT+CSOC=1,,1", "AT\x00", "AT\xff"]
)
async def test_malformed_lines_are_refused(line: str) -> None:
    """A line that can't be read is ERROR, and the next one is answered."""
    async with Bench() as bench:
        assert await bench.ask(line) == ["ERROR"]
        assert await bench.ask("AT") == ["OK"]


async def test_registers() -> None:
    """S-registers are read and written as bare numbers."""
    async with Bench() as bench:
        assert await bench.ask("ATS3?") == ["13", "OK"]
        assert await bench.ask("ATS0=3S0?") == ["3", "OK"]
        assert await bench.ask("ATS99?") == ["ERROR"]


async def test_active_profile() -> None:
    """AT&V prints the factory settings of the manual's example."""
    async with Bench(echo=True) as bench:
        shown = await bench.ask("AT&V")
        assert shown[1:8] == ["ACTIVE PROFILE", "E: 1", "L: 0", "M: 0", "Q: 0", "V: 1", "X: 4"]
        assert shown[-12:] == [
            "+IPR: 115200", "&C: 1", "&D: 2", "+CGEREP: 0", "+CEER: 0", "+CGPIAF: 0,0,0,0",
            "+CPSMSTATUS: 1", "+CMGF: 0", "+CSDH: 0", "+CSMINS: 0", "+CMUX: 0,0,0,31,10,3,30,10,2",
            "OK",
        ]  # fmt: skip
