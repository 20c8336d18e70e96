"""A small file that is there as a whole: a power cut leaves the old one or the new one."""

import os
from pathlib import Path


def replace_file(file: Path, content: bytes) -> None:
    """Write a file durably, for the bridge's eyes only; its directory is made if need be. Raises OSError."""
    folder = file.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(descriptor)
    draft.replace(file)
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
