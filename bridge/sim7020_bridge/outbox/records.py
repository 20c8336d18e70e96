"""The outbox's rows: every statement that is made of the database."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sim7020_bridge.outbox.database import damage
from sim7020_bridge.outbox.last_sent import MOST_KEYS, Sent
from sim7020_bridge.outbox.message import (
    Entry,
    Message,
    Numbered,
    Origin,
    PendingKind,
    PendingPublication,
    Priority,
    Publications,
    ReplyTo,
    Stage,
)
from sim7020_bridge.outbox.passing_time import Mark

REMEMBERED: Final = 24 * 3600.0
"""Seconds for which an id that was given is not taken again."""

MOST_REMEMBERED: Final = 100_000
"""Ids that are remembered; the oldest of more are forgotten early."""

UsageRow = tuple[str, int, int, int, int, int, int, int, int]
"""A day as ISO 8601 has it, bytes up, bytes down, and the correction of the billing period that starts then; packets,
padding and sessions; and what of packets and padding the correction has in it."""

SessionRow = tuple[str, int, int, str | None]
"""Of the newest data session a day, its bytes on that, whether it has begun (1 or 0), and its address."""

_MESSAGE: Final = ", ".join(
    (
        *("number", "socket", "id", "priority", "key", "data", "at", "ttl", "taken", "attempts", "stage"),
        *("reply_topic", "correlation_data", "pool", "mark"),
    )
)

_USAGE: Final = "day, up, down, correction, packets, padding, sessions, packets_known, padding_known"

_TAKE_OVER: Final = """
CREATE TEMP TABLE place AS
SELECT :last + row_number() OVER (ORDER BY taken, former) AS number, ours, former FROM (
    SELECT number AS former, taken, 1 AS ours FROM main.message
    UNION ALL SELECT number, taken + :shift, 0 FROM source.message
);
UPDATE main.cancellation AS asked SET number = place.number FROM place WHERE ours AND former = asked.number;
UPDATE main.message AS mine SET number = place.number FROM place WHERE ours AND former = mine.number;
INSERT INTO main.message (
    number, socket, id, priority, key, data, at, ttl, taken, attempts, stage, reply_topic, correlation_data, pool,
    mark
) SELECT
    place.number, socket, id, priority, key, data, at, ttl, taken + :shift, attempts, stage, reply_topic,
    correlation_data, pool, mark
