"""Where a socket that speaks CoAP posts its messages to."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from sim7020_bridge.config.values import WrongValue, peer_host, text

PORT: Final = 5683

_ALLOWED: Final = "must be a URL such as coap://198.51.100.7/t or coap://coap.example.net:5683/t"
_LONGEST: Final = 255
"""Bytes of a part of the path or the query (RFC 7252 section 5.10)."""

_MOST: Final = 200
"""Bytes of all parts: every message has them."""


@dataclass(frozen=True, slots=True)
class CoapUrl:
    """A ``coap`` URL taken apart, as RFC 7252 section 6.4 has it."""

    host: str
    port: int
    path: tuple[str, ...]
    query: tuple[str, ...]
    written: str

    def __str__(self) -> str:
        return self.written


def coap_url(value: object) -> CoapUrl:
    """Read where messages are posted to.

    Raises:
        WrongValue: It is no such URL, or one of a host that the module can't reach.
    """
    written = text(value)
    try:
        parts = urlsplit(written)
        port = PORT if parts.port is None else parts.port
    except ValueError as error:
        raise WrongValue(_ALLOWED) from error
    if parts.scheme == "coaps":
        raise WrongValue(f"{_ALLOWED}: DTLS is not to be had")
    if parts.scheme != "coap" or not parts.hostname or not port:
        raise WrongValue(_ALLOWED)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WrongValue(f"{_ALLOWED}, without a user and without a fragment")
    path = tuple(unquote(part) for part in parts.path.split("/")[1:]) if parts.path != "/" else ()
    query = tuple(unquote(part) for part in parts.query.split("&")) if parts.query else ()
    sizes = [len(part.encode()) for part in (*path, *query)]
    if max(sizes, default=0) > _LONGEST or sum(sizes) > _MOST:
        raise WrongValue(f"must have at most {_MOST} bytes behind the host: every message carries them")
    return CoapUrl(peer_host(parts.hostname), port, path, query, written)
