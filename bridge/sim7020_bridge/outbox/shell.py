"""An outbox from the shell: read and change the file, beside a running bridge or without one."""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sim7020_bridge.errors import StorageFailed
from sim7020_bridge.logs import counted
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.database import Database, connect, delete_spent_lists, failed, is_owned, path_of
from sim7020_bridge.outbox.message import Entry

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that a running bridge has to carry out some of what it was asked."""

_POLL: Final = 0.1


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of messages that were to be cancelled.

    Args:
        done: Whether a running bridge has done it; or else the next one will first of all.
        sending: How many could not be cancelled, because the module has them already.
    """

    done: bool
    sending: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What would be lost with an outbox.

    Args:
        messages: How many have no final receipt yet, those included that are to be cancelled.
        publications: How many receipts and received messages the broker has not acknowledged.
    """

    messages: int = 0
    publications: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return self.messages + self.publications > 0

    def __str__(self) -> str:
        """Say what there is."""
        what = (self.messages, "message"), (self.publications, "publication")
        return " and ".join(counted(number, noun) for number, noun in what if number)


class OutboxFile:
    """The outbox of one modem.

    Args:
        state_dir: Where the bridge keeps its state.
        modem: The modem's name.
    """

    def __init__(self, state_dir: Path, modem: str) -> None:
        self.file = path_of(state_dir, modem)

    def entries(self) -> Sequence[Entry]:
        """Return what is in the outbox and not cancelled; nothing if there is no file.

        Raises:
            StorageFailed: It can't be read.
        """
        content = self._read(records.load)
        return () if content is None else [entry for entry in content.entries if entry.number not in content.cancelled]

    def waiting(self) -> Waiting:
        """Return what waits in the outbox; nothing if there is no file.

        Raises:
            StorageFailed: It can't be read.
        """
        return Waiting(*self._read(records.waiting) or ())

    @contextmanager
    def taken(self) -> Iterator[Database]:
        """Keep bridges from the file meanwhile.

        Raises:
            OutboxInUse: A bridge runs with it.
            StorageFailed: Whether one does can't be known.
        """
        database = Database(self.file)
        try:
            database.take()
        except FileNotFoundError:
            pass  # no directory, so no bridge
        except OSError as error:
            raise failed(self.file, error) from error
        try:
            yield database
        finally:
            database.release()

    def delete(self) -> None:
        """Delete the file, which is taken, and what belongs to it, with all that is in it; what was set aside stays.

        Raises:
            StorageFailed: It can't be deleted.
        """
        try:
            delete_spent_lists(self.file)
            # the lock at last: a bridge that starts makes a new one
            for file in sorted(self.file.parent.glob(f"{self.file.name}*"), key=lambda file: file.suffix == ".lock"):
                if not file.name.startswith((f"{self.file.name}.damaged-", f"{self.file.name}-mj")):
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise failed(self.file, error) from error

    def exists(self) -> bool:
        """Whether there is a file with something in it; a bridge that was never started made none."""
        try:
            return self.file.exists() and self.file.stat().st_size > 0
        except OSError as error:
            raise failed(self.file, error) from error

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T | None:
        """Read the file; None if there is none, or whoever was making it was killed before anything was in it."""
        if not self.exists():
            return None
        with _connection(self.file) as connection:
            return read(connection) if connection.execute("PRAGMA user_version").fetchone()[0] else None

    def cancel(self, numbers: Sequence[int]) -> Cancelled:
        """Cancel messages.

        Raises:
            StorageFailed: The file can't be written, or a running bridge does not look at it.
        """
        with _connection(self.file) as connection:
            connection.execute("BEGIN IMMEDIATE")
            records.ask_to_cancel(connection, numbers)
            connection.execute("COMMIT")
            if not is_owned(self.file):
                return Cancelled(done=False)
            ends = time.monotonic() + PATIENCE
            before = len(numbers)
            while left := records.still_to_cancel(connection):
                if left < before:
                    ends = time.monotonic() + PATIENCE
                    before = left
                if time.monotonic() > ends:
                    raise StorageFailed(self.file, f"the bridge did not carry it out within {PATIENCE:g} s")
                time.sleep(_POLL)
            return Cancelled(done=True, sending=records.still_there(connection, numbers))


def orphans(state_dir: Path, modems: Collection[str]) -> Iterator[tuple[str, Waiting]]:
    """Yield the modems besides these for which something waits in a state directory, and what; nobody runs them now."""
    for file in sorted(state_dir.glob("*.outbox")):
        with suppress(StorageFailed):
            if file.stem not in modems and not is_owned(file):
                waiting = OutboxFile(state_dir, file.stem).waiting()
                if waiting:
                    yield file.stem, waiting


@contextmanager
def _connection(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection for a while, and turn SQLite's errors into StorageFailed."""
    try:
        with closing(connect(file)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise failed(file, error) from error
