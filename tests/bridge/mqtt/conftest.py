"""What the tests of the broker connection share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.broker import Mosquitto, mosquitto


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """Run a broker that anybody may use."""
    async with mosquitto(tmp_path) as running:
        yield running
