"""Figures: medians and percentiles, tables, goals and plots, and their places in the documentation."""

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
PLOTS = DOCUMENT.parent / "performance"
_COLOURS = ("#1b6ca8", "#c8553d", "#4f772d", "#7d4f9e", "#b08900", "#444444")
_FONT = 'font-family="sans-serif" font-size="12"'
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 640, 320, 60, 34, 170, 44


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return percentile(values, 50)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which so many per cent lie: the nearest one that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * part / 100) - 1))]


def machine() -> str:
    """Name the machine, without what is nobody's business."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{model}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures under a heading, and the place between two marks where they belong.

    Args:
        mark: The name of that place.
        head: What the columns are.
        rows: As many cells each.
        note: What is said below.
        words: Columns, from the left, that hold words and not figures.
    """

    mark: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: int = 1

    def text(self) -> str:
        """Return it as Markdown."""
        lines = [self.head, ["---"] * self.words + ["---:"] * (len(self.head) - self.words), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{table}\n\n{self.note}\n" if self.note else f"{table}\n"

    def write(self, document: Path = DOCUMENT) -> None:
        """Put it between its marks on a page."""
        before, _, after = _place(document, self.mark)
        document.write_text(f"{before}{self.text()}{after}")


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over a logarithmic axis, as SVG in a folder of the documentation's."""

    name: str
    title: str
    across: str
    lines: dict[str, Sequence[tuple[float, float]]]
    low: float = 0.0
    high: float | None = None
    folder: Path = PLOTS

    def svg(self) -> str:
        """Draw it."""
        points = [point for line in self.lines.values() for point in line]
        least, most = min(x for x, _ in points), max(x for x, _ in points)
        high = self.high or max(y for _, y in points) * 1.1
        span = math.log(most / least) or 1.0

        def place(x: float, y: float) -> tuple[float, float]:
            return (
                _LEFT + (_WIDTH - _LEFT - _RIGHT) * math.log(x / least) / span,
                _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (y - self.low) / (high - self.low)),
            )

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
            f'<text x="{_LEFT}" y="20" font-size="14">{self.title}</text>',
        ]
        for step in range(6):
            value = self.low + (high - self.low) * step / 5
            _, y = place(least, value)
            parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>')
            parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
        for across in sorted({x for x, _ in points}):
            x, _ = place(across, self.low)
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 26}" text-anchor="middle">{across:g}</text>')
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{self.across}</text>')
        for number, (name, line) in enumerate(self.lines.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            places = [place(x, y) for x, y in line]
            drawn = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            parts.append(f'<path d="M{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
            beside = _WIDTH - _RIGHT + 10, _TOP + 18 * number
            parts.append(f'<text x="{beside[0]}" y="{beside[1] + 4}" fill="{colour}">{name}</text>')
        return "\n".join([*parts, "</svg>"]) + "\n"

    def write(self) -> None:
        """Put it beside the documentation."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / f"{self.name}.svg").write_text(self.svg())


@dataclass(frozen=True, slots=True)
class Goal:
    """What a part of the bench is held to, and what it found. A goal that is missed is told, and fails nothing.

    Args:
        text: The goal.
        measured: What was found, as precisely as it was judged; empty if it was not measured.
        met: Whether that meets the goal; None if it was not measured.
    """

    text: str
    measured: str
    met: bool | None

    @property
    def cells(self) -> tuple[str, str, str]:
        """Return it as cells of a row."""
        if self.met is None:
            return self.text, self.measured, "not measured"
        return self.text, self.measured, "yes" if self.met else "**no**"


@dataclass(frozen=True, slots=True)
class Result:
    """What one part of the bench found."""

    tables: Sequence[Table]
    plots: Sequence[Plot] = ()
    goals: Sequence[Goal] = ()


MOST_GROWTH = 1.5
"""Times as much as with the least of something that a message may cost with the most of it."""


def flat(what: str, costs: Sequence[tuple[float, float]], of: str, unit: str) -> Goal:
    """Hold what a message costs, as (how many, cost), with the most of something to what it costs with the least."""
    (least, first), (most, last) = min(costs), max(costs)
    times = round(last / first, 2)
    return Goal(
        f"{what} with {most:,} {of} at most {MOST_GROWTH} times that with {least:,}",
        f"{times:.2f} times: {first:.2f} {unit}, {last:.2f} {unit}",
        times <= MOST_GROWTH,
    )


def goals_table(found: Mapping[str, Sequence[Goal]]) -> Table:
    """Return the goals of some parts of the bench, by the name of the part, as a table."""
    rows = [(part, *goal.cells) for part, goals in found.items() for goal in goals]
    return Table("goals", ("part", "goal", "measured", "met"), rows, words=4)


def write_goals(table: Table, order: Sequence[str], document: Path = DOCUMENT) -> None:
    """Put goals between their marks, in the order of the parts; those of parts that were not measured stay."""
    _, standing, _ = _place(document, table.mark)
    measured = {row[0] for row in table.rows}
    rows: list[Sequence[str]] = list(table.rows)
    for line in standing.splitlines()[2:]:
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if row[0] not in measured and row[0] in order:
            rows.append(row)
    rows.sort(key=lambda row: order.index(row[0]))
    replace(table, rows=rows).write(document)


def _place(document: Path, mark: str) -> tuple[str, str, str]:
    """Return what stands before a place, between its marks, and after it; the marks are in the outer two."""
    begin, finish = f"<!-- bench: {mark} -->\n", f"<!-- end of {mark} -->"
    before, found, rest = document.read_text().partition(begin)
    between, closed, after = rest.partition(finish)
    if not found or not closed:
        raise LookupError(f"{document.name} has no place for {mark}")
    return before + begin, between, finish + after
