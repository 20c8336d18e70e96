"""Sequence numbers of which none is ever given out twice, whatever ends the process (RFC 8613 appendix B.1.1)."""

import fcntl
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from sim7020_bridge.blocking import NoThread, in_a_thread
from sim7020_bridge.coap.ends import NoNumber

log: Final = logging.getLogger(__name__)

STEP: Final = 64
"""Numbers that are reserved at once: so many are lost at most when the process is killed."""

MOST: Final = 2**40 - 1
"""The largest number that a key may be used with (RFC 8613 section 7.2.1)."""

EPOCH: Final = 1735689600
"""2025-01-01, from which the clock's numbers count, in seconds since 1970."""

RATE: Final = 16
"""Numbers for each second of the clock: more than any modem needs, so that what was used is always below."""

_SOON: Final = 60
"""Seconds in which a file that was written gets its name, however busy the disk is."""

_FORM: Final = re.compile(rb"(\d{1,13}) (\d+) (\d+) (\d+)\n")


class Numbers:
    """The numbers of one key, in a file that one process has at a time.

    What the file holds is the first number that nobody may have used: it is on disk before any below it is given out.
    It also holds which file it is (its inode, its device, when it was written): a copy is not, and where it stood may
    long have been passed. So the numbers go on from the clock's then, as they begin from it where there is no file.

    Args:
        path: The file; it is made if it is not there.
        clock: Returns the seconds since 1970.

    Raises:
        NoNumber: It can't be read or locked, or the clock would have to tell which numbers are unused, and is behind.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._writing = threading.Lock()
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NoNumber(f"{path}: {error.strerror}") from error
        try:
            self._give(self._lock)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._next = self._reserved = self._read()
        except OSError as error:
            os.close(self._lock)
            words = "another process uses this key" if isinstance(error, BlockingIOError) else error.strerror
            raise NoNumber(f"{path}: {words}") from error
        except BaseException:
            os.close(self._lock)
            raise

    async def ready(self) -> None:
        """Return once the next number is reserved; the disk is written in a thread.

        Raises:
            NoNumber: It can't be reserved now, or there is none left.
        """
        if self._next >= self._reserved:
            try:
                await in_a_thread(partial(self._reserve, self._next + STEP))
            except NoThread as error:
                raise NoNumber(str(error)) from error

    def take(self) -> int:
        """Return the next number, reserving some if none is.

        Raises:
            NoNumber: It could not be reserved, and is not used; or there is none left.
        """
        if self._next >= self._reserved:
            self._reserve(self._next + STEP)
        number = self._next
        self._next += 1
        return number

    def close(self) -> None:
        """Let another process have the file, which goes on where this one ended."""
        if self._closed:
            return
        if self._next < self._reserved:
            try:
                self._reserve(self._next)
            except NoNumber as error:
                log.debug("%s", error)
        with self._writing:
            self._closed = True
            os.close(self._lock)

    def _read(self) -> int:
        try:
            with self._path.open("rb") as file:
                written, found = _FORM.fullmatch(file.read(200)), os.fstat(file.fileno())
        except FileNotFoundError:
            number = self._by_the_clock(0)
            log.info("%s is new: its numbers begin at %d", self._path, number)
            return number
        if written is None:
            number = self._by_the_clock(0)
            log.warning("%s is damaged: its numbers go on from the clock's, %d", self._path, number)
            return number
        upto, *identity = map(int, written.groups())
        same = identity == [found.st_ino, found.st_dev, found.st_mtime_ns]
        if same and found.st_ctime - found.st_mtime < _SOON:
            return upto
        number = self._by_the_clock(upto)
        log.warning("%s is a copy, as of a backup: its numbers go on from the clock's, %d", self._path, number)
        return number

    def _by_the_clock(self, least: int) -> int:
        """Return the number that belongs to this second, if it is above another one."""
        number = int(self._clock() - EPOCH) * RATE
        if number <= least:
            words = "the clock has to tell which numbers of the key are unused, and it is behind: set it"
            raise NoNumber(f"{self._path}: {words}")
        return number

    def _reserve(self, upto: int) -> None:
        if upto > MOST + 1:
            raise NoNumber(f"{self._path}: the key has been used as often as it may be: make a new one")
        new = self._path.with_suffix(".new")
        with self._writing:
            if self._closed:
                raise NoNumber(f"{self._path}: the key is used no more")
            try:
                with new.open("wb") as file:
                    found = os.fstat(file.fileno())
                    self._give(file.fileno())
                    now = int(time.time()) // 2 * 2 * 10**9  # there are file systems that know even seconds only
                    file.write(b"%d %d %d %d\n" % (upto, found.st_ino, found.st_dev, now))
                    file.flush()
                    os.utime(file.fileno(), ns=(now, now))
                    os.fsync(file.fileno())
                new.replace(self._path)
                folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
            except OSError as error:
                raise NoNumber(f"{self._path}: {error.strerror}") from error
            self._reserved = upto

    def _give(self, descriptor: int) -> None:
        """Have what root opened belong to the owner of its folder, who could not use it otherwise."""
        if os.geteuid() == 0:
            owner = self._path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
