"""A client that publishes faster than any library: packets made beforehand, in one stream of bytes."""

import asyncio
import struct
import time
from collections.abc import Sequence
from typing import Final

_TICK: Final = 0.02


def publish_packet(topic: str, payload: bytes) -> bytes:
    """Return an MQTT 3.1.1 PUBLISH with QoS 0 (section 3.3)."""
    body = _string(topic.encode()) + payload
    return b"\x30" + _length(len(body)) + body


async def flood(host: str, port: int, messages: Sequence[tuple[str, bytes]], *, rate: int, seconds: float) -> int:
    """Publish messages over and over at a rate; return how many a second the broker took."""
    reader, writer = await asyncio.open_connection(host, port)
    body = _string(b"MQTT") + b"\x04\x02" + struct.pack("!H", 600) + _string(b"flood")
    writer.write(b"\x10" + _length(len(body)) + body)
    await reader.readexactly(4)
    batch = b"".join(publish_packet(topic, payload) for topic, payload in messages)
    sent, began = 0, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        while sent < rate * passed:
            writer.write(batch)
            sent += len(messages)
            await writer.drain()
        await asyncio.sleep(_TICK)
    writer.write(b"\xc0\x00")  # what answers this has read all that came before
    await writer.drain()
    await reader.readexactly(2)
    writer.close()
    await writer.wait_closed()
    return int(sent / (time.monotonic() - began))


def _string(text: bytes) -> bytes:
    return struct.pack("!H", len(text)) + text


def _length(size: int) -> bytes:
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(digits)
