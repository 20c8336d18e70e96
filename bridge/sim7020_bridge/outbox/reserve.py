"""Room on the disk: held in reserve, so that messages can always come to their end and so make room again."""

import errno
import logging
import os
import sqlite3
from enum import IntEnum
from pathlib import Path
from typing import Final

log: Final = logging.getLogger(__name__)

RESERVE: Final = 256 * 1024
"""Bytes in reserve; less where the file system is small."""

LEAST_RESERVE: Final = 64 * 1024
"""Bytes in reserve on the smallest of file systems."""

_PART: Final = 8
"""The reserve is this part of a small file system."""

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_SUPPORTED: Final = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}

_COMMIT: Final = 32 * 1024
"""Bytes of SQLite's log that the end of a message may take."""


class Need(IntEnum):
    """What work may use of the room on the disk."""

    DELETE = 0
    """All there is: it makes room or hardly takes any."""
    SETTLE = 1
    """The reserve as well, but leave enough for DELETE."""
    INSERT = 2
    """What is left beside the reserve."""
    PROBE = 3
    """The same, and there must be room for several messages."""


class Full(sqlite3.OperationalError):
    """There is no room for this work."""

    def __str__(self) -> str:
        return "database or disk is full"


class Reserve:
    """Sees to it that what is committed can be moved from SQLite's log to its file, and that ends find room.

    Args:
        file: The database; the reserve is a file beside it, ``.reserve``.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file_beside = file.with_name(f"{file.name}.reserve")
        self._size = RESERVE
        self.whole = False
        """Whether the reserve is there."""

    def prepare(self) -> None:
        """Set room aside, if there is enough for it and a message; called whenever that may have changed.

        Raises:
            OSError: The directory can't be written.
        """
        if self.whole:
            return
        system = os.statvfs(self._file.parent)
        self._size = min(RESERVE, max(LEAST_RESERVE, system.f_blocks * system.f_frsize // _PART))
        self.whole = _size(self._file_beside) >= self._size
        if self.whole or self._free() < self._size + _COMMIT:
            return
        reserve = os.open(self._file_beside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _allocate(reserve, self._size)
        except OSError as error:
            self._file_beside.unlink()
            if error.errno not in _NO_ROOM:
                raise
        else:
            self.whole = True
        finally:
            os.close(reserve)

    def give_up(self) -> bool:
        """Give the reserve back to the file system; say whether there was one."""
        self.whole = False
        try:
            self._file_beside.unlink()
        except FileNotFoundError:
            return False
        log.info("%s: the disk is full; room that was held in reserve is used", self._file)
        return True

    def check(self, connection: sqlite3.Connection, need: Need) -> None:
        """Look, at the end of a transaction, whether it may be committed.

        Raises:
            Full: It may not; moving SQLite's log to the file may help.
        """
        if need is Need.DELETE:
            return
        if need >= Need.INSERT and not self.whole:
            raise Full
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
        page: int = connection.execute("PRAGMA page_size").fetchone()[0]
        file = _size(self._file)
        growth = max(0, pages * page - file)
        free = self._free()
        # afterwards the log has the new pages too, and they must still fit the file
        reserve = self._size if self.whole and need is Need.SETTLE else 0
        if 2 * growth + growth // 16 + _COMMIT > free + reserve:
            raise Full
        # with the log empty, there must be room in it for the next message
        left = free + _size(self._file.with_name(f"{self._file.name}-wal")) - growth - self._size
        if need is Need.INSERT and growth and left < 0:
            raise Full
        if need is Need.PROBE:
            unused: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if left + unused * page < _COMMIT:
                raise Full

    def _free(self) -> int:
        system = os.statvfs(self._file.parent)
        return system.f_bavail * system.f_frsize


def is_full(error: BaseException) -> bool:
    """Whether an error says that there is no room, or may say so."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    if isinstance(error, Full):
        return True
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite3.Error) and code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}


def _allocate(file: int, size: int) -> None:
    """Have the file system give a file its room, by writing to it where it does not otherwise."""
    try:
        os.posix_fallocate(file, 0, size)
    except OSError as error:
        if error.errno not in _NOT_SUPPORTED:
            raise
        os.write(file, bytes(size))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
