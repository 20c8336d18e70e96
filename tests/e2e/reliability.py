"""The matrix as a table for people: docs/reliability.md between its marks."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.e2e.fault import Fault
from tests.e2e.fault_run import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_HEAD = (
    "| scenario | fault | steps | alerts | ends | back after | module needs | must wait | multiple | added | for |",
    "|---|---|---|---|---|---:|---:|---:|---:|---:|---|",
)


def write(part: str, lines: Sequence[str], page: Path = PAGE) -> None:
    """Replace what stands between the marks of a part of the page."""
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    before, found, rest = page.read_text().partition(f"{begin}\n")
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page.name} has no place for {part}")
    page.write_text("\n".join([f"{before}{begin}", *lines, f"{end}{after}"]))


def machine() -> str:
    """Say what kind of machine this is."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def table(rows: Sequence[tuple[Fault, Outcome]]) -> list[str]:
    """Return the table of what came of each fault."""
    down = [outcome for fault, outcome in rows if fault.ends == "online" and outcome.took is not None]
    swift = sum(each.added <= each.allowed for each in down)
    summary = (
        f"{len(rows)} scenarios; {machine()}. In {swift} of the {len(down)} that went down and came back, the bridge "
        "added at most 2 s or a tenth to what the module needs and what has to be waited for."
    )
    return [summary, "", *_HEAD, *(_row(fault, outcome) for fault, outcome in rows)]


def _row(fault: Fault, outcome: Outcome) -> str:
    played = ", ".join(f"`{word}`" for word in (fault.scenario, *fault.do))
    name = played if fault.id == fault.scenario else f"{played} ({fault.id})"
    cells = [name, fault.what, _steps(outcome), _names(outcome.raised), _end(fault), *_times(fault, outcome)]
    return f"| {' | '.join(cells)} |"


def _end(fault: Fault) -> str:
    return "online" if fault.ends == "online" else f"alert `{fault.ends}`"


def _steps(outcome: Outcome) -> str:
    return ", ".join(f"{step} {count}" for step, count in sorted(outcome.steps.items())) or "none"


def _names(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def _times(fault: Fault, outcome: Outcome) -> tuple[str, ...]:
    if outcome.alerted is not None and fault.ends != "online":
        return (f"told after {outcome.alerted:.0f} s", "", "", "", "", "")
    if outcome.took is None:
        return ("never down", "", "", "", "", "")
    least = outcome.module + outcome.waited
    return (
        f"{outcome.took:.1f} s",
        f"{outcome.module:.1f} s",
        f"{outcome.waited:.1f} s" if _waits(outcome) else "",
        f"{outcome.took / least:.2f}" if least else "",
        f"{outcome.added:+.1f} s",
        _what_for(fault, outcome),
    )


def _waits(outcome: Outcome) -> bool:
    return outcome.waited >= _WORTH_A_WORD


def _what_for(fault: Fault, outcome: Outcome) -> str:
    if not _waits(outcome):
        return ""
    return "a socket's back-off" if fault.wait is None else fault.wait.why


_WORTH_A_WORD: Final = 0.05
"""Seconds that are shown."""
