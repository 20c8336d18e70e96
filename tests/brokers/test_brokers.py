"""What docs/brokers.md says of brokers is what they do. Those named in BROKERS must be there: see script/brokers."""

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.brokers import page
from tests.brokers.ask import ROWS, ask
from tests.brokers.ground import NO
from tests.brokers.programs import GATE, KINDS, LOCKED
from tests.brokers.questions import NOT_DONE, NOT_HERE

NAMES: Final = os.environ.get("BROKERS", " ".join(GATE)).split()
SAYS: Final = page.read(page.PAGE.read_text(encoding="utf-8"))
IS_THERE: Final = 30.0
"""Seconds of silence that say that something did not come which the page says comes, however busy the machine is."""
IS_NOT: Final = 0.7
"""The same for what the page says does not."""


def patience(title: str, row: str) -> float:
    """Return how long to wait for what a row is about."""
    return IS_NOT if SAYS[title][row] in {"3.1.1", NO, NOT_DONE, NOT_HERE} else IS_THERE


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """Ask every broker, all at once, since most of the time is waiting; one that is missing fails all."""
    for name in NAMES:
        KINDS[name].version()

    async def all_of(directory: Path) -> Mapping[str, Mapping[str, str]]:
        kinds = [KINDS[name] for name in NAMES]
        asked = [ask(kind, directory / kind.title, partial(patience, kind.title)) for kind in kinds]
        return dict(zip(NAMES, await asyncio.gather(*asked), strict=True))

    return asyncio.run(all_of(tmp_path_factory.mktemp("brokers")))


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_the_broker_does(seen: Mapping[str, Mapping[str, str]], name: str, row: str) -> None:
    """Every cell of the table is what the broker does."""
    assert seen[name][row] == SAYS[KINDS[name].title][row]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_the_version(name: str) -> None:
    """What is locked is what the page was written with; of what the machine has, any version must do the same."""
    version = KINDS[name].version()
    if name in LOCKED:
        assert SAYS[KINDS[name].title][page.VERSION] == version
