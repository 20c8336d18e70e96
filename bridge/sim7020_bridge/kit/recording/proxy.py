"""Sits between a port and a pseudo-terminal, and has everything that passes written down."""

import asyncio

from sim7020_bridge.kit.recording.pty import Pty
from sim7020_bridge.kit.recording.writer import Writer
from sim7020_bridge.port.port import Port


async def record(port: Port, pty: Pty, writer: Writer) -> None:
    """Carry bytes both ways until cancelled.

    Raises:
        PortClosed: The port went away.
        OSError: What passed can't be written down.
    """

    async def from_host() -> None:
        while data := await pty.read():
            writer.sent(data)
            port.write(data)
            await port.drain()

    async def from_module() -> None:
        while True:
            data = await port.read()
            writer.received(data)
            await pty.write(data)

    # no TaskGroup: what goes wrong at either end is to be caught as what it is
    ways = (
        asyncio.create_task(from_host(), name="record: from the host"),
        asyncio.create_task(from_module(), name="record: from the module"),
    )
    try:
        await asyncio.gather(*ways)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
