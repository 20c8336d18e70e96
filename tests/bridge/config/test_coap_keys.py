"""A socket that speaks CoAP: what its URL says, what it needs and excludes, and the extra that it takes."""

from pathlib import Path
from unittest.mock import patch

import pytest

from sim7020_bridge.config.effective import effective
from sim7020_bridge.config.load import load, read
from sim7020_bridge.config.model import CoapSettings, Protocol, SocketSettings, Transport
from sim7020_bridge.errors import ConfigurationError

FRAME = """\
mqtt: {{host: broker}}
state_dir: /var/lib/x
modems:
  shed:
    port: /dev/ttyUSB0
    sockets:
      t: {{{keys}}}
"""


def write(directory: Path, keys: str) -> Path:
    """Write a file with one socket of these keys."""
    file = directory / "bridge.yaml"
    file.write_text(FRAME.format(keys=keys))
    return file


def socket_of(directory: Path, keys: str) -> SocketSettings:
    """Return the socket of a file."""
    [modem] = load(write(directory, keys)).modems
    [socket] = modem.sockets
    return socket


@pytest.mark.parametrize(
    ("url", "place", "coap"),
    [
        ("coap://192.0.2.1/t", ("192.0.2.1", 5683), CoapSettings(("t",))),
        ("coap://192.0.2.1", ("192.0.2.1", 5683), CoapSettings()),
        ("coap://192.0.2.1/", ("192.0.2.1", 5683), CoapSettings()),
        ("coap://a.example:7/a%2Fb/?x=1&y", ("a.example", 7), CoapSettings(("a/b", ""), ("x=1", "y"))),
        ("coap://a.example:7?x=%C3%A4", ("a.example", 7), CoapSettings((), ("x=\u00e4",))),
    ],
)
def test_urls(tmp_path: Path, url: str, place: tuple[str, int], coap: CoapSettings) -> None:
    """A URL is taken apart as RFC 7252 section 6.4 has it."""
    socket = socket_of(tmp_path, f'protocol: coap, url: "{url}"')
    assert (socket.host, socket.port) == place
    assert socket.coap == coap
    assert (socket.transport, socket.protocol) == (Transport.UDP, Protocol.COAP)


def test_confirmable(tmp_path: Path) -> None:
    """Whether messages are to be confirmed is the configuration's."""
    socket = socket_of(tmp_path, "protocol: coap, url: coap://192.0.2.1/t, confirmable: false")
    assert socket.coap == CoapSettings(("t",), confirmable=False)


def test_in_force(tmp_path: Path) -> None:
    """The URL is shown as it is written."""
    shown = {each.key: each.value for each in effective(read(write(tmp_path, "protocol: coap, url: coap://h/t")))}
    assert shown["modems.shed.sockets.t.url"] == "coap://h/t"
    assert shown["modems.shed.sockets.t.protocol"] == "coap"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("protocol: coap", "t.url: the key url is missing"),
        ("protocol: coap, url: coap://h/t, host: h", "t.host: is in the url"),
        ("protocol: coap, url: coap://h/t, port: 5", "t.port: is in the url"),
        ("protocol: coap, url: coap://h/t, keep_alive: 60", "t.keep_alive: is for tcp only"),
        ("protocol: udp, port: 5", "t.host: the key host is missing"),
        ("protocol: tcp, host: h", "t.port: the key port is missing"),
        ("protocol: udp, host: h, port: 5, url: coap://h/t", "t.url: is for coap only"),
        ("protocol: udp, host: h, port: 5, confirmable: true", "t.confirmable: is for coap only"),
        ("protocol: coap, url: coaps://h/t", "t.url: must be a URL such as coap://198.51.100.7/t or"),
        ("protocol: coap, url: http://h/t", "t.url: must be a URL"),
        ("protocol: coap, url: coap:///t", "t.url: must be a URL"),
        ("protocol: coap, url: coap://h:0/t", "t.url: must be a URL"),
        ("protocol: coap, url: coap://h:70000/t", "t.url: must be a URL"),
        ("protocol: coap, url: 'coap://[::1]/t'", "t.url: must be an IPv4 address or a host name"),
        ("protocol: coap, url: 'coap://[/t'", "t.url: must be a URL"),
        ("protocol: coap, url: coap://u@h/t", "without a user and without a fragment"),
        ("protocol: coap, url: 'coap://h/t#f'", "without a user and without a fragment"),
        (f"protocol: coap, url: coap://h/{201 * 'x'}", "must have at most 200 bytes behind the host"),
        ("protocol: coap, url: 5", "t.url: must be text"),
        (
            "protocol: coap, url: coap://h/t, max_payload: 9",
            "t.max_payload: no message would fit: the shortest takes 10",
        ),
    ],
)
def test_mistakes(tmp_path: Path, keys: str, problem: str) -> None:
    """Each mistake is told with its key and what would do."""
    with pytest.raises(ConfigurationError) as wrong:
        load(write(tmp_path, keys))
    assert problem in str(wrong.value)
    assert len(wrong.value.mistakes) == 1


def test_without_the_extra(tmp_path: Path) -> None:
    """Where aiocoap is not installed, the configuration says what is missing; others are read as ever."""
    with patch("sim7020_bridge.config.checks.find_spec", return_value=None):
        with pytest.raises(ConfigurationError, match=r"t\.protocol: needs the extra coap, which is not installed: pip"):
            socket_of(tmp_path, "protocol: coap, url: coap://h/t")
        assert socket_of(tmp_path, "protocol: udp, host: h, port: 5").coap is None
