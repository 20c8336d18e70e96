"""What the bridge packs, the far end unpacks by the same table."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sim7020_bridge.config.model import BatchFormat, PayloadForm, SocketSettings, Transport
from sim7020_bridge.delivery.batch import batch
from sim7020_bridge.mqtt import packing
from sim7020_far_end.settings import PathSettings
from sim7020_far_end.unpacking import messages, unpacked

SOCKET = SocketSettings("t", Transport.UDP, "192.0.2.1", 5683)
STRUCT = ("temperature i16 0.01", "humidity u8 0.5", "update.battery u8", "power f32")


@pytest.mark.parametrize(
    ("form", "pick", "published", "expected"),
    [
        (None, (), "any \u00fc", "any \u00fc"),
        (PayloadForm.CBOR, (), {"a": [1, 2.5, None, "x"], "b": {"c": True}}, ...),
        (PayloadForm.CBOR, ("t", "u.s"), {"t": 21.53, "u": {"s": "idle"}, "more": 1}, {"t": 21.53, "u": {"s": "idle"}}),
        (PayloadForm.CBOR, ("t", "u.s"), {"t": 1}, {"t": 1, "u": {"s": None}}),
        (PayloadForm.CBOR, ("a", "a.b"), {"a": {"b": 2}}, {"a": {"b": 2}}),
        (
            PayloadForm.STRUCT,
            STRUCT,
            {"temperature": -7.53, "humidity": 53.5, "update": {"battery": 254}, "power": 21.3},
            ...,
        ),
        (
            PayloadForm.STRUCT,
            STRUCT,
            {"power": 1e30},
            {"temperature": None, "humidity": None, "update": {"battery": None}, "power": 1e30},
        ),
        (
            PayloadForm.STRUCT,
            STRUCT,
            {"temperature": 21, "humidity": 0},
            {"temperature": 21, "humidity": 0, "update": {"battery": None}, "power": None},
        ),
        (PayloadForm.STRUCT, ("a u32", "b i32 0.001"), {"a": 2**32 - 2, "b": -2147483.647}, ...),
    ],
)
def test_what_was_packed(form: PayloadForm | None, pick: tuple[str, ...], published: Any, expected: Any) -> None:
    """JSON comes out as it went in, as far as it was sent; without a form, bytes do."""
    data = published.encode() if form is None else json.dumps(published).encode()
    air = packing.packed(replace(SOCKET, payload=form, pick=pick), data)
    made = unpacked(PathSettings("t", form, pick), air)
    if form is None:
        assert made.decode() == expected
    else:
        assert json.loads(made) == (published if expected is ... else expected)


@pytest.mark.parametrize("form", BatchFormat)
def test_what_shared_a_datagram(form: BatchFormat) -> None:
    """Each message comes out by itself."""
    parts = [b"21.5", b"", b"x"]
    assert messages(PathSettings("t", batch=form), batch(form, parts)) == parts


@pytest.mark.parametrize(
    ("form", "data"),
    [
        (BatchFormat.LENGTH, b"\x00\x05abc"),
        (BatchFormat.JSON, b"{}"),
        (BatchFormat.JSON, b"[1]"),
        (BatchFormat.JSON, b"x"),
    ],
)
def test_what_is_no_batch(form: BatchFormat, data: bytes) -> None:
    """It is published nevertheless, as what it is."""
    [made] = messages(PathSettings("t", batch=form), data)
    told = json.loads(made)
    assert (told["error"]["code"], told["data_hex"]) == ("invalid_batch", data.hex())


@pytest.mark.parametrize(
    ("form", "pick", "data", "code"),
    [
        (PayloadForm.CBOR, (), "c11a514b67b0", "invalid_cbor"),
        (PayloadForm.CBOR, (), "", "invalid_cbor"),
        (PayloadForm.CBOR, ("a", "b"), "8101", "invalid_payload"),
        (PayloadForm.CBOR, ("a", "b"), "a0", "invalid_payload"),
        (PayloadForm.STRUCT, STRUCT, "00", "invalid_payload"),
    ],
)
def test_what_was_packed_by_another_table(form: PayloadForm, pick: tuple[str, ...], data: str, code: str) -> None:
    """It is published nevertheless, as what it is."""
    made = json.loads(unpacked(PathSettings("t", form, pick), bytes.fromhex(data)))
    assert (made["error"]["code"], made["data_hex"]) == (code, data)
