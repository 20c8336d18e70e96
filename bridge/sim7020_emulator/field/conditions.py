"""The profiles: what a place in the field is like, each number from a published row or named as ours."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sim7020_emulator.field import rows
from sim7020_emulator.field.quantiles import Quantiles, Ranges

LEVELS = 3
"""Coverage enhancement levels: 0 good, 1 at the edge, 2 in a cellar."""

SECONDS_A_BYTE = 0.0028
"""What each further byte of payload takes longer, one way: half of what it does in ``rows.ROUND_TRIP``."""

RoundTrip = Callable[[float, int], float]
"""Gives the seconds of a round trip for a part of 1 and a number of payload bytes."""

Release = Callable[[float, float], float]
"""Gives the seconds until a release for the round trip of a connection in seconds and a part of 1."""


def by_payload(part: float, size: int) -> float:
    """Return the round trip from idle at level 0: by payload, on a line between two rows."""
    sizes = rows.ROUND_TRIP_SIZES
    if size <= sizes[0]:
        return rows.ROUND_TRIP[0].at(part)
    if size > sizes[-1]:
        return rows.ROUND_TRIP[-1].at(part) + 2 * SECONDS_A_BYTE * (size - sizes[-1])
    index = next(index for index, known in enumerate(sizes) if size <= known)
    low, high = rows.ROUND_TRIP[index - 1].at(part), rows.ROUND_TRIP[index].at(part)
    return low + (high - low) * (size - sizes[index - 1]) / (sizes[index] - sizes[index - 1])


def as_row(row: Quantiles) -> RoundTrip:
    """Take a row of one payload; others take longer by as much as at level 0, of which alone they were measured."""
    return lambda part, size: row.at(part) + max(0.0, by_payload(part, size) - by_payload(part, 0))


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the network does to a module at one place.

    Args:
        name: As ``--profile`` has it.
        meaning: In a line.
        levels: How often each coverage level is drawn when a connection begins.
        from_idle: Round trip of a datagram that has to connect first, by level.
        connected: Round trip of a small one in connected state, by level.
        loss: Part of the datagrams that is lost on the way up, and down.
        release: Seconds from the last datagram until the network releases the connection, by level; for the
            round trip with which the connection began, and a part of 1.
        ignored: How often the network ignores release assistance that expects nothing more, and one answer.
        attach: Seconds from radio on to registered.
        update: Seconds that a tracking-area update takes.
        updates: Seconds between periodic ones, if no timer was granted (GER: 3240).
    """

    name: str
    meaning: str
    levels: tuple[float, float, float]
    from_idle: tuple[RoundTrip, RoundTrip, RoundTrip]
    connected: tuple[Quantiles, Quantiles, Quantiles]
    loss: tuple[float, float]
    release: tuple[Release, Release, Release]
    ignored: tuple[float, float]
    attach: Quantiles
    update: Quantiles
    updates: float = 3240.0


_SLOWER_AT_2 = 2.57
"""Ours: a round trip in connected state takes so many times as long at level 2 as at level 1, as one from idle does."""

_CONNECTED_2 = Quantiles(
    tuple(value * _SLOWER_AT_2 for value in rows.CONNECTED_ROUND_TRIP_1.values), rows.CONNECTED_ROUND_TRIP_1.grid
)

GOOD = Conditions(
    "field-good",
    "good cover, coverage level 0",
    levels=(1.0, 0.0, 0.0),
    from_idle=(by_payload, as_row(rows.ROUND_TRIP_1), as_row(rows.ROUND_TRIP_2)),
    connected=(rows.CONNECTED_ROUND_TRIP, rows.CONNECTED_ROUND_TRIP_1, _CONNECTED_2),
    loss=(0.0012, 0.0006),
    release=(rows.RELEASE[0].at, rows.RELEASE[1].at, rows.RELEASE[2].at),
    ignored=(0.0144, 0.0541),
    attach=rows.ATTACH,
    update=Quantiles(rows.UPDATE_MEANS, (0, 1)),
)

EDGE = replace(
    GOOD,
    name="field-edge",
    meaning="at the edge of a cell, coverage level 1",
    levels=(0.0, 1.0, 0.0),
    loss=(0.0085, 0.0042),
    ignored=(0.05, 0.05),
    attach=Quantiles((6.9, 14, 52, 175), (0, 0.5, 0.95, 1), size=156),
)

CELLAR = replace(
    GOOD,
    name="field-cellar",
    meaning="in a basement, coverage level 2",
    levels=(0.0, 0.0, 1.0),
    loss=(0.006, 0.006),
    ignored=(0.05, 0.05),
    attach=Quantiles((7.2, 15, 60, 183), (0, 0.5, 0.95, 1), size=156),
)

_VENDOR_TRIP = as_row(Quantiles((2.4, 20, 100, 300), (0, 0.5, 0.95, 1), size=1000))
_VENDOR_RELEASE = Ranges((), Quantiles((20, 120), (0, 1))).at

BAD_VENDOR = replace(
    GOOD,
    name="field-bad-vendor",
    meaning="the slowest base stations of a published comparison",
    levels=(0.0, 1.0, 0.0),
    from_idle=(_VENDOR_TRIP, _VENDOR_TRIP, _VENDOR_TRIP),
    connected=(_CONNECTED_2, _CONNECTED_2, _CONNECTED_2),
    loss=(0.005, 0.005),
    release=(_VENDOR_RELEASE, _VENDOR_RELEASE, _VENDOR_RELEASE),
    ignored=(0.5, 0.5),
    attach=Quantiles((1.9, 50, 100, 300), (0, 0.5, 0.95, 1), size=1000),
    update=Quantiles((rows.UPDATE_MEANS[1],) * 2, (0, 1)),
)

DAY = replace(
    GOOD,
    name="field-day",
    meaning="156 places of a country in turn: 97 % level 0, 3 % level 1",
    levels=(0.97, 0.03, 0.0),
    loss=(0.0026, 0.0015),
    ignored=(0.05, 0.05),
)

PROFILES = {conditions.name: conditions for conditions in (GOOD, EDGE, CELLAR, BAD_VENDOR, DAY)}
"""The profiles by name."""
