"""Topic filters found by the levels of a topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.config.topic_names import matches
from sim7020_bridge.mqtt.filters import Filters

LEVELS = st.sampled_from(["", "a", "b", "$SYS", "$"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)
PATTERNS = st.one_of(
    st.lists(LEVELS | st.just("+"), min_size=1, max_size=4).map("/".join),
    st.lists(LEVELS | st.just("+"), max_size=3).map(lambda levels: "/".join([*levels, "#"])),
)


@given(st.lists(PATTERNS, max_size=5), TOPICS)
def test_finds_what_matches(patterns: list[str], topic: str) -> None:
    """A filter that matches is found, and none is where none does: whatever the filters are."""
    found = Filters([(pattern, pattern) for pattern in patterns]).find(topic)
    matching = {pattern for pattern in patterns if matches(pattern, topic)}
    assert found in matching if matching else found is None


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("house/kitchen", "house/+"),
        ("house", None),
        ("garden", "garden/#"),
        ("garden/bed/3", "garden/#"),
        ("garden2", None),
        ("$SYS/load", None),
        ("yard/gate/open", "yard/+/open"),
        ("yard/gate/shut", None),
    ],
)
def test_examples(topic: str, found: str | None) -> None:
    """The rules of MQTT 5.0 section 4.7."""
    patterns = ("house/+", "garden/#", "yard/+/open")
    assert Filters([(pattern, pattern) for pattern in patterns]).find(topic) == found
