"""The keys about the delivery of messages: what may wait, how it goes out, and what it may cost."""

from sim7020_bridge.config import module_values, values
from sim7020_bridge.config.model import (
    DEFAULT_MAX_PAYLOAD,
    BatchFormat,
    DataBudgetSettings,
    OutboxSettings,
    WhenFull,
    WhenUnsure,
)
from sim7020_bridge.config.schema import Key, Section

DAY = 24 * 3600
LONGEST_TTL = 366 * DAY
MOST_MESSAGES = 1_000_000
MOST_BYTES = 1024**4


SOCKET = (
    Key(
        "ttl",
        values.whole_number(1, LONGEST_TTL),
        "Seconds after which a message that waits is not worth sending any more, 1 to 31622400; "
        "a message may say otherwise itself. Without it, messages wait for ever.",
    ),
    Key(
        "when_unsure",
        values.choice(WhenUnsure),
        "What to do with a message of which nobody knows whether it was sent, because the module, the link or the "
        "bridge died meanwhile: `resend`, so that it may arrive twice, or `fail`, so that it may not arrive.",
    ),
    Key(
        "min_interval",
        module_values.seconds(0, DAY),
        "Shortest time between two messages in seconds, 0 to 86400; others wait.",
    ),
    Key(
        "messages_per_hour",
        values.whole_number(1, MOST_MESSAGES),
        "How many messages may go within any 60 minutes; others wait. Without it, there is no such limit.",
    ),
    Key(
        "batch",
        values.choice(BatchFormat),
        "Put messages that wait together into one datagram of up to `max_payload` bytes, which saves 28 bytes each: "
        "`newline` (each ends with a line feed), `length` (each after its length, two bytes, the high one first) or "
        "`json` (an array of texts). Only with `udp`; without it, each message is a datagram.",
    ),
    Key(
        "batch_wait",
        module_values.seconds(0, DAY),
        "Seconds that a message waits for others to go with, 0 to 86400; `high` and `critical` ones don't.",
    ),
    Key(
        "max_payload",
        values.whole_number(1, DEFAULT_MAX_PAYLOAD),
        "Bytes that the module takes at once, 1 to 512; some firmware takes no more than 256. A longer message is "
        "rejected with `udp`, and goes in parts with `tcp`.",
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
        "Where the payload of a message is published that failed, expired or was dropped, as the socket's `encoding` "
        "has it. Without it, only the receipt tells.",
    ),
)

OUTBOX = Section(
    OutboxSettings,
    Key(
        "max_messages",
        values.whole_number(1, MOST_MESSAGES),
        "Messages that may wait, 1 to 1000000; each takes about 1 KB of memory and its payload.",
    ),
    Key(
        "max_bytes",
        values.whole_number(1024, MOST_BYTES),
        "Bytes that they take, from 1024 on: payload, id, key, Response Topic and Correlation Data.",
    ),
    Key(
        "when_full",
        values.choice(WhenFull),
        "What becomes of a message for which there is no room: `reject`, or `drop_oldest` to give up the oldest "
        "message of the lowest priority instead, never one of a higher priority.",
    ),
    Key(
        "max_received",
        values.whole_number(1, MOST_MESSAGES),
        "Messages from the network that may wait for the broker; beyond that the oldest is dropped, with an event.",
    ),
)

DATA_BUDGET = Section(
    DataBudgetSettings,
    Key(
        "bytes",
        values.whole_number(1, MOST_BYTES),
        "Bytes that may be sent and received in a billing period, headers included. At 80 % there is an alert; "
        "when they are used up, `low` and `normal` messages wait, and `high` and `critical` ones still go. "
        "Without it, bytes are only counted.",
    ),
    Key(
        "first_day",
        values.whole_number(1, 28),
        "The day of the month on which the billing period starts, 1 to 28, at 0:00 UTC.",
    ),
)
