"""The bench measures and draws; what it measures is nobody's business here."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.bench import idle, latency, others, page, small, throughput
from tests.bench.figures import DOCUMENT, PLOTS, Goal, Plot, Table, flat, goals_table, percentile, write_goals
from tests.bench.wire import per_second, send_command, uplink_bytes

ROOT = Path(__file__).parents[2]

SPIN = """
import os, time
from tests.bench import tenth
process = os.getpid()
if not os.fork():
    tenth.hold(process)
    os._exit(0)
while time.process_time() < 0.1:
    pass
"""
"""Takes what it gets."""


def test_every_figure_has_its_place() -> None:
    """The document has a place for each table that the bench writes, and shows each plot that there is."""
    text = DOCUMENT.read_text()
    for mark in (
        "machine",
        "goals",
        "throughput",
        "downlink",
        "latency",
        "others",
        "idle",
        "small",
        "small-latency",
        "scale",
        "outbox",
        "filters",
        "usage",
        "page-view",
        "page-memory",
        "page-latency",
        "page-held",
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


def verdicts(goals: list[Goal]) -> list[bool | None]:
    """Return what was found of goals."""
    return [goal.met for goal in goals]


def test_throughput_is_held_to_the_bare_loop_and_downlink_to_the_line() -> None:
    """One size that is further behind, one datagram lost, or one rate below 0.99 is a goal that is missed."""
    good, bad = (
        throughput.Downlink({(9600, 16): 0.99, (115200, 64): 1.0}, 100),
        throughput.Downlink({(1, 1): 0.98}, 9, 1),
    )
    assert verdicts(throughput.goals({115200: {16: -0.01, 64: 0.1}, 921600: {16: -0.05}}, good)) == [True] * 4
    assert verdicts(throughput.goals({115200: {16: 0.0, 64: -0.011}, 921600: {16: -0.06}}, bad)) == [False] * 4
    assert verdicts(throughput.goals({115200: {16: 0.0}}, throughput.Downlink())) == [True, None]


def test_latency_is_held_to_both_percentiles() -> None:
    """A tail that is too long misses p99 and leaves p50 as it is."""
    assert verdicts(latency.goals({"up": [1.0] * 98 + [5.0, 9.0], "down": [0.5] * 98 + [5.1] * 2})) == [
        *(True, True),
        *(True, False),
    ]


def test_others_are_to_be_slower_in_both_percentiles() -> None:
    """Whoever is quicker in one percentile only is told there, and nobody says anything of what could not be run."""
    took = {"bare loop": (10e3, 20e3), "asyncio alone": (12e3, 21e3), "sim7020-bridge": (15e3, 40e3)}
    took |= {"one": (16e3, 30e3), "two": (90e3, 90e3)}
    assert verdicts(others.goals(took)) == [True, True, False]
    assert "one 30 us" in others.goals(took)[2].measured
    assert verdicts(others.goals(took | {"sim7020-bridge": (16e3, 20e3)}, {"three": "no such module"})) == [
        *(False, None, None),
    ]


def test_rest_is_held_to_figures_as_they_are_shown() -> None:
    """What is shown as the limit itself has not stayed below it, and has kept to it where that is enough."""
    assert verdicts(idle.goals(cpu=0.0029, memory=36.04 * 1024, further=1.4 * 1024, start=0.249)) == [True] * 4
    assert verdicts(idle.goals(cpu=0.00299999, memory=36.06 * 1024, further=1.5 * 1024, start=0.2499)) == [False] * 4


def test_a_message_is_held_to_what_it_costs_without_a_limit() -> None:
    """What the bridge on a small computer took is told and not judged, nor is what was not measured."""
    held = small.Found(costs={64: [9.0]})
    for cost, met in ((0.99, True), (1.0, False), (0.997, False)):
        assert verdicts(small.goals({"free": small.Found(costs={64: [0.1, cost, 9.0]}), "a tenth": held})) == [met]
    assert verdicts(small.goals({"free": small.Found(costs={16: [0.1]}), "a tenth": held})) == [None]


def test_a_program_that_never_rests_is_stopped_and_goes_on() -> None:
    """It is held back again and again, and comes to its end all the same."""
    process = subprocess.Popen([sys.executable, "-c", SPIN])
    stops = 0
    try:
        while os.WIFSTOPPED(status := os.waitpid(process.pid, os.WUNTRACED)[1]):
            stops += 1
        assert os.waitstatus_to_exitcode(status) == 0
        assert stops > 1
    finally:
        process.kill()


def found(*, more: float = 2.0, beside: float = 3.0, held: float = 50.0, off: str = "click") -> page.Found:
    """Return what a bench of the page may have found."""
    of = page.Found(views=[{"bytes": 150e3, "drawn": 1000.0}])
    of.memory.update(off=[40e3], on=[41e3], streams=[40e3 + 1024 * more])
    of.modules.update(off={"click", off}, on={"click", "microdot"}, streams={"click", "microdot"})
    of.took.update({0: [[1.0, 2.0], [1.5, 3.0]], page.STREAMS: [[beside / 2, beside], [1.0, 2.0]]})
    of.held.append((held, 1.0, "a step"))
    return of


def test_the_page_is_held_to_what_it_may_cost() -> None:
    """What is at its limit has kept to it, what is beyond has not, and what no browser saw is not judged."""
    assert verdicts(page.goals(found())) == [True] * 7
    beyond = found(more=2.06, beside=6.1, held=50.1, off="microdot.microdot")
    beyond.views = [{"bytes": 150_001, "drawn": 1000.1}]
    beyond.took[page.STREAMS] = [[1.6, 3.1]] * 2
    assert verdicts(page.goals(beyond)) == [False] * 7
    unseen = found()
    unseen.views, unseen.unseen = [], "no browser"
    assert verdicts(page.goals(unseen))[:3] == [None, None, True]


def test_growth_is_held_to_the_least_and_the_most() -> None:
    """What lies between the two ends does not count, and their order is that of how many."""
    assert flat("cost", [(1000, 15.0), (1, 10.0), (10, 99.0)], "modems", "us").met
    assert not flat("cost", [(1, 10.0), (1000, 15.1)], "modems", "us").met


def test_goals_of_parts_that_were_not_measured_stay(tmp_path: Path) -> None:
    """What is written replaces the rows of its own parts, and all stand in the order of the parts."""
    document = tmp_path / "figures.md"
    document.write_text("before\n<!-- bench: goals -->\n<!-- end of goals -->\nafter\n")
    order = ("one", "two", "three")
    write_goals(goals_table({"three": [Goal("c", "3", None)], "two": [Goal("b", "2", met=True)]}), order, document)
    write_goals(goals_table({"one": [Goal("a", "1", met=False)], "two": [Goal("d", "4", met=True)]}), order, document)
    assert document.read_text() == (
        "before\n<!-- bench: goals -->\n"
        "| part | goal | measured | met |\n| --- | --- | --- | --- |\n"
        "| one | a | 1 | **no** |\n| two | d | 4 | yes |\n| three | c | 3 | not measured |\n"
        "<!-- end of goals -->\nafter\n"
    )


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
