"""A request's head: bytes into method, path and fields, or what is wrong with them.

Stricter than RFC 9112 where a proxy in front could read the same bytes otherwise: what is told twice, folded, or has a
length of two kinds is refused.
"""

import re
from http import HTTPStatus
from typing import Final, NamedTuple

MOST_FIELDS: Final = 64
"""Fields of a head; browsers and proxies send about twenty."""

_REQUEST: Final = re.compile(rb"([A-Z]{1,16}) (/[\x21-\x7e]*) HTTP/1\.([01])")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(rb"[\x20-\x7e\x80-\xff\t]*")
_ONCE: Final = frozenset({"host", "content-length", "content-type", "origin", "cookie"})
_LENGTH: Final = re.compile(r"\d{1,15}")


class BadHead(Exception):
    """A head that won't be answered otherwise than by ``status``, and by ``words`` that say why."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        self.status = status
        self.words = words
        super().__init__(words)


class Head(NamedTuple):
    """What a request asks for.

    Args:
        method: In capitals.
        target: Path and query as they were sent; starts with a slash.
        version: ``1.0`` or ``1.1``.
        fields: By their names in small letters; of those sent twice, all values with commas between them.
        length: Bytes of the body that follows.
    """

    method: str
    target: str
    version: str
    fields: dict[str, str]
    length: int

    @property
    def host(self) -> str:
        """Whom it is asked for, with the port if it was told; empty if an HTTP/1.0 client doesn't say."""
        return self.fields.get("host", "")


def read_head(data: bytes) -> Head:
    """Read a head up to and with the empty line.

    Raises:
        BadHead: It can't be answered.
    """
    line, *lines = data.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST.fullmatch(line)
    if request is None:
        raise _bad("the first line is no request of HTTP/1.1")
    if len(lines) > MOST_FIELDS:
        raise BadHead(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a head has at most {MOST_FIELDS} fields")
    fields: dict[str, str] = {}
    for written in lines:
        before, colon, after = written.partition(b":")
        if not colon or not _NAME.fullmatch(before) or not _VALUE.fullmatch(after):
            raise _bad("a line of the head is no field")
        name, value = before.decode().lower(), after.strip(b" \t").decode("latin-1")
        if name in fields and name in _ONCE:
            raise _bad(f"{name} is there twice")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    version = f"1.{request[3].decode()}"
    if version == "1.1" and "host" not in fields:
        raise _bad("host is missing")
    if "transfer-encoding" in fields:
        raise BadHead(HTTPStatus.NOT_IMPLEMENTED, "a body has a content-length here")
    length = fields.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise _bad("content-length is no number")
    return Head(request[1].decode(), request[2].decode(), version, fields, int(length))


def _bad(words: str) -> BadHead:
    return BadHead(HTTPStatus.BAD_REQUEST, words)
