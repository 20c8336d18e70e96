"""Several messages in one datagram: how they are told apart, and how many fit."""

import json
from collections.abc import Sequence

from sim7020_bridge.config.model import BatchFormat, SocketSettings, Transport
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.packing import packed


def batch(form: BatchFormat, payloads: Sequence[bytes]) -> bytes:
    r"""Put messages into one datagram.

    ``newline``: each ends with a line feed, one of its own or one that is added. ``length``: each after its length, two
    bytes, the high one first. ``json``: an array of texts; bytes that are not UTF-8 are written as ``\xNN``.
    """
    match form:
        case BatchFormat.NEWLINE:
            return b"".join(payload if payload.endswith(b"\n") else payload + b"\n" for payload in payloads)
        case BatchFormat.LENGTH:
            return b"".join(len(payload).to_bytes(2, "big") + payload for payload in payloads)
        case BatchFormat.JSON:
            texts = [payload.decode(errors="backslashreplace") for payload in payloads]
            return json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()


def fits(form: BatchFormat, payloads: Sequence[bytes], limit: int) -> bool:
    """Whether messages fit one datagram of so many bytes; with ``newline``, none but the end may be a line feed."""
    if form is BatchFormat.NEWLINE and any(b"\n" in payload[:-1] for payload in payloads):
        return False
    return len(batch(form, payloads)) <= limit


def payload_on_air(settings: SocketSettings, data: bytes) -> bytes:
    """Return a message as a socket sends it: packed, in one datagram, and told from others where it shares that.

    Raises:
        PayloadRefused: ``too_large`` or ``line_feed``, or what can't be packed.
    """
    data = packed(settings, data)
    if settings.transport is not Transport.UDP:
        return data
    if len(data) > settings.room:
        problem = f"{len(data)} bytes don't fit: one datagram of this socket takes {settings.room}"
        raise PayloadRefused("too_large", problem)
    if settings.batch is BatchFormat.NEWLINE and b"\n" in data[:-1]:
        raise PayloadRefused("line_feed", "this socket ends each message with a line feed, and so it must have none")
    if settings.batch is not None and not fits(settings.batch, [data], settings.room):
        problem = f"{len(data)} bytes don't fit a datagram of {settings.room} with what marks them in a batch"
        raise PayloadRefused("too_large", problem)
    return data
