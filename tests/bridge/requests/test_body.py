"""Request bodies: hostile JSON, lazily read fields, expiry."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sim7020_bridge.errors import RequestRefused
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.requests.body import RequestBody, parse_request

NOW = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize("payload", [b"", b" \n", b"{}"])
def test_nothing_is_an_empty_object(payload: bytes) -> None:
    """``mosquitto_pub -n`` makes a request."""
    assert parse_request(payload) == RequestBody({})


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"5", "not a JSON object"),
        (b"{", "not JSON: Expecting property name"),
        (b"\xff", "not UTF-8 text"),
        (b'{"a":Infinity}', "Infinity is not a JSON number"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON: a number has too many digits$"),
        (b'{"a":"' + b"x" * 65536 + b'"}', "at most 65536 are taken"),
        (b"[" * 65000, "nested deeper than 16 levels"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "nested deeper than 16 levels"),
    ],
)
def test_what_is_no_object_is_refused(payload: bytes, message: str) -> None:
    """Nothing of such a request can be read."""
    with pytest.raises(RequestRefused, match=message) as caught:
        parse_request(payload)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("transaction", ['"a1"', "5", "null", '{"any":["thing",1.5]}', "true"])
def test_transaction_comes_back_as_it_was(transaction: str) -> None:
    """Whatever the caller gave is echoed, also when the rest is wrong."""
    body = parse_request(f'{{"transaction":{transaction},"host":5}}'.encode())
    with pytest.raises(RequestRefused):
        body.text("host")
    assert dump({"transaction": body.transaction}) == f'{{"transaction":{transaction}}}'.encode()


@pytest.mark.parametrize(
    ("expires", "moment"),
    [
        ("2026-11-23T10:15:01Z", NOW),
        ("2026-11-23T11:15:01+01:00", NOW),
        ("2026-11-23T10:15:01Z", NOW.astimezone(timezone(timedelta(hours=8)))),
        (None, NOW),
    ],
)
def test_fresh(expires: str | None, moment: datetime) -> None:
    """A request that is read in time is carried out."""
    RequestBody({"expires": expires}).check_fresh(moment)


@pytest.mark.parametrize(
    ("expires", "code"),
    [
        ("2026-11-23T10:15:00Z", "expired"),
        ("2026-11-23T10:14:59.999+00:00", "expired"),
        ("2026-11-23T10:15:01", "invalid_request"),
        ("soon", "invalid_request"),
        (5, "invalid_request"),
    ],
)
def test_stale(expires: str | int, code: str) -> None:
    """A stale request is refused, and so is a time that is none."""
    with pytest.raises(RequestRefused) as caught:
        RequestBody({"expires": expires}).check_fresh(NOW)
    assert caught.value.code == code


def test_fields() -> None:
    """Fields that are there and right are given, others have their defaults."""
    body = RequestBody({"host": "h", "count": 3, "hard": True, "priority": "low"})
    assert body.text("host") == "h"
    assert body.optional_text("apn") is None
    assert body.integer("count", minimum=1, maximum=10) == 3
    assert body.integer("other", minimum=1, maximum=10, default=4) == 4
    assert body.flag("hard", default=False)
    assert not body.flag("soft", default=False)
    assert body.choice("priority", ("low", "high"), default="high") == "low"
    assert body.choice("other", ("low", "high"), default="high") == "high"


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda body: body.text("none"), "none is needed"),
        (lambda body: body.text("empty"), "empty is needed"),
        (lambda body: body.text("number"), "number must be a string"),
        (lambda body: body.integer("none", minimum=1, maximum=2), "none is needed"),
        (lambda body: body.integer("number", minimum=1, maximum=2), "number must be a whole number from 1 to 2"),
        (lambda body: body.integer("flag", minimum=0, maximum=2), "flag must be a whole number from 0 to 2"),
        (lambda body: body.flag("number", default=True), "number must be true or false"),
        (lambda body: body.choice("text", ("a", "b"), default="a"), "text must be one of a, b"),
    ],
)
def test_wrong_fields(read: Callable[[RequestBody], object], message: str) -> None:
    """A field that is missing or wrong is named."""
    with pytest.raises(RequestRefused, match=message) as caught:
        read(RequestBody({"empty": "", "number": 5, "flag": True, "text": "c"}))
    assert caught.value.code == "invalid_request"
