"""Alerts about the broker: each holds as long as what a person can mend."""

import pytest

from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.mqtt.standing import Trouble
from sim7020_bridge.reports.broker_alerts import broker_alerts

SESSION, LIMITS = AlertId.SESSION_TAKEN_OVER, AlertId.BROKER_LIMITED


@pytest.mark.parametrize(
    ("trouble", "alert", "words"),
    [
        (Trouble(taken_over=3), SESSION, "took over this modem's session at the broker, 3 times"),
        (Trouble(taken_over=3, suspected=True), SESSION, "does not say why"),
        (Trouble(deaf_to=("b/m/request/+",)), AlertId.SUBSCRIPTION_REFUSED, "listen to b/m/request/+"),
        (Trouble(forbidden=("b/m/state",)), AlertId.TOPIC_FORBIDDEN, "publish to b/m/state"),
        (Trouble(forbidden=tuple("abcdef")), AlertId.TOPIC_FORBIDDEN, "a, b, c and 3 more"),
        (Trouble(no_retain=True), LIMITS, "retained messages"),
        (Trouble(no_session=True), LIMITS, "sessions"),
        (Trouble(wildcards=False), LIMITS, "wildcards"),
        (Trouble(longest=4095), LIMITS, "more than 4095 bytes"),
        (Trouble(no_pools=True), LIMITS, "shared subscriptions"),
        (Trouble(no_pools=True, no_retain=True), LIMITS, "get no messages; retained"),
    ],
)
def test_each_alert(trouble: Trouble, alert: AlertId, words: str) -> None:
    """Each says what is wrong and what to do, alone."""
    [(name, one)] = broker_alerts(trouble, pools=True).items()
    assert name is alert
    assert words in one.message
    assert one.advice.endswith(".")


def test_no_alert() -> None:
    """Nothing is wrong; and without a pool nobody misses shared subscriptions."""
    assert broker_alerts(Trouble(), pools=True) == {}
    assert broker_alerts(Trouble(wildcards=True, longest=4096, kept=3600), pools=True) == {}
    assert broker_alerts(Trouble(no_pools=True), pools=False) == {}


def test_a_topic_of_any_length() -> None:
    """A sender that names long Response Topics makes no long alert."""
    [alert] = broker_alerts(Trouble(forbidden=("x" * 60_000,) * 500), pools=False).values()
    assert len(alert.message) < 1000
