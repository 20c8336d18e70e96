"""A short form of the long life of script/life."""

from pathlib import Path

import pytest

from tests.e2e.life import SAVINGS, live


@pytest.mark.parametrize("saving", SAVINGS)
def test_thirty_faults_in_random_order(tmp_path: Path, saving: str) -> None:
    """After thirty faults in random order the modem is up, no message is lost, and the bridge leaves nothing behind."""
    life = live(tmp_path, seed=20, faults=30, lasts=0.0, speed=200.0, saving=saving, spoil=200)
    assert life.faults >= 30
    assert life.down > 0
    assert (life.lost, life.presses[1]) == (0, 0)
