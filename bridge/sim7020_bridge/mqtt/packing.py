"""What becomes of a socket's JSON on the air: CBOR, or the fields that are picked of it, as an array or a struct."""

import logging
import re
import struct
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import Final

from sim7020_bridge.config.model import PayloadForm, SocketSettings
from sim7020_bridge.config.picking import FieldType, PickedField, picked_field
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.cbor import NotCbor, cbor_of, json_of
from sim7020_bridge.mqtt.json_text import JsonValue, NotJson, dump, parse

log: Final = logging.getLogger(__name__)

_BITS: Final = {
    FieldType.U8: 8,
    FieldType.U16: 16,
    FieldType.U32: 32,
    FieldType.I8: 8,
    FieldType.I16: 16,
    FieldType.I32: 32,
}
_F32_NOTHING: Final = bytes.fromhex("7fc00000")
_PLACE: Final = re.compile("0|[1-9][0-9]{0,8}")


def packed(socket: SocketSettings, data: bytes) -> bytes:
    """Return the bytes that go on the air for what was published, which is UTF-8 JSON if the socket has ``payload``.

    Raises:
        PayloadRefused: ``invalid_json``; ``nothing_picked``: it has none of the fields; ``invalid_value``: one is no
            number, or does not fit its type.
    """
    if socket.payload is None:
        return data
    try:
        value = parse(data)
    except NotJson as error:
        raise PayloadRefused("invalid_json", str(error)) from error
    fields = _table(socket.pick)
    if not fields:
        return cbor_of(value)
    values = [value_at(value, field.path) for field in fields]
    if all(each is None for each in values):
        raise PayloadRefused("nothing_picked", f"it has none of {', '.join(field.name for field in fields)}")
    if socket.payload is PayloadForm.CBOR:
        return cbor_of(values)
    return b"".join(_number(field, each) for field, each in zip(fields, values, strict=True))


def unpacked(socket: SocketSettings, data: bytes) -> bytes:
    """Return received bytes as they are published: JSON, if the socket has ``payload: cbor``.

    What is not CBOR becomes an object with ``error`` (``code`` and ``message``) and ``data_hex``.
    """
    if socket.payload is not PayloadForm.CBOR:
        return data
    try:
        return dump(json_of(data))
    except NotCbor as error:
        log.warning("socket %s: what came is published as hex: %s", socket.name, error)
        return dump({"error": {"code": "invalid_cbor", "message": str(error)}, "data_hex": data.hex()})


@cache
def _table(pick: tuple[str, ...]) -> Sequence[PickedField]:
    return [picked_field(written) for written in pick]


def value_at(value: JsonValue, path: tuple[str, ...]) -> JsonValue:
    """Return what a path leads to; None if it leads to nothing."""
    for name in path:
        match value:
            case dict():
                value = value.get(name)
            case list() if _PLACE.fullmatch(name) and int(name) < len(value):
                value = value[int(name)]
            case _:
                return None
    return value


def _number(field: PickedField, value: JsonValue) -> bytes:
    """Write one field of a struct, the high byte first."""
    if value is not None and not isinstance(value, (bool, int, float)):
        raise PayloadRefused("invalid_value", f"{field.name} is no number: {str(value)[:40]!r}")
    if field.type is None or field.type is FieldType.F32:
        return _float(field, value)
    bits = _BITS[field.type]
    signed = field.type.startswith("i")
    least, most = (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 2)
    if value is None:
        steps = least - 1 if signed else most + 1
    else:
        exact = Decimal(int(value)) if isinstance(value, int) else Decimal(repr(value))
        steps = int((exact / field.scale).to_integral_value(ROUND_HALF_EVEN))
        if not least <= steps <= most:
            fits = f"{least * field.scale} to {most * field.scale}"
            raise PayloadRefused("invalid_value", f"{field.name} is {value}, and {field.type} takes {fits}")
    return steps.to_bytes(bits // 8, "big", signed=signed)


def _float(field: PickedField, value: float | None) -> bytes:
    if value is None:
        return _F32_NOTHING
    try:
        return struct.pack(">f", value)
    except (OverflowError, struct.error) as error:
        raise PayloadRefused("invalid_value", f"{field.name} is {value}, which is too large for f32") from error
