"""The documents fit the contract."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sim7020_bridge.commands.power import Edrx, Supply
from sim7020_bridge.commands.radio import CellReading, ServingCell, SignalQuality
from sim7020_bridge.commands.registration import Operator, Registration
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.config.model import DataBudgetSettings, ModemSettings, SocketSettings, Transport
from sim7020_bridge.modem.connection import Failure
from sim7020_bridge.modem.pdn import Pdn
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import ModemSocket, Phase, SocketState
from sim7020_bridge.modem.state import Counters, Identity, Layer, Link, ModemState
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.standing import Trouble
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.reports.documents import info_document, socket_document, state_document
from tests.contract_check import check, check_keys

AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
SOCKET = SocketSettings("s", Transport.TCP, "h", 1, send_topics=("a/+",), received_topic="b", pool="p")
OUTBOX = cast(Outbox, SimpleNamespace(queue=SimpleNamespace(messages=1, bytes=70), oldest=1.26))
USAGE = Usage(DataBudgetSettings(100), changed=lambda *_: None)
NOTHING = ModemState(Link(Layer.PORT, "/dev/ttyUSB0 is missing", AT))
EVERYTHING = ModemState(
    Link(Layer.ONLINE, None, AT),
    sim=SimReading(SimState.READY),
    signal=SignalQuality(20, None),
    cell=CellReading(ServingCell(6300, 2, 12, "0A", -90, -11, -80, 5, 20, "1F", 0, None, None)),
    registration=Registration(1, "1F", "0A", 9, active_time="00100001", periodic_tau="00100001"),
    operator=Operator(0, "Net", "26201"),
    pdn=Pdn(active=True, cid=1, apn="iot", address="198.51.100.9"),
    sleeping=False,
    edrx=Edrx("0010", "0010", "0011"),
    supply=Supply(90, 3600),
    counters=Counters({RecoveryStep.REATTACH: 1, RecoveryStep.RESYNC: 3}, reboots=2),
)


def socket(state: SocketState) -> Mapping[str, Any]:
    """Return the document of a socket that is like that."""
    return socket_document(cast(ModemSocket, SimpleNamespace(settings=SOCKET, state=state)), in_pools=True)


OF_A_MODEM = [
    ("state", state_document(NOTHING, OUTBOX, USAGE, aside=0)),
    ("state", state_document(EVERYTHING, OUTBOX, USAGE, aside=1)),
    (
        "info",
        info_document(
            Identity(), ModemSettings("m", "p", sockets=(SOCKET,)), Topics("b", "m"), requests=("at",), broker=Trouble()
        ),
    ),
    ("socket/s/state", socket(SocketState())),
    ("socket/s/state", socket(SocketState(Phase.BACKOFF, "198.51.100.7", Failure(-1, "common", "no", AT), AT))),
]


@pytest.mark.parametrize(("topic", "document"), OF_A_MODEM)
def test_documents_fit_the_contract(topic: str, document: object) -> None:
    """What the documents are written as fits the schemas, in the order of their keys too."""
    payload = dump(document)
    check(f"b/m/{topic}", payload, retain=True, base="b", modem="m")
    check_keys(f"b/m/{topic}", payload, base="b", modem="m")


def test_what_is_used_goes_on_when_nothing_is_left() -> None:
    """By the operator's figure, beyond the budget too."""
    usage = Usage(DataBudgetSettings(100), changed=lambda *_: None)
    usage.calibrate(130)
    usage.count(up=20)
    told = cast(Mapping[str, Any], state_document(NOTHING, OUTBOX, usage, aside=0)["usage"])
    assert (told["used"], told["budget"], told["left"]) == (150, 100, 0)
