"""Snapshots of modems as Prometheus's text exposition format, version 0.0.4."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sim7020_bridge import VERSION
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.reports.documents import Document
from sim7020_bridge.service.health import Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX: Final = "sim7020_"

# each metric's kind, what it means, and where a document has its value; what is not known has no sample
_OF_BRIDGE: Final = {"bridge_info": ("gauge", "The bridge's version.", "versions")}
_OF_MODEM: Final = {
    "healthy": ("gauge", "1 if the port is open, the module answers and the broker is connected.", "healthy"),
    "port_open": ("gauge", "1 if the serial port is open.", "port_open"),
    "module_answering": ("gauge", "1 if the module answers, or sleeps as it should.", "module_answering"),
    "broker_connected": ("gauge", "1 if the MQTT broker has accepted the bridge.", "broker_connected"),
    "link_layer": (
        "gauge",
        "1 for the lowest layer of the link that does not hold, or for online or sleeping.",
        "layers",
    ),
    "signal_rssi_dbm": ("gauge", "Received signal strength.", "signal.rssi"),
    "signal_rsrp_dbm": ("gauge", "Reference signal received power.", "signal.rsrp"),
    "signal_rsrq_db": ("gauge", "Reference signal received quality.", "signal.rsrq"),
    "signal_sinr_db": ("gauge", "Signal to interference and noise ratio.", "signal.sinr"),
    "coverage_level": ("gauge", "Coverage enhancement level, 0 to 2.", "signal.ecl"),
    "supply_volts": ("gauge", "Supply voltage that the module measured.", "power.voltage"),
    "outbox_messages": ("gauge", "Messages without a final receipt.", "outbox.messages"),
    "outbox_bytes": ("gauge", "What they take, payload and all that is kept with it.", "outbox.bytes"),
    "outbox_oldest_seconds": ("gauge", "Age of the oldest message that waits.", "outbox.oldest"),
    "data_today_bytes": ("gauge", "Bytes since 0:00 UTC, headers included.", "usage.today"),
    "data_period_bytes": ("gauge", "Bytes in this billing period, headers included.", "usage.period"),
    "data_bytes_total": ("counter", "Bytes since the outbox's file was made, headers included.", "usage.total"),
    "data_billed_today_bytes": ("gauge", "Bytes since 0:00 UTC, as the operator counts.", "usage.billed.today"),
    "data_billed_period_bytes": (
        "gauge",
        "Bytes in this billing period, as the operator counts.",
        "usage.billed.period",
    ),
    "data_billed_bytes_total": (
        "counter",
        "Bytes since the outbox's file was made, as the operator counts.",
        "usage.billed.total",
    ),
    "data_sessions_total": ("counter", "Data sessions that began.", "usage.sessions.total"),
    "data_budget_bytes": ("gauge", "Bytes that a billing period may have.", "usage.budget"),
    "data_left_bytes": ("gauge", "Bytes that are left of them.", "usage.left"),
    "recoveries_total": ("counter", "Recovery steps that were taken.", "counters.recoveries"),
    "reboots_total": ("counter", "Restarts of the module that nobody asked for.", "counters.reboots"),
    "resyncs_total": ("counter", "Deadlines that passed without an answer.", "counters.resyncs"),
}
_OF_SOCKET: Final = {
    "socket_open": ("gauge", "1 if the socket is open.", "open"),
    "socket_sent_messages_total": ("counter", "Messages that the module took.", "sent.messages"),
    "socket_sent_bytes_total": ("counter", "Their bytes.", "sent.bytes"),
    "socket_received_messages_total": ("counter", "Pieces of data that came.", "received.messages"),
    "socket_received_bytes_total": ("counter", "Their bytes.", "received.bytes"),
}
_LABELS: Final = {
    "versions": "version",
    "layers": "layer",
    "usage.today": "direction",
    "usage.period": "direction",
    "usage.total": "direction",
    "counters.recoveries": "rung",
}
"""What tells the values apart where a document has several of a kind."""

_Labels = Mapping[str, str]
_Labelled = Sequence[tuple[_Labels, Document]]


def exposition(snapshots: tuple[Snapshot, ...]) -> bytes:
    """Return all metrics of all modems."""
    modems = [({"modem": snapshot.modem}, _modem(snapshot)) for snapshot in snapshots]
    sockets = [
        ({"modem": snapshot.modem, "socket": name}, {**socket, "open": socket["phase"] == Phase.OPEN})
        for snapshot in snapshots
        for name, socket in snapshot.sockets.items()
    ]
    bridge: _Labelled = [({}, {"versions": {VERSION: 1}})]
    lines = (*_lines(_OF_BRIDGE, bridge), *_lines(_OF_MODEM, modems), *_lines(_OF_SOCKET, sockets))
    return "".join(f"{line}\n" for line in lines).encode()


def _modem(snapshot: Snapshot) -> Document:
    health = snapshot.health
    return {**health, **snapshot.state, "layers": {layer: layer == health["link"] for layer in Layer}}


def _lines(metrics: Mapping[str, tuple[str, str, str]], documents: _Labelled) -> Iterator[str]:
    for metric, (kind, meaning, path) in metrics.items():
        name = f"{_PREFIX}{metric}"
        samples = [
            f"{name}{_braced(labels)} {_number(value)}"
            for modem, document in documents
            for labels, value in _samples(path, modem, document)
            if value is not None
        ]
        if samples:
            yield from (f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *samples)


def _samples(path: str, labels: _Labels, document: Document) -> Iterator[tuple[_Labels, float | None]]:
    found: Any = document
    for key in path.split("."):
        found = found[key]
    if path in _LABELS:
        for key, value in found.items():
            yield {**labels, _LABELS[path]: key}, value
    else:
        yield labels, found


def _braced(labels: _Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
