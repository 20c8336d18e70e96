"""What the bridge publishes is read tolerantly, and what a socket receives is given back as bytes."""

import copy
import json
from collections.abc import Callable

import pytest

from custom_components.sim7020.documents import Alert, Encoding, Event, Info, Receipt, SocketState, State
from custom_components.sim7020.event import RECEIVED_LENGTH, attributes
from custom_components.sim7020.reading import Keys, Reader, UnreadableDocument
from custom_components.sim7020.received import Received, decode
from tests.component.unit.kit import CONTRACT, Document, document

READERS: dict[str, Callable[[Keys], object]] = {
    "alert": Alert.of,
    "event": Event.of,
    "info": Info.of,
    "receipt": Receipt.of,
    "socket-state": SocketState.of,
    "state": State.of,
}


def goldens() -> list[tuple[str, Callable[[Keys], object]]]:
    """Return every golden example that the component reads as a document, with what reads it."""
    found = []
    for path in sorted((CONTRACT / "examples").glob("*.json")):
        kinds = [kind for kind in READERS if path.stem == kind or path.stem.startswith(f"{kind}-")]
        if kinds and "payload" in json.loads(path.read_text()):
            found.append((path.stem, READERS[max(kinds, key=len)]))
    return found


def spoilt(value: object) -> list[object]:
    """Return a document once for each of its values, with that value of a type that it never has."""
    found: list[object] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [{**value, key: worse} for worse in spoilt(inner)]
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += [[*value[:index], worse, *value[index + 1 :]] for worse in spoilt(inner)]
    return [*found, [[[]]], {"a": {}}, True, "\x00", 10**30, -0.5, None]


@pytest.mark.parametrize(("name", "of"), goldens())
def test_every_golden_example_is_read_without_a_complaint(name: str, of: Callable[[Keys], object]) -> None:
    """What the contract has is known."""
    keys = Keys(document(name))
    of(keys)
    assert keys.wrong == []


@pytest.mark.parametrize(("name", "of"), goldens())
def test_a_value_of_another_type_spoils_nothing_else(name: str, of: Callable[[Keys], object]) -> None:
    """Whatever a key holds, the document is read."""
    golden = document(name)
    for worse in spoilt(golden):
        if isinstance(worse, dict):
            of(Keys(copy.deepcopy(worse)))
    assert of(Keys(golden | {"new": {"in": [2]}})) is not None


def test_a_value_of_another_type_is_none() -> None:
    """And the rest counts."""
    golden = document("state-online")
    golden["signal"] |= {"rssi": "-73", "rsrp": True, "ecl": 1.5}
    golden["link"] |= {"layer": "astral", "since": "2026-11-23T10:15:00"}
    golden["pdn"] = "active"
    keys = Keys(golden)
    state = State.of(keys)
    assert (state.rssi, state.rsrp, state.ecl, state.layer, state.since, state.pdn) == (None,) * 6
    assert (state.rsrq, state.sinr) == (-11.0, 8.0)
    assert set(keys.wrong) == {"link.layer", "link.since", "signal.rssi", "signal.rsrp", "signal.ecl", "pdn"}


def test_a_socket_without_a_name_is_none() -> None:
    """Nothing could be sent to it."""
    golden = document("info")
    golden["sockets"] = [{"host": "x"}, "y", golden["sockets"][0] | {"name": "telemetry", "encoding": "rot13"}]
    sockets = Info.of(Keys(golden)).sockets
    assert sockets is not None
    assert [(socket.name, socket.encoding) for socket in sockets] == [("telemetry", None)]


def test_what_is_wrong_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A state that comes every few seconds does not fill the log."""
    reader = Reader()
    golden = document("state-online")
    golden["signal"]["rssi"] = "-73"
    for _ in range(3):
        reader.read("a/state", json.dumps(golden).encode(), State.of)
    reader.read("b/state", json.dumps(golden).encode(), State.of)
    assert [record.args for record in caplog.records] == [("a/state", "signal.rssi"), ("b/state", "signal.rssi")]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b'"{}"', b"1"])
def test_what_is_no_object_is_no_document(payload: bytes) -> None:
    """It is refused, with the topic."""
    with pytest.raises(UnreadableDocument, match="a/state"):
        Reader().read("a/state", payload, State.of)


@pytest.mark.parametrize(
    ("encoding", "payload", "data"),
    [
        (Encoding.RAW, b"\x00\xff", b"\x00\xff"),
        (Encoding.TEXT, b"\\x00", b"\\x00"),
        (Encoding.HEX, b"00ff", b"\x00\xff"),
        (Encoding.BASE64, b"AP8=", b"\x00\xff"),
        (Encoding.JSON, b'{"data": null, "data_hex": "00ff"}', b"\x00\xff"),
        (None, b"123", b"123"),
        (Encoding.HEX, b"no", b"no"),
        (Encoding.HEX, b"\xff", b"\xff"),
        (Encoding.BASE64, b"\xff", b"\xff"),
        (Encoding.JSON, b"no", b"no"),
        (Encoding.JSON, b'{"data_hex": "no"}', b'{"data_hex": "no"}'),
    ],
)
def test_an_encoding_is_undone(encoding: Encoding | None, payload: bytes, data: bytes) -> None:
    """What is not as it should be is taken as it came."""
    assert decode("telemetry", encoding, payload).data == data


def test_an_envelope_says_when_and_whence() -> None:
    """The other encodings do not."""
    received = decode("control", Encoding.JSON, json.dumps(document("received-json")).encode())
    assert received.peer == document("received-json")["peer"]
    assert received.at is not None
    assert decode("control", Encoding.RAW, b"").at is None


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        pytest.param("Grüße\n\t你好".encode(), {"text": "Grüße\n\t你好"}, id="text"),
        pytest.param("21,5\u00a0°C".encode(), {"text": "21,5\u00a0°C"}, id="a no-break space"),
        pytest.param("你好\u3000世界".encode(), {"text": "你好\u3000世界"}, id="an ideographic space"),
        pytest.param("👩\u200d🚒".encode(), {"text": "👩\u200d🚒"}, id="a joiner"),
        pytest.param(b"", {"text": ""}, id="nothing"),
        pytest.param(b"\x00\x01", {"hex": "0001"}, id="control characters"),
        pytest.param(b"\xff", {"hex": "ff"}, id="not UTF-8"),
    ],
)
def test_a_message_is_shown_as_text_where_it_is_text(data: bytes, shown: Document) -> None:
    """And in hexadecimal digits otherwise."""
    expected = shown | {"length": len(data), "truncated": False}
    assert attributes(Received(socket="telemetry", data=data)) == expected


def test_a_long_message_is_cut_and_says_so() -> None:
    """At a number of bytes, without breaking a character."""
    binary = attributes(Received(socket="telemetry", data=bytes(RECEIVED_LENGTH + 1)))
    text = attributes(Received(socket="telemetry", data=b"a" + "ü".encode() * RECEIVED_LENGTH))
    assert binary == {"hex": "00" * RECEIVED_LENGTH, "length": RECEIVED_LENGTH + 1, "truncated": True}
    assert text["text"] == "a" + "ü" * (RECEIVED_LENGTH // 2 - 1)
    assert text["truncated"] is True
