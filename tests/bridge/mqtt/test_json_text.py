"""JSON as the bridge writes it."""

from datetime import datetime, timedelta, timezone

import pytest

from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.json_text import NotJson, dump, parse_object


def test_json_is_compact_utc_and_utf8() -> None:
    """Times are UTC with milliseconds, text is not escaped, order is kept."""
    at = datetime(2026, 11, 23, 18, 15, tzinfo=timezone(timedelta(hours=8)))
    assert dump({"b": "ü", "a": at}) == '{"b":"ü","a":"2026-11-23T10:15:00.000Z"}'.encode()
    assert dump(Layer.PDN) == b'"pdn"'


@pytest.mark.parametrize(("value", "error"), [(b"bytes", TypeError), (object(), TypeError), (float("nan"), ValueError)])
def test_what_json_cannot_say(value: object, error: type[Exception]) -> None:
    """Nothing is guessed."""
    with pytest.raises(error):
        dump({"value": value})


@pytest.mark.parametrize("text", [b'{"a":1,"a":1}', b'{"b":{"a":1,"a":2}}', b'{"a":1,"\\u0061":2}'])
def test_a_key_twice(text: bytes) -> None:
    """Which of the two is meant can't be known."""
    with pytest.raises(NotJson, match="an object has a key twice"):
        parse_object(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"a":"\n"}', "not JSON: Invalid control character at character 6"),
        (b'{"a":"', "not JSON: Unterminated string starting at character 5"),
        (b"{", "not JSON: Expecting property name enclosed in double quotes at character 1"),
    ],
)
def test_where_it_is_no_json(text: bytes, problem: str) -> None:
    """It is said in a sentence."""
    with pytest.raises(NotJson) as caught:
        parse_object(text)
    assert str(caught.value) == problem
