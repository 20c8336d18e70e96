"""Days of the bridge with a module in the field."""

from pathlib import Path

import pytest

from sim7020_emulator.field.conditions import PROFILES
from tests.e2e.field_day import SAVINGS, live


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("saving", SAVINGS)
@pytest.mark.parametrize("profile", PROFILES)
def test_day(tmp_path: Path, profile: str, saving: str) -> None:
    """Each message is told, each datagram that did not arrive was lost by the model, and no step was uncalled for."""
    day = live(tmp_path, profile=profile, hours=24, saving=saving, speed=1500)
    assert (day.uncalled, day.untold(), day.unexplained()) == ([], [], 0)
    assert day.said["attach attempts"] == 0


@pytest.mark.timeout(3600)
def test_release_assistance_is_seen_to_be_ignored(tmp_path: Path) -> None:
    """A network that takes no notice is told of."""
    day = live(tmp_path, profile="field-good", hours=1, saving="rai", events="none", ignored=True)
    assert day.figures["rai"] == day.figures["rai_ignored"]
    assert day.assistance == "ignored"
