"""The test of Kolmogorov and Smirnov: whether a sample can be of a distribution."""

import math
from collections.abc import Callable, Sequence


def distance(sample: Sequence[float], below: Callable[[float], float]) -> float:
    """Return the largest distance between a sample's distribution and a known one.

    Args:
        sample: What was measured.
        below: Returns the part of the known distribution that lies below a value.
    """
    ordered = sorted(sample)
    count = len(ordered)
    parts = [below(value) for value in ordered]
    return max(max((index + 1) / count - part, part - index / count) for index, part in enumerate(parts))


def probability(distance_found: float, count: float) -> float:
    """Return how probable such a distance or a greater one is for so many values (Stephens' approximation).

    Between two samples of n and m values, the count is n * m / (n + m).
    """
    root = math.sqrt(count)
    scaled = (root + 0.12 + 0.11 / root) * distance_found
    terms = (2 * (-1) ** (term - 1) * math.exp(-2 * term**2 * scaled**2) for term in range(1, 101))
    return min(1.0, max(0.0, sum(terms))) if scaled > 0.2 else 1.0
