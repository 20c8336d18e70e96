"""A distribution that is known by its quantiles, and one that depends on something else."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from statistics import NormalDist

GRID = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1)
"""The probabilities of most rows."""

FINE_GRID = (0, 0.01, 0.02, *(number / 20 for number in range(1, 20)), 0.98, 0.99, 1)
"""Those of rows that stand in steps."""

_NORMAL = NormalDist()


class Quantiles:
    """Values at probabilities from 0 to 1, and what lies between.

    Args:
        values: One for each probability, none smaller than the one before.
        grid: The probabilities.
        size: How many measurements they were computed from. Where it is given, values between two of them are
            log-normal, and the outermost are the smallest and the largest of so many; where not, they lie on a line.
    """

    def __init__(self, values: Sequence[float], grid: Sequence[float] = GRID, *, size: int = 0) -> None:
        if len(values) != len(grid) or list(values) != sorted(values):
            raise ValueError(values)
        self.values = tuple(values)
        self.grid = tuple(grid)
        self.size = size
        edge = 0.5 / size if size else 0.0
        known = [
            (part, value) for part, value in zip(grid, values, strict=True) if part in {0, 1} or edge < part < 1 - edge
        ]
        self._places = tuple(self._place(part) for part, _ in known)
        self._heights = tuple(math.log(value) if size else value for _, value in known)

    def at(self, part: float) -> float:
        """Return the value below which such a part lies, 0 to 1."""
        place = min(max(self._place(part), self._places[0]), self._places[-1])
        index = min(bisect_right(self._places, place), len(self._places) - 1)
        low, high = self._places[index - 1], self._places[index]
        height = self._heights[index - 1] + (self._heights[index] - self._heights[index - 1]) * (place - low) / (
            high - low
        )
        return math.exp(height) if self.size else height

    def below(self, value: float) -> float:
        """Return the part that lies below a value: the inverse of ``at``."""
        if value <= self.values[0]:
            return 0.0
        if value >= self.values[-1]:
            return 1.0
        height = math.log(value) if self.size else value
        index = min(bisect_right(self._heights, height), len(self._heights) - 1)
        low, high = self._heights[index - 1], self._heights[index]
        place = self._places[index - 1] + (self._places[index] - self._places[index - 1]) * (height - low) / (
            high - low
        )
        return _NORMAL.cdf(place) if self.size else place

    def _place(self, part: float) -> float:
        if not self.size:
            return part
        edge = 0.5 / self.size
        return _NORMAL.inv_cdf(min(max(part, edge), 1 - edge))


class Ranges:
    """Values that depend on another: quantiles for each range of the other.

    Args:
        bounds: Where one range ends and the next begins, ascending.
        rows: The quantiles of each range, one more than there are bounds.
    """

    def __init__(self, bounds: Sequence[float], *rows: Quantiles) -> None:
        if len(rows) != len(bounds) + 1 or list(bounds) != sorted(bounds):
            raise ValueError(bounds)
        self.bounds = tuple(bounds)
        self.rows = rows

    def at(self, other: float, part: float) -> float:
        """Return the value below which such a part lies, 0 to 1, of those with such another."""
        return self.rows[bisect_right(self.bounds, other)].at(part)
