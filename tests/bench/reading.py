"""What a reading of 20 bytes costs on the air, by each way to bring it, and the libraries of each way in memory."""

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import aiocoap

from sim7020_bridge.coap import messages
from sim7020_bridge.coap.sealing import Sealed
from sim7020_bridge.config.model import CoapSettings
from tests.bench.figures import Result, Table, median
from tests.broker import mosquitto
from tests.certificates import certificate
from tests.coap_datagram import ACK, Seen, put_together, taken_apart
from tests.oscore_peer import KEYS, Peer

SIZE: Final = 20
UDP: Final = 28
"""Bytes of the headers of a datagram, IPv4 and UDP."""

TCP: Final = 40
"""The same of a segment, without options."""

_SYN: Final = 4
"""Bytes of the option that says how long a segment may be, in each of the first two."""

_COUNTED: Final = struct.Struct("=104x16xQQII")
"""Of Linux' ``tcp_info``: bytes that were acknowledged and came, segments out and in."""

_IMPORTS: Final = {
    "none of them": "",
    "`coap`: aiocoap": "import sim7020_bridge.coap.endpoint, sim7020_bridge.coap.messages",
    "`oscore`: what seals, too": "import sim7020_bridge.coap.endpoint, sim7020_bridge.coap.sealing",
    "the far end, without a modem": "import sim7020_far_end.far_end, sim7020_far_end.configuration",
}
_MEMORY: Final = (
    "import sim7020_bridge.cli.run\n{}\n"
    "print(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1])"
)


def measure(rounds: int) -> Result:
    """Count the bytes of each way, and measure the memory of each set of libraries so many times."""
    with tempfile.TemporaryDirectory() as directory:
        rows = [(way, *_written(up, down)) for way, up, down in asyncio.run(ways(Path(directory)))]
    bytes_of = Table("reading", ("way", "up", "down", "together"), rows)
    used = {what: median([_resident(imports) for _ in range(rounds)]) for what, imports in _IMPORTS.items()}
    least = used["none of them"]
    memory = [(what, f"{kib / 1024:.1f} MiB", f"+{(kib - least) / 1024:.1f} MiB") for what, kib in used.items()]
    return Result([bytes_of, Table("reading-memory", ("imported beside the daemon", "resident", "more"), memory)])


def _written(up: int, down: int) -> tuple[str, str, str]:
    return (str(up), str(down), str(up + down))


async def ways(directory: Path, *, connections: bool = True) -> list[tuple[str, int, int]]:
    """Return the bytes of each way up and down, of datagrams first; ``connections`` is whether any are made."""
    payload = bytes(range(SIZE))
    plain = bytes(messages.post(CoapSettings(("t",)), payload, id=1, token=b"ab").encode())
    answer = put_together(Seen(ACK, (2, 4), 1, b"ab"))
    sealed, sealed_answer = _sealed(payload, directory)
    datagrams = [
        ("UDP, of which nobody knows whether it arrives", UDP + SIZE, 0),
        ("CoAP", UDP + len(plain), UDP + len(answer)),
        ("CoAP, sealed", UDP + len(sealed), UDP + len(sealed_answer)),
    ]
    if not connections:
        return datagrams
    tcp = await _over_tcp(payload)
    once, further = await _over_mqtt(payload, directory)
    return [
        *datagrams,
        ("TCP, a connection for each reading", *tcp),
        ("MQTT over TLS 1.3, QoS 1, a connection for each reading", *once),
        ("MQTT over TLS 1.3, QoS 1, each further reading of a connection that is kept", *further),
    ]


def _sealed(payload: bytes, directory: Path) -> tuple[bytes, bytes]:
    key = Sealed(KEYS, directory)
    try:
        message = messages.post(CoapSettings(("t",), oscore=KEYS), payload, id=1, token=b"ab")
        datagram, _ = key.seal(message, key.take())
    finally:
        key.close()
    return datagram, Peer().answer(taken_apart(datagram), aiocoap.CHANGED)[1]


def _so_far(connection: socket.socket) -> tuple[int, int]:
    """Return the bytes of a connection up and down, from the IP header on."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _COUNTED.size)
    acknowledged, came, out, back = _COUNTED.unpack(info)
    return acknowledged + TCP * out + _SYN, came + TCP * back + _SYN


def _ended(connection: socket.socket) -> tuple[int, int]:
    """End a connection in good order, and return what it was in all."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass
    return _so_far(connection)


async def _over_tcp(payload: bytes) -> tuple[int, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        return await asyncio.to_thread(_send_by_tcp, server.sockets[0].getsockname(), payload)


def _send_by_tcp(place: tuple[str, int], payload: bytes) -> tuple[int, int]:
    with socket.create_connection(place) as connection:
        connection.sendall(payload)
        return _ended(connection)


async def _over_mqtt(payload: bytes, directory: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    chain, key = certificate(directory, "broker")
    async with mosquitto(directory, f"certfile {chain}", f"keyfile {key}") as broker:
        return await asyncio.to_thread(_send_by_mqtt, broker.port, chain, payload)


def _send_by_mqtt(port: int, trusted: Path, payload: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return what a connection with one reading takes, and each further reading."""
    context = ssl.create_default_context(cafile=str(trusted))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with _mqtt(context, port) as secured:
        _publish(secured, payload)
        secured.sendall(b"\xe0\x00")
        once = _ended(secured)
    with _mqtt(context, port) as secured:
        _publish(secured, payload)
        before = _so_far(secured)
        for _ in range(10):
            _publish(secured, payload)
        after = _so_far(secured)
        secured.sendall(b"\xe0\x00")
    up, down = (round((late - early) / 10) for early, late in zip(before, after, strict=True))
    return once, (up, down)


@contextlib.contextmanager
def _mqtt(context: ssl.SSLContext, port: int) -> Iterator[ssl.SSLSocket]:
    """Log in to a broker as a client called ``shed``, with MQTT 3.1.1."""
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_hostname="broker", suppress_ragged_eofs=True) as secured:
            secured.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x02\x58\x00\x04shed")
            if secured.recv(4) != b"\x20\x02\x00\x00":
                raise ConnectionError("the broker does not let it in")
            yield secured


def _publish(secured: ssl.SSLSocket, payload: bytes) -> None:
    secured.sendall(bytes([0x32, 3 + 2 + len(payload)]) + b"\x00\x01t\x00\x01" + payload)
    if secured.recv(4)[:1] != b"\x40":
        raise ConnectionError("the broker does not acknowledge")


def _resident(imports: str) -> float:
    """Return the KiB of a process that has imported something beside the daemon."""
    return float(subprocess.check_output([sys.executable, "-c", _MEMORY.format(imports)], text=True))
