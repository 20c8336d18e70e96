"""What a socket makes of JSON, and which of it is sent: mistakes in the keys that say so."""

import sys
from pathlib import Path

import pytest

from sim7020_bridge.config.load import load
from tests.bridge.config.test_load import mistakes_in, whole

WRONG = [
    pytest.param(
        whole(socket="payload: cbro"), "data.payload: must be one of cbor, struct; did you mean cbor?", id="payload"
    ),
    pytest.param(whole(socket="pick: [a]"), "data.pick: needs payload: cbor or struct", id="pick without payload"),
    pytest.param(whole(socket="payload: struct"), "data.payload: needs pick, with a type for each", id="no pick"),
    pytest.param(
        whole(socket="payload: struct\n        pick: [a u8, b]"), "item 2: needs a type in a struct: u8,", id="no type"
    ),
    pytest.param(
        whole(socket="payload: cbor\n        pick: [a u8]"), "item 1: has a type, and CBOR has its own", id="CBOR type"
    ),
    pytest.param(
        whole(socket="payload: cbor\n        pick: [a.b, c, a.b]"), "item 3: is picked already", id="picked twice"
    ),
    pytest.param(whole(socket="payload: struct\n        pick: [a u7]"), "item 1: a type is one of u8, u16,", id="type"),
    pytest.param(
        whole(socket="payload: struct\n        pick: [a u8 0.0]"), "item 1: a scale is a number above 0", id="scale"
    ),
    pytest.param(
        whole(socket="payload: struct\n        pick: [a f32 2]"), "item 1: f32 has no scale", id="scale of f32"
    ),
    pytest.param(
        whole(socket="payload: cbor\n        pick: [a..b]"), "item 1: must be FIELD, FIELD TYPE or FIELD", id="path"
    ),
    pytest.param(
        whole(socket="payload: cbor\n        batch: json"), "data.batch: is for text: with payload", id="text batch"
    ),
    pytest.param(
        whole(socket="payload: cbor").replace("protocol: udp", "protocol: tcp"),
        "data.payload: is for udp only: TCP does not tell where a message ends",
        id="payload over TCP",
    ),
    pytest.param(whole(socket="change: [a]"), "data.change: needs pick as well", id="change without pick"),
    pytest.param(
        whole(socket="payload: cbor\n        pick: [a]\n        change: [b 1]"),
        "item 1: is not in pick",
        id="not picked",
    ),
    pytest.param(
        whole(socket="payload: cbor\n        pick: [a]\n        change: [a -1]"),
        "item 1: a dead band is a number, such as 0.5,",
        id="dead band",
    ),
    pytest.param(
        whole(socket="payload: cbor\n        pick: [a]\n        change: [a 1 2]"),
        "item 1: must be FIELD, or FIELD BAND",
        id="two dead bands",
    ),
    pytest.param(
        whole(socket="payload: cbor\n        batch: [json]"), "data.batch: must be one of", id="a list for a batch"
    ),
    pytest.param(
        whole(socket="keep_alive: 60").replace("protocol: udp", "protocol: {udp: 1}"),
        "data.protocol: must be one of",
        id="a mapping for a protocol",
    ),
    pytest.param(
        whole(socket="payload: struct\n        pick: [a f32, b u8]\n        batch: length\n        max_payload: 6"),
        "data.max_payload: no message would fit: the shortest takes 7 bytes here",
        id="room",
    ),
    pytest.param(
        whole(socket="payload: struct\n        pick: [a u7]\n        batch: length\n        max_payload: 3"),
        "item 1: a type is one of u8, u16,",
        id="room for what nobody knows",
    ),
    pytest.param(whole(socket="batch: json\n        max_payload: 4"), "no message would fit", id="room for marks"),
    pytest.param(whole(socket="batch: json\n        max_payload: 0"), "must be a whole number", id="no room at all"),
    pytest.param(whole(socket="every: 0"), "data.every: must be a number", id="every"),
    pytest.param(
        whole(socket="every: 5").replace("protocol: udp", "protocol: tcp"), "data.every: is for udp only", id="TCP"
    ),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_one_clear_message(tmp_path: Path, content: str, message: str) -> None:
    """Each mistake is told once, with its key and what is allowed."""
    [mistake] = mistakes_in(tmp_path, content)
    assert message in mistake


def test_a_library_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CBOR needs cbor2, and the mistake says how to get it; a struct needs none."""
    monkeypatch.setitem(sys.modules, "cbor2", None)
    [mistake] = mistakes_in(tmp_path, whole(socket="payload: cbor"))
    assert "data.payload: needs cbor2, which is not installed: pip install 'sim7020-bridge[cbor]'" in mistake
    (tmp_path / "bridge.yaml").write_text(whole(socket="payload: struct\n        pick: [a u8]"))
    assert load(tmp_path / "bridge.yaml", {}).modems[0].sockets[0].pick == ("a u8",)
