"""The log in memory: bounded, printable, as sparing as the log itself."""

import logging
from collections.abc import Iterator

import pytest

from sim7020_bridge import logs
from sim7020_bridge.config.model import LoggingSettings
from sim7020_bridge.page.log import LONGEST, MOST, MOST_BYTES, LogLine, LogLines

LOG = logging.getLogger("sim7020_bridge.mqtt.client")


@pytest.fixture
def added() -> list[LogLine]:
    """Return what was told."""
    return []


@pytest.fixture
def lines(added: list[LogLine]) -> Iterator[LogLines]:
    """Keep lines."""
    logs.log_to_stderr(LoggingSettings())
    kept = LogLines(added.append)
    kept.begin()
    yield kept
    kept.end()


def test_a_line(lines: LogLines, added: list[LogLine]) -> None:
    """It has its time, level, modem and part, whatever reads the configuration again meanwhile."""
    logs.log_to_stderr(LoggingSettings())
    token = logs.current_modem.set("shed")
    LOG.warning("gone: %s", "a\nb\x1b")
    logs.current_modem.reset(token)
    LOG.info("of nobody")
    first, second = lines.find()
    assert first.document() | {"time": ""} == {
        "n": 1,
        "time": "",
        "level": "warning",
        "modem": "shed",
        "part": "mqtt.client",
        "message": "gone: a\\nb\\x1b",
    }
    assert (second.modem, added) == (None, [first, second])


def test_filters(lines: LogLines) -> None:
    """One modem's, and what is at least so serious."""
    for modem in ("shed", "roof"):
        token = logs.current_modem.set(modem)
        LOG.info("a line")
        LOG.error("an error")
        logs.current_modem.reset(token)
    assert [line.message for line in lines.find("roof")] == ["a line", "an error"]
    assert [line.modem for line in lines.find(level="warning")] == ["shed", "roof"]


def test_a_line_that_comes_again(lines: LogLines, capsys: pytest.CaptureFixture[str]) -> None:
    """A flood of the same line does not drive out all others, and each of both logs counts for itself."""
    logs.log_to_stderr(LoggingSettings())
    for number in range(3 * MOST):
        LOG.warning("the same")
        LOG.warning("line %d of a kind", number)
    assert len(list(lines.find())) < 30
    assert len(capsys.readouterr().err.splitlines()) == len(list(lines.find()))


def test_what_was_left_out_is_counted_once(
    lines: LogLines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither log adds its count to the line that the other one says."""
    logs.log_to_stderr(LoggingSettings())
    now = 1_796_040_000.0

    def said_now(record: logging.LogRecord) -> bool:
        record.created = now  # which clock logging asks depends on its release
        return True

    monkeypatch.setattr(LOG, "filters", [said_now])
    lines.end()
    LOG.warning("the same")
    lines.begin()
    for wait in (0, 1, 1, 100):
        now += wait
        LOG.warning("the same")
    assert [line.message for line in lines.find()] == ["the same", "the same (and 2 more like this, left out)"]
    assert capsys.readouterr().err.splitlines()[-1].endswith("client: the same (and 3 more like this, left out)")


def test_the_room_is_bounded(lines: LogLines) -> None:
    """However long lines are, and however many there are."""
    LOG.setLevel(logging.DEBUG)
    try:
        for number in range(2 * MOST):
            LOG.debug("%d %s", number, "x" * 5000)
    finally:
        LOG.setLevel(logging.NOTSET)
    kept = list(lines.find())
    assert sum(len(line.message) for line in kept) < MOST_BYTES
    assert kept[-1].message.startswith(f"{2 * MOST - 1} ")
    assert all(len(line.message) < LONGEST + 30 for line in kept)


def test_a_stack_trace(lines: LogLines) -> None:
    """It is there, and printable."""
    try:
        int("what \x1b was it")
    except ValueError:
        LOG.exception("a defect")
    [line] = lines.find()
    assert line.message.startswith("a defect\nTraceback")
    assert "what \\x1b was it" in line.message.replace("\\\\", "\\")


def test_the_dialogue_is_elsewhere(lines: LogLines) -> None:
    """Where the trace is on, it does not drive out what is said."""
    logs.trace(None, on=True)
    logging.getLogger("sim7020_bridge.trace").debug("> AT")
    logs.trace(None, on=False)
    assert list(lines.find()) == []


def test_no_more_after_the_end(lines: LogLines) -> None:
    """Once it ended, nothing is kept."""
    lines.end()
    LOG.warning("unheard")
    assert list(lines.find()) == []
