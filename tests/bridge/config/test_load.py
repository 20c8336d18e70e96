"""Good files become settings; bad ones become one clear message per mistake."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.site.configuration_keys import with_keys
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import (
    Encoding,
    ModemSettings,
    MqttProtocol,
    MqttSettings,
    Settings,
    SocketSettings,
    TlsSettings,
    Transport,
)
from sim7020_bridge.errors import ConfigurationError

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


def mistakes_in(tmp_path: Path, content: str | bytes) -> list[str]:
    """Return the messages that a file gives, without its name."""
    file = tmp_path / "bridge.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    return [line.removeprefix(str(file)).removeprefix(":") for line in str(caught.value).splitlines()]


def whole(mqtt: str = "", modem: str = "", socket: str = "", *, port: str = "port: /dev/ttyUSB0") -> str:
    """Return a good file with lines added to its sections."""
    return (
        f"mqtt: {{host: localhost{', ' if mqtt else ''}{mqtt}}}\n"
        "modems:\n"
        "  shed:\n"
        f"    {port}\n"
        f"    {modem or 'baudrate: 115200'}\n"
        "    sockets:\n"
        "      data:\n"
        "        protocol: udp\n"
        "        host: 198.51.100.7\n"
        f"        {'port: 5005' if not socket.startswith('port:') else socket}\n"
        f"        {socket if not socket.startswith('port:') else 'encoding: raw'}\n"
    )


def test_everything_given_arrives(tmp_path: Path) -> None:
    """Each key of a full file is in the settings."""
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    (tmp_path / "secret").write_text("pässword\n")
    file = tmp_path / "bridge.yaml"
    file.write_text(
        """
        mqtt:
          host: broker.example.net
          port: 8884
          username: bridge
          password_file: secret
          protocol: 3.1.1
          base_topic: nb/iot
          keepalive: 60
          tls: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}
        state_dir: state
        modems:
          shed:
            port: rfc2217://192.0.2.1:4000?ign_set_control
            baudrate: 921600
            apn: iot.1nce.net
            apn_username: user
            apn_password: word
            sockets:
              data:
                protocol: tcp
                host: control.example.net
                port: 7000
                encoding: json
                send_topics: [a/+, b/#]
                received_topic: c/d
              bare: {protocol: udp, host: 198.51.100.7, port: 5005}
          attic:
            port: socket://[::1]:4001
        """
    )
    assert load(file) == Settings(
        MqttSettings(
            host="broker.example.net",
            port=8884,
            username="bridge",
            password="pässword",  # noqa: S106 - it comes from the file above
            protocol=MqttProtocol.V311,
            base_topic="nb/iot",
            keepalive=60,
            tls=TlsSettings(tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"),
        ),
        (
            ModemSettings(
                "shed",
                "rfc2217://192.0.2.1:4000?ign_set_control",
                921600,
                "iot.1nce.net",
                "user",
                "word",
                (
                    SocketSettings(
                        "data", Transport.TCP, "control.example.net", 7000, Encoding.JSON, ("a/+", "b/#"), "c/d"
                    ),
                    SocketSettings("bare", Transport.UDP, "198.51.100.7", 5005),
                ),
            ),
            ModemSettings("attic", "socket://[::1]:4001"),
        ),
        tmp_path / "state",
    )
    assert not (tmp_path / "state").exists()


def test_defaults(tmp_path: Path) -> None:
    """What is left out has the documented value; TLS changes the port."""
    file = tmp_path / "bridge.yaml"
    file.write_text("mqtt: {host: ::1, tls: {}, password: x, username: y}\nmodems: {m: {port: /dev/ttyS0}}\n")
    read = load(file)
    assert read.mqtt == MqttSettings("::1", 8883, "y", "x", tls=TlsSettings())
    assert read.modems == (ModemSettings("m", "/dev/ttyS0"),)


def test_secrets_are_not_in_reprs(tmp_path: Path) -> None:
    """Settings can be logged."""
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "mqtt: {host: h, username: u, password: hunter2}\n"
        "modems: {m: {port: /dev/ttyS0, apn: a, apn_username: u, apn_password: hunter2}}\n"
    )
    assert "hunter2" not in repr(load(file))


def test_byte_order_mark_and_protocol_as_number_or_text(tmp_path: Path) -> None:
    """An editor's byte order mark is harmless, and so are quotes around the protocol."""
    file = tmp_path / "bridge.yaml"
    for written, protocol in (("5", MqttProtocol.V5), ('"5"', MqttProtocol.V5), ('"3.1.1"', MqttProtocol.V311)):
        file.write_text("\ufeff" + whole(f"protocol: {written}"))
        assert load(file).mqtt.protocol is protocol


WRONG = [
    pytest.param("", "the file is empty; at least the keys mqtt and modems are needed", id="empty"),
    pytest.param("# nothing\n", "the file is empty; at least the keys mqtt and modems are needed", id="comment"),
    pytest.param("- mqtt\n", "1: must be a mapping of keys to values", id="list"),
    pytest.param("just text\n", "1: must be a mapping of keys to values", id="text"),
    pytest.param(b"mqtt:\n  host: \xff\n", "2: the file is not UTF-8 text: invalid start byte", id="not UTF-8"),
    pytest.param("mqtt:\n\thost: x\n", "2: not YAML: a tab can't indent or start a value; use blanks", id="tab"),
    pytest.param("mqtt: [1\nmodems: 2\n", "2: not YAML: while parsing a flow sequence: ", id="bracket"),
    pytest.param("mqtt: \x01\n", "1: not YAML: special characters are not allowed", id="control character"),
    pytest.param("mqtt: *secret\n", "1: not YAML: a value that starts with * must be put in quotes", id="alias"),
    pytest.param("a: 2020-13-45\n", "not YAML: a value looks like a number or a date and is none", id="date"),
    pytest.param("[" * 1000, "not YAML: nested too deeply", id="deep"),
    pytest.param("#" * 1048577, "the file has more than 1048576 bytes", id="huge"),
    pytest.param(whole("port: 1883, port: 1884"), "1: mqtt.port: the key is there already, at line 1", id="twice"),
    pytest.param(whole("hosst: x"), "1: mqtt.hosst: there is no such key; did you mean host?", id="typo"),
    pytest.param(whole("zzz: x"), "1: mqtt.zzz: there is no such key; the keys are base_topic, host, ", id="key"),
    pytest.param(
        whole("pasword: hunter2"), "1: mqtt.pasword: there is no such key; did you mean password?", id="typo 2"
    ),
    pytest.param("mqtt: {host: h}\n", "1: modems: the key modems is missing: One or more modems by name", id="missing"),
    pytest.param("mqtt: {host: h}\nmodems: {}\n", "2: modems: at least one modem is needed", id="no modem"),
    pytest.param("mqtt: {host: h}\nmodems:\n", "2: modems: must be a mapping of keys to values", id="null"),
    pytest.param("mqtt: {host: h}\nmodems: {m: }\n", "2: modems.m: must be a mapping of keys to values", id="null 2"),
    pytest.param(whole("port: 0"), "1: mqtt.port: must be a whole number from 1 to 65535 (got 0)", id="port 0"),
    pytest.param(whole("port: 65536"), "1: mqtt.port: must be a whole number from 1 to 65535 (got 65536)", id="port"),
    pytest.param(
        whole('port: "1883"'),
        "1: mqtt.port: must be a whole number from 1 to 65535 without quotes (got '1883')",
        id="quoted port",
    ),
    pytest.param(whole("port: true"), "must be a whole number from 1 to 65535 (got true)", id="true port"),
    pytest.param(whole("port: 1.5"), "must be a whole number from 1 to 65535 (got 1.5)", id="fractional port"),
    pytest.param(whole("protocol: 4"), "1: mqtt.protocol: must be one of 5, 3.1.1 (got 4)", id="protocol"),
    pytest.param(whole("protocol: 3.1"), "must be one of 5, 3.1.1", id="protocol 2"),
    pytest.param(whole("keepalive: 1"), "must be a whole number from 5 to 3600 (got 1)", id="keepalive"),
    pytest.param(whole("base_topic: a/+"), "a topic to publish to has no wildcards (got 'a/+')", id="base wildcard"),
    pytest.param(whole("base_topic: /a"), "must not start or end with a slash, nor have two", id="base slash"),
    pytest.param(whole("base_topic: $SYS"), "topics that start with $ are the broker's own", id="base $"),
    pytest.param(whole("base_topic: ''"), "mqtt.base_topic: must be text that is not empty (got '')", id="base empty"),
    pytest.param(whole("username: 12"), "must be text: put it in quotes, or YAML takes it for", id="number"),
    pytest.param(whole("username: [a]"), "mqtt.username: must be text (got a list)", id="list as text"),
    pytest.param(whole('username: "a\\0"'), "must not contain a zero byte (got 'a\\x00')", id="zero byte"),
    pytest.param(whole("password: 0123, username: u"), "1: mqtt.password: must be text: put it in quotes", id="pw"),
    pytest.param(whole("password: x"), "1: mqtt.password: a password needs a username", id="no username"),
    pytest.param(
        whole("username: u, password_file: no"), "must be a file that can be read: No such file", id="pw file"
    ),
    pytest.param(whole("username: u, password_file: ."), "mqtt.password_file: must be a file (got '.')", id="pw dir"),
    pytest.param(whole("username: u, password_file: empty"), "the file is empty (got 'empty')", id="pw empty"),
    pytest.param(whole("username: u, password_file: binary"), "the file is not UTF-8 text", id="pw binary"),
    pytest.param(whole("username: u, password_file: lines"), "the secret alone, on one line", id="pw lines"),
    pytest.param(whole("username: u, password_file: long"), "more than 4096 bytes", id="pw long"),
    pytest.param(whole('username: u, password_file: "a\\0"'), "must be a file that can be read", id="pw zero"),
    pytest.param(
        whole("username: u, password: hunter2, password_file: good"),
        "1: mqtt.password_file: give password or password_file, not both",
        id="both passwords",
    ),
    pytest.param(whole("tls: true"), "mqtt.tls: must be a mapping of keys to values", id="tls"),
    pytest.param(whole("tls: {ca_file: no}"), "mqtt.tls.ca_file: must be a file that can be read", id="ca"),
    pytest.param(whole("tls: {cert_file: good}"), "mqtt.tls.cert_file: needs key_file as well", id="cert"),
    pytest.param(whole("tls: {key_file: good}"), "mqtt.tls.key_file: needs cert_file as well", id="key file"),
    pytest.param(
        "mqtt: {host: 'mqtt://u:hunter2@h'}\nmodems: {m: {port: /dev/x}}",
        "1: mqtt.host: must be HOST or HOST:PORT, without mqtt:// (got 'mqtt://***@h')",
        id="host URL",
    ),
    pytest.param(whole(socket="received_topic: sim7020/x"), "11: modems.shed.sockets.data.received_topic: ", id="own"),
    pytest.param(whole(socket="received_topic: a/#"), "a topic to publish to has no wildcards", id="received"),
    pytest.param(whole(socket="received_topic: $a"), "topics that start with $ are the broker's own", id="received $"),
    pytest.param(whole(socket="send_topics: a"), "must be a list of topics, such as [garden/+", id="no list"),
    pytest.param(whole(socket="send_topics: [a+]"), "item 1: the wildcard + must be a whole level", id="plus"),
    pytest.param(whole(socket="send_topics: [a/#/b]"), "the wildcard # must be the whole last level", id="hash"),
    pytest.param(whole(socket="send_topics: ['']"), "send_topics, item 1: must be text", id="empty topic"),
    pytest.param(whole(socket='send_topics: ["a\\n"]'), "a topic must not contain control characters", id="newline"),
    pytest.param(whole(socket="send_topics: [$share/g/a]"), "shared subscriptions are for pools", id="shared"),
    pytest.param(whole(socket="send_topics: [a, 5]"), "item 2: must be text: put it in quotes", id="number 2"),
    pytest.param(
        whole(socket="send_topics: ['+/shed/info']"),
        "must not match topics under sim7020/, which are the bridge's own (got '+/shed/info')",
        id="own topics",
    ),
    pytest.param(
        whole(socket="send_topics: [a/+]\n        received_topic: a/b"),
        "must not match the socket's own received_topic a/b: that is a loop (got 'a/+')",
        id="loop",
    ),
    pytest.param(whole(socket="send_topics: [a/+, a/b]"), "item 2: this socket takes a/+ already", id="overlap"),
    pytest.param(
        whole(socket="send_topics: [a/+]") + "      two: {protocol: udp, host: h, port: 1, send_topics: [a/b]}\n",
        "12: modems.shed.sockets.two.send_topics, item 1: the socket data takes a/+ already",
        id="overlap 2",
    ),
    pytest.param(
        whole(socket="encoding: bas64"),
        "must be one of raw, text, hex, base64, json; did you mean base64?",
        id="encoding",
    ),
    pytest.param(whole(socket="port: 70000"), "data.port: must be a whole number from 1 to 65535", id="socket port"),
    pytest.param(whole(socket="host: x"), "the key is there already, at line 9", id="host twice"),
    pytest.param(whole(modem="baudrate: 9601"), "5: modems.shed.baudrate: must be one of 110, 300", id="baudrate"),
    pytest.param(whole(modem="baudrate: 0"), "modems.shed.baudrate: must be one of 110, 300", id="auto-baud"),
    pytest.param(whole(modem="apn: 'a\"b'"), "an APN has 1 to 100 printable ASCII characters, without", id="apn"),
    pytest.param(whole(modem='apn: "a\\r\\nAT+CFUN=0"'), "an APN has 1 to 100 printable ASCII", id="apn injection"),
    pytest.param(whole(modem=f"apn: {'a' * 101}"), "an APN has 1 to 100 printable ASCII", id="apn length"),
    pytest.param(whole(modem="apn_username: u"), "modems.shed.apn_username: needs apn as well", id="apn username"),
    pytest.param(whole(modem="apn_password: p"), "modems.shed.apn_password: needs apn_username as well", id="apn pw"),
    pytest.param(whole(port="port: ttyUSB0"), "4: modems.shed.port: must be a path such as /dev/ttyUSB0, or", id="tty"),
    pytest.param(whole(port="port: COM3"), "modems.shed.port: must be a path such as", id="COM3"),
    pytest.param(whole(port="port: telnet://h:23"), "modems.shed.port: must be a path such as", id="scheme"),
    pytest.param(whole(port="port: socket://h"), "or rfc2217://host:port, with a port from 1 to 65535", id="no port"),
    pytest.param(whole(port="port: socket://h:0"), "or rfc2217://host:port, with a port from 1", id="port zero"),
    pytest.param(whole(port="port: socket://h:99999"), "must be a path such as /dev/ttyUSB0, or socket", id="URL port"),
    pytest.param(whole(port="port: socket://:1"), "modems.shed.port: must be text", id="URL host"),
    pytest.param(whole(port="port: socket://u:hunter2@h:1"), "(got 'socket://***@h:1')", id="URL login"),
    pytest.param(whole(port="port: socket://h:1?x"), "a socket:// URL has nothing after the port", id="URL query"),
    pytest.param(whole(port="port: 'socket://[x:1'"), "must be a path such as /dev/ttyUSB0", id="URL bracket"),
    pytest.param(whole(port='port: "/dev/a\\0"'), "a path has no zero byte", id="path zero byte"),
    pytest.param(
        whole() + "  attic: {port: /dev/../dev/ttyUSB0}\n",
        "12: modems.attic.port: the modem shed has this port already (got '/dev/../dev/ttyUSB0')",
        id="same port",
    ),
    pytest.param(whole().replace("shed:", "Shed:"), "3: modems.Shed: a name has 1 to 32 characters", id="name"),
    pytest.param(whole().replace("shed:", f"{'s' * 33}:"), "a name has 1 to 32 characters", id="long name"),
    pytest.param(whole().replace("data:", "5:"), "7: modems.shed.sockets.5: must be text: put it in quotes", id="5"),
    pytest.param(
        whole().replace("data:", '"a\\nb":'), "7: modems.shed.sockets.'a\\nb': a name has 1", id="key newline"
    ),
    pytest.param(whole().replace("data:", "? [a, b]\n      :"), "a name has 1 to 32|must be text", id="list as key"),
    pytest.param(
        whole() + "".join(f"      s{n}: {{protocol: udp, host: h, port: 1}}\n" for n in range(5)),
        "6: modems.shed.sockets: a modem has at most 5 sockets, and these are 6",
        id="six sockets",
    ),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_one_clear_message(tmp_path: Path, content: str | bytes, message: str) -> None:
    """Each kind of mistake is told once, with its line and what is allowed, and no secret."""
    (tmp_path / "good").write_text("x")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "lines").write_text("one\ntwo\n")
    (tmp_path / "long").write_text("x" * 4097)
    mistakes = mistakes_in(tmp_path, content)
    assert len(mistakes) == 1, mistakes
    assert any(part in mistakes[0] for part in message.split("|")), mistakes
    assert "hunter2" not in mistakes[0]
    assert len(mistakes[0]) < 400


@pytest.mark.parametrize(
    "host",
    ["1.2.3", "256.1.1.1", "a..b", "-a", "a b", "a" * 64, ".", "a..", "192.0.2.1.", f"{'a.' * 127}a", "a/b", "h:1:2"],
)
@pytest.mark.parametrize("section", ["mqtt", "socket"])
def test_wrong_hosts(tmp_path: Path, host: str, section: str) -> None:
    """What is neither an address nor a host name is refused wherever a host is asked for."""
    content = whole().replace("localhost" if section == "mqtt" else "198.51.100.7", f"'{host}'")
    [mistake] = mistakes_in(tmp_path, content)
    assert ".host: must be an " in mistake


def test_a_dot_behind_a_name(tmp_path: Path) -> None:
    """It is DNS's own way to write a whole name; the module's client has no search domain that it would keep off."""
    content = whole().replace("localhost", "broker.lan.").replace("198.51.100.7", "peer.example.net.")
    (tmp_path / "bridge.yaml").write_text(content)
    settings = load(tmp_path / "bridge.yaml")
    assert settings.mqtt.host == "broker.lan."
    assert settings.modems[0].sockets[0].host == "peer.example.net"


def test_ipv6_peer(tmp_path: Path) -> None:
    """The module's sockets are IPv4, and the message says so."""
    [mistake] = mistakes_in(tmp_path, whole().replace("198.51.100.7", "'2001:db8::1'"))
    assert "the module's sockets are opened over IPv4 (got '2001:db8::1')" in mistake


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    """A file with many mistakes gives them all, in the order of its lines."""
    mistakes = mistakes_in(
        tmp_path,
        """\
mqtt:
  hots: x
  port: 0
  password: 12345
modems:
  Shed:
    port: x
    sockets:
      a: {protocol: sctp, host: 1.2.3, port: -1, encoding: utf8}
      b: 5
  two: {}
""",
    )
    assert [mistake.split(": ")[:2] for mistake in mistakes] == [
        ["1", "mqtt.host"],
        ["2", "mqtt.hots"],
        ["3", "mqtt.port"],
        ["4", "mqtt.password"],
        ["4", "mqtt.password"],
        ["6", "modems.Shed"],
        ["7", "modems.Shed.port"],
        ["9", "modems.Shed.sockets.a.protocol"],
        ["9", "modems.Shed.sockets.a.host"],
        ["9", "modems.Shed.sockets.a.port"],
        ["9", "modems.Shed.sockets.a.encoding"],
        ["10", "modems.Shed.sockets.b"],
        ["11", "modems.two.port"],
    ]
    assert not any("12345" in mistake for mistake in mistakes)


def test_long_values_are_cut(tmp_path: Path) -> None:
    """A message stays readable whatever the value is."""
    [mistake] = mistakes_in(tmp_path, whole(socket=f"encoding: {'x' * 500}"))
    assert mistake.endswith("xxx...)")


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    """Common settings can be written once."""
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "mqtt: {host: h}\nmodems:\n  a: &a\n    port: /dev/ttyS0\n    apn: x\n  b:\n    <<: *a\n    port: /dev/ttyS1\n"
    )
    assert load(file).modems == (ModemSettings("a", "/dev/ttyS0", apn="x"), ModemSettings("b", "/dev/ttyS1", apn="x"))


