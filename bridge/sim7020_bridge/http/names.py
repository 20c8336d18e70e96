"""Which names this machine is asked by, and where a page may be from that asks.

A web page elsewhere can have its own name lead to this machine (DNS rebinding), and can have a browser send requests
here that carry the browser's cookies. Both show in the head.
"""

import re
import socket
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from sim7020_bridge.http.head import Head
from sim7020_bridge.http.listener import is_loopback
from sim7020_bridge.http.reply import Refusal

_PORTS = {"http": 80, "https": 443}
_FROM_HERE = frozenset({"same-origin", "none"})
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]*)?")
_RELAYED = ("forwarded", "via", "x-forwarded-", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
"""How the fields begin that proxies add."""


class Names:
    """The names that are this machine's.

    Args:
        local: It is listened to on loopback only: nobody else's names are its own.
        allowed: Names that are allowed besides.
    """

    def __init__(self, *, local: bool, allowed: tuple[str, ...] = ()) -> None:
        self._local = local
        self._allowed = {name.lower().removesuffix(".") for name in allowed}

    def check(self, head: Head) -> None:
        """Refuse a request for somebody else.

        Raises:
            Refusal: It is.
        """
        if not self._is_ours(_place(head.host)[0]):
            shown = head.host if _HOST.fullmatch(head.host) else "that name"
            raise Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "wrong_host",
                f"this is not known to be {shown[:100]}: http.allowed_hosts lists the names that it has",
            )

    def is_loopback(self, head: Head) -> bool:
        """Whether the request came from this machine, as far as its head tells, and by no proxy."""
        return is_loopback(head.host) and not any(name.startswith(_RELAYED) for name in head.fields)

    def _is_ours(self, name: str) -> bool:
        if is_loopback(_bracketed(name)) or name in self._allowed:
            return True
        if self._local:
            return False
        own = socket.gethostname().lower()
        return _is_address(name) or name in {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}


def check_origin(head: Head, *, needed: bool, relayed: bool = False, encrypted: bool = False) -> None:
    """Refuse what another page has a browser send.

    Args:
        head: The request's.
        needed: Whether it has to say where it is from, as all browsers do with a POST.
        relayed: It came by others who may have changed the Host: if the browser itself says that it is from the same
            page, that will do.
        encrypted: It came by TLS, as the page that it is from must have.

    Raises:
        Refusal: It is from elsewhere, or doesn't say.
    """
    origin = head.fields.get("origin")
    fetched = head.fields.get("sec-fetch-site", "none")
    if fetched not in _FROM_HERE:
        raise _elsewhere()
    if relayed and fetched == "same-origin" and origin is not None:
        return
    if origin is None:
        if needed:
            raise Refusal(HTTPStatus.FORBIDDEN, "wrong_origin", "the request doesn't say which page it is from")
        return
    scheme, _, place = origin.partition("://")
    if scheme not in _PORTS or not place or (encrypted and scheme != "https"):
        raise _elsewhere()
    default = _PORTS[scheme]
    (name, port), (own, own_port) = _place(place), _place(head.host)
    if not name or (name, port or default) != (own, own_port or default):
        raise _elsewhere()


def _elsewhere() -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "wrong_origin", "the request is from another page")


def _place(written: str) -> tuple[str, int | None]:
    """Return name and port; an empty name if it is none."""
    try:
        if not _HOST.fullmatch(written):
            return "", None
        parts = urlsplit(f"//{written}")
        return (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:
        return "", None


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
