"""The bridge held to its goals in the field, at length."""

import pytest

from tests.bench.field import PROFILES, Effort, measure


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("profile", PROFILES)
def test_goals(profile: str) -> None:
    """Sixty messages of each kind, and twenty returns: what is promised of them holds."""
    of = measure(Effort(messages=60, returns=20, profiles=(profile,), sizes=(20, 128), bursts=10))
    assert [goal for goal in of.goals if not goal.met] == []
