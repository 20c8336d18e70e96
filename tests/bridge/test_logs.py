"""Log lines as text and as JSON, and which of them are written."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge import logs
from sim7020_bridge.config.model import LogFormat, LoggingSettings, LogLevel, LogPart, MqttSettings
from sim7020_bridge.errors import PayloadRefused, RequestRefused
from sim7020_bridge.modem.alerts import Alert, AlertId
from sim7020_bridge.mqtt.refusals import away, no_answer
from sim7020_bridge.reports.story import Story

MQTT = logging.getLogger("sim7020_bridge.mqtt.client")
TRACE = logging.getLogger("sim7020_bridge.trace")


@dataclass
class Clock:
    """A wall clock that a test sets, in seconds."""

    now: float = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers.clear()
    yield
    root.handlers[:], root.level = before
    logs._trace.configure(LogLevel.INFO)
    for part in LogPart:
        logging.getLogger(f"sim7020_bridge.{part}").setLevel(logging.NOTSET)


def test_text_names_the_modem(capsys: pytest.CaptureFixture[str]) -> None:
    """A line says which modem it is about, if any."""
    logs.log_to_stderr(LoggingSettings())
    MQTT.info("of nobody")
    token = logs.current_modem.set("shed")
    MQTT.info("of %s", "one")
    logs.current_modem.reset(token)
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("INFO    mqtt.client: of nobody")
    assert second.endswith("INFO    [shed] mqtt.client: of one")


def test_text_says_which_time_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A line begins with the local time and how far that is from UTC."""
    logs.log_to_stderr(LoggingSettings())
    before = datetime.now(UTC)
    MQTT.info("now")
    at = datetime.fromisoformat(capsys.readouterr().err.partition(" INFO")[0])
    assert before - timedelta(milliseconds=1) <= at <= datetime.now(UTC)


def test_advice_is_told_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """What to do about an alert is not cut as texts are that anybody may have chosen."""
    logs.log_to_stderr(LoggingSettings())
    advice = "Do it. " * 60
    Story().alerts({AlertId.BAUD_RATE: Alert("It is so", advice)}, {AlertId.BAUD_RATE})
    assert f"It is so. {advice}" in capsys.readouterr().err


def test_nothing_that_a_terminal_acts_upon(capsys: pytest.CaptureFixture[str]) -> None:
    """A message is one line, and it and a stack trace are printable, whoever chose what is in them."""
    logs.log_to_stderr(LoggingSettings())
    MQTT.warning("%s", "\x1b[2J\r\nforged\u202e\u2028\x9b \u00fc")
    MQTT.error("failed", exc_info=ValueError("\x1b]0;x\x07"))
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.endswith("\\x1b[2J\\r\\nforged\\u202e\\u2028\\x9b \u00fc")
    assert all(line.isprintable() for line in rest)
    assert rest[-1] == "ValueError: \\x1b]0;x\\x07"


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Have lines made at a clock's time: Python 3.13 takes it from elsewhere than earlier ones."""
    clock, made = Clock(), logging.getLogRecordFactory()

    def timed(*what: Any, **more: Any) -> logging.LogRecord:
        record = made(*what, **more)
        record.created = clock.now
        return record

    logging.setLogRecordFactory(timed)
    yield clock
    logging.setLogRecordFactory(made)