FROM source.message AS theirs JOIN place ON NOT ours AND former = theirs.number;
INSERT INTO main.cancellation
SELECT place.number FROM source.cancellation AS asked JOIN place ON NOT ours AND former = asked.number;
INSERT INTO main.publication (kind, topic, payload, correlation_data)
SELECT kind, topic, payload, correlation_data FROM source.publication ORDER BY number;
CREATE TEMP TABLE sessions AS SELECT count(*) AS ours FROM main.passing_time;
INSERT OR IGNORE INTO main.known
SELECT socket, id, taken + :shift, CASE ours WHEN 0 THEN packet END, CASE ours WHEN 0 THEN digest END
FROM source.known, sessions;
INSERT INTO main.command SELECT socket, number FROM source.command WHERE true
ON CONFLICT DO UPDATE SET number = max(number, excluded.number);
INSERT INTO main.sent SELECT socket, at + :shift FROM source.sent;
INSERT INTO main.last_sent SELECT socket, key, at + :shift, said FROM source.last_sent WHERE true
ON CONFLICT DO UPDATE SET at = excluded.at, said = excluded.said WHERE excluded.at > at;
DELETE FROM source.message;
DELETE FROM source.cancellation;
DELETE FROM source.publication;
DELETE FROM source.known;
DELETE FROM source.command;
DELETE FROM source.sent;
DELETE FROM source.last_sent
"""


@dataclass(frozen=True, slots=True)
class Content:
    """All that an outbox knew when the bridge last ended.

    Args:
        last: The highest number that a message ever had.
        latest: The latest time, of the outbox's own, of which it has a note; 0 if it has none.
        commands: The last that each socket's far end gave it.
    """

    entries: tuple[Entry, ...]
    publications: Numbered
    mark: Mark | None
    usage: tuple[UsageRow, ...]
    session: SessionRow | None
    cancelled: frozenset[int]
    last: int
    sent: tuple[tuple[str, float], ...]
    latest: float
    last_sent: tuple[Sent, ...]
    commands: Mapping[str, int]


def load(connection: sqlite3.Connection) -> Content:
    """Read everything, in the order in which it was taken.

    Raises:
        sqlite3.DatabaseError: It can't be read; it is damaged if there are values that no bridge has written.
    """
    try:
        return _load(connection)
    except (sqlite3.Error, ValueError) as error:
        if hasattr(error, "sqlite_errorcode"):
            raise
        raise damage(str(error)) from error


def _load(connection: sqlite3.Connection) -> Content:
    read = connection.execute
    mark, latest = clock(connection)
    last = read("SELECT seq FROM sqlite_sequence WHERE name = 'message'").fetchone()
    publications = read("SELECT number, kind, topic, payload, correlation_data FROM publication ORDER BY number")
    return Content(
        entries=tuple(_entry(row) for row in read(f"SELECT {_MESSAGE} FROM message ORDER BY number")),  # noqa: S608 - a constant
        publications=tuple(
            (number, PendingPublication(PendingKind(kind), *row)) for number, kind, *row in publications
        ),
        mark=mark,
        usage=tuple(read(f"SELECT {_USAGE} FROM usage")),  # noqa: S608 - a constant
        session=read("SELECT day, bytes, begun, address FROM data_session").fetchone(),
        cancelled=frozenset(number for (number,) in read("SELECT number FROM cancellation")),
        last=0 if last is None else last[0],
        sent=tuple(read("SELECT socket, at FROM sent ORDER BY at")),
        latest=latest,
        last_sent=tuple(Sent(*row) for row in read("SELECT socket, key, at, said FROM last_sent ORDER BY at")),
        commands=dict(read("SELECT socket, number FROM command")),
    )


def clock(connection: sqlite3.Connection, file: str = "main") -> tuple[Mark | None, float]:
    """Read where the own time of an outbox, this or an attached one, stood, and the latest time that it wrote down."""
    read = connection.execute
    marks = [Mark(*row) for row in read(f"SELECT elapsed, boot, uptime, wall FROM {file}.passing_time")]  # noqa: S608
    times = ("taken", "message"), ("taken", "known"), ("at", "sent"), ("at", "last_sent")
    latest = [read(f"SELECT max({at}) FROM {file}.{table}").fetchone()[0] or 0.0 for at, table in times]  # noqa: S608
    return (marks[0] if marks else None), float(max(latest))


def known_in_both(connection: sqlite3.Connection) -> list[str]:
    """Return the ids of messages of the attached ``source`` that are those of others for the same sockets here.

    These may wait, or have ended and are remembered.
    """
    rows = connection.execute(
        "SELECT DISTINCT id FROM source.message WHERE (socket, id) IN "
        "(SELECT socket, id FROM main.message UNION ALL SELECT socket, id FROM main.known) ORDER BY id"
    )
    return [name for (name,) in rows]


def take_over(connection: sqlite3.Connection, shift: float) -> None:
    """Take all that waits out of the file that is attached as ``source``; its times are ``shift`` seconds behind.

    All messages are numbered anew, in the order in which they were taken.
    """
    last = _last(connection)
    for statement in _TAKE_OVER.split(";"):
        connection.execute(statement, {"last": last, "shift": shift})
    count_on(connection, last + connection.execute("SELECT count(*) FROM place").fetchone()[0])


def _last(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'message'").fetchone()
    return 0 if row is None else int(row[0])


def count_on(connection: sqlite3.Connection, last: int) -> None:
    """Have messages in a file made anew numbered on from ``last``."""
    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'message'")
    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('message', ?)", (last,))


def id_is_known(connection: sqlite3.Connection, socket: str, message_id: str, now: float) -> bool:
    """Whether an id was taken for a socket not long ago."""
    query = "SELECT 1 FROM known WHERE socket = ? AND id = ? AND taken > ?"
    return connection.execute(query, (socket, message_id, now - REMEMBERED)).fetchone() is not None


def packet_is_known(connection: sqlite3.Connection, origin: Origin | None) -> bool:
    """Whether the broker brings a packet again of which it has not heard that it was taken."""
    if origin is None or not origin.duplicate:
        return False
    query = "SELECT 1 FROM known WHERE packet = ? AND digest = ?"
    return connection.execute(query, (origin.packet, origin.digest)).fetchone() is not None


def remember(connection: sqlite3.Connection, socket: str, message_id: str, origin: Origin | None, now: float) -> None:
    """Note an id and the packet that brought it; the packet's number is free for others from then on."""
    packet, digest = (None, None) if origin is None else (origin.packet, origin.digest)
    if packet is not None:
        connection.execute("UPDATE known SET packet = NULL, digest = NULL WHERE packet = ?", (packet,))
    connection.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?)", (socket, message_id, now, packet, digest))


