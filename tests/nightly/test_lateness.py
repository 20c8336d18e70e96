"""A hundred thousand answers of modules that are late by anything."""

import itertools
from collections import Counter

import pytest

from tests.bridge.at.late_module import live
from tests.virtual_time import run


@pytest.mark.timeout(1800)
def test_no_answer_of_many_ends_another_command() -> None:
    """However late, lost or spoilt answers are, none is given to another command: at 100,000 and more of them."""
    seen: Counter[str] = Counter()
    for seed in itertools.count(1000):
        run(live(seed, 300, seen), grace=0)
        assert not {end: count for end, count in seen.items() if end.startswith("wrong")}, f"with seed {seed}"
        if seen["right"] >= 100_000:
            break
