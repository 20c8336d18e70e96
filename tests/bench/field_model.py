"""The model of the radio network beside the measurements that it was made from."""

from collections.abc import Sequence

from tests.bench.figures import Goal, Result, Table, percentile
from tests.field_model import ENERGIES, RATES, ROWS, Row

_PARTS = (5, 25, 50, 75, 90, 95, 99, 100)
_LIKELY = 0.05
_CLOSE, _NEAR = 0.05, 0.2
_SEED = 1


def measure(count: int) -> Result:
    """Ask the model for so many messages of each kind."""
    found = [(row, row.sample(count, _SEED)) for row in ROWS]
    rates = [(rate, *rate.sample(count, _SEED)) for rate in RATES]
    energies = [(energy, sorted(energy.sample(count, _SEED))) for energy in ENERGIES]
    chances = [(round(row.probability(values), 3), row.name) for row, values in found if row.exact]
    odds = [(round(rate.probability(hits, cases), 3), rate.name) for rate, hits, cases in rates]
    sums = [(row, values) for row, values in found if not row.exact]
    away = max((_away(row, values), row.name) for row, values in sums)
    tail = max((_off(row, values, 95), row.name) for row, values in sums)
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
            _goal(
                f"each distribution that is drawn, {count:,} messages: Kolmogorov-Smirnov p above 0.05", *min(chances)
            ),
            _goal(f"each rate, {count:,} messages: p above 0.05", *min(odds)),
            Goal(
                "what is a sum of distributions: p5 to p90 within 5 % of the published",
                f"{away[0]:.1%} at the most ({away[1]}); at p95 {tail[0]:.1%} ({tail[1]})",
                away[0] <= _CLOSE,
            ),
            Goal(
                "energy of a message: median within 20 % of the published",
                f"{max(costs)[0]:.0%} at the most ({max(costs)[1]})",
                max(costs)[0] <= _NEAR,
            ),
        ),
    )


def _goal(text: str, chance: float, name: str) -> Goal:
    return Goal(text, f"{chance:.3f} at the least ({name})", chance > _LIKELY)


def _away(row: Row, values: Sequence[float]) -> float:
    """Return the part by which a quantile from 0.05 to 0.9 is off at the most."""
    return max(_off(row, values, part) for part in (5, 10, 25, 50, 75, 90))


def _off(row: Row, values: Sequence[float], part: int) -> float:
    return abs(percentile(values, part) / row.published.values[part] - 1)


def _lines(row: Row, values: Sequence[float]) -> list[tuple[str, ...]]:
    published = (f"{row.published.values[part]:.3g}" for part in _PARTS)
    emulated = (f"{percentile(values, part):.3g}" for part in _PARTS)
    chance = f"{row.probability(values):.2f}" if row.exact else ""
    return [(row.name, row.source, *published, ""), ("", f"emulator, {len(values)}", *emulated, chance)]
