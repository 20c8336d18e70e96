"""What the service manager hears, over a real socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim7020_bridge.service.systemd import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Listen where a service manager would."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_messages(manager: socket.socket) -> None:
    """Each call is one datagram; a status is one line."""
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.ready()
    notifier.status("shed: port\n(no such device)")
    notifier.alive()
    notifier.stopping()
    told = [manager.recv(4096).decode() for _ in range(4)]
    assert told == ["READY=1", "STATUS=shed: port (no such device)", "WATCHDOG=1", "STOPPING=1"]
    notifier.reloading()
    first, second = manager.recv(4096).decode().splitlines()
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


def test_abstract_socket() -> None:
    """A place that starts with an at sign is in the abstract namespace."""
    name = f"sim7020-bridge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert listening.recv(4096) == b"READY=1"


@pytest.mark.parametrize("place", ["", "/nonexistent/notify", "\0"])
def test_nobody_there(place: str) -> None:
    """Without a manager, nothing happens."""
    Notifier({"NOTIFY_SOCKET": place}).ready()


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_watchdog_interval(environment: dict[str, str], interval: float | None) -> None:
    """Signs of life are due twice in the time that the manager allows, if it is this process that it watches."""
    assert Notifier(environment).watchdog_interval == interval
