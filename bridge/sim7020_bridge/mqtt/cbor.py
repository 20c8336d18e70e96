"""JSON as CBOR (RFC 8949), and back: the only file that knows cbor2, which is loaded with the first message."""

import math
from base64 import urlsafe_b64encode
from io import BytesIO
from typing import Any

from sim7020_bridge.mqtt.json_text import MAX_DEPTH, JsonValue

_EXACT = 2**53
"""Up to here a float that is whole stands for that whole number and no other."""

_LARGEST = 10**400


class NotCbor(ValueError):
    """The bytes are not one CBOR value that JSON can say; the message says why."""


def cbor_of(value: JsonValue) -> bytes:
    """Write JSON as deterministic CBOR: keys sorted, whole numbers as integers, others as the shortest exact float."""
    encoded: bytes = _cbor2().dumps(_whole(value), canonical=True)
    return encoded


def json_of(data: bytes) -> JsonValue:
    """Read one CBOR value.

    What only CBOR has becomes what RFC 8949 section 6.1 advises: bytes base64url text without padding, ``undefined``
    and numbers that are not finite null. A key that is an integer becomes its digits.

    Raises:
        NotCbor: It is something else, or has what JSON can't say, such as a date.
    """
    rest = BytesIO(data)
    try:
        value = _cbor2().CBORDecoder(rest).decode()
    except Exception as error:  # tags that nobody asked for are decoded too, and may raise anything
        raise NotCbor(f"not CBOR: {str(error) or type(error).__name__}") from error
    if rest.tell() < len(data):
        raise NotCbor("more follows the CBOR value")
    # each value takes a byte, but for those that refer to another
    return _Reader(len(data)).json(value)


def _cbor2() -> Any:  # noqa: ANN401 - a module
    import cbor2  # noqa: PLC0415 - an extra: there only where it is configured, and loaded only there

    return cbor2


def _whole(value: JsonValue) -> JsonValue:
    """Make floats that are whole numbers integers, which are shorter; JSON does not tell them apart."""
    match value:
        case float() if value.is_integer() and abs(value) <= _EXACT and str(value) != "-0.0":
            return int(value)
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {key: _whole(each) for key, each in value.items()}
    return value


class _Reader:
    """Makes JSON of what was decoded: of so many values at most."""

    def __init__(self, most: int) -> None:
        self._left = most

    def json(self, value: object, depth: int = 0) -> JsonValue:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise NotCbor(f"it is nested deeper than {MAX_DEPTH} levels, or refers to what it has already")
        if isinstance(value, list):
            return [self.json(each, depth + 1) for each in value]
        return self._object(value, depth + 1) if isinstance(value, dict) else _single(value)

    def _object(self, value: dict[object, object], depth: int) -> JsonValue:
        made: dict[str, JsonValue] = {}
        for key, each in value.items():
            self._left -= 1
            name = str(key) if isinstance(key, int) and not isinstance(key, bool) and abs(key) < _LARGEST else key
            if not isinstance(name, str) or name in made:
                raise NotCbor(f"a key is {'there twice' if isinstance(name, str) else 'neither text nor an integer'}")
            made[name] = self.json(each, depth)
        return made


def _single(value: object) -> JsonValue:
    if value is None or value is _cbor2().undefined or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).rstrip(b"=").decode()
    if isinstance(value, (str, float)) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value
    raise NotCbor("it holds what JSON can't say, such as a date")
