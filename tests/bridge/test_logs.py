"""Log lines as text and as JSON, and which of them are written."""

import json
import logging
from collections.abc import Iterator

import pytest

from sim7020_bridge import logs
from sim7020_bridge.config.model import LogFormat, LoggingSettings, LogLevel, LogPart

MQTT = logging.getLogger("sim7020_bridge.mqtt.client")
TRACE = logging.getLogger("sim7020_bridge.trace")


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
    assert first.endswith("INFO    sim7020_bridge.mqtt.client: of nobody")
    assert second.endswith("INFO    [shed] sim7020_bridge.mqtt.client: of one")


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
