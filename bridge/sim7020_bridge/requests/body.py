"""The JSON of a request, read once and then asked for its fields, and of its answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeGuard

from sim7020_bridge.errors import RequestRefused
from sim7020_bridge.mqtt.json_text import JsonValue, NotJson, parse_object


@dataclass(frozen=True, slots=True)
class RequestBody:
    """What came with a request.

    The body is taken apart lazily, so that even a request that is refused has its ``transaction`` to echo.
    Every method raises RequestRefused with the code ``invalid_request`` for a field that is missing or of the wrong
    type or range.
    """

    fields: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def transaction(self) -> JsonValue:
        """Whatever the caller wants to have echoed; None if nothing was given."""
        return self.fields.get("transaction")

    def check_fresh(self, now: datetime) -> None:
        """Refuse a request that is read after its ``expires``.

        Raises:
            RequestRefused: with the code ``expired``, or ``invalid_request`` if it is no RFC 3339 time with an offset.
        """
        text = self.optional_text("expires")
        if text is None:
            return
        try:
            expires = datetime.fromisoformat(text.upper())
        except ValueError:
            expires = None
        if expires is None or expires.tzinfo is None:
            raise _invalid("expires", "must be an RFC 3339 time, such as 2026-11-23T10:00:00Z")
        if now >= expires:
            raise RequestRefused("expired", f"the request expired at {text}")

    def text(self, key: str) -> str:
        """Return a string that must be there and must not be empty."""
        value = self.optional_text(key)
        if not value:
            raise _invalid(key, "is needed")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a string, or None if there is none."""
        value = self.fields.get(key)
        if value is None or isinstance(value, str):
            return value
        raise _invalid(key, "must be a string")

    def integer(self, key: str, *, minimum: int, maximum: int, default: int | None = None) -> int:
        """Return a whole number from ``minimum`` to ``maximum``; it must be there unless there is a default.

        JSON knows one kind of numbers: 4.0 is 4.
        """
        value = self.fields.get(key)
        if value is None:
            if default is None:
                raise _invalid(key, "is needed")
            return default
        if not _is_number(value) or not minimum <= value <= maximum or value != int(value):
            raise _invalid(key, f"must be a whole number from {minimum} to {maximum}")
        return int(value)

    def seconds(self, key: str, *, maximum: int, zero: bool = True) -> float | None:
        """Return a number of seconds from 0 to ``maximum``, or None if there is none; ``zero``: 0 is one of them."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not _is_number(value) or not 0 <= value <= maximum or (value == 0 and not zero):
            least = "from 0" if zero else "above 0"
            raise _invalid(key, f"must be a number of seconds {least} to {maximum}")
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.fields.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise _invalid(key, "must be true or false")
        return value

    def choice(self, key: str, allowed: tuple[str, ...], *, default: str) -> str:
        """Return one of the allowed strings."""
        value = self.optional_text(key)
        if value is None:
            return default
        if value not in allowed:
            raise _invalid(key, f"must be one of {', '.join(allowed)}")
        return value


Data = Mapping[str, object]
"""What a response tells beside its status."""

Verb = Callable[[RequestBody], Awaitable[Data]]
"""Carries out one request; raises a BridgeError where it can't be done."""


def parse_request(payload: bytes) -> RequestBody:
    """Read a request's body; an empty one is an empty object.

    Raises:
        RequestRefused: with the code ``invalid_json``; nothing of the body can be read then, not even its transaction.
    """
    if not payload.strip():
        return RequestBody()
    try:
        return RequestBody(parse_object(payload))
    except NotJson as error:
        raise RequestRefused("invalid_json", str(error)) from error


def _is_number(value: JsonValue) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _invalid(key: str, problem: str) -> RequestRefused:
    return RequestRefused("invalid_request", f"{key} {problem}")
