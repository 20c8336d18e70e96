"""A socket that speaks CoAP: what its URL says, what it needs and excludes, and the extra that it takes."""

from pathlib import Path
from unittest.mock import patch

import pytest

from sim7020_bridge.config.effective import MASK, effective
from sim7020_bridge.config.load import load, read
from sim7020_bridge.config.model import CoapSettings, OscoreSettings, Protocol, SocketSettings, Transport
from sim7020_bridge.errors import ConfigurationError
from sim7020_bridge.page.masking import secrets_of

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


SECRET = 32 * "ab"
OSCORE = "protocol: coap, url: coap://h/t, oscore: {secret_file: key, sender_id: '', recipient_id: '01'"


def secret(directory: Path, content: str = SECRET, mode: int = 0o600) -> Path:
    """Write a file with a secret."""
    file = directory / "key"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_sealed(tmp_path: Path) -> None:
    """What seals comes out as bytes, and nobody is shown the secret; a message has the room that is left."""
    secret(tmp_path, f"{SECRET}\n")
    socket = socket_of(tmp_path, f"{OSCORE}, salt: '0A0b'}}")
    assert socket.coap is not None
    assert socket.coap.oscore == OscoreSettings(bytes.fromhex(SECRET), b"", b"\x01", b"\x0a\x0b")
    plain = CoapSettings(("t",)).overhead
    assert socket.room == 512 - plain - 41
    assert SECRET[:8] not in repr(socket).lower()
    shown = {each.key: each.value for each in effective(read(tmp_path / "bridge.yaml"))}
    prefix = "modems.shed.sockets.t.oscore."
    assert shown[f"{prefix}secret_file"] == "key"
    assert shown[f"{prefix}recipient_id"] == "01"
    assert shown[f"{prefix}salt"] == MASK
    assert {SECRET.lower(), SECRET.upper(), "0a0b"} <= set(secrets_of(load(tmp_path / "bridge.yaml")))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (
            "protocol: udp, host: h, port: 5, oscore: {secret_file: key, sender_id: '', recipient_id: '01'}",
            "oscore: is",
        ),
        ("protocol: coap, url: coap://h/t, oscore: {sender_id: '', recipient_id: '01'}", "secret_file is missing"),
        ("protocol: coap, url: coap://h/t, oscore: {secret_file: key, sender_id: ''}", "recipient_id is missing"),
        (f"{OSCORE}, salt: '0'}}", "oscore.salt: must be bytes in hexadecimal"),
        (f"{OSCORE}, salt: 10}}", "oscore.salt: must be bytes in hexadecimal"),
        (f"{OSCORE}, id_context: ''}}", "oscore.id_context: must have 1 to 16 bytes"),
        (OSCORE.replace("'01'", f"'{8 * '01'}'") + "}", "oscore.recipient_id: must have 0 to 7 bytes"),
        (OSCORE.replace("'01'", "''") + "}", "oscore.recipient_id: must not be the sender_id"),
        (OSCORE.replace("key", "nothing") + "}", "oscore.secret_file: must be a file that can be read"),
        (f"{OSCORE}}}, max_payload: 40", "max_payload: no message would fit: the shortest takes 51 bytes here"),
    ],
)
def test_mistakes_in_what_seals(tmp_path: Path, keys: str, problem: str) -> None:
    """Each mistake is told with its key and what would do."""
    secret(tmp_path)
    with pytest.raises(ConfigurationError) as wrong:
        load(write(tmp_path, keys))
    assert problem in str(wrong.value)
    assert len(wrong.value.mistakes) == 1
    assert SECRET not in str(wrong.value)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o620, 0o601])
def test_a_secret_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """A secret that is none is refused, with what mends it; a service's group may read."""
    file = secret(tmp_path, mode=mode)
    with pytest.raises(ConfigurationError, match=f"others can read or change the file: chmod o=,g-w {file}"):
        socket_of(tmp_path, f"{OSCORE}}}")
    file.chmod(0o640)
    assert socket_of(tmp_path, f"{OSCORE}}}").coap is not None


@pytest.mark.parametrize("content", ["", "ab", 15 * "ab", 65 * "ab", 16 * "xy", SECRET[1:], f"{SECRET}\n{SECRET}"])
def test_what_is_no_secret(tmp_path: Path, content: str) -> None:
    """A file with something else is refused, without showing it."""
    secret(tmp_path, content)
    with pytest.raises(ConfigurationError, match=r"oscore\.secret_file: the file ") as wrong:
        socket_of(tmp_path, f"{OSCORE}}}")
    assert len(content) < 8 or content[:8] not in str(wrong.value)


def test_a_key_of_two_sockets(tmp_path: Path) -> None:
    """No two sockets seal with one key, for each number is used once; with ids of their own they may share a secret."""
    secret(tmp_path)
    keys = f"{OSCORE}}}"
    other = keys.replace("''", "'SENDER'")
    frame = f"{FRAME.format(keys=keys)}      u: {{{other}}}\n"
    file = tmp_path / "bridge.yaml"
    file.write_text(frame.replace("SENDER", ""))
    with pytest.raises(ConfigurationError, match=r"u\.oscore: the socket t of the modem shed has this key"):
        load(file)
    file.write_text(frame.replace("SENDER", "02"))
    assert len(load(file).modems[0].sockets) == 2


@pytest.mark.parametrize("missing", ["aiocoap", "cbor2", "cryptography", "filelock"])
def test_without_the_extra_oscore(tmp_path: Path, missing: str) -> None:
    """Where something that it needs is not installed, the configuration says what is missing."""
    secret(tmp_path)
    with (
        patch("sim7020_bridge.config.sealing_checks.find_spec", side_effect=lambda name: name != missing),
        pytest.raises(ConfigurationError, match=r"t\.oscore: needs the extra oscore, which is not installed: pip"),
    ):
        socket_of(tmp_path, f"{OSCORE}}}")
