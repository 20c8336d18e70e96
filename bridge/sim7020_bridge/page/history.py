"""A week of every modem, minute by minute, and its last messages, in one file: written in a thread of its own.

Nothing waits for it, and nothing is lost with it but the past: a file that is damaged is begun anew, and without one
that can be written the page goes on.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar

from sim7020_bridge.outbox.database import damage, damaged
from sim7020_bridge.outbox.reserve import is_full
from sim7020_bridge.page.kept import dumped, loaded
from sim7020_bridge.page.messages import MOST, Changes, Record
from sim7020_bridge.page.minutes import LAYERS, Outage, Row

log: Final = logging.getLogger(__name__)

T = TypeVar("T")

SPANS: Final = {"hour": (3600, 60), "day": (24 * 3600, 120), "week": (7 * 24 * 3600, 900)}
"""How many seconds back, and how many a row stands for."""

MOST_ROWS: Final = 7 * 24 * 60
"""Rows of a modem, which are a week's."""

MOST_OUTAGES: Final = 1000
"""Outages of a modem that are kept, of which an answer has half at most."""

COLUMNS: Final = Row._fields

_VERSION: Final = 1
_TABLES: Final = f"""
BEGIN;
CREATE TABLE minute (modem TEXT NOT NULL, {", ".join(COLUMNS)}, PRIMARY KEY (modem, time)) WITHOUT ROWID;
CREATE TABLE outage (modem TEXT NOT NULL, began REAL, layer INTEGER, ended REAL, PRIMARY KEY (modem, began))
    WITHOUT ROWID;
CREATE TABLE message (modem TEXT NOT NULL, n INTEGER NOT NULL, data BLOB, record TEXT, PRIMARY KEY (modem, n));
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_SETTINGS: Final = ("journal_mode = WAL", "synchronous = NORMAL", "cache_size = -64", "journal_size_limit = 262144")
_ADD_ROW: Final = f"INSERT OR REPLACE INTO minute VALUES (?{', ?' * len(COLUMNS)})"  # noqa: S608 - our own names
_LONGEST_MESSAGE: Final = 64 * 1024
_LIMITS: Final = (("minute", "time", MOST_ROWS), ("outage", "began", MOST_OUTAGES))
_MEANS: Final = frozenset({"rssi", "rsrp", "rsrq", "sinr", "online", "voltage"})
_SUMS: Final = frozenset({"sent", "received", "failed", "up", "down"})


class Past(NamedTuple):
    """A modem's rows, each a list of what COLUMNS name, and its outages; a row stands for ``step`` seconds."""

    rows: Sequence[Sequence[object]]
    outages: Sequence[Outage]
    step: int


class _Job(NamedTuple):
    """``otherwise`` is the result where there is no file that can be used."""

    work: Callable[[sqlite3.Connection], Any]
    otherwise: Any
    done: "asyncio.Future[Any]"


