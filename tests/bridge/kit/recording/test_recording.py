"""Bytes into a transcript, and a transcript into a module that answers as it did."""

import asyncio

import pytest

from sim7020_bridge.kit.decode.decoder import explained
from sim7020_bridge.kit.recording.replay import OffScript, Replay, exchanges
from sim7020_bridge.kit.recording.writer import Writer
from tests.transcript import parse


def written(*passed: tuple[str, bytes], pause: float = 0.0, secrets: bool = False) -> list[str]:
    """Return the lines written when these bytes pass, ``>`` from the host and ``<`` from the module."""
    lines: list[str] = []
    now = 0.0

    def elapsed() -> float:
        nonlocal now
        now += pause
        return now

    writer = Writer(lines.append, clock=lambda: "12:00", elapsed=elapsed, secrets=secrets)
    writer.begin("ttyUSB0", "a test")
    for way, data in passed:
        (writer.sent if way == ">" else writer.received)(data)
    return lines[3:]


def test_what_passes_becomes_a_transcript() -> None:
    """Lines are joined however the bytes came, and payload at a prompt keeps its length alone."""
    lines = written(
        (">", b"AT+CSO"),
        (">", b"DSEND=0,5\r"),
        ("<", b"\r\n> "),
        (">", b"Hell"),
        (">", b"o"),
        ("<", b"\r\nDATA ACC"),
        ("<", b"EPT: 5\r\n"),
    )
    assert lines == [
        "# note: 12:00",
        "> AT+CSODSEND=0,5",
        "<! 3E20",
        ">! 2A2A2A2A",
        ">! 2A",
        "< DATA ACCEPT: 5",
    ]


def test_pauses_are_kept() -> None:
    """Silence of a second or more is an event that the transcript's format knows."""
    lines = written((">", b"AT\r"), ("<", b"\r\nOK\r\n"), pause=2.0)
    assert lines[2:] == ["# event: wait 2.0", "< OK"]


def test_a_recording_is_a_transcript_of_the_tests() -> None:
    """What is recorded can be put among the tests' transcripts as it is."""
    lines: list[str] = []
    writer = Writer(lines.append, clock=lambda: "12:00", elapsed=lambda: 0.0)
    writer.begin("ttyUSB0", "a test")
    writer.sent(b"AT+CIMI\r\n")
    writer.received(b"AT+CIMI\r\r\n901405100000001\r\n\r\nOK\r\n")
    transcript = parse("\n".join(lines), name="recorded")
    assert transcript.received == ("AT+CIMI", "*" * 15, "OK")


class Host:
    """The host's end of a line: what it wrote, and what it was told."""

    def __init__(self, *written: bytes) -> None:
        self.written = list(written)
        self.told = b""

    async def read(self) -> bytes:
        """Give the next of what was written; then nothing comes any more."""
        if not self.written:
            await asyncio.Event().wait()
        return self.written.pop(0)

    async def write(self, data: bytes) -> None:
        """Be told."""
        self.told += data


LOG = b"""< RDY
> AT+CSQ
< AT+CSQ
< +CSQ: 20,0
< OK
> AT+CSQ
# event: wait 1.0
< +CSQ: 9,0
< OK
> AT+CSOSEND=0,4,"****"
< OK
< +CSONMI: 0,4,****
> AT+CSODSEND=0,3
<! 3E20
>! 2A2A2A
< DATA ACCEPT: 3
"""
SCRIPT = exchanges(explained([LOG]))


async def played(host: Host, *, strict: bool = False) -> tuple[str, list[str]]:
    """Play the log to a host until it has nothing more to say; return what it was told, and reports."""
    reports: list[str] = []
    replay = Replay(SCRIPT, host, strict=strict, report=reports.append)
    try:
        async with asyncio.timeout(0.2):
            await replay.run()
    except TimeoutError:
        pass
    return host.told.decode(), reports


async def test_strictly_the_log_is_followed_to_its_end() -> None:
    """In the log's order each command is answered as it was; what was masked is zeros that can be read."""
    host = Host(b"AT+CSQ\rAT+CSQ\r", b'AT+CSOSEND=0,4,"3132"\r', b"AT+CSODSEND=0,3\r", b"ab", b"c")
    told, reports = await played(host, strict=True)
    assert told == (
        "\r\nRDY\r\nAT+CSQ\r\r\n+CSQ: 20,0\r\n\r\nOK\r\n\r\n+CSQ: 9,0\r\n\r\nOK\r\n"
        "\r\nOK\r\n\r\n+CSONMI: 0,4,0000\r\n\r\n> \r\nDATA ACCEPT: 3\r\n"
    )
    assert reports == []


async def test_strictly_anything_else_ends_it() -> None:
    """A command that is not the next one is an error that says where, what and what instead; its PIN is masked."""
    with pytest.raises(OffScript, match=r"the host sent AT\+CPIN=\*{4}, where line 2 has AT\+CSQ"):
        await played(Host(b"AT+CPIN=1234\r"), strict=True)


async def test_leniently_order_does_not_matter() -> None:
    """Each command gets the next answer of its kind, from the beginning again if need be; unknown ones ERROR."""
    told, reports = await played(Host(b"at+csq\r\n", b"AT+CSQ\r", b"AT+CSQ\r", b"AT+CFUN?\r"))
    assert [line for line in told.split("\r\n") if line.startswith("+CSQ")] == ["+CSQ: 20,0", "+CSQ: 9,0", "+CSQ: 20,0"]
    assert told.endswith("\r\nERROR\r\n")
    assert reports == ["the log has no AT+CFUN?"]
