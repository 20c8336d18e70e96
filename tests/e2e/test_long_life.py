"""What a long life, script/life, counts."""

from tests.e2e.life import count
from tests.e2e.lived import Mark


def test_faults_are_counted() -> None:
    """Events of the same moment are one fault, and those that mend are none."""
    texts = ("fault: signal 99", "fault: registration searching", "event: offline", "fault: registration home")
    marks = [Mark(at, text) for at, text in zip((5.0, 5.001, 5.1, 6.0), texts, strict=True)]
    assert count([*marks, Mark(7.0, "fault: reboot")]) == 2
