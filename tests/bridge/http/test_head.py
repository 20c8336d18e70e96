"""Heads of requests: what is taken, and what is refused since others could read it otherwise."""

import contextlib
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.http.head import MOST_FIELDS, BadHead, read_head

LINE = b"GET /a?b=c HTTP/1.1\r\n"


def test_a_head_as_browsers_send_it() -> None:
    """Names are in small letters, values without the blanks around them."""
    head = read_head(LINE + b"Host: a.example:80\r\nX-Some:\t one \r\nx-some: two\r\nContent-Length: 12\r\n\r\n")
    assert (head.method, head.target, head.version) == ("GET", "/a?b=c", "1.1")
    assert head.fields == {"host": "a.example:80", "x-some": "one, two", "content-length": "12"}
    assert (head.host, head.length) == ("a.example:80", 12)


def test_without_a_host() -> None:
    """HTTP/1.0 needs none."""
    assert read_head(b"GET / HTTP/1.0\r\n\r\n").host == ""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(LINE + b"Host: a\r\nHost: a\r\n\r\n", id="host twice"),
        pytest.param(LINE + b"Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", id="length twice"),
        pytest.param(LINE + b"Host: a\r\nContent-Length: 1, 1\r\n\r\n", id="length as a list"),
        pytest.param(LINE + b"Host: a\r\nContent-Length: +1\r\n\r\n", id="length with a sign"),
        pytest.param(LINE + b"Host: a\r\nContent-Length: -1\r\n\r\n", id="length below zero"),
        pytest.param(LINE + b"Host: a\r\nContent-Length: 0x1\r\n\r\n", id="length in other digits"),
        pytest.param(LINE + "Host: a\r\nContent-Length: \u0661\r\n\r\n".encode(), id="length in Arabic digits"),
        pytest.param(LINE + b"Host: a\r\nCookie: a=b\r\nCookie: a=c\r\n\r\n", id="cookies twice"),
        pytest.param(LINE + b"Host: a\r\n X: folded\r\n\r\n", id="folded"),
        pytest.param(LINE + b"Host : a\r\n\r\n", id="blank before the colon"),
        pytest.param(LINE + b"Host: a\r\nX\r\n\r\n", id="no colon"),
        pytest.param(LINE + b"Host: a\r\nX: a\nY: b\r\n\r\n", id="a lone line feed"),
        pytest.param(LINE + b"Host: a\r\nX: a\rY: b\r\n\r\n", id="a lone carriage return"),
        pytest.param(LINE + b"Host: a\r\nX: \0\r\n\r\n", id="a zero byte"),
        pytest.param(b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", id="two blanks"),
        pytest.param(b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", id="a proxy's target"),
        pytest.param(b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", id="a star"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", id="another version"),
        pytest.param(b"get / HTTP/1.1\r\nHost: a\r\n\r\n", id="small letters"),
        pytest.param(b"\r\n\r\n", id="nothing"),
    ],
)
def test_bad_heads(data: bytes) -> None:
    """What is told twice, folded or of two readings is no request."""
    with pytest.raises(BadHead) as refused:
        read_head(data)
    assert refused.value.status is HTTPStatus.BAD_REQUEST


@pytest.mark.timeout(60)
@pytest.mark.parametrize("blank", [b" ", b"\t", b" \t"])
@pytest.mark.parametrize("end", [b"", b"\0"])
def test_a_field_of_blanks(blank: bytes, end: bytes) -> None:
    """Its reading takes a time in proportion to its length, or one request would stop the bridge."""
    data = LINE + b"Host: a\r\nX:" + blank * 4000 + end + b"\r\n\r\n"
    if not end:
        assert read_head(data).fields["x"] == ""
        return
    with pytest.raises(BadHead):
        read_head(data)


def test_a_body_without_a_length() -> None:
    """A body in chunks is refused, also with a length beside it."""
    for more in (b"", b"Content-Length: 1\r\n"):
        with pytest.raises(BadHead) as refused:
            read_head(LINE + b"Host: a\r\nTransfer-Encoding: chunked\r\n" + more + b"\r\n")
        assert refused.value.status is HTTPStatus.NOT_IMPLEMENTED


def test_too_many_fields() -> None:
    """A head has so many fields and no more."""
    fields = b"Host: a\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(MOST_FIELDS - 1))
    assert len(read_head(LINE + fields + b"\r\n").fields) == MOST_FIELDS
    with pytest.raises(BadHead) as refused:
        read_head(LINE + fields + b"Y: z\r\n\r\n")
    assert refused.value.status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@given(st.binary(max_size=200))
def test_any_bytes(noise: bytes) -> None:
    """Whatever comes is a head or is refused."""
    for data in (noise, LINE + b"Host: a\r\n" + noise + b"\r\n\r\n"):
        with contextlib.suppress(BadHead):
            read_head(data)
