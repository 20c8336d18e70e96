"""Every SQL statement of the far end: numbers that were used, messages that were done, commands that wait."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

WINDOW: Final = 64
"""By how much a number may be lower than the highest and still be taken, for datagrams overtake each other."""

KEPT: Final = 4096
"""Numbers of a key that are remembered: for so many back a message is known to be done, and a number to be used."""

MOST_COMMANDS: Final = 1000
"""Commands that may wait for one modem."""

_PRUNE_EVERY: Final = 64
_EPOCH: Final = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
_OWN_A_SECOND: Final = 16

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS place (inode INTEGER NOT NULL, device INTEGER NOT NULL, written REAL NOT NULL);
CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    floor INTEGER,           -- no number below it is taken; without one nothing is known of what was
    own INTEGER NOT NULL     -- the next number of the far end's own
);
CREATE TABLE IF NOT EXISTS numbers (
    key INTEGER NOT NULL,
    number INTEGER NOT NULL,
    seal BLOB,               -- what the number was used for; without one it was not met itself
    done INTEGER NOT NULL,   -- whether the message that was first sealed under it is published
    PRIMARY KEY (key, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS modems (
    name TEXT PRIMARY KEY,
    heard REAL,
    address TEXT,
    next INTEGER NOT NULL    -- the number of the next command
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    modem TEXT NOT NULL,
    number INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (modem, number)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a number, and of the message that a request with it is.

    Args:
        known: Whether it is known at all which numbers were used.
        used: What the number was used for, if that is known.
        old: Whether it is too low to be taken.
        done: Whether the message is published already.
    """

    known: bool
    used: bytes | None
    old: bool
    done: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """A request with which it is clear what becomes of it.

    Args:
        key: The key it was sealed with.
        number: The number under which.
        seal: What the number was used for.
        first: The number under which its message was first sealed, if that is published now; else None.
        modem: Who sent it.
        heard: When, in seconds since 1970.
        address: From where.
        has: The last command that the modem has; None if it doesn't say.
    """

    key: int
    number: int
    seal: bytes
    first: int | None
    modem: str
    heard: float
    address: str
    has: int | None


@dataclass(frozen=True, slots=True)
class Command:
    """What waits for a modem."""

    number: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a modem.

    Args:
        heard: When it was last heard, in seconds since 1970.
        address: From where.
        waiting: How many commands wait for it.
    """

    heard: float | None
    address: str | None
    waiting: int


@dataclass(frozen=True, slots=True)
class After:
    """What is to be done once a request is settled.

    Args:
        command: The command that its answer is to bring; None if none waits.
        delivered: Whether commands were let go of, since the modem has them.
        known: What is known of the modem now.
    """

    command: Command | None
    delivered: bool
    known: Known


def forget_windows(database: sqlite3.Connection) -> None:
    """Have nothing known of the numbers that were used: what is known is not the newest."""
    database.execute("UPDATE keys SET floor = NULL")


def key(database: sqlite3.Connection, name: str, now: float) -> int:
    """Return the id of a key, made if it is new."""
    own = max(0, int((now - _EPOCH) * _OWN_A_SECOND))
    database.execute("INSERT OR IGNORE INTO keys (name, own) VALUES (?, ?)", (name, own))
    [[found]] = database.execute("SELECT id FROM keys WHERE name = ?", (name,))
    return int(found)


def own_number(database: sqlite3.Connection, key: int, now: float) -> int:
    """Return a number of the far end's own that was never used with a key: none that a lost file may have given."""
    least = max(0, int((now - _EPOCH) * _OWN_A_SECOND))
    [[number]] = database.execute(
        "UPDATE keys SET own = MAX(own, ?) + 1 WHERE id = ? RETURNING own - 1", (least, key)
    ).fetchall()
    return int(number)


def standing(database: sqlite3.Connection, key: int, number: int, first: int) -> Standing:
    """Return what is known of a number and of a message."""
    [[floor]] = database.execute("SELECT floor FROM keys WHERE id = ?", (key,))
    rows = dict(_numbers(database, key, number, first))
    used, _ = rows.get(number, (None, False))
    _, done = rows.get(first, (None, False))
    return Standing(known=floor is not None, used=used, old=floor is not None and number < floor, done=done)


