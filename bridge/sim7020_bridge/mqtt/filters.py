"""Many topic filters and what each stands for: a topic's levels lead to it, however many filters there are."""

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class _Level(Generic[T]):
    __slots__ = ("below", "here")

    def __init__(self) -> None:
        self.below: dict[str, _Level[T]] = {}
        self.here: T | None = None


class Filters(Generic[T]):
    """Finds the filter that a topic matches (MQTT 5.0 section 4.7).

    Args:
        entries: Filters, no two of which match the same topic, and what they stand for.
    """

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._root: Final[_Level[T]] = _Level()
        for topic_filter, meaning in entries:
            level = self._root
            for name in topic_filter.split("/"):
                level = level.below.setdefault(name, _Level())
            level.here = meaning

    def find(self, topic: str) -> T | None:
        """Return what the filter stands for that a topic matches, if there is one."""
        names = topic.split("/")
        levels = [self._root]
        for depth, name in enumerate(names):
            wild = depth > 0 or not topic.startswith("$")
            if wild and (found := _first("#", levels)) is not None:
                return found
            steps = (name, "+") if wild else (name,)
            levels = [level.below[step] for level in levels for step in steps if step in level.below]
        found = _here(levels)
        return _first("#", levels) if found is None else found


def _first(step: str, levels: list[_Level[T]]) -> T | None:
    return _here([level.below[step] for level in levels if step in level.below])


def _here(levels: list[_Level[T]]) -> T | None:
    return next((level.here for level in levels if level.here is not None), None)
