"""Profiles from the command line and from outside."""

from pathlib import Path

from sim7020_emulator.scenario.control import tell
from tests.emulator.program import QUICK, running


def test_program_plays_a_profile(tmp_path: Path) -> None:
    """--profile begins one, an event goes over to another, and ``field`` tells what the model has counted."""
    control, trace = tmp_path / "control", tmp_path / "trace"
    place = ("--link", str(tmp_path / "m"), "--control", str(control), "--trace", str(trace))
    with running(*place, *QUICK, "--profile", "field-good"):
        assert tell(control, ["field"]).startswith("profile=field-good radio=")
        assert tell(control, ["profile", "field-edge"]) == "ok"
        told = dict(figure.split("=") for figure in tell(control, ["field"]).split())
        assert "# radio: connected, level 0" in trace.read_text().splitlines()
    assert told["profile"] == "field-edge"
    assert told["attaches"] == "1"
    assert told["sessions"] == "1"
    assert {"psm_s", "waiting_j", "joules", "up_bytes", "down_lost", "rai_ignored"} <= set(told)
