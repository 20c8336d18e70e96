"""Every end-to-end test gets a world with a broker, and has to leave it clean."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.world import World, world_in

A_TEST = timedelta(minutes=2)
"""More than what a test takes that reads what was used today."""


@pytest.fixture
async def same_day() -> None:
    """Begin where today will be today until the test is over."""
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if midnight - now < A_TEST:
        await asyncio.sleep((midnight - now).total_seconds() + 1)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Run a broker and a client that hears everything; at the end hold all that was published to the contract."""
    async with world_in(tmp_path) as world:
        yield world
