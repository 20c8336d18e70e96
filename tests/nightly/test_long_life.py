"""A short form of the long life of script/life."""

from pathlib import Path

from tests.e2e.life import live


def test_thirty_faults_in_random_order(tmp_path: Path) -> None:
    """After thirty faults in random order the modem is up, and the bridge leaves nothing behind."""
    life = live(tmp_path, seed=20, faults=30, lasts=0.0, speed=200.0)
    assert life.faults >= 30
    assert life.down > 0
