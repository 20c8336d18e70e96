"""The mocked bridge takes only what a real one does, whatever a test is about."""

import json

import jsonschema
import pytest

from tests.component.unit.kit import Bridge, Document

GOOD: Document = {
    "socket": "telemetry",
    "data": "21.5",
    "id": "1",
    "transaction": "t",
    "expires": "2026-11-29T12:00:00Z",
}


async def test_what_the_contract_has_is_taken(bridge: Bridge) -> None:
    """And kept for the test to look at."""
    bridge.published("sim7020/shed/request/send", json.dumps(GOOD), retain=False)
    assert bridge.requests == [("sim7020/shed/request/send", GOOD)]


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        pytest.param({"ttl": "3600"}, "'3600' is not of type 'number'", id="type"),
        pytest.param({"ttl": None}, "None is not of type 'number'", id="null"),
        pytest.param({"ttl": 0}, "0 is less than or equal to the minimum of 0", id="range"),
        pytest.param({"priority": "urgent"}, "'urgent' is not one of", id="choice"),
        pytest.param({"expires": "2026-11-29T12:00:00"}, "is not a 'date-time'", id="time"),
        pytest.param({"data_hex": "00"}, "is valid under each of", id="two-payloads"),
    ],
)
async def test_what_no_bridge_takes_fails_the_test(bridge: Bridge, wrong: Document, what: str) -> None:
    """By the contract's schema of the request."""
    with pytest.raises(jsonschema.ValidationError, match=what):
        bridge.published("sim7020/shed/request/send", json.dumps(GOOD | wrong), retain=False)
    assert not bridge.requests


async def test_what_is_not_json_fails_the_test(bridge: Bridge) -> None:
    """Python would read it."""
    with pytest.raises(ValueError, match="Infinity is not JSON"):
        bridge.published("sim7020/shed/request/send", '{"ttl": Infinity}', retain=False)


async def test_what_is_retained_fails_the_test(bridge: Bridge) -> None:
    """It would be carried out again at each reconnection."""
    with pytest.raises(AssertionError, match="is retained"):
        bridge.published("sim7020/shed/request/send", json.dumps(GOOD), retain=True)
