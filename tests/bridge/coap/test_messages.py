"""Datagrams: the same values by the bridge's reading and by the tests' own, and nothing at all of what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.coap.messages import DEFAULT_MAX_AGE, Kind, Of, empty, post, read
from sim7020_bridge.config.model import CoapSettings
from tests.coap_datagram import ACK, BLOCK2, CON, MAX_AGE, RST, URI_PATH, URI_QUERY, Seen, put_together, taken_apart

IDS = st.integers(0, 0xFFFF)
PARTS = st.lists(st.text(max_size=60), max_size=5).map(tuple)


@given(
    kind=st.sampled_from(Kind),
    code=st.tuples(st.sampled_from([2, 4, 5]), st.integers(0, 31)),
    number=IDS,
    token=st.binary(max_size=8),
    etag=st.lists(st.binary(min_size=1, max_size=8), max_size=2),
    payload=st.binary(max_size=40),
)
def test_answers(
    *, kind: Kind, code: tuple[int, int], number: int, token: bytes, etag: list[bytes], payload: bytes
) -> None:
    """What a server may answer is read as it was written, whatever its bytes."""
    options = tuple((4, value) for value in etag)
    datagram = read(put_together(Seen(kind, code, number, token, options, payload)))
    assert datagram is not None
    assert (datagram.kind, datagram.id, datagram.token, datagram.payload) == (kind, number, token, payload)
    assert (datagram.of, datagram.code, datagram.whole) == (Of(code[0]), f"{code[0]}.{code[1]:02d}", True)
    assert datagram.words.isprintable()
    assert datagram.max_age == DEFAULT_MAX_AGE


@given(path=PARTS, query=PARTS, payload=st.binary(min_size=1, max_size=40), number=IDS, confirmable=st.booleans())
def test_requests(
    path: tuple[str, ...], query: tuple[str, ...], payload: bytes, number: int, *, confirmable: bool
) -> None:
    """A request has its payload and the parts of its URL, and no byte more than the configuration reckons with."""
    resource = CoapSettings(path, query, confirmable=confirmable)
    data = bytes(post(resource, payload, id=number, token=b"ab").encode())
    seen = taken_apart(data)
    assert (seen.kind, seen.code, seen.id, seen.token) == (not confirmable, (0, 2), number, b"ab")
    assert seen.has(URI_PATH) == [part.encode() for part in path]
    assert seen.has(URI_QUERY) == [part.encode() for part in query]
    assert seen.payload == payload
    assert len(data) == len(payload) + resource.overhead


@given(st.binary(max_size=64))
def test_anything(data: bytes) -> None:
    """Whatever comes is read or let go of."""
    read(data)


@given(st.sampled_from([Kind.ACKNOWLEDGEMENT, Kind.RESET]), IDS)
def test_empty(kind: Kind, number: int) -> None:
    """An acknowledgement and a reset have four bytes."""
    assert empty(kind, number) == put_together(Seen(kind, (0, 0), number))
    datagram = read(empty(kind, number))
    assert datagram is not None
    assert datagram.empty


def test_options_of_an_answer() -> None:
    """How long it holds is read, and whether there is more of it."""
    datagram = read(put_together(Seen(ACK, (5, 3), 1, b"t", ((MAX_AGE, b"\x01\x00"),), b"")))
    assert datagram is not None
    assert datagram.max_age == 256
    assert datagram.words == "5.03 Service Unavailable"
    for value, whole in ((b"", True), (b"\x06", True), (b"\x0e", False), (b"\x16", False)):
        datagram = read(put_together(Seen(ACK, (2, 5), 1, b"t", ((BLOCK2, value),), b"x")))
        assert datagram is not None
        assert datagram.whole is whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x60\x00\x01",
        b"\xa0\x44\x00\x01",
        b"\x69\x44\x00\x01" + bytes(9),
        b"\x62\x44\x00\x01a",
        b"\x60\x44\x00\x01\xff",
        b"\x60\x44\x00\x01\x41\x00\xff",
        b"\x60\x44\x00\x01\x45a",
        b"\x60\x44\x00\x01\xf0\x00",
        b"\x60\x44\x00\x01\xd0",
        b"\x60\x00\x00\x01x",
        b"\x61\x00\x00\x01x",
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    """The shapes that RFC 7252 section 3 forbids are read as nothing."""
    assert read(data) is None


def test_an_option_that_must_not_be_ignored() -> None:
    """An answer that can't be understood without something unknown is none (section 5.4.1)."""
    for option, of in ((4, Of.SUCCESS), (9, None), (65, None), (66, Of.SUCCESS)):
        datagram = read(put_together(Seen(CON, (2, 4), 1, b"t", ((option, b"x"),))))
        assert datagram is not None
        assert datagram.of is of
    reset = read(put_together(Seen(RST, (0, 0), 3)))
    assert reset is not None
    assert reset.of is None
