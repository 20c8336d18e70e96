"""A socket's payload as it is written on MQTT, both ways."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from unicodedata import category

from sim7020_bridge.clock import rfc3339
from sim7020_bridge.config.model import Encoding
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.json_text import JsonValue, NotJson, dump, parse_object

MAX_MESSAGE = 64 * 1024
"""Longest payload in bytes that is looked at, as it is written on MQTT."""

DATA_KEYS = ("data", "data_hex", "data_base64")


def decode_payload(encoding: Encoding, payload: bytes) -> bytes:
    """Return the bytes to send that a message on a ``send`` topic stands for; there is at least one.

    Raises:
        PayloadRefused: with the code ``too_large``, ``empty``, ``invalid_text``, ``invalid_hex``, ``invalid_base64``
            or ``invalid_json``.
    """
    if len(payload) > MAX_MESSAGE:
        raise PayloadRefused("too_large", f"the message has {len(payload)} bytes, and at most {MAX_MESSAGE} are taken")
    data = _decoded(encoding, payload)
    if not data:
        raise PayloadRefused("empty", "the message is empty, and the module can't send nothing")
    return data


def encode_payload(encoding: Encoding, data: bytes, at: datetime, peer: str) -> bytes:
    r"""Write received bytes as a ``received`` topic gives them.

    As ``text``, bytes that are not UTF-8 are written as ``\xNN``. In a ``json`` envelope ``data`` is None
    unless the bytes are readable text; ``data_hex`` is always there.

    Args:
        encoding: The socket's.
        data: What came from the network.
        at: When it came.
        peer: Where it came from, ``host:port``.
    """
    match encoding:
        case Encoding.RAW:
            return data
        case Encoding.TEXT:
            return data.decode(errors="backslashreplace").encode()
        case Encoding.HEX:
            return data.hex().encode()
        case Encoding.BASE64:
            return base64.b64encode(data)
        case Encoding.JSON:
            envelope = {"data": _readable(data), "data_hex": data.hex()}
            return dump({**envelope, "at": rfc3339(at), "length": len(data), "peer": peer})


def decode_data(fields: Mapping[str, JsonValue]) -> bytes:
    """Return the bytes given by the one of ``data``, ``data_hex`` and ``data_base64`` that is in a JSON object.

    Blanks between bytes of hexadecimal digits are allowed, and white space anywhere in base64.

    Raises:
        PayloadRefused: There is none or more than one of them, or it can't be decoded.
    """
    given = [key for key in DATA_KEYS if fields.get(key) is not None]
    if len(given) != 1:
        raise PayloadRefused("invalid_json", "exactly one of data, data_hex and data_base64 is needed")
    value = fields[given[0]]
    if not isinstance(value, str):
        raise PayloadRefused("invalid_json", f"{given[0]} must be a string")
    match given[0]:
        case "data_hex":
            return _hex(value)
        case "data_base64":
            return _base64(value)
        case _:
            return value.encode()


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise PayloadRefused("invalid_hex", "not an even number of hexadecimal digits") from error


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PayloadRefused("invalid_base64", "not base64 (RFC 4648 section 4, with padding)") from error


def _decoded(encoding: Encoding, payload: bytes) -> bytes:
    match encoding:
        case Encoding.RAW:
            return payload
        case Encoding.TEXT:
            return _text(payload).encode()
        case Encoding.HEX:
            return _hex(_text(payload, "invalid_hex"))
        case Encoding.BASE64:
            return _base64(_text(payload, "invalid_base64"))
        case Encoding.JSON:
            try:
                fields = parse_object(payload)
            except NotJson as error:
                raise PayloadRefused("invalid_json", str(error)) from error
            return decode_data(fields)


def _text(payload: bytes, code: str = "invalid_text") -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise PayloadRefused(code, f"not UTF-8 text: {error.reason} at byte {error.start}") from error


def _readable(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if any(category(character) == "Cc" and character not in "\t\r\n" for character in text) else text