def forget_packets(connection: sqlite3.Connection, packets: Iterable[int]) -> None:
    """Forget which message a packet brought: the broker has our acknowledgement and won't bring it again."""
    connection.executemany(
        "UPDATE known SET packet = NULL, digest = NULL WHERE packet = ?", [(packet,) for packet in packets]
    )


def forget_packets_but(connection: sqlite3.Connection, packets: Iterable[int]) -> None:
    """Forget which messages all packets brought but these: the broker would have brought them again by now."""
    known = connection.execute("SELECT packet FROM known WHERE packet IS NOT NULL").fetchall()
    forget_packets(connection, {packet for (packet,) in known}.difference(packets))


def forget_all_packets(connection: sqlite3.Connection) -> None:
    """Forget all packets: they mean nothing in another session (MQTT 5.0 section 4.1)."""
    connection.execute("UPDATE known SET packet = NULL, digest = NULL WHERE packet IS NOT NULL")


def forget_old(connection: sqlite3.Connection, now: float) -> None:
    """Forget ids that may come again, and the oldest of too many ids and keys."""
    connection.execute("DELETE FROM known WHERE taken <= ?", (now - REMEMBERED,))
    surplus = connection.execute("SELECT count(*) FROM known").fetchone()[0] - MOST_REMEMBERED
    if surplus > 0:
        connection.execute(
            "DELETE FROM known WHERE (socket, id) IN (SELECT socket, id FROM known ORDER BY taken LIMIT ?)", (surplus,)
        )
    connection.execute(
        "DELETE FROM last_sent WHERE (socket, key) NOT IN (SELECT socket, key FROM last_sent ORDER BY at DESC LIMIT ?)",
        (MOST_KEYS,),
    )


def note_sent(connection: sqlite3.Connection, socket: str, at: float, remembered: float) -> None:
    """Note when a socket sent, and forget what is too old."""
    connection.execute("DELETE FROM sent WHERE socket = ? AND at <= ?", (socket, at - remembered))
    connection.execute("INSERT INTO sent VALUES (?, ?)", (socket, at))


def note_last_sent(connection: sqlite3.Connection, several: Iterable[Sent]) -> None:
    """Note what was last sent with each key."""
    rows = [(sent.socket, sent.key, sent.at, sent.said) for sent in several]
    connection.executemany("INSERT OR REPLACE INTO last_sent VALUES (?, ?, ?, ?)", rows)


def add(connection: sqlite3.Connection, entry: Entry) -> None:
    """Write a message."""
    message, reply_to = entry.message, entry.message.reply_to
    what = (message.socket, message.id, int(message.priority), message.key, message.data, message.at.isoformat())
    how_far = (message.ttl, entry.taken, entry.attempts, int(entry.stage))
    answer = (None, None) if reply_to is None else (reply_to.topic, reply_to.correlation_data)
    row = (entry.number, *what, *how_far, *answer, message.pool, entry.mark)
    places = ", ".join("?" * len(row))
    connection.execute(f"INSERT OR REPLACE INTO message ({_MESSAGE}) VALUES ({places})", row)  # noqa: S608 - constants


def take_in(
    connection: sqlite3.Connection,
    entry: Entry,
    origin: Origin | None,
    displaced: Sequence[tuple[int, bool, Publications]],
) -> Numbered | None:
    """Write a message, and the ends of those that leave for it; None, and nothing is written, if it was taken before.

    Of each that is ``displaced`` there are its number, whether it is known to be on the disk, and its final receipts:
    one that was on its way there may not have arrived.
    """
    message = entry.message
    if id_is_known(connection, message.socket, message.id, entry.taken) or packet_is_known(connection, origin):
        return None
    remember(connection, message.socket, message.id, origin, entry.taken)
    add(connection, entry)
    there = [receipts for number, committed, receipts in displaced if remove(connection, number) or committed]
    return add_publications(connection, [each for receipts in there for each in receipts])


def progress(connection: sqlite3.Connection, number: int, stage: Stage, attempts: int) -> None:
    """Write how far a message has come."""
    connection.execute("UPDATE message SET stage = ?, attempts = ? WHERE number = ?", (int(stage), attempts, number))


def note_mark(connection: sqlite3.Connection, numbers: Iterable[int], mark: str | None) -> None:
    """Write what messages are known by to whoever opens them."""
    connection.executemany("UPDATE message SET mark = ? WHERE number = ?", [(mark, number) for number in numbers])


