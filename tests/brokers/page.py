"""The table in docs/brokers.md: a column for each broker, a row for each question."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.brokers.ask import ROWS
from tests.brokers.programs import KINDS

PAGE: Final = Path(__file__).parents[2] / "docs" / "brokers.md"
VERSION: Final = "version"
_TABLE: Final = re.compile(r"(?<=<!-- written by script/brokers -->\n)(\|.*\n)*", re.MULTILINE)

Columns = Mapping[str, Mapping[str, str]]
"""Each broker's answers by row, by its title."""


def read(page: str) -> Columns:
    """Return what a page says."""
    heading, _, *rows = [_cells(line) for line in _table(page)]
    return {title: {row[0]: row[at] for row in rows} for at, title in enumerate(heading) if at}


def written(page: str, seen: Columns) -> str:
    """Return a page that says this of these brokers, and of others what it said."""
    columns = {**read(page), **seen}
    titles = [kind.title for kind in KINDS.values() if kind.title in columns]
    lines = [["", *titles], ["---"] * (len(titles) + 1)]
    lines += [[row, *(columns[title].get(row, "") for title in titles)] for row in (VERSION, *ROWS)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return _TABLE.sub(lambda _: table, page, count=1)


def _table(page: str) -> Sequence[str]:
    found = _TABLE.search(page)
    if found is None:
        raise ValueError(f"{PAGE} has no place for the table")
    return found[0].splitlines() or ["| |", "|---|"]


def _cells(line: str) -> Sequence[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
