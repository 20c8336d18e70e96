"""Remembers across restarts which PIN a SIM refused: three wrong ones lock it."""

import hashlib
import hmac
import logging
import os
from pathlib import Path
from typing import Final

log: Final = logging.getLogger(__name__)

_SALT_BYTES: Final = 16


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
        """Whether this very PIN was tried and not taken. A file that can't be read counts as yes."""
        try:
            kept = self._file.read_bytes()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.error("cannot read %s (%s); the PIN is not tried", self._file, error)
            return True
        return hmac.compare_digest(kept, _hashed(pin, kept[:_SALT_BYTES]))

    def remember(self, pin: str) -> None:
        """Write down, durably, that a PIN is about to be tried.

        Raises:
            OSError: It can't be written, and so the PIN must not be tried.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_hashed(pin, os.urandom(_SALT_BYTES)))
            file.flush()
            os.fsync(descriptor)

    def forget(self) -> None:
        """The SIM took the PIN."""
        self._file.unlink(missing_ok=True)


def _hashed(pin: str, salt: bytes) -> bytes:
    return salt + hashlib.scrypt(pin.encode(), salt=salt, n=2**12, r=8, p=1) if salt else b""
