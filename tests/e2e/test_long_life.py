"""A short form of the long life of script/life."""

from pathlib import Path

from tests.e2e.life import count, live
from tests.e2e.lived import Mark


def test_thirty_faults_in_random_order(tmp_path: Path) -> None:
    """After thirty faults in random order the modem is up, and the bridge leaves nothing behind."""
    life = live(tmp_path, seed=20, faults=30, lasts=0.0, speed=200.0)
    assert life.faults >= 30
    assert life.down > 0


def test_faults_are_counted() -> None:
    """Events of the same moment are one fault, and those that mend are none."""
    texts = ("fault: signal 99", "fault: registration searching", "event: offline", "fault: registration home")
    marks = [Mark(at, text) for at, text in zip((5.0, 5.001, 5.1, 6.0), texts, strict=True)]
    assert count([*marks, Mark(7.0, "fault: reboot")]) == 2
