"""Receipts fit the contract, wherever they go."""

from datetime import UTC, datetime

import pytest

from sim7020_bridge.delivery.receipts import Receipts, ReceiptState
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import Entry, Loss, Message, PendingPublication
from tests.bridge.modem.bench import UDP
from tests.contract_check import check, check_keys

AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
MESSAGE = Message(id="1", socket="udp", data=b"hello", at=AT, pool="p")
RECEIPTS = Receipts(Topics("b", "m"), [UDP], clock=lambda: AT)


@pytest.mark.parametrize(
    "receipts",
    [
        RECEIPTS.of(MESSAGE, ReceiptState.QUEUED, final=False),
        RECEIPTS.lost(Entry(1, MESSAGE, 0.0), Loss.EXPIRED),
        RECEIPTS.rejected("1", "udp", ErrorDocument("empty", "it is empty"), None, "p"),
    ],
)
def test_receipts_fit_the_contract(receipts: tuple[PendingPublication, ...]) -> None:
    """The socket's receipt and the pool's have all keys of their schemas."""
    assert [receipt.topic for receipt in receipts] == ["b/m/socket/udp/receipt", "b/pool/p/receipt"]
    for receipt in receipts:
        check(receipt.topic, receipt.payload, retain=False, base="b", modem="m")
        check_keys(receipt.topic, receipt.payload, base="b", modem="m")
