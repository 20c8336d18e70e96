"""Waits that grow with each failure in a row."""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """``first`` seconds, then twice that, and so on up to ``last``; each shortened by up to a quarter at random.

    The chance keeps many sockets or modems that failed together from coming back together.
    """

    first: float
    last: float
    failures: int = 0

    def next_wait(self) -> float:
        """Count a failure and return how long to wait for it, in seconds."""
        wait = min(self.last, self.first * 2.0 ** min(self.failures, 32))
        self.failures += 1
        return wait * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, keeps no secret

    def reset(self) -> None:
        """Forget the failures."""
        self.failures = 0
