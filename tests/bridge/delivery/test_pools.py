"""When a modem takes from its pools."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sim7020_bridge.config.model import DataBudgetSettings, OutboxSettings
from sim7020_bridge.delivery.pools import Pools
from tests.bridge.desk import Desk, named, staffed
from tests.bridge.modem.bench import UDP
from tests.bridge.scripted_module import on_virtual_time

POOLED = replace(UDP, pool="meters")


class Watched:
    """Pools that are looked at as the bridge does, and each change."""

    def __init__(self, desk: Desk) -> None:
        self.changes: list[bool] = []
        self.pools = Pools(store=desk.bench.modem.store, usage=desk.usage, outbox=desk.outbox, changed=self._changed)

    def _changed(self) -> None:
        self.changes.append(self.pools.joined)


@asynccontextmanager
async def pooled(absent: int = 0, **settings: Any) -> AsyncIterator[tuple[Desk, Watched]]:
    """Run a modem that is in a pool."""
    async with staffed(POOLED, absent=absent, **settings) as desk:
        yield desk, Watched(desk)


@on_virtual_time
async def test_while_the_modem_is_online() -> None:
    """A modem joins once it is online, and leaves for good at the end."""
    async with pooled() as (desk, watched):
        assert watched.changes == []
        await desk.bench.online()
        watched.pools.recheck()
        assert watched.changes == [True]
        watched.pools.leave()
        watched.pools.recheck()
        assert watched.changes == [True, False]


@on_virtual_time
async def test_while_the_outbox_has_room() -> None:
    """A modem whose outbox is nearly full leaves, and comes back only when there is room enough again."""
    limits = OutboxSettings(max_messages=10)
    async with pooled(outbox=limits) as (desk, watched):
        await desk.bench.online()
        for number in range(9):
            desk.send("udp", b"x", **named(f"m{number}", priority="low"))
            watched.pools.recheck()
        assert watched.changes[-1] is False
        await asyncio.sleep(600)
        watched.pools.recheck()
        assert watched.changes[-1] is True


@on_virtual_time
async def test_while_there_is_budget() -> None:
    """A modem that may send nothing more takes nothing."""
    async with pooled(data_budget=DataBudgetSettings(bytes=1000)) as (desk, watched):
        await desk.bench.online()
        watched.pools.recheck()
        desk.usage.count(up=1000, down=0)
        watched.pools.recheck()
        assert watched.changes == [True, False]
