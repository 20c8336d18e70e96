"""The bench in its short form."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import PARTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", PARTS)
async def test_short_form_runs(part: str) -> None:
    """Every part measures what it should, little of it, and prints rows without a gap."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench", "--short", part),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    measured = out.decode().partition(f"## {part}")[2]
    goals = measured.partition("## goals")[2].splitlines()[4:]
    assert goals
    assert all(line.startswith(f"| {part} | ") for line in goals)
    tables = [block.splitlines() for block in measured.split("\n\n") if block.startswith("| ")]
    assert tables
    for head, _, *rows in tables:
        assert rows
        assert {row.count("|") for row in rows} == {head.count("|")}
