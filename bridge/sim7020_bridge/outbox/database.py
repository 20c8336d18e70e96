"""The outbox's file: opened, brought to the newest form, and set aside if it is damaged."""

import contextlib
import fcntl
import logging
import os
import sqlite3
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from sim7020_bridge.errors import OutboxInUse, StorageFailed

log: Final = logging.getLogger(__name__)

_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REFUSED: Final = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}

_CACHE = 512
"""KiB of pages kept in memory: what is looked up is near what was written last, and the system has the rest."""

_BUSY_TIMEOUT: Final = 10.0


class Database:
    """One file with its lock.

    Only one program at a time may have it open as its owner; see ``owned``.

    Args:
        file: The database; ``.lock`` is its lock, and SQLite puts ``-wal`` and ``-shm`` beside it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set_aside: Path | None = None
        self._lock: int | None = None
        self._distrusted: str | None = None
        self._identity: tuple[int, int] | None = None

    def open(self, *, replacing: bool = True) -> sqlite3.Connection:
        """Open the file as its owner, making it if it isn't there; readable by the bridge's user alone.

        A file that is damaged is renamed and a new one made; ``set_aside`` has its new name then. Whoever does not have
        it replaced is told that it is damaged, and it stays as it is.

        Raises:
            OutboxInUse: Another program is its owner.
            StorageFailed: It can't be used; says why.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.take()
            if self._distrusted is not None:
                self._set_aside(self._distrusted)
                self._distrusted = None
            try:
                return self._open()
            except sqlite3.DatabaseError as error:
                if not (replacing and damaged(error)):
                    raise
                self._set_aside(str(error))
                return self._open()
        except (OSError, sqlite3.Error) as error:
            self.release()
            raise failed(self.file, error) from error

    def distrust(self, problem: str) -> None:
        """Have the file set aside when it is opened next: what looked sound at the start turned out not to be."""
        self._distrusted = problem

    def look_for_another(self) -> None:
        """See that the path still leads to the file that is open, for what is kept in another is not found again.

        Raises:
            sqlite3.OperationalError: It leads to another file, or nowhere.
        """
        try:
            found = _identity(self.file.stat())
        except OSError as error:
            raise sqlite3.OperationalError(error.strerror) from error
        if found != self._identity:
            raise sqlite3.OperationalError(
                "another file has its place, as when a volume is mounted over it; start the bridge again"
            )

    def release(self) -> None:
        """Let others own the file; the connection is closed before."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def take(self) -> None:
        """Be the file's owner until ``release``, without opening it; its directory must be there.

        Raises:
            OutboxInUse: Another program is its owner.
            StorageFailed: Its lock can't be opened.
            OSError: Its directory is not there, or nothing in it can be locked.
        """
        if self._lock is not None:
            return
        lock = _open_lock(self.file, os.O_CREAT)
        _give(lock, self.file.parent)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # for whoever comes second; a disk that is full does not take it
            with contextlib.suppress(OSError):
                os.ftruncate(lock, 0)
                os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            said = os.pread(lock, 20, 0).strip()
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                raise
            raise OutboxInUse(self.file, int(said) if said.isdigit() else None) from error
        self._lock = lock

    def _open(self) -> sqlite3.Connection:
        file = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _give(file, self.file.parent)
        found = os.fstat(file)
        self._identity = _identity(found)
        os.close(file)
        log_of_it = self.file.with_name(f"{self.file.name}-wal")
        if not found.st_size and log_of_it.exists() and log_of_it.stat().st_size:
            # SQLite takes it for a new one, and deletes the log with what was acknowledged
            raise damage("it is empty, and its write-ahead log is not")
        connection = connect(self.file)
        try:
            _examine(connection)
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, problem: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        aside = self.file.with_name(f"{self.file.name}.damaged-{stamp}")
        # SQLite would put an old log into a new file: so the log goes first, for sure
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                self.file.with_name(self.file.name + suffix).rename(aside.with_name(aside.name + suffix))
            _sync(self.file.parent)
        self.set_aside = aside
        log.error("%s is damaged (%s); it was set aside as %s and a new one made", self.file, problem, aside.name)


def path_of(state_dir: Path, modem: str) -> Path:
    """Return where a modem's outbox is kept."""
    return state_dir / f"{modem}.outbox"


def delete_spent_lists(file: Path) -> None:
    """Delete the lists of journals (SQLite's super-journals) that killed moves into a file left, and nothing needs.

    A journal whose list is gone counts as committed: so a list stays while one of its journals is there, for that is
    of a file which is still to be rolled back. Raises OSError.
    """
    for spent in file.parent.glob(f"{file.name}-mj*"):
        journals = [Path(os.fsdecode(name)) for name in spent.read_bytes().split(b"\0") if name]
        if not any(journal.exists() or file.with_name(journal.name).exists() for journal in journals):
            spent.unlink(missing_ok=True)


def is_owned(file: Path) -> bool:
    """Whether a program owns the file now. Raises StorageFailed if that can't be known."""
    try:
        lock = _open_lock(file)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _give(descriptor: int, directory: Path) -> None:
    """Have what root opened, or made, belong to the owner of its directory, who could not use it otherwise."""
    if os.geteuid() == 0:
        owner = directory.stat()
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync(directory: Path) -> None:
    """Have what was renamed in a directory on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _open_lock(file: Path, flags: int = 0) -> int:
    lock = file.with_name(f"{file.name}.lock")
    try:
        return os.open(lock, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise failed(lock, error) from error


def connect(file: Path) -> sqlite3.Connection:
    """Open a connection whose commits are on the disk when they return."""
    connection = sqlite3.connect(file, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        connection.execute(f"PRAGMA journal_size_limit = {8 * 1024 * 1024}")
    except BaseException:
        connection.close()
        raise
    return connection


def failed(file: Path, error: Exception) -> StorageFailed:
    """Return what to raise of a file that can't be used, with the error as its cause.

    It says whose the file is if that keeps us from it, and that the disk is full where SQLite has no word for it.
    """
    reason = getattr(error, "strerror", None) or str(error)
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # the index of its log could not be made larger
        reason += ": the disk is full"
    with contextlib.suppress(OSError, KeyError):
        refused = code & 0xFF in _REFUSED and not os.access(file, os.R_OK | os.W_OK)
        if (refused or isinstance(error, PermissionError)) and file.stat().st_uid != os.geteuid():
            reason += f": it belongs to {file.owner()}"
    made = StorageFailed(file, reason)
    made.__cause__ = error
    return made


def damage(problem: str) -> sqlite3.DatabaseError:
    """Return an error that says that the file is no sound database, as SQLite would."""
    error = sqlite3.DatabaseError(problem)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def damaged(error: BaseException) -> bool:
    """Whether an error says that the file is no sound database."""
    return isinstance(error, sqlite3.DatabaseError) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def busy(error: BaseException) -> bool:
    """Whether an error says that another program is writing, and did not end within SQLite's patience."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) == sqlite3.SQLITE_BUSY


def _examine(connection: sqlite3.Connection) -> None:
    found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise damage(found)


def _migrate(connection: sqlite3.Connection) -> None:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    steps = migrations()
    if version > len(steps):
        raise sqlite3.OperationalError("a newer bridge wrote it; update this one, or remove the file")
    for number, step in enumerate(steps[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")


def migrations() -> list[str]:
    """Return the SQL that makes a new file, then each newer form of it; what was released never changes."""
    folder = files(__package__).joinpath("migrations")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in found]
