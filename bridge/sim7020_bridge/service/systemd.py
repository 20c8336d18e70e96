"""What systemd is told of a service's life: sd_notify(3), over the socket that ``$NOTIFY_SOCKET`` names."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """Tells the service manager how the service is; does nothing where there is none.

    Args:
        environment: Where ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` are looked for.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        place = environment.get("NOTIFY_SOCKET", "")
        # a socket of the abstract namespace is written with an at sign
        self._place = f"\0{place[1:]}" if place.startswith("@") else place
        self._usec = environment.get("WATCHDOG_USEC", "")
        self._pid = environment.get("WATCHDOG_PID", "")

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between two signs of life, half of what the manager allows; None if it wants none."""
        if not (self._usec.isascii() and self._usec.isdigit() and int(self._usec)):
            return None
        if self._pid not in {"", str(os.getpid())}:
            return None
        return int(self._usec) / 2_000_000

    def ready(self) -> None:
        """Say that the service is up, also after it has read its configuration again."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again; ``ready`` says when that is done."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._tell("STOPPING=1")

    def status(self, words: str) -> None:
        """Tell in one line how things are."""
        self._tell(f"STATUS={' '.join(words.split())}")

    def alive(self) -> None:
        """Give a sign of life."""
        self._tell("WATCHDOG=1")

    def _tell(self, text: str) -> None:
        if not self._place:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.setblocking(False)
            out.sendto(text.encode(), self._place)
