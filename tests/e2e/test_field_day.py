"""An hour of the bridge with a module in the field; days of it are nightly."""

from pathlib import Path

from tests.e2e.field_day import HOUR, live


def test_hour(tmp_path: Path) -> None:
    """Stalls of 92 and 300 s and detachments cost no step but sockets that the module has lost, and no message."""
    day = live(tmp_path, profile="field-day", hours=1, saving="rai", events="hour", every=100)
    assert day.lived >= HOUR
    assert day.detachments >= 2
    assert (day.uncalled, day.untold(), day.unexplained()) == ([], [], 0)
    assert day.said["attach attempts"] + day.said["contexts activated"] + day.said["attaches commanded"] == 0
    assert day.alerts == []
    assert day.assistance == "works"
    assert len(day.of("control")) == sum(len(message.arrived) == 1 for message in day.of("control"))
