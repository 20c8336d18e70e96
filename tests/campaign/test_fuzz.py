"""A short form of the fuzzing campaign, and everything that broke something once."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.at.framer import Framer, Line
from sim7020_bridge.errors import RequestRefused
from sim7020_bridge.mqtt.json_text import MAX_DEPTH
from sim7020_bridge.requests.body import parse_request
from tests.campaign.fuzz import crash_of, fuzz, kept, run
from tests.campaign.places import Places
from tests.campaign.targets import TARGETS, Target

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary().map(repr),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_nothing_breaks(tmp_path: Path) -> None:
    """A hundred thousand executions over all that reads what others write raise nothing that is not foreseen."""
    result = fuzz([], 100_000, seed=7020, keep=tmp_path)
    assert not result.crashes, "\n".join(result.crashes.values())
    assert result.executions.total() >= 100_000
    assert set(result.executions) >= {target.name for target in TARGETS}


@pytest.mark.parametrize(("name", "data"), list(kept()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_broke_something_once(name: str, data: bytes) -> None:
    """An input that broke something does so no longer."""
    with Places() as places:
        (target,) = [target for target in places.targets if target.name == name]
        assert not crash_of(target, data)


def test_a_crash_is_found_and_kept(tmp_path: Path) -> None:
    """What breaks a target is kept once for each way to do so, and breaks it again."""

    def divide(data: bytes) -> int:
        return 1 + 1 // (len(data) - 2)

    target = Target("divide", [b"AB", b"ABC"], divide, 1)
    result = run([target], 1000, 7020, tmp_path)
    assert result.executions["divide"] >= 1000
    (crash,) = result.crashes.values()
    assert "ZeroDivisionError" in crash
    (file,) = tmp_path.iterdir()
    assert "ZeroDivisionError" in crash_of(target, file.read_bytes())
    assert not crash_of(target, b"")


def fields_of(payload: bytes) -> object:
    """Return a request's fields, None if it is refused because it is no JSON object."""
    try:
        return parse_request(payload).fields
    except RequestRefused as error:
        refused = error
    assert refused.code == "invalid_json"
    return None


@settings(deadline=None, max_examples=80)
@given(DOCUMENTS)
def test_any_json_is_a_body_or_is_refused(document: object) -> None:
    """Whatever JSON a request holds, it is read as its own object or refused by a code."""
    payload = json.dumps(document).encode()
    read = fields_of(payload)
    assert read is None or read == json.loads(payload)


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 2, 1000, 20_000])
def test_depth_has_an_end(depth: int) -> None:
    """A body may be nested so deep and no deeper, whatever Python's own limit is."""
    payload = b'{"transaction":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    assert (fields_of(payload) is not None) == (depth <= MAX_DEPTH)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.binary(max_size=64)))
def test_however_a_stream_is_cut_its_lines_are_the_same(pieces: list[bytes]) -> None:
    """Lines do not depend on how the bytes happen to come."""
    stream = b"".join(pieces).replace(b">", b"") + b"\n"
    parted = Framer()
    lines = [item for piece in pieces for item in parted.feed(piece.replace(b">", b""))] + parted.feed(b"\n")
    assert lines == Framer().feed(stream)
    assert all(isinstance(line, Line) and line.text == line.text.strip() != "" for line in lines)
