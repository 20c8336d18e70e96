"""The model of the radio network beside the measurements that it was made from."""

from collections.abc import Sequence

from tests.bench.figures import Goal, Result, Table, percentile
from tests.field_model import ENERGIES, RATES, ROWS, Row

_PARTS = (5, 25, 50, 75, 90, 95, 99, 100)
_LIKELY = 0.05
_NEAR = 0.2
_SEED = 1


def measure(count: int) -> Result:
    """Ask the model for so many messages of each kind."""
    found = [(row, row.sample(count, _SEED)) for row in ROWS]
    rates = [(rate, *rate.sample(count, _SEED)) for rate in RATES]
    energies = [(energy, sorted(energy.sample(count, _SEED))) for energy in ENERGIES]
    drawn, sums = (
        min((round(row.probability(values), 3), row.name) for row, values in found if (row.drawn is not None) is known)
        for known in (True, False)
    )
    odds = [(round(rate.probability(hits, cases), 3), rate.name) for rate, hits, cases in rates]
    costs = [(abs(percentile(values, 50) / energy.published[1] - 1), energy.name) for energy, values in energies]
    return Result(
        tables=(
            Table(
                "distributions",
                ("what", "whose", *(f"p{part}" if part < 100 else "most" for part in _PARTS), "p"),
                [line for row, values in found for line in _lines(row, values)],
                words=2,
            ),
            Table(
                "rates",
                ("what", "whose", "published", "emulator", "of", "p"),
                [
                    (
                        rate.name,
                        rate.source,
                        f"{rate.published:.2%}",
                        f"{hits / cases:.2%}",
                        str(cases),
                        f"{chance:.2f}",
                    )
                    for (rate, hits, cases), (chance, _) in zip(rates, odds, strict=True)
                ],
                words=2,
            ),
            Table(
                "energy",
                ("J a message", "whose", "published p5", "p50", "p95", "emulator p5", "p50", "p95"),
                [
                    (
                        energy.name,
                        energy.source,
                        *(f"{value:.3g}" for value in energy.published),
                        *(f"{percentile(values, part):.3g}" for part in (5, 50, 95)),
                    )
                    for energy, values in energies
                ],
                words=2,
            ),
        ),
        goals=(
            _goal(f"each distribution that is drawn, {count:,} messages: Kolmogorov-Smirnov p above 0.05", *drawn),
            _goal(
                f"each that comes out of several, {count:,} messages: two-sample Kolmogorov-Smirnov p above 0.05",
                *sums,
            ),
            _goal(f"each rate, {count:,} messages: p above 0.05", *min(odds)),
            Goal(
                "energy of a message: median within 20 % of the published",
                f"{max(costs)[0]:.0%} at the most ({max(costs)[1]})",
                max(costs)[0] <= _NEAR,
            ),
        ),
    )


def _goal(text: str, chance: float, name: str) -> Goal:
    return Goal(text, f"{chance:.3f} at the least ({name})", chance > _LIKELY)


def _lines(row: Row, values: Sequence[float]) -> list[tuple[str, ...]]:
    published = (f"{row.published.values[part]:.3g}" for part in _PARTS)
    emulated = (f"{percentile(values, part):.3g}" for part in _PARTS)
    return [
        (row.name, row.source, *published, ""),
        ("", f"emulator, {len(values)}", *emulated, f"{row.probability(values):.2f}"),
    ]
