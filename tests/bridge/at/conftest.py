"""A channel on a real pty whose far end the test plays."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from sim7020_bridge.at.channel import Channel, Pacing
from sim7020_bridge.at.command import Urc
from sim7020_bridge.commands.radio import Functionality, ReadFunctionality, ReadSignalQuality
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.errors import LineError
from sim7020_bridge.port.port import Port, open_port
from tests.pty_peer import PtyPeer

QUICK = Pacing(quiet=0.03, drain=0.3, attention=0.1, attempts=4)


@dataclass(slots=True)
class Bench:
    """Both ends of a line: the module's is the peer, the host's is the channel."""

    peer: PtyPeer
    port: Port
    channel: Channel
    urcs: list[Urc]
    running: "asyncio.Task[None]" = field(init=False)

    def __post_init__(self) -> None:
        self.running = asyncio.create_task(self.channel.run())


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Give a running channel, and leave nothing behind."""
    async with PtyPeer() as peer:
        port = await open_port(peer.path, 115200)
        urcs: list[Urc] = []
        channel = Channel(port, urcs=URCS, on_urc=urcs.append, mask=mask, pacing=QUICK)
        bench = Bench(peer, port, channel, urcs)
        yield bench
        bench.running.cancel()
        with pytest.raises((asyncio.CancelledError, LineError)):
            await bench.running
        await port.aclose()


@dataclass(frozen=True, slots=True)
class Hasty(ReadSignalQuality):
    """+CSQ with a deadline that a test can wait for."""

    timeout: ClassVar[float] = 0.1


async def in_order(bench: Bench) -> None:
    """Show that the next command gets its own answer."""
    command = asyncio.create_task(bench.channel.execute(ReadFunctionality()))
    await bench.peer.answer("AT+CFUN?", "+CFUN: 1", "OK")
    assert await command is Functionality.FULL
