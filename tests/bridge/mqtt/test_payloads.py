"""Payload on MQTT to bytes on the wire and back, whatever a user sends."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.config.model import Encoding
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.mqtt.payloads import decode_data, decode_payload, encode_payload

AT = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "payload", "data"),
    [
        (Encoding.RAW, bytes(range(256)), bytes(range(256))),
        (Encoding.TEXT, "grün\r\n".encode(), "grün\r\n".encode()),
        (Encoding.HEX, b"00 ff\nAa", b"\x00\xff\xaa"),
        (Encoding.BASE64, b"AP+q\r\n", b"\x00\xff\xaa"),
        (Encoding.JSON, '{"data":"grün"}'.encode(), "grün".encode()),
        (Encoding.JSON, b'{"data_hex":"00ff","data":null,"note":"more keys are ignored"}', b"\x00\xff"),
        (Encoding.JSON, b'{"data_base64":"AP8="}', b"\x00\xff"),
    ],
)
def test_decode(encoding: Encoding, payload: bytes, data: bytes) -> None:
    """Each encoding gives the bytes that it stands for."""
    assert decode_payload(encoding, payload) == data


@pytest.mark.parametrize(
    ("encoding", "payload", "code"),
    [
        (Encoding.RAW, b"", "empty"),
        (Encoding.HEX, b" ", "empty"),
        (Encoding.JSON, b'{"data":""}', "empty"),
        (Encoding.RAW, b"x" * 65537, "too_large"),
        (Encoding.TEXT, b"\xff", "invalid_text"),
        (Encoding.HEX, b"0", "invalid_hex"),
        (Encoding.HEX, b"0x00", "invalid_hex"),
        (Encoding.HEX, b"\xff", "invalid_hex"),
        (Encoding.HEX, "\u0660\u0660".encode(), "invalid_hex"),
        (Encoding.BASE64, b"AP8", "invalid_base64"),
        (Encoding.BASE64, b"AP-q", "invalid_base64"),
        (Encoding.BASE64, "é".encode(), "invalid_base64"),
        (Encoding.BASE64, b"\xff", "invalid_base64"),
        (Encoding.JSON, b"", "invalid_json"),
        (Encoding.JSON, b"\xff", "invalid_json"),
        (Encoding.JSON, b"[]", "invalid_json"),
        (Encoding.JSON, b"{}", "invalid_json"),
        (Encoding.JSON, b'{"data":"a","data_hex":"00"}', "invalid_json"),
        (Encoding.JSON, b'{"data":5}', "invalid_json"),
        (Encoding.JSON, b'{"data":"\\ud800"}', "invalid_json"),
        (Encoding.JSON, b'{"data":"a","n":NaN}', "invalid_json"),
        (Encoding.JSON, b'{"data":"a","n":1e999}', "invalid_json"),
        (Encoding.JSON, b'{"data":"a","n":' + b"9" * 5000 + b"}", "invalid_json"),
        (Encoding.JSON, b'{"a":' + b"[" * 20 + b"]" * 20 + b"}", "invalid_json"),
        (Encoding.JSON, b'{"a":' * 10000, "invalid_json"),
        (Encoding.JSON, b'{"data_hex":"0"}', "invalid_hex"),
        (Encoding.JSON, b'{"data_base64":"0"}', "invalid_base64"),
    ],
)
def test_refuse(encoding: Encoding, payload: bytes, code: str) -> None:
    """What can't be decoded is refused with a code and a sentence."""
    with pytest.raises(PayloadRefused) as caught:
        decode_payload(encoding, payload)
    assert caught.value.code == code
    assert caught.value.message


@given(st.sampled_from(Encoding), st.binary(max_size=300))
def test_any_input_is_decoded_or_refused(encoding: Encoding, payload: bytes) -> None:
    """No input gets anything else out of the decoder."""
    try:
        data = decode_payload(encoding, payload)
    except PayloadRefused as refused:
        data = refused.code.encode()
    assert data


@given(st.sampled_from([Encoding.RAW, Encoding.HEX, Encoding.BASE64]), st.binary(min_size=1))
def test_round_trip(encoding: Encoding, data: bytes) -> None:
    """What one bridge gives, another takes, byte for byte."""
    assert decode_payload(encoding, encode_payload(encoding, data, AT, "h:1")) == data


@given(st.binary(min_size=1))
def test_envelope_is_whole(data: bytes) -> None:
    """The JSON envelope always has the bytes, and text only where that says the same."""
    envelope = json.loads(encode_payload(Encoding.JSON, data, AT, "198.51.100.7:5005"))
    assert bytes.fromhex(envelope["data_hex"]) == data
    assert envelope["data"] is None or envelope["data"].encode() == data
    assert envelope["length"] == len(data)
    assert envelope["at"] == "2026-11-23T10:15:00.000Z"
    assert envelope["peer"] == "198.51.100.7:5005"


def test_encodings_of_received_bytes() -> None:
    """Each encoding writes what its name says, and text loses no byte."""
    data = b"gr\xc3\xbcn\xff"
    assert encode_payload(Encoding.RAW, data, AT, "") == data
    assert encode_payload(Encoding.TEXT, data, AT, "") == "grün\\xff".encode()
    assert encode_payload(Encoding.HEX, data, AT, "") == b"6772c3bc6eff"
    assert encode_payload(Encoding.BASE64, data, AT, "") == base64.b64encode(data)
    assert b'"data":"gr\xc3\xbcn\\r\\n"' in encode_payload(Encoding.JSON, "grün\r\n".encode(), AT, "")
    assert b'"data":null' in encode_payload(Encoding.JSON, b"bell\x07", AT, "")


def test_decode_data_of_a_request() -> None:
    """A request names its payload as an envelope does."""
    assert decode_data({"socket": "x", "data_hex": "3132"}) == b"12"
