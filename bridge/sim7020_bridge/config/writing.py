"""A configuration to start with, as a text with comments: what a person said becomes a file to go on from."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim7020_bridge.config.model import DEFAULT_BAUDRATE, DEFAULT_PORT, DEFAULT_TLS_PORT

Keys = Mapping[str, Any]
"""Keys of a section with their values, as JSON has them; whether they are right the checker says."""

_PLAIN: Final = re.compile(r"(?!(?:null|true|false)$)[a-z][a-z0-9_-]*")
"""A word that YAML takes for itself, and for nothing else."""

_UNSEEN: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What JSON has as it is, and YAML has not."""

_NO_SOCKET: Final = """\
    sockets: {}
    # sockets:
    #   telemetry:
    #     protocol: udp
    #     host: 198.51.100.7
    #     port: 5005
    #     send_topics: [zigbee2mqtt/greenhouse/+]
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the file is to say.

    Args:
        mqtt: Keys of the broker.
        name: The modem's name.
        modem: Keys of the modem, except for its sockets.
        sockets: Keys of its sockets by name.
        http: Keys of the HTTP port; empty for none.
    """

    mqtt: Keys
    name: str
    modem: Keys
    sockets: Mapping[str, Keys] = field(default_factory=dict)
    http: Keys = field(default_factory=dict)


def written(draft: Draft, file: str) -> str:
    """Return the text for a file of that name; right or wrong as what the draft has in it."""
    check = f"sim7020-bridge check {file if file.isprintable() else _yaml(file)}"
    head = f"# A configuration of sim7020-bridge. Every key: docs/configuration.md. What it comes to: {check}\n"
    return "".join((head, *_broker(draft.mqtt), *_http(draft.http), *_modem(draft)))


def _broker(mqtt: Keys) -> Iterator[str]:
    port = DEFAULT_TLS_PORT if isinstance(mqtt.get("tls"), dict) else DEFAULT_PORT
    yield "mqtt:\n"
    yield from _lines({"port": port, **mqtt}, 1, "host", "port", "username", "password_file")
    if "username" not in mqtt:
        yield "  # username: bridge\n  # password_file: mqtt-password\n"


def _http(http: Keys) -> Iterator[str]:
    if http:
        yield "# The page, health and metrics. Beyond this computer the page has a password: sim7020-bridge password.\n"
        yield "http:\n"
        yield from _lines(http, 1)


def _modem(draft: Draft) -> Iterator[str]:
    name = _key(draft.name)
    modem = {key: value for key, value in draft.modem.items() if (key, value) != ("baudrate", DEFAULT_BAUDRATE)}
    yield f"modems:\n  # The modem's name in topics: sim7020/{name}/...\n  {name}:\n"
    yield "    # A name under /dev/serial/by-id stays the same when adapters are plugged in again.\n"
    first = [key for key in ("port", "baudrate", "apn") if key in modem]
    yield from _lines({key: modem[key] for key in first}, 2)
    if "apn" not in modem:
        yield "    # apn: iot.1nce.net\n"
    if not modem.keys() & {"pin", "pin_file"}:
        yield "    # Only for a SIM that asks for its PIN: a file that holds it alone.\n    # pin_file: sim-pin\n"
    yield from _lines({key: value for key, value in modem.items() if key not in first}, 2)
    if not draft.sockets:
        yield _NO_SOCKET
        return
    yield "    sockets:\n"
    for socket, keys in draft.sockets.items():
        yield from _socket(name, _key(socket), keys)


def _socket(modem: str, name: str, keys: Keys) -> Iterator[str]:
    topic = f"sim7020/{modem}/socket/{name}"
    yield f"      # Publish to {topic}/send, read from {topic}/received.\n      {name}:{'' if keys else ' {}'}\n"
    yield from _lines(keys, 4, "protocol", "host", "port")
    if "send_topics" not in keys:
        yield "        # Also send what is published here; wildcards are allowed.\n"
        yield "        # send_topics: [zigbee2mqtt/greenhouse/+]\n"


def _lines(keys: Keys, depth: int, *first: str) -> Iterator[str]:
    for key in (*(key for key in first if key in keys), *(key for key in keys if key not in first)):
        value = keys[key]
        word = isinstance(value, str) and key in {"protocol", "encoding"} and _PLAIN.fullmatch(value)
        yield f"{'  ' * depth}{_key(key)}: {value if word else _yaml(value)}\n"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _yaml(name)


def _yaml(value: object) -> str:
    """Write a value so that YAML takes it for nothing else; JSON is YAML, but for a few characters."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
