"""The documents fit the contract."""

from datetime import UTC, datetime

import pytest

from sim7020_bridge.modem.socket_state import Phase
from sim7020_bridge.modem.state import Layer, Link
from sim7020_bridge.mqtt.documents import ErrorDocument, ReceiptDocument, ReceiptState, ResponseDocument
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.reports.documents import (
    AlertDocument,
    BridgeInfo,
    Counters,
    EdrxState,
    InfoDocument,
    ModemInfo,
    PowerState,
    PsmState,
    Recoveries,
    SocketError,
    SocketInfo,
    SocketStateDocument,
    StateDocument,
    event,
)
from tests.contract_check import check

AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
LINK = Link(Layer.PORT, "/dev/ttyUSB0 is missing", AT)


@pytest.mark.parametrize(
    ("topic", "document", "retain"),
    [
        ("state", StateDocument(LINK), True),
        (
            "state",
            StateDocument(
                LINK,
                power=PowerState(PsmState(60, 3600), EdrxState(20.48, 2.56), sleeping=True, voltage=3.6),
                counters=Counters(Recoveries(reattach=1), 2, 3),
            ),
            True,
        ),
        (
            "info",
            InfoDocument(
                bridge=BridgeInfo("sim7020-bridge", "0.1.0"),
                modem=ModemInfo("m"),
                sockets=(SocketInfo("s", "udp", "h", 1, "raw", ("a/+",), "b"),),
                requests=("send",),
            ),
            True,
        ),
        ("alert/sim_missing", AlertDocument("sim_missing", "There is no SIM", "Put one in.", AT), True),
        ("event", event("recovered", AT, rung="reattach"), False),
        ("socket/s/state", SocketStateDocument(Phase.CLOSED, "tcp", "h", 1), True),
        (
            "socket/s/state",
            SocketStateDocument(
                Phase.BACKOFF, "tcp", "h", 1, last_error=SocketError(-1, "common", AT), address="198.51.100.7"
            ),
            True,
        ),
        ("socket/s/receipt", ReceiptDocument("1", "s", ReceiptState.QUEUED, final=False, at=AT, bytes=5), False),
        (
            "socket/s/receipt",
            ReceiptDocument("1", "s", ReceiptState.REJECTED, final=True, at=AT, error=ErrorDocument("empty", "m")),
            False,
        ),
        ("response/refresh", ResponseDocument.ok({}, {"any": 1}), False),
        ("response/send", ResponseDocument.refused("expired", "too late", None), False),
    ],
)
def test_documents_fit_the_contract(*, topic: str, document: object, retain: bool) -> None:
    """What the documents are written as fits the schemas."""
    check(f"b/m/{topic}", dump(document), retain=retain, base="b", modem="m")
