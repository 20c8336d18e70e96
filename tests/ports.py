"""Port numbers for servers that must come up, or come back, where they said."""

import random
import socket
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUALLY = "32768 60999"
_FIRST, _LAST = 10000, 65535
_TRIES = 1000


def free_port() -> int:
    """Return a loopback port that nobody has, neither for TCP nor for UDP.

    It lies outside the range from which the system gives connections their own port. A port of that range can be
    taken by any connection on the machine before its server is up or while it restarts, and stays taken for the
    minute of TIME_WAIT. Only a machine whose range leaves too few gets one of it.

    Raises:
        OSError: None of many is free.
    """
    for _ in range(_TRIES):
        number = random.choice(_numbers())  # noqa: S311 - a port is no secret
        if _free(number, socket.SOCK_STREAM) and _free(number, socket.SOCK_DGRAM):
            return number
    raise OSError(f"none of {_TRIES} ports from {_FIRST} to {_LAST} is free")


@cache
def _numbers() -> Sequence[int]:
    low, high = map(int, (_EPHEMERAL.read_text() if _EPHEMERAL.exists() else _USUALLY).split())
    numbers = range(_FIRST, _LAST + 1)
    outside = [number for number in numbers if not low <= number <= high]
    return outside if len(outside) > _TRIES else numbers


def _free(number: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("", number))
        except OSError:
            return False
    return True
