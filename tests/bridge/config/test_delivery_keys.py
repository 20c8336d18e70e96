"""The keys about delivery: what they read, and what is wrong with what."""

from pathlib import Path

import pytest

from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import (
    BatchFormat,
    Billing,
    DataBudgetSettings,
    OutboxSettings,
    PriorityName,
    WhenFull,
    WhenUnsure,
)
from sim7020_bridge.errors import ConfigurationError

FRAME = """\
mqtt: {{host: broker}}
state_dir: /var/lib/x
modems:
  shed:
    port: /dev/ttyUSB0
    {modem}
    sockets:
      t: {{protocol: {protocol}, host: 192.0.2.1, port: 5{socket}}}
"""


def write(directory: Path, modem: str = "", socket: str = "", protocol: str = "udp") -> Path:
    """Write a file with more keys for the modem and the socket."""
    file = directory / "bridge.yaml"
    file.write_text(FRAME.format(modem=modem, socket=f", {socket}" if socket else "", protocol=protocol))
    return file


def test_defaults(tmp_path: Path) -> None:
    """Without keys, messages wait for ever, go again when in doubt, and bytes are only counted."""
    [modem] = load(write(tmp_path)).modems
    assert modem.outbox == OutboxSettings()
    assert modem.data_budget == DataBudgetSettings()
    [socket] = modem.sockets
    assert (socket.ttl, socket.when_unsure, socket.batch, socket.min_interval) == (None, WhenUnsure.RESEND, None, 0)


def test_all_keys(tmp_path: Path) -> None:
    """Every key has its place in the settings."""
    modem = (
        "outbox: {max_messages: 5, max_bytes: 2048, when_full: drop_oldest, max_received: 7}\n"
        "    data_budget: {bytes: 1000, first_day: 15, billing: sessions}"
    )
    socket = (
        "ttl: 60, when_unsure: fail, min_interval: 0.5, messages_per_hour: 9, batch: json, batch_wait: 3, "
        "dead_letter_topic: dead/letters, pool: meters"
    )
    [read] = load(write(tmp_path, modem, socket)).modems
    assert read.outbox == OutboxSettings(5, 2048, WhenFull.DROP_OLDEST, 7)
    assert read.data_budget == DataBudgetSettings(1000, 15, Billing.SESSIONS)
    [one] = read.sockets
    assert (one.ttl, one.when_unsure, one.min_interval, one.messages_per_hour) == (60, WhenUnsure.FAIL, 0.5, 9)
    assert (one.batch, one.batch_wait, one.dead_letter_topic) == (BatchFormat.JSON, 3, "dead/letters")
    assert one.pool == "meters"


@pytest.mark.parametrize(
    ("modem", "socket", "protocol", "problem"),
    [
        ("", "ttl: 0", "udp", "ttl: must be a whole number from 1 to 31622400"),
        ("", "when_unsure: retry", "udp", "when_unsure: must be one of resend, fail"),
        ("", "min_interval: -1", "udp", "min_interval: must be a number of seconds from 0 to 86400"),
        ("", "messages_per_hour: 0", "udp", "messages_per_hour: must be a whole number from 1"),
        ("", "batch: lines", "udp", "batch: must be one of newline, length, json"),
        ("", "batch: json", "tcp", "batch: is for udp only"),
        ("", "keep_alive: 29", "tcp", "keep_alive: must be a whole number from 30 to 7200"),
        ("", "keep_alive: 600", "udp", "keep_alive: is for tcp only"),
        ("", "batch_wait: 5", "udp", "batch_wait: needs batch as well"),
        ("", "dead_letter_topic: sim7020/x", "udp", "dead_letter_topic: topics under sim7020/ are the bridge's own"),
        ("", "dead_letter_topic: a/b, send_topics: [a/+]", "udp", "own dead_letter_topic a/b: that is a loop"),
        (
            "",
            "pool: request",
            "udp",
            "pool: a pool can't be called alert, request, response, socket: these are words of",
        ),
        ("", "pool: a/b", "udp", "pool: a name has 1 to 32 characters of a-z, 0-9, _ and -"),
        ("", "pool: p}\n      u: {protocol: udp, host: h, port: 1, pool: p", "udp", "t of this modem is in that pool"),
        ("outbox: {max_messages: 0}", "", "udp", "max_messages: must be a whole number from 1 to 1000000"),
        ("outbox: {max_bytes: 1}", "", "udp", "max_bytes: must be a whole number from 1024"),
        ("outbox: {when_full: drop}", "", "udp", "must be one of reject, drop_oldest"),
        ("data_budget: {first_day: 29}", "", "udp", "first_day: must be a whole number from 1 to 28"),
        ("data_budget: {billing: session}", "", "udp", "billing: must be one of bytes, packets, sessions"),
        ("data_budget: {byte: 3}", "", "udp", "did you mean bytes"),
    ],
)
def test_mistakes(tmp_path: Path, modem: str, socket: str, protocol: str, problem: str) -> None:
    """Each mistake is told with its key and what would do."""
    with pytest.raises(ConfigurationError) as wrong:
        load(write(tmp_path, modem, socket, protocol))
    assert problem in str(wrong.value)
    assert len(wrong.value.mistakes) == 1


