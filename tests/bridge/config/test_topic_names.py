"""Topic names and filters, as MQTT 5.0 section 4.7 has them."""

import pytest

from sim7020_bridge.config.topic_names import filter_problem, matches, overlaps, topic_problem


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1"),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"),
        ("sport/#", "sport"),
        ("#", "a/b"),
        ("sport/tennis/+", "sport/tennis/player1"),
        ("sport/+", "sport/"),
        ("+/+", "/finance"),
        ("/+", "/finance"),
        ("+", "finance"),
        ("$SYS/#", "$SYS/broker/load"),
        ("$SYS/monitor/+", "$SYS/monitor/Clients"),
        ("a", "a"),
    ],
)
def test_matches(topic_filter: str, topic: str) -> None:
    """The standard's examples of what matches."""
    assert matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [
        ("sport/tennis/+", "sport/tennis/player1/ranking"),
        ("sport/+", "sport"),
        ("+", "/finance"),
        ("#", "$SYS/broker"),
        ("+/monitor/Clients", "$SYS/monitor/Clients"),
        ("a", "A"),
        ("a/b", "a"),
    ],
)
def test_does_not_match(topic_filter: str, topic: str) -> None:
    """The standard's examples of what does not match."""
    assert not matches(topic_filter, topic)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("a/+", "+/b", True),
        ("a/#", "a/+/c", True),
        ("a/+/c", "a/b/+", True),
        ("a/+", "b/+", False),
        ("a/+", "a/+/+", False),
        ("a/#", "b/#", False),
        ("#", "$SYS/#", False),
    ],
)
def test_overlaps(*, one: str, other: str, overlap: bool) -> None:
    """Two filters overlap if one message could reach both, whichever comes first."""
    assert overlaps(one, other) is overlap
    assert overlaps(other, one) is overlap


@pytest.mark.parametrize("text", ["", "a\0", "a\x85", "\ud800", "a" * 65536, "a/+", "$SYS/x", "$share/g/x"])
def test_no_topic_name(text: str) -> None:
    """Not every text is a topic name."""
    assert topic_problem(text)


def test_filters() -> None:
    """Wildcards are whole levels."""
    assert filter_problem("a/+/b/#") is None
    assert filter_problem("a/b+")
    assert filter_problem("#/a")
