"""The emulator as a program of its own, and what its clients do."""

import contextlib
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a test waits for something that must come."""

QUICK = ("--baud", "0", "--speed", "0", "--attached")


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the program until the block ends; yield it and the line that it printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "sim7020_emulator", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()


def until(true: Callable[[], bool]) -> None:
    """Return once a condition holds."""
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.01)


def open_tty(path: str | Path) -> int:
    """Open a terminal as a host does."""
    return os.open(path, os.O_RDWR | os.O_NOCTTY)


def read_until(file: int, end: bytes = b"OK\r\n", patience: float = PATIENCE) -> bytes:
    """Return what comes up to an end, or to the end of file or of patience."""
    got = b""
    limit = time.monotonic() + patience
    while not got.endswith(end) and time.monotonic() < limit:
        if select.select([file], [], [], 0.05)[0]:
            data = os.read(file, 4096)
            if not data:
                break
            got += data
    return got


def ask(path: str | Path, line: bytes = b"AT\r") -> bytes:
    """Open a terminal, type a line, return what comes until OK."""
    file = open_tty(path)
    try:
        os.write(file, line)
        return read_until(file)
    finally:
        os.close(file)


def has_client(process: int) -> bool:
    """Say whether an emulator knows of a client at its pty: it polls the pty only then."""
    descriptors: dict[str, str] = {}
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            descriptors[entry.name] = os.readlink(entry)  # noqa: PTH115 (no path: anon_inode:[eventpoll])
    ptys = {name for name, leads in descriptors.items() if leads.endswith("/ptmx")}
    (selector,) = (name for name, leads in descriptors.items() if leads == "anon_inode:[eventpoll]")
    polled = re.findall(r"tfd: +(\d+)", Path(f"/proc/{process}/fdinfo/{selector}").read_text())
    return not ptys.isdisjoint(polled)


def connected(place: str) -> tuple[socket.socket, bytes]:
    """Connect to a TCP port and say AT until that is answered, for it serves one at a time; return the answer too."""
    host, _, port = place.rpartition(":")
    limit = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < limit, "nobody was served"
        client = None
        with contextlib.suppress(ConnectionError):
            client = socket.create_connection((host, int(port)), PATIENCE)
            client.sendall(b"AT\r\n")
            if said := read_until(client.fileno()):
                return client, said
        if client is not None:
            client.close()
        time.sleep(0.01)
