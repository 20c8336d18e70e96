"""Figures that a page promises are the ones that the bridge goes by."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from sim7020_bridge import logs
from sim7020_bridge.config.model import Settings, default_client_id
from sim7020_bridge.delivery.publisher import LAST_MOMENTS
from sim7020_bridge.mqtt import arrival, quarantine, response_topics
from sim7020_bridge.mqtt.timing import ClientTiming
from sim7020_bridge.outbox.outbox import MOST_UNSETTLED
from sim7020_bridge.reports.broker_alerts import ENOUGH
from tests.bench.packing import table
from tests.bench.reading import ways
from tests.docs.pages import DOCS

SHUTDOWN: Final = Settings.__dataclass_fields__["shutdown_timeout"].default


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("delivery.md", f"`shutdown_timeout` ({SHUTDOWN:g} s) to finish, and the broker gets two seconds"),
        ("delivery.md", f"at most {MOST_UNSETTLED - 1} datagrams of a modem and two for each of its UDP sockets"),
        ("delivery.md", f"(at most {response_topics.LONGEST:,} bytes of each are accepted)"),
        ("contract/README.md", f"Correlation Data of more than {response_topics.LONGEST:,} bytes is refused"),
        ("delivery.md", f"at most {quarantine.MOST_ASIDE} of them"),
        ("operations.md", f"A line has at most {logs.MOST_OF_A_LINE:,} bytes"),
        ("contract/README.md", f"under `Hof 7/süd` it is `{default_client_id('Hof 7/süd', 'shed')}`"),
        ("contract/README.md", f"packets of at least {ENOUGH:,} bytes"),
        ("brokers.md", f"below {ENOUGH:,} bytes the alert"),
        ("brokers.md", f"answers no subscription within {ClientTiming().heard:g} s and brings"),
    ],
)
def test_a_figure(page: str, words: str) -> None:
    """The page has it, in these words."""
    assert words in " ".join((DOCS / page).read_text(encoding="utf-8").split())


def test_what_readings_take_on_the_air() -> None:
    """The table is what its program prints, and the sums under it are of its first row."""
    page = (DOCS / "delivery.md").read_text(encoding="utf-8")
    rows = list(table())
    assert "\n".join(("<!-- written by python -m tests.bench.packing -->", *rows, "")) in page
    cells = [cell.strip() for cell in rows[2].split("|")]
    assert f"{int(cells[2]) + 28} KB as JSON with their headers of 28 bytes, and {int(cells[6]) + 28} KB" in page


def test_figures_in_words() -> None:
    """Those that pages write out."""
    timing = ClientTiming()
    assert LAST_MOMENTS == 2.0
    assert timing.later == (1.0, 60.0)
    assert timing.forbidden == (2.0, 3600.0)
    assert timing.disconnects == (60.0, 24 * 3600.0)
    assert timing.silent == (60.0, 3600.0)
    assert timing.answer == (10.0, 60.0)
    assert arrival.SESSION_EXPIRY == 7 * 24 * 3600


def test_what_a_sealed_reading_takes(tmp_path: Path) -> None:
    """The page on CoAP has the bytes that the bench counts."""
    rows = asyncio.run(ways(tmp_path, connections=False))
    text = (DOCS / "coap.md").read_text(encoding="utf-8")
    for way, up, down in rows[1:]:
        assert f"| {way} | {up} | {down} | {up + down} |" in text
    performance = (DOCS / "performance.md").read_text(encoding="utf-8")
    for way, up, down in rows:
        assert f"| {way} | {up} | {down} | {up + down} |" in performance
