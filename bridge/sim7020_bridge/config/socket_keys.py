"""The keys of one socket, each with its reader and its description."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim7020_bridge.config import coap_url, model, module_values, picking, values
from sim7020_bridge.config.schema import Key, Section, list_of

_DAY = 24 * 3600
_LONGEST_TTL = 366 * _DAY
_MOST_MESSAGES = 1_000_000


class _Socket(Section):
    """A socket, whose peer is a host and a port, or a CoAP resource."""

    def build(self, read: Mapping[str, Any], **more: object) -> model.SocketSettings:
        """Return the settings of a socket; CoAP goes over a UDP one."""
        peer: coap_url.CoapUrl | None = read.get("url")
        keys = {key: value for key, value in read.items() if key not in {"url", "confirmable", "oscore"}}
        if peer is not None:
            given = read.get("oscore")
            keys_of_both = None if given is None else oscore(Path()).build(given)
            resource = model.CoapSettings(
                peer.path, peer.query, confirmable=read.get("confirmable", True), oscore=keys_of_both
            )
            keys |= {"protocol": model.Transport.UDP, "host": peer.host, "port": peer.port}
            more["coap"] = resource
        else:
            keys["protocol"] = model.Transport(keys["protocol"])
        settings: model.SocketSettings = super().build(keys, **more)
        return settings


_PEER = (
    Key("protocol", values.choice(model.Protocol), "`udp`, `tcp` or `coap`.", required=True, field="transport"),
    Key(
        "host",
        values.peer_host,
        "The peer: an IPv4 address, or a name that the module resolves whenever it opens the socket, and not again "
        "before: a UDP socket stays open, at the address it has, for as long as nothing breaks. Needed with `udp` and "
        "`tcp`.",
    ),
    Key("port", values.whole_number(1, values.MAX_PORT), "The peer's port; needed with `udp` and `tcp`.", default=None),
    Key(
        "url",
        coap_url.coap_url,
        "Where messages are posted to, as in `coap://198.51.100.7/t`; needed with `coap`. The port is "
        f"{coap_url.PORT} without one. Short paths cost less. See [CoAP](coap.md).",
        default=None,
    ),
    Key(
        "confirmable",
        module_values.flag,
        "Whether the server has to say that it has each message, which is repeated until it does: `false` for what may "
        "get lost. Only with `coap`; without it, `true`.",
        default=None,
    ),
)

_MESSAGES = (
    Key(
        "encoding",
        values.choice(model.Encoding),
        "How the payload is written on MQTT: `raw`, `text`, `hex`, `base64` or `json`.",
    ),
    Key(
        "payload",
        values.choice(model.PayloadForm),
        "Make JSON small on the air: `cbor`, both ways, or, with `pick`, a `struct` of fixed length. Not with `tcp`; "
        "without it, the bytes go as they are. See [Small on the air](#small-on-the-air).",
    ),
    Key(
        "pick",
        list_of(picking.picked, "fields, such as [temperature, update.state]"),
        "The fields of the JSON object that are sent, in this order, and nothing else: names, with dots between those "
        "of nested ones; for a `struct` each with its type and, if it has one, its scale, as in "
        "`temperature i16 0.01`. Without it, all of it is sent.",
    ),
    Key(
        "every",
        module_values.seconds(1, _DAY),
        "Send of the messages with one key, or from one topic if they have none, the newest only, and that so many "
        "seconds after the last at the earliest, 1 to 86400; `high` and `critical` ones go at once. Not with `tcp`. "
        "See [Delivery](delivery.md#only-what-is-news).",
    ),
    Key(
        "change",
        list_of(picking.banded, "fields of pick, such as [temperature 0.5, occupancy]"),
        "Send such a message only if one of these fields differs from what was last sent by more than its dead band, "
        "or at all if it has none or is not a number. Needs `pick`. "
        "See [Delivery](delivery.md#only-what-is-news).",
    ),
    Key(
        "send_topics",
        list_of(values.topic_filter, "topics, such as [garden/+/temperature]"),
        "Topics whose messages are sent, wildcards included, beside the socket's own `send` topic.",
    ),
    Key(
        "received_topic",
        values.topic,
        "Where received payload is published, beside the socket's own `received` topic.",
    ),
    Key(
        "ttl",
        values.whole_number(1, _LONGEST_TTL),
        "Seconds after which a waiting message is no longer sent, 1 to 31622400; a message can set its own. "
        "Without it, messages wait indefinitely.",
    ),
    Key(
        "when_unsure",
        values.choice(model.WhenUnsure),
        "What to do with a message if it is not known whether it was sent, because the module, the link or the "
        "bridge failed meanwhile: `resend`, so that it may arrive twice, or `fail`, so that it may not arrive.",
    ),
    Key(
        "highest_priority",
        values.choice(model.PriorityName),
        "The highest priority that a sender may give a message: `low`, `normal`, `high` or `critical`; a higher one "
        "is lowered to this. Once the data budget is used up, only `high` and `critical` ones go.",
    ),
    Key(
        "min_interval",
        module_values.seconds(0, _DAY),
        "Shortest time between two messages (with `batch`, two datagrams) in seconds, 0 to 86400; others wait.",
    ),
    Key(
        "messages_per_hour",
        values.whole_number(1, _MOST_MESSAGES),
        "How many messages, with `batch` how many datagrams, may go within any 60 minutes; others wait. Without it, "
        "there is no such limit.",
    ),
    Key(
        "batch",
        values.choice(model.BatchFormat),
        "Put messages that wait together into one datagram of up to `max_payload` bytes, which saves 28 bytes each: "
        "`newline` (each ends with a line feed), `length` (each after its length, two bytes, the high one first) or "
        "`json` (an array of texts). Not with `tcp`; without it, each message is a datagram.",
    ),
    Key(
        "batch_wait",
        module_values.seconds(0, _DAY),
        "Seconds that a message waits for others to go with, 0 to 86400; `high` and `critical` ones don't.",
    ),
    Key(
        "max_payload",
        values.whole_number(1, model.DEFAULT_MAX_PAYLOAD),
        "Bytes that the module accepts at once, 1 to 512; some firmware accepts no more than 256. A longer message is "
        "rejected with `udp`, and goes in parts with `tcp`; with `coap` it is what its head and path leave.",
    ),
    Key(
        "keep_alive",
        values.whole_number(30, 7200),
        "Seconds of silence after which a TCP connection is probed, 30 to 7200, so that a connection that its peer or "
        "a NAT has forgotten is noticed and opened again. Each probe costs 80 bytes. Only with `tcp`; without it, "
        "nothing is sent that you did not send. See [the data budget](delivery.md#the-data-budget).",
    ),
    Key(
        "pool",
        values.pool,
        "A pool that the socket takes messages from as well, shared among all sockets of that pool on any number of "
        "hosts; only while its modem is online, and only with MQTT 5. See [Scale](scale.md#pools).",
    ),
    Key(
        "dead_letter_topic",
        values.topic,
        "Where the payload of a message that failed, expired or was dropped is published, in the socket's `encoding`. "
        "Without it, only the receipt tells.",
    ),
)


def oscore(directory: Path) -> Section:
    """Return the keys of a sealed socket; files are relative to ``directory``."""
    return Section(
        model.OscoreSettings,
        Key(
            "secret_file",
            values.oscore_secret_file(directory),
            "A file that has only the secret, 16 to 64 bytes in hexadecimal, and that nobody else may read; "
            "`openssl rand -hex 16` makes one.",
            required=True,
            field="secret",
        ),
        Key("sender_id", values.hexadecimal(0, 7), 'This end: up to 7 bytes in hexadecimal, `""` too.', required=True),
        Key("recipient_id", values.hexadecimal(0, 7), "The other end, not the same as this one.", required=True),
        Key("salt", values.hexadecimal(0, 64), "What both ends add to the secret, in hexadecimal.", default=None),
        Key(
            "id_context",
            values.hexadecimal(1, 16),
            "What tells this key from others with the same ids, where the server needs it: 1 to 16 bytes in "
            "hexadecimal. It goes with every message.",
            default=None,
        ),
    )


def socket(directory: Path) -> Section:
    """Return the keys of a socket; files are relative to ``directory``."""
    sealed = Key(
        "oscore",
        oscore(directory),
        "Seal what is sent, with keys that the server has as well (OSCORE, RFC 8613). Only with `coap`. "
        "See [Sealed](coap.md#sealed).",
        default=None,
    )
    return _Socket(model.SocketSettings, *_PEER, sealed, *_MESSAGES)
