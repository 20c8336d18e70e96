"""How often what repeats is told."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sparing:
    """Lets ``burst`` of a kind be told at once, and then one ``every`` so many seconds; what was not used adds up."""

    burst: int
    every: float
    _paid: dict[Hashable, float] = field(default_factory=dict)

    def wait(self, kind: Hashable) -> float:
        """Return for how many seconds one more of a kind has to wait; 0 if it is told now, which counts."""
        now = asyncio.get_running_loop().time()
        paid = max(self._paid.get(kind, now), now)
        wait = paid - self.burst * self.every + self.every - now
        if wait > 0:
            return wait
        self._paid[kind] = paid + self.every
        return 0.0
