"""The file of passwords: for each role, what scrypt makes of its password."""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim7020_bridge.http.absent import is_absent
from sim7020_bridge.http.role import Role

SHORTEST: Final = 8
"""Characters of a new password."""

LONGEST: Final = 1024
"""Bytes of a password."""

MOST_OF_A_FILE: Final = 4096

_N: Final = 2**14
_R: Final = 8
_P: Final = 5
_MOST_MEMORY: Final = 64 * 1024 * 1024
_MOST_P: Final = 16
_LINE: Final = re.compile(r"(full|read_only) scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w+/=]+)\$([\w+/=]+)", re.ASCII)
_BEGINNING: Final = "# Written by sim7020-bridge password\n"


class PasswordsUnreadable(Exception):
    """The file is there, and can't be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Hash:
    """What is kept of a password; ``n``, ``r`` and ``p`` are scrypt's (RFC 7914)."""

    n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def matches(self, password: str) -> bool:
        """Whether it is of this password; takes as long as scrypt does."""
        return hmac.compare_digest(_digest(password, self.salt, self.n, self.r, self.p), self.digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode() for part in (self.salt, self.digest))
        return f"scrypt${self.n}${self.r}${self.p}${salt}${digest}"


Passwords = Mapping[Role, Hash]


def hashed(password: str) -> Hash:
    """Return what is kept of a new password; takes as long as scrypt does."""
    salt = secrets.token_bytes(16)
    return Hash(_N, _R, _P, salt, _digest(password, salt, _N, _R, _P))


def read_passwords(file: Path) -> Passwords:
    """Return the passwords; none if there is no file, or one from which the last was removed.

    Raises:
        PasswordsUnreadable: There is one that is of no use, or it can't be told whether there is one.
    """
    if is_absent(file):
        return {}
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_OF_A_FILE + 1)
    except OSError as error:
        raise PasswordsUnreadable(f"{file} can't be read: {error.strerror}") from error
    if len(content) > MOST_OF_A_FILE:
        raise PasswordsUnreadable(f"{file} has more than {MOST_OF_A_FILE} bytes")
    found: dict[Role, Hash] = {}
    for number, line in enumerate(content.decode(errors="replace").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        role, kept = _read(line.strip(), f"{file}:{number}")
        found[role] = kept
    if not found and not content.startswith(_BEGINNING.encode()):
        raise PasswordsUnreadable(f"{file} has no password in it, and sim7020-bridge password did not leave it so")
    return found


def write_passwords(file: Path, passwords: Passwords) -> None:
    """Put passwords in place of the file's; one that is interrupted leaves the old one.

    The new file is readable by its owner alone, which is who has the folder if root writes it for a service.

    Raises:
        OSError: It can't be written.
    """
    lines = [f"{role.name.lower()} {kept}\n" for role, kept in sorted(passwords.items(), reverse=True)]
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as opened:  # noqa: PTH123 - a descriptor has no path
            opened.write(_BEGINNING + "".join(lines))
            if os.geteuid() == 0:
                folder = file.parent.stat()
                os.fchown(handle, folder.st_uid, folder.st_gid)
            opened.flush()
            os.fsync(opened.fileno())
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _read(line: str, place: str) -> tuple[Role, Hash]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise PasswordsUnreadable(f"{place} is no line that sim7020-bridge password writes")
    n, r, p = (int(found[group]) for group in (2, 3, 4))
    if n < 2 or n & (n - 1) or not r or not 0 < p <= _MOST_P or 128 * n * r > _MOST_MEMORY:  # noqa: PLR2004 - RFC 7914
        raise PasswordsUnreadable(f"{place} asks for more or less than scrypt can do here")
    try:
        salt, digest = (base64.b64decode(found[group], validate=True) for group in (5, 6))
    except ValueError as error:
        raise PasswordsUnreadable(f"{place} is cut or changed") from error
    return Role[found[1].upper()], Hash(n, r, p, salt, digest)


def _digest(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # JSON can hold half a surrogate pair, which is no UTF-8
    data = password.encode(errors="surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, maxmem=2 * _MOST_MEMORY)
