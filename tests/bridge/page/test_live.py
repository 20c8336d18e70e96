"""Minute by minute: one commit each, by the clock that does not jump."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from sim7020_bridge.modem.state import Layer
from sim7020_bridge.page.live import Live
from sim7020_bridge.page.minutes import Row
from sim7020_bridge.page.shown import Bridge
from tests.virtual_time import VirtualTimeLoop, run

START = datetime(2026, 11, 30, 12, 0, 20, tzinfo=UTC)
NOTHING = dict.fromkeys(("rssi", "rsrp", "rsrq", "sinr", "ecl"))
STATE = {
    "signal": NOTHING,
    "usage": {"total": {"up": 0, "down": 0}},
    "outbox": {"messages": 0},
    "power": {"voltage": None},
}


def bridge() -> Bridge:
    """Return one whose modem is online all the time."""
    state = SimpleNamespace(link=SimpleNamespace(layer=Layer.ONLINE))
    store = SimpleNamespace(listen=lambda _: None, state=state)
    return cast(
        Bridge, SimpleNamespace(modem=SimpleNamespace(store=store), state=lambda: STATE, retained=dict, problem=None)
    )


class Kept:
    """When minutes were kept, and what time each was said to be."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.times: list[set[int]] = []
        self.stall = 0.0

    def keep(self, rows: dict[str, Row], _outages: object) -> None:
        """Note a minute; the first one is followed by a time in which nothing goes on."""
        loop = asyncio.get_running_loop()
        self.at.append(loop.time())
        self.times.append({row.time for row in rows.values()})
        assert isinstance(loop, VirtualTimeLoop)
        loop._jumping.now += self.stall
        self.stall = 0.0

    async def close(self) -> None:
        """Have nothing to close."""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Note minutes in place of writing them: a thread knows no virtual time."""
    noted = Kept()
    monkeypatch.setattr("sim7020_bridge.page.live.History", lambda *_: noted)
    return noted


def minutes(directory: Path, seconds: float, jump: float = 0.0) -> None:
    """Let a bridge with two modems run for so long; at half of it the clock on the wall jumps."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def clock() -> datetime:
            now = loop.time()
            return START + timedelta(seconds=now + (jump if now > seconds / 2 else 0))

        live = Live(["shed", "roof"], directory, clock=clock)
        running = asyncio.create_task(live.run({"shed": bridge(), "roof": bridge()}))
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())


def test_minutes_are_those_of_the_clock(tmp_path: Path, kept: Kept) -> None:
    """They end where the clock's end, all modems' together."""
    minutes(tmp_path, 200)
    assert kept.at == [40, 100, 160]
    noon = int(START.timestamp()) - 20
    assert kept.times == [{noon}, {noon + 60}, {noon + 120}]


@pytest.mark.parametrize("jump", [-7000, 7000, 25])
def test_a_clock_that_jumps_makes_no_minute_shorter(tmp_path: Path, kept: Kept, jump: float) -> None:
    """There is no more than one commit in a minute, whatever the clock does."""
    minutes(tmp_path, 600, jump)
    assert kept.at == [40 + 60 * each for each in range(10)]


def test_a_minute_that_came_late(tmp_path: Path, kept: Kept) -> None:
    """The next one does not make up for it, for the disk's sake."""
    kept.stall = 115.0
    minutes(tmp_path, 400)
    assert kept.at[0] == 40
    assert kept.at[1] == 155
    assert all(later - earlier >= 59 for earlier, later in itertools.pairwise(kept.at))
