"""Ports that are given back, for tests of every kind of port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sim7020_bridge.port.port import Port, open_port
from tests.pty_peer import PATIENCE

EVERY_BYTE = bytes(range(256))
MORE_THAN_A_SOCKET_HOLDS = bytes(32 << 20)


@asynccontextmanager
async def opened(name: str, baudrate: int = 115200) -> AsyncIterator[Port]:
    """Open a port and give it back."""
    port = await open_port(name, baudrate)
    try:
        yield port
    finally:
        await port.aclose()


async def read_exactly(port: Port, count: int) -> bytes:
    """Read until so many bytes have come."""
    data = b""
    async with asyncio.timeout(PATIENCE):
        while len(data) < count:
            data += await port.read()
    return data
