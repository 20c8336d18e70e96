"""JSON that a socket makes small: what goes on the air, and what is told of what can't."""

import asyncio
import json
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import BatchFormat, Encoding, PayloadForm, SocketSettings
from tests.bridge.desk import TOPICS, Desk, change, named, staffed
from tests.bridge.modem.bench import UDP
from tests.bridge.scripted_module import on_virtual_time

CBOR = replace(UDP, payload=PayloadForm.CBOR)
STRUCT = replace(UDP, payload=PayloadForm.STRUCT, pick=("t i16 0.01", "battery u8"))
READING = b'{"battery": 100, "t": 21.53, "linkquality": 87}'


def air(desk: Desk) -> list[str]:
    """Return the hexadecimal digits that the module was given, in order."""
    return [line.split('"')[1].lower() for line in desk.module.heard if line.startswith("AT+CSOSEND=")]


@pytest.mark.parametrize(
    ("settings", "payload", "packed"),
    [
        (CBOR, b'{"on": true}', "a1626f6ef5"),
        (replace(CBOR, pick=("t", "battery", "x")), READING, "83fb403587ae147ae1481864f6"),
        (replace(CBOR, pick=("v.1", "v.01", "v.-1", "v.2", "v." + 5000 * "9")), b'{"v": [7, 8]}', "8508f6f6f6f6"),
        (STRUCT, READING, "086964"),
        (replace(STRUCT, encoding=Encoding.HEX), READING.hex().encode(), "086964"),
        (replace(STRUCT, encoding=Encoding.JSON), json.dumps({"data": READING.decode()}).encode(), "086964"),
        (replace(STRUCT, batch=BatchFormat.LENGTH), READING, "0003086964"),
    ],
)
@on_virtual_time
async def test_what_goes_on_the_air(settings: SocketSettings, payload: bytes, packed: str) -> None:
    """The module gets the few bytes, and the receipt counts those of the message."""
    async with staffed(settings) as desk:
        await desk.bench.opened("udp")
        desk.send("udp", payload, **named("m1"))
        receipt = await desk.final("udp", "m1")
        assert air(desk) == [packed]
        assert receipt["bytes"] == len(packed) // 2 - (2 if packed.startswith("0003") else 0)


@on_virtual_time
async def test_a_request_has_json_in_data() -> None:
    """As text, and as the digits of the text: the page sends these."""
    async with staffed(CBOR) as desk:
        await desk.bench.opened("udp")
        assert (await desk.ask("send", socket="udp", data='{"on":true}', id="m1"))["status"] == "ok"
        assert (await desk.ask("send", socket="udp", data_hex=b"[1]".hex(), id="m2"))["status"] == "ok"
        refused = await desk.ask("send", socket="udp", data="{", id="m3")
        assert refused["error"]["code"] == "invalid_json"
        await desk.final("udp", "m2")
        assert air(desk) == ["a1626f6ef5", "8101"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"{", "invalid_json"),
        (b"\xff", "invalid_json"),
        (b'{"t": 400, "battery": 1}', "invalid_value"),
        (b'{"t": -327.68}', "invalid_value"),
        (b'{"battery": 255}', "invalid_value"),
        (b'{"t": "warm"}', "invalid_value"),
        (b'{"x": 1}', "nothing_picked"),
        (b"[1]", "nothing_picked"),
        (b"", "empty"),
    ],
)
@on_virtual_time
async def test_what_can_not_be_packed_is_rejected(payload: bytes, code: str) -> None:
    """At once, with the code and a sentence; the next good message goes."""
    async with staffed(STRUCT) as desk:
        await desk.bench.opened("udp")
        desk.send("udp", payload, **named("bad"))
        desk.send("udp", READING, **named("good"))
        await desk.final("udp", "good")
        receipt = await desk.final("udp", "bad")
        assert (receipt["state"], receipt["error"]["code"]) == ("rejected", code)
        assert receipt["error"]["message"]
        assert air(desk) == ["086964"]


@on_virtual_time
async def test_it_is_the_packed_bytes_that_must_fit() -> None:
    """A long text of JSON is no long message."""
    async with staffed(replace(STRUCT, max_payload=3), replace(CBOR, name="all", max_payload=3)) as desk:
        desk.send("udp", READING, **named("m1"))
        desk.send("all", READING, **named("m2"))
        assert (await desk.final("udp", "m1"))["state"] == "accepted"
        assert (await desk.final("all", "m2"))["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"plain", "invalid_json"), (b'{"t": 400}', "invalid_value"), (b'{"x": 1}', "nothing_picked")],
)
@on_virtual_time
async def test_what_waits_when_packing_begins(payload: bytes, code: str) -> None:
    """What the socket's new form can't take fails, and its dead letter is what was published; the rest waits on."""
    async with staffed(replace(UDP, dead_letter_topic="dead"), absent=10_000) as desk:
        desk.send("udp", payload, **named("m1"))
        desk.send("udp", READING, **named("m2"))
        await asyncio.sleep(1)
        await change(desk, replace(STRUCT, dead_letter_topic="dead"))
        receipt = await desk.final("udp", "m1")
        assert (receipt["state"], receipt["error"]["code"]) == ("failed", code)
        assert [one.payload for one in desk.on("dead")] == [payload]
        assert [entry.message.id for entry in desk.outbox] == ["m2"]


@pytest.mark.parametrize(
    ("encoding", "came", "published"),
    [
        (Encoding.RAW, "a1626f6ef5", b'{"on":true}'),
        (Encoding.HEX, "a1626f6ef5", b'{"on":true}'.hex().encode()),
        (Encoding.RAW, "ff", b'{"error":{"code":"invalid_cbor","message":"it holds'),
    ],
)
@on_virtual_time
async def test_what_comes_is_json(encoding: Encoding, came: str, published: bytes) -> None:
    """In the socket's encoding; what is no CBOR too."""
    async with staffed(replace(CBOR, encoding=encoding)) as desk:
        await desk.bench.opened("udp")
        desk.module.say(f"+CSONMI: 0,{len(came)},{came.upper()}")
        await asyncio.sleep(0.1)
        [one] = desk.on(TOPICS.received("udp"))
        assert one.payload.startswith(published)
