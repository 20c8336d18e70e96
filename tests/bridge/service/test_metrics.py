"""Metrics are what Prometheus reads, and say what the documents say."""

import re
from dataclasses import asdict, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

from sim7020_bridge.config.model import DataBudgetSettings
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import Phase, Traffic
from sim7020_bridge.modem.state import Layer, Link, ModemState
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.reports.documents import state_document
from sim7020_bridge.service.health import Snapshot, health_document
from sim7020_bridge.service.metrics import exposition

_SAMPLE = re.compile(r'(\w+)(?:\{(\w+="(?:[^"\\\n]|\\["\\n])*"(?:,\w+="(?:[^"\\\n]|\\["\\n])*")*)\})? (\S+)')

OUTBOX = cast(Outbox, SimpleNamespace(queue=SimpleNamespace(messages=0, bytes=0), oldest=None))
USAGE = Usage(DataBudgetSettings(), changed=lambda *_: None)
LINK = Link(Layer.PORT, "no such device", datetime(2026, 11, 23, tzinfo=UTC))
NOTHING = state_document(ModemState(LINK), OUTBOX, USAGE, aside=0)
GOOD = Snapshot(
    modem="shed",
    port_open=True,
    module_answering=True,
    broker_connected=True,
    listening=True,
    state=NOTHING,
    sockets={},
)


def samples(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """Read the text by the format's grammar, and return values by metric and labels."""
    text = exposition((snapshot,)).decode()
    assert text.endswith("\n")
    found: dict[tuple[str, str], str] = {}
    typed: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# "):
            match = re.fullmatch(r"# (?:HELP (\w+) .+|TYPE (\w+) (?:gauge|counter))", line)
            assert match, line
            typed.add(match[1] or match[2])
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] in typed
        float(match[3])
        key = (match[1], match[2] or "")
        assert key not in found, "each series once"
        found[key] = match[3]
    return found


def test_what_is_not_known_has_no_sample() -> None:
    """A modem of which nothing is known has its health, zeros, and no signal."""
    found = samples(replace(GOOD, port_open=False))
    assert found["sim7020_healthy", 'modem="shed"'] == "0"
    assert found["sim7020_port_open", 'modem="shed"'] == "0"
    assert found["sim7020_link_layer", 'modem="shed",layer="port"'] == "1"
    assert not any(metric.startswith("sim7020_signal") for metric, _ in found)


def test_values() -> None:
    """Numbers keep all their digits; fractions stay fractions."""
    state = {
        **NOTHING,
        "signal": {**NOTHING["signal"], "rssi": -71, "rsrp": -95.5},
        "power": {**NOTHING["power"], "voltage": 3.31},
        "usage": {**NOTHING["usage"], "today": {"up": 12345678901, "down": 2}},
        "counters": {"recoveries": {RecoveryStep.REATTACH: 2}, "reboots": 1, "resyncs": 3},
    }
    socket = {"phase": Phase.OPEN, "sent": asdict(Traffic(7, 1234567890)), "received": asdict(Traffic())}
    found = samples(replace(GOOD, state=state, sockets={"t": socket}))
    assert found["sim7020_signal_rsrp_dbm", 'modem="shed"'] == "-95.5"
    assert found["sim7020_supply_volts", 'modem="shed"'] == "3.31"
    assert found["sim7020_data_today_bytes", 'modem="shed",direction="up"'] == "12345678901"
    assert found["sim7020_recoveries_total", 'modem="shed",rung="reattach"'] == "2"
    assert found["sim7020_socket_sent_bytes_total", 'modem="shed",socket="t"'] == "1234567890"
    assert found["sim7020_socket_open", 'modem="shed",socket="t"'] == "1"


def test_health_is_that_of_all_modems() -> None:
    """One modem that isn't well makes the whole unhealthy, and its words say why."""
    well, ill = replace(GOOD, modem="a"), replace(GOOD, modem="b", broker_connected=False)
    assert health_document((well,))["healthy"] is True
    assert health_document((well, ill))["healthy"] is False
    assert health_document((replace(GOOD, listening=False),))["healthy"] is False
    assert ill.words == "b: port (no such device); no broker"