def begin(database: sqlite3.Connection, key: int, number: int) -> None:
    """Take a number, and none below it: its request is known to be no old one."""
    database.execute("UPDATE keys SET floor = ? WHERE id = ?", (number, key))


def settle(database: sqlite3.Connection, settled: Settled) -> After:
    """Keep what became of a request."""
    database.execute(
        "INSERT INTO numbers (key, number, seal, done) VALUES (?, ?, ?, 0) "
        "ON CONFLICT DO UPDATE SET seal = excluded.seal",
        (settled.key, settled.number, settled.seal),
    )
    if settled.first is not None:
        done(database, settled.key, settled.first)
    database.execute(
        "UPDATE keys SET floor = MAX(floor, ? - ?) WHERE id = ?", (settled.number, WINDOW - 1, settled.key)
    )
    if settled.number % _PRUNE_EVERY == 0:
        database.execute(
            "DELETE FROM numbers WHERE key = ?1 AND number <= "
            "(SELECT number FROM numbers WHERE key = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
            (settled.key, KEPT),
        )
    database.execute(
        "UPDATE modems SET heard = ?, address = ? WHERE name = ?", (settled.heard, settled.address, settled.modem)
    )
    delivered = settled.has is not None and _forget(database, settled.modem, settled.has)
    rows = database.execute(
        "SELECT number, payload FROM commands WHERE modem = ? ORDER BY number LIMIT 1", (settled.modem,)
    )
    command = next((Command(int(number), bytes(payload)) for number, payload in rows), None)
    return After(command, delivered, known(database, settled.modem))


def done(database: sqlite3.Connection, key: int, first: int) -> None:
    """Keep that a message is published."""
    database.execute(
        "INSERT INTO numbers (key, number, done) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET done = 1", (key, first)
    )


def modem(database: sqlite3.Connection, name: str, now: float) -> Known:
    """Return what is known of a modem; whoever is new begins with a command number that it has never been given."""
    database.execute("INSERT OR IGNORE INTO modems (name, next) VALUES (?, ?)", (name, max(1, int(now - _EPOCH))))
    return known(database, name)


def known(database: sqlite3.Connection, modem: str) -> Known:
    """Return what is known of a modem."""
    [[heard, address]] = database.execute("SELECT heard, address FROM modems WHERE name = ?", (modem,))
    return Known(heard, address, _waiting(database, modem))


def add(database: sqlite3.Connection, modem: str, payload: bytes) -> int | None:
    """Keep a command until the modem has it, and return its number; None if there is no room."""
    if _waiting(database, modem) >= MOST_COMMANDS:
        return None
    [[number]] = database.execute(
        "UPDATE modems SET next = next + 1 WHERE name = ? RETURNING next - 1", (modem,)
    ).fetchall()
    database.execute("INSERT INTO commands (modem, number, payload) VALUES (?, ?, ?)", (modem, number, payload))
    return int(number)


def _waiting(database: sqlite3.Connection, modem: str) -> int:
    [[count]] = database.execute("SELECT COUNT(*) FROM commands WHERE modem = ?", (modem,))
    return int(count)


def _forget(database: sqlite3.Connection, modem: str, has: int) -> bool:
    """Let go of the commands that a modem has; say whether there were any."""
    [[following]] = database.execute("SELECT next FROM modems WHERE name = ?", (modem,))
    if has < following:
        return database.execute("DELETE FROM commands WHERE modem = ? AND number <= ?", (modem, has)).rowcount > 0
    # the modem has a number that was never given: this file is an older one, and what waits goes on from there
    [[ahead]] = database.execute(
        "SELECT ? + 1 - COALESCE(MIN(number), ?) FROM commands WHERE modem = ?", (has, following, modem)
    )
    database.execute("UPDATE commands SET number = number + ? WHERE modem = ?", (ahead, modem))
    database.execute("UPDATE modems SET next = next + ? WHERE name = ?", (ahead, modem))
    return False


def _numbers(
    database: sqlite3.Connection, key: int, number: int, first: int
) -> Iterator[tuple[int, tuple[bytes | None, bool]]]:
    rows = database.execute(
        "SELECT number, seal, done FROM numbers WHERE key = ? AND number IN (?, ?)", (key, number, first)
    )
    for found, seal, is_done in rows:
        yield int(found), (None if seal is None else bytes(seal), bool(is_done))
