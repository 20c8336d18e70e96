"""The bench measures and draws; what it measures is nobody's business here."""

import asyncio
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench.__main__ import PARTS
from tests.bench.figures import DOCUMENT, PLOTS, Plot, Table, percentile
from tests.bench.wire import per_second, send_command, uplink_bytes

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
    tables = [block.splitlines() for block in measured.split("\n\n") if block.startswith("| ")]
    assert tables
    for head, _, *rows in tables:
        assert rows
        assert {row.count("|") for row in rows} == {head.count("|")}


def test_every_figure_has_its_place() -> None:
    """The document has a place for each table that the bench writes, and shows each plot that there is."""
    text = DOCUMENT.read_text()
    for mark in (
        "machine",
        "throughput",
        "downlink",
        "latency",
        "others",
        "idle",
        "scale",
        "outbox",
        "filters",
        "usage",
    ):
        assert f"<!-- bench: {mark} -->" in text
        assert f"<!-- end of {mark} -->" in text
    for plot in PLOTS.glob("*.svg"):
        assert f"performance/{plot.name}" in text


def test_a_table_replaces_what_stood_between_its_marks(tmp_path: Path) -> None:
    """What stands around the marks stays, and a document without them is a mistake."""
    document = tmp_path / "figures.md"
    document.write_text("before\n<!-- bench: speed -->\nold\n<!-- end of speed -->\nafter\n")
    Table("speed", ("what", "how much"), [("line", "1")], "A note.").write(document)
    table = "| what | how much |\n| --- | ---: |\n| line | 1 |\n\nA note.\n"
    assert document.read_text() == f"before\n<!-- bench: speed -->\n{table}<!-- end of speed -->\nafter\n"
    with pytest.raises(LookupError, match="no place for weight"):
        Table("weight", ("what",), []).write(document)


def test_a_plot_is_an_image() -> None:
    """A plot is well-formed SVG with a line and its points, also with one point only."""
    for points in ([(1.0, 2.0), (256.0, 3.0)], [(1.0, 2.0)]):
        drawn = ET.fromstring(Plot("name", "Title", "modems", {"memory": points}).svg())  # noqa: S314 (our own)
        assert len(drawn.findall("{http://www.w3.org/2000/svg}circle")) == len(points)


def test_the_limit_comes_from_the_bytes_on_the_line() -> None:
    """16 bytes make a command of 51 bytes and its carriage return is one of them; the answer is 6."""
    assert send_command(b"ab") == b'AT+CSOSEND=0,4,"6162"\r'
    assert uplink_bytes(16) == 51 + 6
    assert per_second(uplink_bytes(16), 115200) == pytest.approx(202.1, abs=0.05)


def test_percentiles_are_values_that_were_measured() -> None:
    """The nearest one, at both ends too."""
    assert [percentile([3.0, 1.0, 2.0], part) for part in (0, 50, 99, 100)] == [1.0, 2.0, 3.0, 3.0]
