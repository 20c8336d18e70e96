"""Every end-to-end test gets a world with a broker, and has to leave it clean."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.world import World, world_in


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Run a broker and a client that hears everything; at the end hold all that was published to the contract."""
    async with world_in(tmp_path) as world:
        yield world
