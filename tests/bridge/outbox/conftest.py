"""What the tests of the outbox share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bridge.outbox.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Open an outbox in an empty directory, and close it."""
    desk = Desk(tmp_path)
    await desk.outbox.load()
    yield desk
    await desk.outbox.close()