class History:
    """The file of all modems.

    Args:
        file: Where it is.
        modems: Whose rows are kept; those of others are deleted at the start.
    """

    def __init__(self, file: Path, modems: Sequence[str]) -> None:
        self._file = file
        self._modems = tuple(modems)
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._problem = ""
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="history", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no thread is to be had
            self._thread = None
            self._note(f"the page's history is not kept: {error}")

    def keep(
        self,
        rows: Mapping[str, Row],
        outages: Mapping[str, Sequence[Outage]],
        messages: Mapping[str, Changes] | None = None,
    ) -> "asyncio.Future[bool]":
        """Write a minute of all modems in one commit; return whether it is written, or can't be."""
        # they may change meanwhile
        told = [(modem, each.began, each.layer, each.ended) for modem, several in outages.items() for each in several]
        added = [(modem, *row) for modem, row in rows.items()]
        now = max((row.time for row in rows.values()), default=0)

        def write(connection: sqlite3.Connection) -> bool:
            connection.executemany(_ADD_ROW, added)
            # one that is not over may begin at another time by now, by a clock that was set
            connection.executemany("DELETE FROM outage WHERE modem = ? AND ended IS NULL", [(m,) for m in outages])
            connection.executemany("INSERT OR REPLACE INTO outage VALUES (?, ?, ?, ?)", told)
            for modem in rows:
                _forget_far(connection, modem, now)
            for modem, changes in (messages or {}).items():
                _keep_messages(connection, modem, changes)
            return True

        return self._submit(write, False)

    def recall(self, modem: str) -> "asyncio.Future[Sequence[Record]]":
        """Return the messages that were kept of a modem, the oldest first; what is none is left out."""

        def read(connection: sqlite3.Connection) -> Sequence[Record]:
            found = connection.execute(
                "SELECT n, data, record FROM message WHERE modem = ? AND length(data) + length(record) < ?"
                " ORDER BY n DESC LIMIT ?",
                (modem, _LONGEST_MESSAGE, MOST),
            )
            records = []
            for row in found:
                with contextlib.suppress(ValueError):
                    records.append(loaded(*row))
            records.reverse()
            return records

        return self._submit(read, ())

    def read(self, modem: str, span: str, now: float) -> "asyncio.Future[Past]":
        """Return what is known of a modem for one of SPANS until now; nothing where there is no file."""
        length, step = SPANS[span]
        end = int(now) // step * step
        begin = end - length + step

        def read(connection: sqlite3.Connection) -> Past:
            found = connection.execute(_of_span(), (step, step, modem, begin, end + step)).fetchall()
            layer = COLUMNS.index("layer")
            rows = [[*row[:layer], LAYERS[row[layer]], *row[layer + 1 :]] for row in found]
            outages = connection.execute(
                "SELECT began, layer, ended FROM outage WHERE modem = ? AND began < ? AND (ended IS NULL OR ended >= ?)"
                " ORDER BY began DESC LIMIT ?",
                (modem, now, begin, MOST_OUTAGES // 2),
            ).fetchall()
            return Past(rows, [Outage(*row) for row in reversed(outages)], step)

        return self._submit(read, Past((), (), step))

    async def close(self) -> None:
        """Write what is left, and close the file."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _submit(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> "asyncio.Future[T]":
        done: asyncio.Future[T] = self._loop.create_future()
        if self._thread is None:
            done.set_result(otherwise)
        else:
            self._jobs.put(_Job(work, otherwise, done))
        return done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            result = self._carry_out(job)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, job.done, result)
        self._let_go()

    def _carry_out(self, job: _Job) -> Any:  # noqa: ANN401 - what the job gives
        for _attempt in range(2):
            try:
                self._begin_anew_if_gone()
                if self._connection is None:
                    self._connection = self._open()
                with self._connection:
                    result = job.work(self._connection)
            except (sqlite3.Error, OSError) as error:
                if is_full(error):
                    # nothing that was read needs to be read anew
                    self._note(f"the page's history is not kept: {self._file}: {error}")
                    return job.otherwise
                self._let_go()
                if damaged(error) and self._set_aside(error):
                    continue
                self._note(f"the page's history is not kept: {self._file}: {error}")
                return job.otherwise
            except Exception:  # a defect, or a file that somebody changed: others wait for this thread
                log.exception("the page's history can't be used")
                return job.otherwise
            self._note("")
            return result
        return job.otherwise

    def _open(self) -> sqlite3.Connection:
        opened = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(PermissionError):  # another user's
                os.fchmod(opened, 0o600)
            self._opened = _identity(os.fstat(opened))
        finally:
            os.close(opened)
        connection = sqlite3.connect(self._file, timeout=1.0, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            _make_tables(connection)
            with connection:
                _begin(connection, self._modems)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin_anew_if_gone(self) -> None:
        """Write to no file that has lost its name, and leave nothing of one that was deleted.

        Raises:
            OSError: It can't be told, or what is left can't be deleted.
        """
        if self._connection is None:
            return
        with contextlib.suppress(FileNotFoundError):
            if _identity(self._file.stat()) == self._opened:
                return
        self._let_go()
        self._delete_beside()
        log.warning("the page's history begins anew: %s was deleted or replaced while the bridge ran", self._file)

    def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _set_aside(self, error: Exception) -> bool:
        try:
            self._delete_beside()
            self._file.replace(self._file.with_name(f"{self._file.name}.damaged"))
        except OSError:
            return False
        log.warning("the page's history begins anew: %s can't be read (%s), and was set aside", self._file, error)
        return True

    def _delete_beside(self) -> None:
        for suffix in ("-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)

    def _note(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("%s", problem)
        self._problem = problem


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _make_tables(connection: sqlite3.Connection) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(_TABLES)
    elif version != _VERSION:
        raise damage("another release wrote it")


def _begin(connection: sqlite3.Connection, modems: Sequence[str]) -> None:
    """Forget modems that there are no longer, and end the outages that an earlier run saw no end of."""
    marks = ", ".join("?" * len(modems))
    for table in ("minute", "outage", "message"):
        connection.execute(f"DELETE FROM {table} WHERE modem NOT IN ({marks})", modems)  # noqa: S608 - our own names
    connection.execute(
        "UPDATE outage SET ended = max(began, coalesce((SELECT max(time) + 60 FROM minute"
        " WHERE minute.modem = outage.modem), began)) WHERE ended IS NULL"
    )
    connection.execute("DELETE FROM outage WHERE ended <= began")


def _keep_messages(connection: sqlite3.Connection, modem: str, changes: Changes) -> None:
    rows = [(modem, record.number, record.data, dumped(record)) for record in changes.records]
    connection.executemany("INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?)", rows)
    beyond = "DELETE FROM message WHERE modem = ? AND (n < ? OR n > ?)"
    connection.execute(beyond, (modem, changes.first, changes.last))


def _forget_far(connection: sqlite3.Connection, modem: str, now: float) -> None:
    """Delete what is too much of a modem: what is farthest from now, for a clock may have been wrong either way."""
    for table, column, most in _LIMITS:
        counted = f"SELECT count(*) FROM {table} WHERE modem = ?"  # noqa: S608 - our own names
        count: int = connection.execute(counted, (modem,)).fetchone()[0]
        if count > most:
            connection.execute(
                f"DELETE FROM {table} WHERE modem = ? AND {column} IN"  # noqa: S608
                f" (SELECT {column} FROM {table} WHERE modem = ? ORDER BY abs({column} - ?) DESC LIMIT ?)",
                (modem, modem, now, count - most),
            )


def _of_span() -> str:
    aggregates = ", ".join(map(_aggregate, COLUMNS[1:]))
    return (
        f"SELECT time / ? * ? AS began, {aggregates} FROM minute"  # noqa: S608
        " WHERE modem = ? AND time >= ? AND time < ? GROUP BY began ORDER BY began"
    )


def _aggregate(column: str) -> str:
    if column in _MEANS:
        return f"round(avg({column}), 3)"
    return f"sum({column})" if column in _SUMS else f"min({column})" if column == "layer" else f"max({column})"


def _settle(done: "asyncio.Future[Any]", result: object) -> None:
    if not done.done():
        done.set_result(result)