def test_the_same_line_is_said_once(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """It is counted then, told with its number while it goes on, more and more rarely, and for each modem."""
    logs.log_to_stderr(LoggingSettings())

    def said() -> list[str]:
        return [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]

    for _ in range(1800):
        MQTT.warning("the supply is too %s", "low")
        clock.now += 1
    assert said() == [
        "the supply is too low",
        "the supply is too low (and 59 more like this, left out)",
        "the supply is too low (and 119 more like this, left out)",
        "the supply is too low (and 239 more like this, left out)",
        "the supply is too low (and 479 more like this, left out)",
    ]
    token = logs.current_modem.set("shed")
    MQTT.warning("the supply is too %s", "low")
    logs.current_modem.reset(token)
    assert said() == ["the supply is too low"]


@pytest.mark.parametrize("every", [120, 300])
def test_what_comes_and_goes_all_day_is_no_news(every: int, capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """Six times within an hour is what an outage may be; after that it is said once an hour, and its end is told."""
    logs.log_to_stderr(LoggingSettings())

    def said() -> list[str]:
        return [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]

    for _ in range(86_400 // every):
        MQTT.warning("lost")
        clock.now += every / 2
        MQTT.warning("back")
        clock.now += every / 2
    lines = said()
    assert lines[:12] == ["lost", "back"] * 6
    assert "left out" in lines[12]
    assert 12 + 2 * 20 <= len(lines) <= 12 + 2 * 26
    clock.now += logs.QUIET
    MQTT.warning("other")
    assert [line.split(" (")[0] for line in said()] == ["lost", "back", "other"]
    clock.now += 2 * logs.LONGEST
    MQTT.warning("lost")
    assert said() == ["lost"]


def test_what_ended_is_told_with_its_number(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """The count of what does not come again is told before the next line, and then it is news once more."""
    logs.log_to_stderr(LoggingSettings())
    for _ in range(5):
        MQTT.warning("again")
    clock.now += 2 * logs.WHILE
    MQTT.warning("other")
    MQTT.warning("again")
    lines = [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["again", "again (and 4 more like this, left out)", "other", "again"]


def test_a_long_text_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A topic that somebody chose does not fill the log; the trace is whole."""
    logs.log_to_stderr(LoggingSettings(level=LogLevel.DEBUG))
    MQTT.warning("%s: not answered (%d)", "x" * 1024, 7)
    MQTT.warning("refused: %s", RequestRefused("unknown_verb", "no request " + "z" * 1024))
    TRACE.debug("%s", "y" * 1024)
    told, refused, traced = capsys.readouterr().err.splitlines()
    assert told.endswith(f": {'x' * logs.MOST_OF_A_TEXT}... (1024 characters): not answered (7)")
    assert refused.endswith("z... (1035 characters)")
    assert traced.endswith("y" * 1024)


@pytest.mark.parametrize("form", list(LogFormat))
def test_out_of_file_descriptors(form: LogFormat, tmp_path: Path) -> None:
    """It can be said all the same, in one line, however long it lasts."""
    script = f"""
import asyncio, resource, socket
from sim7020_bridge import logs
from sim7020_bridge.config.model import LogFormat, LoggingSettings

async def run():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()[:2]):
        resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        handle, tell = loop.call_exception_handler, []
        def handled(context):
            handle(context)
            tell.append(context)
            if len(tell) == 2:
                told.set()
        loop.call_exception_handler = handled
        await told.wait()

logs.log_to_stderr(LoggingSettings(format=LogFormat.{form.name}))
asyncio.run(run())
"""
    file = tmp_path / "script.py"
    file.write_text(script)
    ran = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=60, check=True)
    (line,) = ran.stderr.splitlines()
    assert "socket.accept() out of system resource" in line
    assert "Too many open files" in line


def test_a_sentence_of_the_bridge_s_own_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Long names in it do not cost the advice at its end; a topic in it is cut, which anybody may have chosen."""
    logs.log_to_stderr(LoggingSettings())
    tls = MqttSettings("broker." + "a-long-label." * 10 + "example", tls=None)
    MQTT.warning("%s", no_answer(tls, "it does not answer"))
    MQTT.warning("%s", away(tls.place, "not authorized", 0x87, ["x" * 1024]))
    silent, forbidden = capsys.readouterr().err.splitlines()
    assert silent.endswith("If it is an old one, set mqtt.protocol to 3.1.1")
    assert "x" * logs.MOST_OF_A_TEXT + "... (1024 characters). Check mqtt.username" in forbidden


def test_a_reply_is_said_however_often(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever sends the same signal again within a minute waits for the same answer again."""
    logs.log_to_stderr(LoggingSettings())
    for _ in range(2 * logs.MOST_OF_A_KIND):
        logs.replies(MQTT).info("reloaded")
    assert len(capsys.readouterr().err.splitlines()) == 2 * logs.MOST_OF_A_KIND


def test_a_flood_is_cut_short(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """What is said too often is left out and counted, all else is said, and the trace is whole."""
    logs.log_to_stderr(LoggingSettings(level=LogLevel.DEBUG))
    for number in range(1000):
        MQTT.warning("refused: %d", number)
        TRACE.debug("line %d", number)
    MQTT.warning("other: %d", 1)
    lines = capsys.readouterr().err.splitlines()
    assert sum("refused:" in line for line in lines) == logs.MOST_OF_A_KIND
    assert sum("line " in line for line in lines) == 1000
    assert "other: 1" in lines[-1]
    clock.now += logs.WHILE
    MQTT.warning("refused: %d", 1000)
    assert capsys.readouterr().err.endswith("refused: 1000 (and 980 more like this, left out)\n")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is one object, whatever is in the message; a stack trace is in it."""
    logs.log_to_stderr(LoggingSettings(format=LogFormat.JSON))
    MQTT.warning('two\nlines and a "quote"')
    MQTT.error("failed", exc_info=ValueError("no"))
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first["message"] == 'two\nlines and a "quote"'
    assert (first["level"], first["logger"], first["modem"]) == ("warning", "sim7020_bridge.mqtt.client", None)
    assert first["time"].endswith("+00:00")
    assert "ValueError: no" in second["exception"]


def test_levels_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """A part's level goes before the general one, and is gone when the settings say so."""
    logs.log_to_stderr(LoggingSettings(level=LogLevel.WARNING, levels={LogPart.MQTT: LogLevel.DEBUG}))
    MQTT.debug("shown")
    TRACE.info("hidden")
    logs.log_to_stderr(LoggingSettings())
    MQTT.debug("hidden")
    assert [line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()] == ["shown"]


def test_dialogue_is_overheard(capsys: pytest.CaptureFixture[str]) -> None:
    """Who listens hears every line of one modem, whether the log has it or not, and the log has what it had before."""
    heard: list[str] = []
    logs.log_to_stderr(LoggingSettings())
    logs.overhear("shed", heard.append)
    for modem in ("shed", "roof"):
        logs.current_modem.set(modem)
        TRACE.debug("> AT of %s", modem)
    assert heard == ["> AT of shed"]
    assert capsys.readouterr().err == ""
    logs.trace("roof", on=True)
    for modem in ("shed", "roof"):
        logs.current_modem.set(modem)
        TRACE.debug("> AT of %s", modem)
    assert heard == ["> AT of shed"] * 2
    assert "> AT of roof" in capsys.readouterr().err
    logs.trace("roof", on=False)
    logs.overhear("shed", None)
    assert not TRACE.isEnabledFor(logging.DEBUG)


def test_trace_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    """The AT dialogue is logged while somebody wants it, and then as the settings have it."""
    logs.log_to_stderr(LoggingSettings(level=LogLevel.WARNING))
    logs.trace(None, on=True)
    TRACE.debug("shown")
    logs.trace(None, on=False)
    TRACE.debug("hidden")
    logs.trace("shed", on=True)
    TRACE.debug("of-another")
    token = logs.current_modem.set("shed")
    TRACE.debug("of-shed")
    logs.log_to_stderr(LoggingSettings(levels={LogPart.TRACE: LogLevel.ERROR}))
    TRACE.debug("still")
    logs.current_modem.reset(token)
    logs.trace("shed", on=False)
    TRACE.warning("hidden")
    assert [line.rpartition(" ")[2] for line in capsys.readouterr().err.splitlines()] == ["shown", "of-shed", "still"]


def test_parts_exist() -> None:
    """Each part whose level can be set has a logger's name in the bridge."""
    names = {name.removeprefix("sim7020_bridge.") for name in logging.root.manager.loggerDict}
    assert LogPart.MQTT in {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize("character", ["v", "\0", "\u00e9", "\U0001f600"])
def test_no_line_is_longer_than_a_kilobyte(form: LogFormat, character: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever somebody else has a say in, an error that quotes a topic too, and however it has to be written."""
    logs.log_to_stderr(LoggingSettings(form))
    MQTT.warning("%s: refused: %s, %s", character * 60_000, PayloadRefused("x", character * 60_000), character * 60_000)
    MQTT.warning("short")
    long, short = capsys.readouterr().err.splitlines()
    assert 500 < len(long.encode()) <= logs.MOST_OF_A_LINE
    assert " characters)" in long
    assert "short" in short