@pytest.mark.parametrize("protocol", ["3.1.1", '"3.1.1"'])
def test_pool_needs_mqtt_5(tmp_path: Path, protocol: str) -> None:
    """MQTT 3.1.1 has no shared subscriptions, and the mistake says so at the pool's own line."""
    file = write(tmp_path, socket="pool: meters")
    file.write_text(file.read_text().replace("{host: broker}", f"{{host: broker, protocol: {protocol}}}"))
    with pytest.raises(ConfigurationError, match=r"8: modems.shed.sockets.t.pool: needs MQTT 5, and mqtt.protocol is"):
        load(file)


def test_who_may_do_what(tmp_path: Path) -> None:
    """Where answers may go, the most urgent that a sender may be, and a client identifier are the configuration's."""
    file = write(tmp_path, modem="client_id: a-thing", socket="highest_priority: normal")
    [modem] = load(file).modems
    assert (modem.client_id, modem.sockets[0].highest_priority) == ("a-thing", PriorityName.NORMAL)
    assert load(file).mqtt.response_topics is None
    file.write_text(file.read_text().replace("{host: broker}", "{host: broker, response_topics: [answers/#]}"))
    assert load(file).mqtt.response_topics == ("answers/#",)


def test_other_nodes_of_a_cluster(tmp_path: Path) -> None:
    """A broker may be a list; each may have a port of its own, and else has the one that stands beside the list."""
    file = write(tmp_path)
    before = file.read_text()
    hosts = "['a.example:1884', b.example, '[2001:db8::1]:1885', '2001:db8::2']"
    for port, other in (("", 1883), (", port: 1999", 1999), (", tls: {}", 8883)):
        file.write_text(before.replace("{host: broker}", f"{{host: {hosts}{port}}}"))
        nodes = [(node.host, node.port) for node in load(file).mqtt.nodes]
        assert nodes == [
            ("a.example", 1884), ("b.example", other), ("2001:db8::1", 1885), ("2001:db8::2", other)
        ]  # fmt: skip
    file.write_text(before.replace("{host: broker}", "{host: 'a.example:1884'}"))
    assert [(node.host, node.port) for node in load(file).mqtt.nodes] == [("a.example", 1884)]


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("[]", "mqtt.host: must not be an empty list: name brokers, such as"),
        ("[a, 'mqtt://b']", "mqtt.host, item 2: must be HOST or HOST:PORT, without mqtt://"),
        ("[a, {host: b}]", "mqtt.host, item 2: must be text"),
        ("'a:0'", "mqtt.host: must be a whole number from 1 to 65535"),
    ],
)
def test_brokers_that_are_none(tmp_path: Path, host: str, problem: str) -> None:
    """The one that is wrong is told, and what would do."""
    file = write(tmp_path)
    file.write_text(file.read_text().replace("{host: broker}", f"{{host: {host}}}"))
    with pytest.raises(ConfigurationError) as wrong:
        load(file)
    assert problem in str(wrong.value)


def test_client_ids_that_are_none_or_two_modems(tmp_path: Path) -> None:
    """Two modems with one identifier would take the session from each other."""
    file = write(tmp_path, modem="client_id: a-thing")
    file.write_text(f"{file.read_text()}  attic: {{port: /dev/ttyUSB1, client_id: a-thing}}\n")
    with pytest.raises(ConfigurationError, match=r"attic\.client_id: the modem shed has it: each needs its own"):
        load(file)
    for base, taken in (("sim7020", "attic"), ("house/modems", "house.modems.attic")):
        file = write(tmp_path, modem=f"client_id: sim7020-bridge-{taken}")
        text = file.read_text().replace("{host: broker}", f"{{host: broker, base_topic: {base}}}")
        file.write_text(f"{text}  attic: {{port: /dev/ttyUSB1}}\n")
        with pytest.raises(ConfigurationError, match=r"shed\.client_id: the modem attic has it: each needs its own"):
            load(file)
    file = write(tmp_path, modem=f"client_id: {'x' * 257}")
    with pytest.raises(ConfigurationError, match="must have at most 256 characters"):
        load(file)
