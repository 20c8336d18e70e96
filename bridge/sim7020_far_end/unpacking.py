"""What a bridge made small on the air becomes JSON again, by the table that it was packed by."""

import math
import struct
from collections.abc import Sequence
from typing import Final

from sim7020_bridge.config.model import BatchFormat, PayloadForm
from sim7020_bridge.config.picking import FieldType, PickedField, picked_field
from sim7020_bridge.mqtt.cbor import NotCbor, cbor_of, json_of
from sim7020_bridge.mqtt.json_text import JsonValue, NotJson, dump, parse
from sim7020_far_end.settings import PathSettings

_SHORTEST, _EXACT = 6, 9
"""Digits with which a float of 32 bits may be written, and with which it is always told from its neighbours."""

_CODES: Final = {
    FieldType.U8: "B",
    FieldType.U16: "H",
    FieldType.U32: "I",
    FieldType.I8: "b",
    FieldType.I16: "h",
    FieldType.I32: "i",
    FieldType.F32: "f",
}


def messages(path: PathSettings, data: bytes) -> Sequence[bytes]:
    """Return each message that is published of what was posted to a path: one, or those of a batch.

    Line feeds that end messages are not part of them. What is no batch is one undecodable message, as in ``unpacked``.
    """
    try:
        parts = [data] if path.batch is None else _parts(path.batch, data)
    except ValueError as error:
        return [_undecodable("invalid_batch", error, data)]
    return [unpacked(path, part) for part in parts]


def unpacked(path: PathSettings, data: bytes) -> bytes:
    """Return what is published of a message that was posted to a path.

    What is not what the path's settings say becomes an object with ``error`` (``code`` and ``message``) and
    ``data_hex``: it is published nevertheless, for the modem will not say it otherwise.
    """
    if path.payload is None:
        return data
    fields = [picked_field(written) for written in path.pick]
    try:
        if path.payload is PayloadForm.STRUCT:
            return dump(_object(fields, _numbers(fields, data)))
        value = json_of(data)
        return dump(_object(fields, _array(fields, value)) if fields else value)
    except NotCbor as error:
        return _undecodable("invalid_cbor", error, data)
    except ValueError as error:
        return _undecodable("invalid_payload", error, data)


def packed(path: PathSettings, data: bytes) -> bytes:
    """Return what of a command goes to a socket with the path's form: JSON as CBOR, where that is its form."""
    if path.payload is not PayloadForm.CBOR:
        return data
    try:
        return cbor_of(parse(data))
    except NotJson:
        return data


def _parts(form: BatchFormat, data: bytes) -> Sequence[bytes]:
    match form:
        case BatchFormat.NEWLINE:
            return data.removesuffix(b"\n").split(b"\n")
        case BatchFormat.JSON:
            texts = parse(data)
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise ValueError("it is not an array of texts")
            return [str(text).encode() for text in texts]
        case BatchFormat.LENGTH:
            parts = []
            while data:
                size, data = int.from_bytes(data[:2], "big"), data[2:]
                if len(data) < size:
                    raise ValueError("a message is shorter than it says")
                parts.append(data[:size])
                data = data[size:]
            return parts


def _undecodable(code: str, error: ValueError, data: bytes) -> bytes:
    return dump({"error": {"code": code, "message": str(error)}, "data_hex": data.hex()})


def _array(fields: Sequence[PickedField], value: JsonValue) -> Sequence[JsonValue]:
    if not isinstance(value, list) or len(value) != len(fields):
        raise ValueError(f"it is not an array of {len(fields)} values")
    return value


def _numbers(fields: Sequence[PickedField], data: bytes) -> Sequence[JsonValue]:
    size = sum(field.size for field in fields)
    if len(data) != size:
        raise ValueError(f"it has {len(data)} bytes, and a struct of these fields {size}")
    codes = ">" + "".join(_CODES[field.type] for field in fields if field.type is not None)
    return [_number(field, value) for field, value in zip(fields, struct.unpack(codes, data), strict=True)]


def _number(field: PickedField, value: float) -> JsonValue:
    if not isinstance(value, int):
        return _short(value) if math.isfinite(value) else None
    bits = 8 * field.size
    signed = field.type is not None and field.type.startswith("i")
    if value == (-(2 ** (bits - 1)) if signed else 2**bits - 1):
        return None
    scaled = value * field.scale
    return int(scaled) if scaled == scaled.to_integral_value() else float(scaled)


def _short(value: float) -> float:
    """Return the number with the fewest digits that a float of 32 bits stands for."""
    for digits in range(_SHORTEST, _EXACT):
        near = float(f"{value:.{digits}g}")
        if struct.pack(">f", near) == struct.pack(">f", value):
            return near
    return float(f"{value:.{_EXACT}g}")


def _object(fields: Sequence[PickedField], values: Sequence[JsonValue]) -> JsonValue:
    """Return an object in which each field's path leads to its value; numbers in a path are names, too."""
    made: dict[str, JsonValue] = {}
    for field, value in zip(fields, values, strict=True):
        inner = made
        for name in field.path[:-1]:
            below = inner.setdefault(name, {})
            if not isinstance(below, dict):
                below = inner[name] = {}
            inner = below
        inner[field.path[-1]] = value
    return made
