"""JSON as the contract reads and writes it: UTF-8, strict, bounded."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Never, TypeAlias

from sim7020_bridge.clock import rfc3339

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None

MAX_DEPTH = 16
MAX_SIZE = 64 * 1024
_LONGEST_INTEGER = 400
_TOO_DEEP = f"the JSON text is nested deeper than {MAX_DEPTH} levels"


class NotJson(ValueError):
    """The text is not JSON within the limits, or not an object where one is needed; the message says why."""


def parse_object(payload: bytes) -> dict[str, JsonValue]:
    """Read a JSON object of at most 64 KiB and 16 levels.

    Raises:
        NotJson: It is something else, or it holds numbers or characters that JSON does not have.
    """
    value = parse(payload)
    if not isinstance(value, dict):
        raise NotJson("not a JSON object, such as {}")
    return value


def parse(payload: bytes) -> JsonValue:
    """Read any JSON of at most 64 KiB and 16 levels.

    Raises:
        NotJson: It is something else, or it holds numbers or characters that JSON does not have.
    """
    if len(payload) > MAX_SIZE:
        raise NotJson(f"the JSON text has {len(payload)} bytes, and at most {MAX_SIZE} are taken")
    try:
        value: JsonValue = json.loads(
            payload.decode(),
            object_pairs_hook=_no_key_twice,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_few_digits,
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 text: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        problem = error.msg.removesuffix(" at")
        raise NotJson(f"not JSON: {problem} at character {error.pos}") from error
    except ValueError as error:
        raise NotJson(f"not JSON: {error}") from error
    except RecursionError as error:
        raise NotJson(_TOO_DEEP) from error
    if _deeper(value, MAX_DEPTH):
        raise NotJson(_TOO_DEEP)
    try:
        dump(value)
    except UnicodeEncodeError as error:
        raise NotJson("a string holds half a surrogate pair, which is no character") from error
    return value


def object_or_nothing(payload: bytes) -> dict[str, JsonValue]:
    """Read a JSON object as ``parse_object`` does; of anything else nothing comes, an empty one."""
    try:
        return parse_object(payload)
    except NotJson:
        return {}


def dump(value: object) -> bytes:
    """Write compact JSON in UTF-8, keys in the given order.

    Dataclasses become objects, times RFC 3339 in UTC, enumerations their values.

    Raises:
        TypeError: The value holds something that JSON can't say, which is a mistake in the bridge.
        ValueError: A number is infinite or not a number, which is one too.
    """
    return _ENCODER.encode(value).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _field_names(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _no_key_twice(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Make an object; which of two values of one key is meant can't be known (RFC 8259 section 4)."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object has a key twice")
    return made


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")


def _few_digits(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError("a number has too many digits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _deeper(value: JsonValue, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(each, levels - 1) for each in inside)
