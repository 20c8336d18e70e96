"""Several messages in one datagram: how they are told apart, and how many fit."""

import json
from collections.abc import Sequence

from sim7020_bridge.config.model import BatchFormat


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
