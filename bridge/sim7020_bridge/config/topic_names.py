"""The language of MQTT topic names and topic filters (MQTT 5.0 section 4.7), without any I/O."""

from itertools import zip_longest
from unicodedata import category

MAX_BYTES = 65535


def topic_problem(topic: str) -> str | None:
    """Say what keeps a text from being a topic name to publish to, or None if it is one."""
    if topic.startswith("$"):
        return "topics that start with $ are the broker's own"
    return _text_problem(topic) or ("a topic to publish to has no wildcards" if "+" in topic or "#" in topic else None)


def filter_problem(topic_filter: str) -> str | None:
    """Say what keeps a text from being a topic filter to subscribe to, or None if it is one."""
    problem = _text_problem(topic_filter)
    if problem:
        return problem
    if topic_filter.startswith("$share/"):
        return "shared subscriptions are for pools: give the socket a pool instead"
    levels = topic_filter.split("/")
    if any("+" in level and level != "+" for level in levels):
        return "the wildcard + must be a whole level, as in a/+/b"
    if any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]:
        return "the wildcard # must be the whole last level, as in a/#"
    return None


def _text_problem(text: str) -> str | None:
    if not text:
        return "a topic must not be empty"
    if any(category(character) == "Cc" for character in text):
        return "a topic must not contain control characters"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "a topic must be valid UTF-8"
    return None if size <= MAX_BYTES else f"a topic has at most {MAX_BYTES} bytes"


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message published to ``topic`` reaches a subscription to ``topic_filter``."""
    return overlaps(topic_filter, topic)


def overlaps(one: str, other: str) -> bool:
    """Whether some topic exists that both filters match; a topic name is a filter that matches itself."""
    wild = ("+", "#")
    if one.startswith("$") != other.startswith("$") and (one.startswith(wild) or other.startswith(wild)):
        return False
    for ours, theirs in zip_longest(one.split("/"), other.split("/")):
        if "#" in (ours, theirs):
            return True
        if ours is None or theirs is None or (ours != theirs and "+" not in (ours, theirs)):
            return False
    return True