def test_recursive_anchors_are_no_trap(tmp_path: Path) -> None:
    """A mapping that holds itself is a mistake like any other."""
    assert any("there is no such key" in mistake for mistake in mistakes_in(tmp_path, "mqtt: &m {host: h, x: *m}\n"))


@given(st.text(st.sampled_from(list("mqt:{}[]&*a-1 \n\t'\"#!|>%@`?,<\\\0é\ud800")), max_size=60))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_mistakes(tmp_path: Path, content: str) -> None:
    """No text at all gets anything but mistakes out of the reader."""
    assert mistakes_in(tmp_path, content.encode(errors="surrogatepass"))


def test_the_page_has_every_key(tmp_path: Path) -> None:
    """The documented example loads, and the table of keys is what the schema says."""
    page = DOCUMENT.read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(mqtt:\n.*?)```", page, re.DOTALL)
    assert example
    file = tmp_path / "bridge.yaml"
    file.write_text(example[1], encoding="utf-8")
    assert [modem.name for modem in load(file).modems] == ["shed"]
    assert with_keys(page) == page, "run script/configuration-keys"


def test_secrets_that_are_not_needed(tmp_path: Path) -> None:
    """Their files may be away, also of a modem that is shown in two places or merged into another."""
    file = tmp_path / "bridge.yaml"
    file.write_text(
        """
        mqtt: {host: 127.0.0.1, username: u, password_file: away}
        modems:
          a: &a {port: /dev/ttyUSB0, pin_file: away, sockets: {x: {protocol: udp, host: 198.51.100.7, port: 5005}}}
          b: {<<: *a, port: /dev/ttyUSB1}
        """
    )
    settings = load(file, secrets=False)
    assert [(modem.name, modem.port, modem.pin) for modem in settings.modems] == [
        ("a", "/dev/ttyUSB0", None),
        ("b", "/dev/ttyUSB1", None),
    ]
