"""One bridge on a machine for each session at a broker: who comes second is told, whatever its state directory."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import struct
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.errors import AlreadyRunning

log: Final = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that the other has to say where its outbox is: it may be starting itself, on a machine that is busy."""

LONGEST_ANSWER: Final = 4096

_CREDENTIALS: Final = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who has a name: what the system knows, and what it says itself."""

    process: int | None = None
    user: int | None = None
    file: str = ""


class SessionName:
    """The name of one session at one broker, in the abstract namespace of Unix sockets: one for each node of a cluster.

    All users of the machine share that namespace, nothing of it is on a disk, and a name is free again when its process
    is gone, however it went. A container with a network of its own has its own namespace.

    Args:
        mqtt: The broker.
        client_id: The MQTT client identifier.
        file: The outbox, for whoever comes second.
    """

    def __init__(self, mqtt: MqttSettings, client_id: str, file: Path) -> None:
        self._client_id = client_id
        self._file = file
        # in one order for all: of two that start at once, only one finds all free
        places = sorted({f"{_place(node.host)}:{node.port}" for node in mqtt.nodes})
        digests = [blake2b(f"{place} {client_id}".encode(), digest_size=16).hexdigest() for place in places]
        self._names = [f"\0sim7020-bridge/{digest}" for digest in digests]
        self._servers: list[asyncio.Server] = []

    async def take(self) -> None:
        """Have the name until ``release`` or the end of the process; go on without it where there are no such names.

        Raises:
            AlreadyRunning: Another program has it, be it for one node only; nothing is kept of it.
        """
        try:
            for name in self._names:
                await self._take(name)
        except AlreadyRunning:
            self.release()
            raise

    def release(self) -> None:
        """Leave the name to others."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _take(self, name: str) -> None:
        holder = _Holder()
        for _ in range(2):  # the first one may have ended meanwhile
            try:
                server = await asyncio.start_unix_server(self._answer, sock=_bound(name))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    log.debug("whether a second bridge runs can't be told: %s", error)
                    return
            else:
                self._servers.append(server)
                return
            holder = await _holder(name)
            if holder.user is not None:
                break
        if believed(os.getuid(), holder.user):
            raise AlreadyRunning(self._client_id, holder.process, holder.file)
        log.warning(
            "process %s of user %s has the name of %s, as any user could: continuing. If it is a bridge, "
            "stop one of them",
            holder.process,
            holder.user,
            self._client_id,
        )

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(os.fsencode(self._file))
        writer.close()


def _bound(name: str) -> socket.socket:
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        ours.bind(name)
        ours.listen()
    except OSError:
        ours.close()
        raise
    return ours


async def _holder(name: str) -> _Holder:
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(name)
    except (OSError, TimeoutError):
        return _Holder()
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process, user, _ = _CREDENTIALS.unpack(credentials)
    said = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            said = await reader.read(LONGEST_ANSWER)
    writer.close()
    return _Holder(process or None, user, os.fsdecode(said))


def believed(ours: int, other: int | None) -> bool:
    """Whether a program of a user may keep a bridge of ours from starting, because of the name that it has.

    Any program could take the name. So an account of the system does not believe somebody who logs in; whoever starts
    a bridge by hand believes everybody.
    """
    return ours == other or not _of_system(ours) or (other is not None and _of_system(other))


def _of_system(user: int) -> bool:
    """Whether nobody logs in as a user: systemd and Debian give such users these numbers."""
    return user < 1000 or 61184 <= user <= 65519  # noqa: PLR2004 - what they stand for is said above


def _place(host: str) -> str:
    """Return a broker's host, in one word for this machine."""
    with contextlib.suppress(ValueError):
        address = ip_address(host)
        return "localhost" if address.is_loopback else str(address)
    return host.lower().removesuffix(".")
