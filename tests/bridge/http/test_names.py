"""Host and Origin: what is from here and what is not."""

import socket
from contextlib import nullcontext

import pytest

from sim7020_bridge.http.head import Head
from sim7020_bridge.http.names import Names, check_origin
from sim7020_bridge.http.reply import Refusal


def head(host: str, **fields: str) -> Head:
    """Return a head; an underscore in a field's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Head("POST", "/", "1.1", {"host": host, **named}, 0)


def ours(names: Names, host: str) -> bool:
    """Whether it is a name of this machine."""
    try:
        names.check(head(host))
    except Refusal:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "alone", "open_"),
    [
        ("localhost", True, True),
        ("LOCALHOST:8020", True, True),
        ("127.0.0.1:8020", True, True),
        ("[::1]:8020", True, True),
        ("192.0.2.7:8020", False, True),
        ("[2001:db8::7]", False, True),
        ("bridge.example.net", True, True),
        ("BRIDGE.example.net.:443", True, True),
        ("rebound.example", False, False),
        ("localhost.rebound.example", False, False),
        ("bridge.example.net.rebound.example", False, False),
        ("bridge.example.net@rebound.example", False, False),
        ("127.0.0.1.rebound.example", False, False),
        ("localhost, rebound.example", False, False),
        ("localhost/rebound.example", False, False),
        ("", False, False),
        ("[", False, False),
        ("[::1].rebound.example", False, False),
        ("[::1]rebound.example:8020", False, False),
        ("rebound.example[::1]", False, False),
        ("localhost:99999", False, False),
    ],
)
def test_names(host: str, *, alone: bool, open_: bool) -> None:
    """Alone on this machine, only its own names and those that were allowed; open, all addresses besides."""
    allowed = ("bridge.example.net",)
    assert ours(Names(local=True, allowed=allowed), host) is alone
    assert ours(Names(local=False, allowed=allowed), host) is open_


def test_the_machine_s_own_name() -> None:
    """It is known by its name in the local network, where it is to be reached at all."""
    own = socket.gethostname().partition(".")[0]
    for host in (own, own.upper(), f"{own}.local:8020"):
        assert ours(Names(local=False), host)
    assert not ours(Names(local=True), f"{own}.local")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8020", "http://localhost:8020"),
        ("bridge.example", "http://bridge.example"),
        ("bridge.example", "https://bridge.example"),
        ("bridge.example:443", "https://bridge.example"),
        ("BRIDGE.example", "https://bridge.example"),
        ("[::1]:8020", "http://[::1]:8020"),
    ],
)
def test_from_here(host: str, origin: str) -> None:
    """Scheme and port may stand for each other; a proxy may have added the encryption."""
    check_origin(head(host, origin=origin), needed=True)


@pytest.mark.parametrize(
    "origin",
    [
        "http://rebound.example",
        "http://localhost:8021",
        "http://localhost",
        "https://localhost",
        "http://localhost:8020.rebound.example",
        "http://localhost:8020@rebound.example",
        "http://xlocalhost:8020",
        "null",
        "",
        "file://",
        "localhost:8020",
        "ftp://localhost:8020",
    ],
)
@pytest.mark.parametrize("needed", [True, False])
def test_from_elsewhere(origin: str, *, needed: bool) -> None:
    """Another name, port or scheme is another page."""
    with pytest.raises(Refusal) as refusal:
        check_origin(head("localhost:8020", origin=origin), needed=needed)
    assert (refusal.value.status, refusal.value.code) == (403, "wrong_origin")


def test_without_an_origin() -> None:
    """A GET needs none; what changes something does."""
    check_origin(head("localhost:8020"), needed=False)
    with pytest.raises(Refusal):
        check_origin(head("localhost:8020"), needed=True)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_the_browser_says_itself(site: str) -> None:
    """Where it says that another page asks, it is so, also for a GET and a picture."""
    with pytest.raises(Refusal):
        check_origin(head("localhost", sec_fetch_site=site), needed=False)
    check_origin(head("localhost", sec_fetch_site="same-origin"), needed=False)


def test_page_without_encryption_beside_one_with_it() -> None:
    """A port that is encrypted has no page that begins with http."""
    for origin, taken in (("https://bridge.example", True), ("http://bridge.example", False)):
        with nullcontext() if taken else pytest.raises(Refusal):
            check_origin(head("bridge.example", origin=origin), needed=True, encrypted=True)


def test_behind_somebody_who_changes_the_host() -> None:
    """There the browser's word counts, and without it the Host does."""
    relayed = head("homeassistant", origin="https://home.example:8443", sec_fetch_site="same-origin")
    check_origin(relayed, needed=True, relayed=True)
    for fields in (
        {"origin": "https://home.example:8443"},
        {"origin": "https://home.example:8443", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-origin"},
    ):
        with pytest.raises(Refusal):
            check_origin(head("homeassistant", **fields), needed=True, relayed=True)
    with pytest.raises(Refusal):
        check_origin(relayed, needed=True)


def test_who_comes_by_a_proxy_is_not_here() -> None:
    """A field that proxies add makes a request a stranger's; none makes it a friend's."""
    names = Names(local=True)
    assert names.is_loopback(head("127.0.0.1:8020"))
    assert not names.is_loopback(head("bridge.example.net"))
    for field in (
        *("forwarded", "via", "x_real_ip", "x_client_ip", "true_client_ip", "cf_connecting_ip"),
        *("x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_forwarded_port", "x_forwarded_server"),
    ):
        assert not names.is_loopback(head("127.0.0.1:8020", **{field: "127.0.0.1"}))
