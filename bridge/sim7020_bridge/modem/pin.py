"""Remembers across restarts which PIN a SIM refused: three wrong ones lock it."""

import hashlib
import hmac
import logging
import os
from pathlib import Path
from typing import Final

log: Final = logging.getLogger(__name__)

_SALT_BYTES: Final = 16
_UNANSWERED: Final = b"?"
_REFUSED: Final = b"!"


class PinMemory:
    """One modem's PIN that was tried and is not known to be right.

    A PIN is remembered before it is tried and forgotten when the SIM took it, so that none is tried twice
    even if the bridge is killed in between. Only a salted hash is written, readable by the bridge alone.

    Args:
        file: Where to remember it; its directory is made if need be.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def was_tried(self, pin: str) -> bool:
        """Whether this very PIN was tried and not taken. A file that can't be read or makes no sense counts as yes."""
        try:
            kept = self._file.read_bytes()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.error("cannot read %s (%s); the PIN is not tried", self._file, error)
            return True
        salt = kept[1 : 1 + _SALT_BYTES]
        wanted = _hashed(pin, salt)
        if len(kept) != 1 + len(wanted):
            log.error("cannot understand %s; the PIN is not tried until the file is deleted", self._file)
            return True
        return hmac.compare_digest(kept[1:], wanted)

    def remember(self, pin: str) -> None:
        """Write down, durably, that a PIN is about to be tried.

        Raises:
            OSError: It can't be written, and so the PIN must not be tried.
        """
        self._write(_UNANSWERED + _hashed(pin, os.urandom(_SALT_BYTES)))

    def refused(self) -> None:
        """The SIM would not have the PIN: from now on only another PIN is tried."""
        try:
            self._write(_REFUSED + self._file.read_bytes()[1:])
        except OSError as error:
            log.error("cannot write %s: %s", self._file, error)

    def taken(self) -> None:
        """The SIM took the PIN."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            log.error("cannot delete %s (%s); the PIN will not be tried again", self._file, error)

    def unlocked(self) -> None:
        """The SIM is ready: if its answer to the PIN was lost, it took it."""
        try:
            unanswered = self._file.read_bytes().startswith(_UNANSWERED)
        except OSError:
            return
        if unanswered:
            self.taken()

    def _write(self, content: bytes) -> None:
        """Replace the file as a whole: a power cut leaves the old one or the new one."""
        folder = self._file.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._file.with_name(f"{self._file.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.replace(self._file)
        directory = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _hashed(pin: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(pin.encode(), salt=salt, n=2**12, r=8, p=1)
