"""The configuration file on the disk: replaced as a whole, and still whose it was."""

import errno
import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600

_CUT: Final = "no room is left on the disk"
_WORDS: Final = {
    errno.ENOSPC: _CUT,
    errno.EDQUOT: _CUT,
    errno.EROFS: "its file system is read-only",
    errno.EBUSY: "it is mounted by itself, as single files are in containers: mount the directory that it is in",
}


class NotWritten(Exception):
    """A file can't be written; it is as it was, and the message says why."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"{file} can't be written: {reason}")


class Changed(Exception):
    """A file is not what was to be replaced any more; it was left as it is."""


def version(content: bytes) -> str:
    """Return what is another one for another content."""
    return sha256(content).hexdigest()


def obstacle(file: Path) -> str | None:
    """Say what will keep a file from being written, so far as it can be told; None if nothing is known to."""
    real = Path(os.path.realpath(file))
    folder = real.parent
    if not folder.is_dir():
        return f"there is no directory {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"this user may not write to the directory {folder}"
    if not os.path.lexists(real):
        return None
    if not real.is_file():
        return "it is no file"
    return None if os.access(real, os.W_OK) else "this user may not write to it"


def replace(file: Path, content: bytes, *, expected: str | None = None) -> None:
    """Put other content in a file's place: after a power cut there is the old one or the new one.

    Links are followed; mode, owner and group stay. A file that is new is its owner's alone.

    Args:
        file: Which file.
        content: What it says from now on.
        expected: The version that is replaced, and no other one; where there is no file, that of an empty one.

    Raises:
        Changed: Another version is there by now.
        NotWritten: It can't be, and the old one is there.
    """
    real = Path(os.path.realpath(file))
    problem = obstacle(real)
    if problem is not None:
        raise NotWritten(file, problem)
    draft = real.with_name(f".{real.name}.{os.getpid()}.new")
    try:
        _write(draft, real, content)
        # not before: a disk may take seconds, in which somebody else saves
        if expected is not None and version(_content(real)) != expected:
            raise Changed
        draft.replace(real)
    except OSError as error:
        raise NotWritten(file, _WORDS.get(error.errno or 0, error.strerror or str(error))) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    _settle(real.parent)


def keep_secret(file: Path, secret: str) -> None:
    """Put a secret into a file that its owner alone may read; what is there is replaced as a whole, also a link.

    Raises:
        NotWritten: It can't be, and what was there is there.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as kept:
            kept.write(f"{secret}\n")
            kept.flush()
            os.fsync(kept.fileno())
        draft.replace(file)
    except OSError as error:
        raise NotWritten(file, _WORDS.get(error.errno or 0, error.strerror or str(error))) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    _settle(file.parent)


def new_secret(file: Path, secret: str) -> None:
    """Put a secret into a file that its owner alone may read; written by root, it is the owner's of the folder.

    Raises:
        FileExistsError: There is such a file, or a link; it is as it was.
        NotWritten: It can't be.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    except FileExistsError:
        raise
    except OSError as error:
        raise NotWritten(file, _WORDS.get(error.errno or 0, error.strerror or str(error))) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as kept:
            os.fchmod(kept.fileno(), PRIVATE)
            if os.geteuid() == 0:
                owner = file.parent.stat()
                os.fchown(kept.fileno(), owner.st_uid, owner.st_gid)
            kept.write(f"{secret}\n")
            kept.flush()
            os.fsync(kept.fileno())
    except OSError as error:
        file.unlink(missing_ok=True)
        raise NotWritten(file, _WORDS.get(error.errno or 0, error.strerror or str(error))) from error
    _settle(file.parent)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _write(draft: Path, like: Path, content: bytes) -> None:
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as written:
        try:
            now = like.stat()
        except FileNotFoundError:
            pass
        else:
            _hand_over(descriptor, now)
        written.write(content)
        written.flush()
        os.fsync(descriptor)


def _hand_over(descriptor: int, like: os.stat_result) -> None:
    """Give a file the owner, the group and the mode of another."""
    ours = os.fstat(descriptor)
    if (ours.st_uid, ours.st_gid) != (like.st_uid, like.st_gid):
        try:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        except PermissionError as error:
            owner = f"it belongs to user {like.st_uid} and group {like.st_gid}, which a new one could not"
            raise OSError(errno.EPERM, owner) from error
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))


def _settle(folder: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
