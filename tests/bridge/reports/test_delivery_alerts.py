"""Alerts about delivery: each holds as long as what a person can mend."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sim7020_bridge.config.model import DataBudgetSettings
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.reports.delivery_alerts import delivery_alerts


def found(
    *, full: bool = False, problem: str | None = None, set_aside: str | None = None, used: int = 0
) -> dict[Any, Any]:
    """Return the alerts for an outbox and a usage like that."""
    outbox = cast(Outbox, SimpleNamespace(queue=SimpleNamespace(full=full), problem=problem, set_aside=set_aside))
    usage = Usage(DataBudgetSettings(100), changed=lambda *_: None)
    usage.count(up=used)
    return dict(delivery_alerts(outbox, usage))


@pytest.mark.parametrize(
    ("given", "alert", "words"),
    [
        ({"full": True}, AlertId.OUTBOX_FULL, "full"),
        ({"problem": "disk is full"}, AlertId.OUTBOX_STORAGE, "disk is full"),
        ({"set_aside": "shed.damaged-1"}, AlertId.OUTBOX_DAMAGED, "shed.damaged-1"),
        ({"used": 80}, AlertId.DATA_BUDGET, "80 %"),
        ({"used": 100}, AlertId.DATA_BUDGET, "used up"),
    ],
)
def test_each_alert(given: dict[str, Any], alert: AlertId, words: str) -> None:
    """Each alert says what is wrong and what to do, alone."""
    [(name, one)] = found(**given).items()
    assert name is alert
    assert words in one.message
    assert one.advice.endswith(".")


def test_no_alert() -> None:
    """Nothing is wrong, and nothing is said."""
    assert found(used=79) == {}
