"""Minute by minute: one commit each, by the clock that does not jump."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest

from sim7020_bridge.modem.state import Layer
from sim7020_bridge.page.live import RECALLED_WITHIN, Live
from sim7020_bridge.page.messages import Changes, Record
from sim7020_bridge.page.minutes import Row
from sim7020_bridge.page.shown import Bridge
from tests.bridge.page.test_messages import message
from tests.virtual_time import VirtualTimeLoop, run

T = TypeVar("T")

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


def known(result: T) -> "asyncio.Future[T]":
    """Return a future that is done."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    done.set_result(result)
    return done


class Kept:
    """When minutes were kept, and what time each was said to be."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.times: list[set[int]] = []
        self.stall = 0.0
        self.kept = True
        self.at_end: list[list[str | None]] = []
        self.told: list[list[str | None]] = []

    def recall(self, _modem: str) -> "asyncio.Future[Sequence[Record]]":
        """Know of nothing."""
        return known(())

    def keep(self, rows: dict[str, Row], _outages: object, messages: Mapping[str, Changes]) -> "asyncio.Future[bool]":
        """Note a minute; the first one is followed by a time in which nothing goes on."""
        ids = [record.id for record in messages["shed"].records]
        if not rows:
            self.at_end.append(ids)
            return known(True)
        self.told.append(ids)
        loop = asyncio.get_running_loop()
        self.at.append(loop.time())
        self.times.append({row.time for row in rows.values()})
        assert isinstance(loop, VirtualTimeLoop)
        loop._jumping.now += self.stall
        self.stall = 0.0
        return known(self.kept)

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


def test_messages_go_with_the_minute(tmp_path: Path, kept: Kept) -> None:
    """What changed is in its commit, once more if that failed, and what was told last in one at the end."""

    async def main() -> None:
        live = Live(["shed"], tmp_path, clock=lambda: START + timedelta(seconds=asyncio.get_running_loop().time()))
        running = asyncio.create_task(live.run({"shed": bridge()}))
        live.modems["shed"].taken(message("m1"), "t")
        kept.kept = False
        await asyncio.sleep(60)
        kept.kept = True
        await asyncio.sleep(120)
        live.modems["shed"].taken(message("m2"), "t")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())
    assert kept.told == [["m1"], ["m1"], []]
    assert kept.at_end == [["m2"]]


def test_a_disk_that_is_too_slow(tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told does not wait for it for ever."""
    monkeypatch.setattr(kept, "recall", lambda _: asyncio.get_running_loop().create_future())

    async def main() -> None:
        live = Live(["shed"], tmp_path)
        running = asyncio.create_task(live.run({"shed": bridge()}))
        live.modems["shed"].taken(message("m1"), "t")
        await asyncio.wait_for(live.recalled.wait(), RECALLED_WITHIN + 1)
        await asyncio.sleep(1)
        assert len(live.modems["shed"].messages) == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())
