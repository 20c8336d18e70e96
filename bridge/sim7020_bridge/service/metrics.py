"""Snapshots of modems as Prometheus's text exposition format, version 0.0.4."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from sim7020_bridge import VERSION
from sim7020_bridge.modem.socket_state import Phase
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.service.health import Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX: Final = "sim7020_"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric; what is not known has no sample."""

    metric: str
    value: float | None
    labels: tuple[tuple[str, str], ...] = ()


_METRICS: Final = {
    "bridge_info": ("gauge", "The bridge's version."),
    "healthy": ("gauge", "1 if the port is open, the module answers and the broker is connected."),
    "port_open": ("gauge", "1 if the serial port is open."),
    "module_answering": ("gauge", "1 if the module answers, or sleeps as it should."),
    "broker_connected": ("gauge", "1 if the MQTT broker has accepted the bridge."),
    "link_layer": ("gauge", "1 for the lowest layer of the link that does not hold, or for online or sleeping."),
    "signal_rssi_dbm": ("gauge", "Received signal strength."),
    "signal_rsrp_dbm": ("gauge", "Reference signal received power."),
    "signal_rsrq_db": ("gauge", "Reference signal received quality."),
    "signal_sinr_db": ("gauge", "Signal to interference and noise ratio."),
    "coverage_level": ("gauge", "Coverage enhancement level, 0 to 2."),
    "supply_volts": ("gauge", "Supply voltage that the module measured."),
    "outbox_messages": ("gauge", "Messages without a final receipt."),
    "outbox_bytes": ("gauge", "What they take, payload and all that is kept with it."),
    "outbox_oldest_seconds": ("gauge", "Age of the oldest message that waits."),
    "data_today_bytes": ("gauge", "Bytes since 0:00 UTC, headers included."),
    "data_period_bytes": ("gauge", "Bytes in this billing period, headers included."),
    "data_budget_bytes": ("gauge", "Bytes that a billing period may have."),
    "data_left_bytes": ("gauge", "Bytes that are left of them."),
    "recoveries_total": ("counter", "Steps of the recovery ladder that were taken."),
    "reboots_total": ("counter", "Restarts of the module that nobody asked for."),
    "resyncs_total": ("counter", "Deadlines that passed without an answer."),
    "socket_open": ("gauge", "1 if the socket is open."),
    "socket_sent_messages_total": ("counter", "Messages that the module took."),
    "socket_sent_bytes_total": ("counter", "What they take, payload and all that is kept with it."),
    "socket_received_messages_total": ("counter", "Pieces of data that came."),
    "socket_received_bytes_total": ("counter", "Their bytes."),
}


def exposition(snapshots: tuple[Snapshot, ...]) -> bytes:
    """Return all metrics of all modems."""
    samples = [Sample("bridge_info", 1, (("version", VERSION),))]
    for snapshot in snapshots:
        samples += _modem(snapshot)
    lines = []
    for metric, (kind, meaning) in _METRICS.items():
        mine = [
            f"{_PREFIX}{metric}{_labels(sample)} {_number(sample.value)}"
            for sample in samples
            if sample.metric == metric and sample.value is not None
        ]
        if mine:
            lines += [f"# HELP {_PREFIX}{metric} {meaning}", f"# TYPE {_PREFIX}{metric} {kind}", *mine]
    return "".join(f"{line}\n" for line in lines).encode()


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _modem(snapshot: Snapshot) -> Iterator[Sample]:
    state, modem = snapshot.state, ("modem", snapshot.modem)

    def sample(metric: str, value: float | None, *labels: tuple[str, str]) -> Sample:
        return Sample(metric, value, (modem, *labels))

    yield sample("healthy", snapshot.health.healthy)
    yield sample("port_open", snapshot.health.port_open)
    yield sample("module_answering", snapshot.health.answering)
    yield sample("broker_connected", snapshot.health.broker_connected)
    for layer in Layer:
        yield sample("link_layer", layer == state.link.layer, ("layer", layer))
    yield sample("signal_rssi_dbm", state.signal.rssi)
    yield sample("signal_rsrp_dbm", state.signal.rsrp)
    yield sample("signal_rsrq_db", state.signal.rsrq)
    yield sample("signal_sinr_db", state.signal.sinr)
    yield sample("coverage_level", state.signal.ecl)
    yield sample("supply_volts", state.power.voltage)
    yield sample("outbox_messages", state.outbox.messages)
    yield sample("outbox_bytes", state.outbox.bytes)
    yield sample("outbox_oldest_seconds", state.outbox.oldest)
    for direction in ("up", "down"):
        yield sample("data_today_bytes", getattr(state.usage.today, direction), ("direction", direction))
        yield sample("data_period_bytes", getattr(state.usage.period, direction), ("direction", direction))
    yield sample("data_budget_bytes", state.usage.budget)
    yield sample("data_left_bytes", state.usage.left)
    recoveries = state.counters.recoveries
    for field in fields(recoveries):
        yield sample("recoveries_total", getattr(recoveries, field.name), ("rung", field.name))
    yield sample("reboots_total", state.counters.reboots)
    yield sample("resyncs_total", state.counters.resyncs)
    for name, socket in snapshot.sockets.items():
        label = ("socket", name)
        yield sample("socket_open", socket.phase == Phase.OPEN, label)
        yield sample("socket_sent_messages_total", socket.sent.messages, label)
        yield sample("socket_sent_bytes_total", socket.sent.bytes, label)
        yield sample("socket_received_messages_total", socket.received.messages, label)
        yield sample("socket_received_bytes_total", socket.received.bytes, label)