def note_commands(connection: sqlite3.Connection, commands: Mapping[str, int]) -> None:
    """Write the last command of each socket's far end."""
    connection.executemany("INSERT OR REPLACE INTO command VALUES (?, ?)", list(commands.items()))


def remove(connection: sqlite3.Connection, number: int) -> bool:
    """Remove a message that has its final receipt; say whether it was there."""
    return connection.execute("DELETE FROM message WHERE number = ?", (number,)).rowcount > 0


def add_publications(connection: sqlite3.Connection, publications: Publications) -> Numbered:
    """Write what is to be published, and return it with its numbers."""
    numbered = []
    for each in publications:
        cursor = connection.execute(
            "INSERT INTO publication (kind, topic, payload, correlation_data) VALUES (?, ?, ?, ?)",
            (int(each.kind), each.topic, each.payload, each.correlation_data),
        )
        numbered.append((cursor.lastrowid or 0, each))
    return tuple(numbered)


def restore_publications(
    connection: sqlite3.Connection, publications: Iterable[tuple[int, PendingPublication]]
) -> None:
    """Write what was pending into a file made anew."""
    connection.executemany(
        "INSERT OR REPLACE INTO publication VALUES (?, ?, ?, ?, ?)",
        [(number, int(each.kind), each.topic, each.payload, each.correlation_data) for number, each in publications],
    )


def remove_publication(connection: sqlite3.Connection, number: int) -> None:
    """Remove what the broker has acknowledged."""
    connection.execute("DELETE FROM publication WHERE number = ?", (number,))


def keep_time(connection: sqlite3.Connection, mark: Mark) -> None:
    """Write where the outbox's own time stands."""
    connection.execute("DELETE FROM passing_time")
    connection.execute(
        "INSERT INTO passing_time VALUES (?, ?, ?, ?)", (mark.elapsed, mark.boot, mark.uptime, mark.wall)
    )


def keep_usage(connection: sqlite3.Connection, rows: Sequence[UsageRow], session: SessionRow) -> None:
    """Write what was counted on each day, and the newest data session, instead of what was there."""
    connection.execute("DELETE FROM usage")
    keep_usage_of_days(connection, rows, session)


def keep_usage_of_days(connection: sqlite3.Connection, rows: Sequence[UsageRow], session: SessionRow) -> None:
    """Write the same for some days, and let the others be."""
    connection.executemany(
        f"INSERT OR REPLACE INTO usage ({_USAGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        rows,
    )
    connection.execute("DELETE FROM data_session")
    connection.execute("INSERT INTO data_session VALUES (?, ?, ?, ?)", session)


def cancellations(connection: sqlite3.Connection, most: int) -> tuple[int, ...]:
    """Read what a command line asked to cancel, so many at a time."""
    rows = connection.execute("SELECT number FROM cancellation ORDER BY number LIMIT ?", (most,))
    return tuple(number for (number,) in rows)


def cancelled(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Note that what a command line asked has been looked at."""
    connection.executemany("DELETE FROM cancellation WHERE number = ?", [(number,) for number in numbers])


def ask_to_cancel(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Ask whoever owns the file to cancel messages."""
    connection.executemany("INSERT OR IGNORE INTO cancellation VALUES (?)", [(number,) for number in numbers])


def still_to_cancel(connection: sqlite3.Connection) -> int:
    """Return how many messages still are to be cancelled."""
    return int(connection.execute("SELECT count(*) FROM cancellation").fetchone()[0])


def waiting(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many messages there are, and how many publications that the broker has not acknowledged."""
    messages, publications = connection.execute(
        "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM publication)"
    ).fetchone()
    return int(messages), int(publications)


def still_there(connection: sqlite3.Connection, numbers: Iterable[int]) -> int:
    """Return how many of these messages have no end yet."""
    query = "SELECT count(*) FROM message WHERE number = ?"
    return sum(connection.execute(query, (number,)).fetchone()[0] for number in numbers)


def _entry(row: Sequence[Any]) -> Entry:
    """Make a message of a row; a STRICT table holds what its columns say."""
    number, socket, message_id, priority, key, data, at, ttl, taken, attempts, stage, topic, correlation, pool, mark = (
        row
    )
    message = Message(
        id=message_id,
        socket=socket,
        data=data,
        at=datetime.fromisoformat(at),
        priority=Priority(priority),
        ttl=ttl,
        key=key,
        reply_to=None if topic is None else ReplyTo(topic, correlation),
        pool=pool,
    )
    return Entry(number, message, taken, attempts, Stage(stage), mark=mark)
