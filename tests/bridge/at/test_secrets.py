"""No secret leaves by any door: the log, a trace, a recording, what probe tells."""

import asyncio
import logging

import pytest

from sim7020_bridge.at.command import UnknownLine
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.kit.recording.writer import Writer
from sim7020_bridge.modem.heard import Heard
from tests.bridge.at.conftest import Bench, in_order

PLANTED = [
    ("AT+CPIN=74619325", "74619325"),
    ('AT+CPIN="74619325"', "74619325"),
    ('AT+CPWD="SC","74619325","00001111"', "74619325"),
    ('AT+CLCK="SC",1,"74619325"', "74619325"),
    ('AT+CGAUTH=1,1,"peter","sesame"', "sesame"),
    ('+CGAUTH: 1,1,"peter","sesame"', "sesame"),
    ('AT+CSTT="iot","peter","sesame"', "sesame"),
    ('+CSTT: "iot","peter","sesame"', "sesame"),
    ('AT*MCGDEFCONT="IP","iot","peter","sesame"', "sesame"),
    ('*MCGDEFCONT: "IP","iot","peter","sesame"', "sesame"),
    ("ATE0;+CPIN=74619325", "74619325"),
    ('AT+CSQ;+CGAUTH=1,1,"peter","sesame";+CFUN?', "sesame"),
    ("T+CPIN=74619325", "74619325"),
    ("+CSONMI: 0,12,736573616D65", "736573616D65"),
    ("+CSONMI: 0,13,736573616D65", "736573616D65"),
    ('AT+CSOSEND=0,12,"736573616D65"', "736573616D65"),
    ("867997030000001", "867997030000001"),
    ("+CGSN: 867997030000001", "867997030000001"),
    ("89882280000000000017", "89882280000000000017"),
]


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Log all there is, the trace included, whatever levels a request left behind in this process."""
    caplog.set_level(logging.DEBUG, "sim7020_bridge")
    caplog.set_level(logging.DEBUG, "sim7020_bridge.trace")


@pytest.mark.parametrize(("line", "secret"), PLANTED)
async def test_log_and_trace(bench: Bench, caplog: pytest.LogCaptureFixture, line: str, secret: str) -> None:
    """Whatever the module says, the log has its secrets as asterisks."""
    bench.peer.say(line)
    await in_order(bench)
    assert "***" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize(("line", "secret"), [planted for planted in PLANTED if planted[0].startswith("AT")])
async def test_command_and_its_echo(bench: Bench, caplog: pytest.LogCaptureFixture, line: str, secret: str) -> None:
    """What a person asks for is masked on its way there, and in the echo that comes back."""
    command = asyncio.create_task(bench.channel.execute(RawCommand(line)))
    await bench.peer.answer(line, line, "ERROR")
    (error,) = await asyncio.gather(command, return_exceptions=True)
    logging.getLogger("sim7020_bridge").warning("%s", error)
    assert "***" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize(("line", "secret"), PLANTED)
def test_recording(line: str, secret: str) -> None:
    """A recording may be published, whichever way a line went."""
    written: list[str] = []
    writer = Writer(written.append, clock=lambda: "", elapsed=lambda: 0.0)
    writer.sent(line.encode() + b"\r")
    writer.received(b"\r\n" + line.encode() + b"\r\n")
    assert sum("**" in each for each in written) == 2
    assert secret not in "\n".join(written)


@pytest.mark.parametrize(("line", "secret"), PLANTED)
def test_what_a_probe_heard(line: str, secret: str) -> None:
    """A probe tells what talks at a port that no modem answers at; a modem that was not understood may have said it."""
    heard = Heard()
    heard.count(UnknownLine(line))
    assert "**" in heard.example
    assert secret not in heard.example
