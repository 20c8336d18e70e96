"""What keeps a bridge from a port that is there: another program, and missing permission."""

import ctypes
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_HOLD: Final = """
import serial, sys
port = serial.Serial(sys.argv[1], exclusive=True)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(port: Path) -> Iterator[None]:
    """Let another program have the port open for itself alone."""
    command = (sys.executable, "-c", _HOLD, str(port))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait()


@contextmanager
def not_permitted(port: Path) -> Iterator[None]:
    """Let nobody open the port, and this thread be nobody special, as far as files go, even if it is root's."""
    mode = stat.S_IMODE(port.stat().st_mode)
    ours = _capabilities()
    port.chmod(0)
    _allow([ours[0] & ~_OVERRIDES, *ours[1:]])
    try:
        yield
    finally:
        _allow(ours)
        port.chmod(mode)


_VERSION: Final = 0x20080522
_OVERRIDES: Final = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets root open any file (capabilities(7))."""

_Header = ctypes.c_uint32 * 2
_Data = ctypes.c_uint32 * 6
"""Effective, permitted and inheritable capabilities: the lower 32 of each, then the upper 32 of each (capget(2))."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


def _capabilities() -> list[int]:
    """Return what this thread may do."""
    data = _Data()
    _check(_libc.capget(_Header(_VERSION, 0), data))
    return list(data)


def _allow(capabilities: list[int]) -> None:
    _check(_libc.capset(_Header(_VERSION, 0), _Data(*capabilities)))


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
