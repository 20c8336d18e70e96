"""How often a password may be tried: each address slows down by itself, so that nobody locks out everybody."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.http.addresses import whose

FREE: Final = 5
"""Wrong passwords that cost no wait."""

LONGEST_WAIT: Final = 60.0
"""Seconds between two tries, at most; the first wait is a second, and each one twice the one before."""

FORGIVEN: Final = 900.0
"""Seconds without a wrong password after which they are forgotten."""

MOST_ADDRESSES: Final = 256
"""Addresses that are remembered; beyond that, one with the fewest wrong tries is forgotten, the quietest first."""


@dataclass(slots=True)
class _Record:
    wrong: int
    last: float


class Tries:
    """Who has tried how often."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def __len__(self) -> int:
        return len(self._records)

    def begin(self, address: str) -> float:
        """Count a try as a wrong one until ``succeeded`` is called, unless it has to wait; return for how long.

        A try that has to wait is none, and 0 is returned for one that has not.
        """
        key, now = whose(address), asyncio.get_running_loop().time()
        record = self._records.pop(key, None)
        if record is None or now - record.last > FORGIVEN:
            record = _Record(0, now)
        wait = record.last + _wait(record.wrong) - now
        if wait <= 0:
            record.wrong += 1
            record.last = now
        while len(self._records) >= MOST_ADDRESSES:
            del self._records[min(self._records, key=lambda each: self._worth(each, now))]
        self._records[key] = record
        return max(0.0, wait)

    def wrong(self, address: str) -> int:
        """Return how many were wrong."""
        record = self._records.get(whose(address))
        return 0 if record is None else record.wrong

    def withdraw(self, address: str) -> None:
        """Have the last try count for nothing: it was not looked at."""
        record = self._records.get(whose(address))
        if record is not None:
            record.wrong = max(0, record.wrong - 1)

    def _worth(self, key: str, now: float) -> tuple[bool, int]:
        record = self._records[key]
        return now - record.last <= FORGIVEN, record.wrong

    def succeeded(self, address: str) -> None:
        """Forget what was wrong before."""
        self._records.pop(whose(address), None)


def _wait(wrong: int) -> float:
    return 0.0 if wrong < FREE else min(LONGEST_WAIT, 2.0 ** min(wrong - FREE, 16))
