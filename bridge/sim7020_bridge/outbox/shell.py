"""An outbox from the shell: read and change the file, beside a running bridge or without one."""

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.database import connect, is_owned, path_of
from sim7020_bridge.outbox.message import Entry

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
        try:
            if not self.file.exists():
                return ()
        except OSError as error:
            raise StorageFailed(self.file, error.strerror or str(error)) from error
        with _connection(self.file) as connection:
            content = records.load(connection)
        return [entry for entry in content.entries if entry.number not in content.cancelled]

    def delete(self) -> None:
        """Delete the file and what belongs to it, with all that is in it; what was set aside stays.

        Raises:
            OutboxInUse: A bridge runs with it.
            StorageFailed: It can't be deleted.
        """
        if is_owned(self.file):
            raise OutboxInUse(self.file, None)
        try:
            for file in self.file.parent.glob(f"{self.file.name}*"):
                if ".damaged-" not in file.name:
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise StorageFailed(self.file, error.strerror or str(error)) from error

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


def orphans(state_dir: Path, modems: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield the modems besides these that have messages in a state directory, and how many; nobody runs them now."""
    for file in sorted(state_dir.glob("*.outbox")):
        if file.stem not in modems and not is_owned(file):
            with suppress(StorageFailed), _connection(file) as connection:
                if waiting := records.waiting(connection):
                    yield file.stem, waiting


@contextmanager
def _connection(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection for a while, and turn SQLite's errors into StorageFailed."""
    try:
        with closing(connect(file)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StorageFailed(file, str(error)) from error
