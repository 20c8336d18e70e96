"""A module and who it speaks with, for tests of its sockets."""

from collections.abc import AsyncIterator

import pytest

from tests.emulator.bench import Bench
from tests.emulator.peers import Peer


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """An attached module without delays."""
    async with Bench() as started:
        yield started


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A loopback TCP server."""
    opened = await Peer("tcp").open()
    yield opened
    opened.close()


@pytest.fixture
async def udp_peer() -> AsyncIterator[Peer]:
    """A loopback UDP server."""
    opened = await Peer("udp").open()
    yield opened
    opened.close()
