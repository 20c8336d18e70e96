"""CBOR of anybody's: every datagram is JSON or a clear error, and no few bytes become many."""

import json
import struct
import subprocess
import sys
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.config.model import PayloadForm, SocketSettings, Transport
from sim7020_bridge.mqtt.cbor import NotCbor, cbor_of, json_of
from sim7020_bridge.mqtt.json_text import parse
from sim7020_bridge.mqtt.packing import unpacked
from tests.contract_check import problems

CBOR = SocketSettings("a", Transport.UDP, "h", 1, payload=PayloadForm.CBOR)
WHOLE = st.integers(-(2**70), 2**70)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def tagged(draw: st.DrawFn) -> bytes:
    """Return CBOR-like bytes: heads of every kind, so that tags meet what they are not made for."""
    simple = "00 1a 20 41 44 61 80 82 9f a1 bf c0 c1 c2 c4 c5 f6 f9 ff"
    rarer = "d81c d81d d819 d81e d823 d824 d825 d90100 d90102 d90104 d90105 d9d9f7"
    heads = st.sampled_from([bytes.fromhex(head) for head in f"{simple} {rarer}".split()])
    parts = draw(st.lists(heads | st.binary(max_size=4), max_size=30))
    return b"".join(parts)


@given(JSON)
def test_json_comes_back(value: Any) -> None:
    """Every number, text and structure is the same after both ways."""
    text = json.dumps(value).encode()
    assert json_of(cbor_of(parse(text))) == json.loads(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_no_longer_than_it_must_be(value: float) -> None:
    """A shorter float would be another number."""
    made = cbor_of(value)
    if value.is_integer() and abs(value) <= 2**53 and str(value) != "-0.0":
        assert made == cbor2.dumps(int(value))
        return
    form = {3: ">e", 5: ">f", 9: ">d"}[len(made)]
    assert struct.unpack(form, made[1:]) == (value,)
    for shorter in {3: (), 5: (">e",), 9: (">e", ">f")}[len(made)]:
        try:
            assert struct.unpack(shorter, struct.pack(shorter, value)) != (value,)
        except OverflowError:
            continue


@given(st.binary(max_size=600) | tagged())
def test_any_datagram_is_published_as_json(data: bytes) -> None:
    """Whatever comes; where it is no CBOR with all its bytes."""
    told = json.loads(unpacked(CBOR, data))
    if isinstance(told, dict) and "error" in told:
        assert problems("received-undecodable", told) == []
        assert bytes.fromhex(told["data_hex"]) == data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("d81c81d81d00", id="an array in itself"),
        pytest.param("81" * 18 + "00", id="deep"),
        pytest.param("a1f501", id="a key that is true"),
        pytest.param("a20102613103", id="a key twice, in two ways"),
        pytest.param("e0", id="a simple value"),
        pytest.param("ff", id="an end alone"),
        pytest.param("", id="nothing"),
        pytest.param("d82363612b2b", id="a bad regular expression"),
        pytest.param("c4821b7fffffffffffffff01", id="a decimal fraction"),
    ],
)
def test_what_json_does_not_have(data: str) -> None:
    """Each is told as what it is: no JSON."""
    with pytest.raises(NotCbor):
        json_of(bytes.fromhex(data))


def test_references_do_not_make_much_of_little() -> None:
    """Arrays of references to arrays of references, in 90 bytes: a billion values, if they were written out."""
    bomb = b"\xd8\x1c\x8a" + 10 * b"\x00"
    for level in range(8):
        bomb = b"\xd8\x1c\x8a" + bomb + 9 * (b"\xd8\x1d" + bytes([8 - level]))
    with pytest.raises(NotCbor, match="refers to what it has"):
        json_of(bomb)


def test_nobody_loads_the_library_who_does_not_ask_for_it() -> None:
    """The service and all its parts are there without it, and a struct is packed without it."""
    program = (
        "import sys; import sim7020_bridge.service.service; from sim7020_bridge.mqtt.packing import packed;"
        "from sim7020_bridge.config.model import *;"
        "s = SocketSettings('a', Transport.UDP, 'h', 1, payload=PayloadForm.STRUCT, pick=('a u8',));"
        "assert packed(s, b'{\"a\": 5}') == bytes([5]); assert 'cbor2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
