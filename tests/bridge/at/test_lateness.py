"""No answer ends another command than its own, however late it is and whatever is lost."""

from collections import Counter

import pytest

from tests.bridge.at.late_module import live
from tests.virtual_time import run


@pytest.mark.parametrize("seeds", [range(first, first + 20) for first in range(0, 120, 20)], ids=str)
def test_no_answer_ends_another_command(seeds: range) -> None:
    """A module that is late by anything between nothing and hours may cost a session, and never a wrong answer."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        run(live(seed, 60, seen), grace=0)
    assert not {end: count for end, count in seen.items() if end.startswith("wrong")}
    assert seen["right"] > 100
