"""The bench: ``python -m tests.bench [--short] [--write] [PART ...]``."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench import (
    field,
    field_far,
    field_model,
    growth,
    idle,
    latency,
    others,
    page,
    reading,
    scale,
    small,
    throughput,
)
from tests.bench.figures import DOCUMENT, Goal, Result, Table, goals_table, machine, write_goals


def _throughput(given: argparse.Namespace) -> Result:
    if given.short:
        return throughput.measure(throughput.Effort(rounds=1, seconds=0.2, bauds=(115200, 921600), sizes=(16, 512)))
    return throughput.measure(throughput.Effort(rounds=5, seconds=1.2))


def _latency(given: argparse.Namespace) -> Result:
    return latency.measure(1, 20) if given.short else latency.measure(5, 100)


def _others(given: argparse.Namespace) -> Result:
    rounds, exchanges = (1, 100) if given.short else (7, 400)
    return others.measure(rounds, exchanges, with_others=given.others)


def _idle(given: argparse.Namespace) -> Result:
    return idle.measure(1, 0.5, day=20, further=2) if given.short else idle.measure(5, 30)


def _scale(given: argparse.Namespace) -> Result:
    if given.short:
        return scale.measure((1, 2), ((2, 1),), 20, 2)
    return scale.measure((1, 4, 16, 64, 256), ((2, 64), (4, 64)), 2000, 10)


def _small(given: argparse.Namespace) -> Result:
    return small.measure(1, 0.2, 5, (16, 64)) if given.short else small.measure(5, 1, 20)


def _growth(given: argparse.Namespace) -> Result:
    return growth.measure((100,), 1) if given.short else growth.measure((1000, 10_000, 100_000, 1_000_000), 7)


def _field_model(given: argparse.Namespace) -> Result:
    return field_model.measure(1000 if given.short else 10_000)


def _field(given: argparse.Namespace) -> Result:
    if given.short:
        return field.measure(field.Effort(6, 2, ("field-good", "field-cellar"), (20,), (92.0,), 4))
    return field.measure(field.Effort())


def _field_far(given: argparse.Namespace) -> Result:
    return field_far.measure(20, 1) if given.short else field_far.measure(2000, 5)


def _reading(given: argparse.Namespace) -> Result:
    return reading.measure(1 if given.short else 5)


def _page(given: argparse.Namespace) -> Result:
    return page.measure(page.Effort(1, 30, 20) if given.short else page.Effort(5, 600, 200))


PARTS: Mapping[str, Callable[[argparse.Namespace], Result]] = {
    "throughput": _throughput,
    "latency": _latency,
    "others": _others,
    "idle": _idle,
    "small": _small,
    "scale": _scale,
    "growth": _growth,
    "field-model": _field_model,
    "field": _field,
    "field-far": _field_far,
    "page": _page,
    "reading": _reading,
}

PAGES: Mapping[str, Path] = dict.fromkeys(("field-model", "field", "field-far"), DOCUMENT.with_name("field.md"))
"""The pages of parts that are not written into ``DOCUMENT``."""


def main() -> None:
    """Measure what the command line names, and print it."""
    parser = argparse.ArgumentParser(prog="script/bench", description="Measure, and print tables.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without any, all of them")
    parser.add_argument("--short", action="store_true", help="little of everything, in two minutes")
    parser.add_argument("--others", action="store_true", help="measure other libraries too, installed by script/bench")
    parser.add_argument(
        "--write",
        action="store_true",
        help=f"write figures and plots into docs/{DOCUMENT.name}; of the parts about the field into docs/field.md",
    )
    given = parser.parse_args()
    unknown = sorted(set(given.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    if given.short and given.write:
        parser.error("--short measures too little to be written")
    load = os.getloadavg()[0]
    where = Table("machine", ("machine", "load at the start"), [(machine(), f"{load:.1f}")])
    sys.stdout.write(where.text())
    goals: dict[str, Sequence[Goal]] = {}
    for name in given.parts or PARTS:
        began = time.monotonic()
        result = PARTS[name](given)
        goals[name] = result.goals
        sys.stdout.write(f"\n## {name} ({time.monotonic() - began:.0f} s)\n\n")
        for table in result.tables:
            sys.stdout.write(f"{table.text()}\n")
            sys.stdout.flush()
            if given.write:
                table.write(PAGES.get(name, DOCUMENT))
        if given.write:
            for plot in result.plots:
                plot.write()
    verdicts = goals_table(goals)
    sys.stdout.write(f"\n## goals\n\n{verdicts.text()}")
    if given.write:
        _write_goals(goals)
        if set(goals) - set(PAGES):
            where.write()


def _write_goals(goals: Mapping[str, Sequence[Goal]]) -> None:
    """Put the goals of each page on it."""
    for document in {PAGES.get(name, DOCUMENT) for name in goals}:
        here = tuple(name for name in PARTS if PAGES.get(name, DOCUMENT) == document)
        write_goals(goals_table({name: goals[name] for name in here if name in goals}), here, document)


if __name__ == "__main__":
    main()
