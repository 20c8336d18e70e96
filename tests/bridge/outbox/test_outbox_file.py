"""The outbox from the shell, where it can't be read."""

from pathlib import Path

import pytest

from sim7020_bridge.errors import StorageFailed
from sim7020_bridge.outbox_file import OutboxFile


def test_a_directory_that_can_t_be_looked_into(tmp_path: Path) -> None:
    """What the system says about the directory is told as what keeps the outbox from being read."""
    with pytest.raises(StorageFailed, match="can't be used: File name too long"):
        OutboxFile(tmp_path / ("x" * 300), "shed").entries()


def test_no_file(tmp_path: Path) -> None:
    """Where no bridge has run yet nothing waits."""
    assert OutboxFile(tmp_path, "shed").entries() == ()
