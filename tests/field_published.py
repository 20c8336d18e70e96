"""What was measured in the field, computed from the rows of the sources alone: a copy apart from what the model draws.

The sources are those of docs/field.md. field_published.csv beside this has the distributions: how many measurements,
and their quantiles in seconds, linearly between the nearest two, with four or five digits.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim7020_emulator.field.quantiles import Quantiles


@dataclass(frozen=True, slots=True)
class Figures:
    """A published distribution.

    Args:
        count: Measurements.
        values: The quantiles by per cent, 0 to 100.
    """

    count: int
    values: dict[int, float]

    @property
    def quantiles(self) -> Quantiles:
        """Return the distribution, on a line between one and the next."""
        return Quantiles(tuple(self.values.values()), tuple(part / 100 for part in self.values))


def _read() -> dict[str, Figures]:
    with Path(__file__).with_suffix(".csv").open(newline="") as file:
        return {
            row.pop("what"): Figures(
                int(row.pop("count")), {int(part.removeprefix("p")): float(value) for part, value in row.items()}
            )
            for row in csv.DictReader(file)
        }


DISTRIBUTIONS: Final = _read()
"""By what it is, as in ``field_model.ROWS``; of the time from an echo to the release also each range of round trips."""

WAY_UP: Final = (0.81, 0.78, 0.65)
"""Median part of a round trip from idle that is the way up, by level; of those in which it is a part of it. OSL."""

ATTACH: Final = {
    "field-good": (7.2, 34.3, 175),
    "field-edge": (14, 52, 175),
    "field-cellar": (15, 60, 183),
    "field-bad-vendor": (50, 100, 300),
    "field-day": (7.2, 34.3, 175),
}
"""Seconds from radio on to registered: p50, p95 and the most. GER, first run, where the level is 0; its median at level
1. The longest at level 2 is that of GER's second run. The others nobody has published: they are the profiles' own."""

VENDOR_MEAN: Final = 20.0
"""Seconds: mean latency of a message with 16 bytes at the slowest vendor. ZAF."""

VENDOR_MOST: Final = (100.0, 300.0)
"""Seconds: p95 and the most of a round trip from idle in ``field-bad-vendor``; nobody has published them."""

UPDATE_MEANS: Final = (1.74, 11.2)
"""Seconds of a tracking-area update: the least and the greatest mean of four vendors. ZAF."""
