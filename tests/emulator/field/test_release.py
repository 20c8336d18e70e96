"""What a connection's release depends on."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_emulator.field.conditions import BAD_VENDOR, GOOD
from sim7020_emulator.field.field import Field, Way
from sim7020_emulator.schedule import Schedule
from tests.field_model import Alone
from tests.virtual_time import run


def _life(updates: int) -> tuple[list[float], Way]:
    """Attach, update the tracking area, send two datagrams, be paged; return each release's round trip, and a way."""
    trips: list[float] = []

    def release(trip: float, _: float) -> float:
        trips.append(trip)
        return 20.0

    async def live() -> Way:
        field = Field(Schedule(), Alone())
        field.conditions = replace(GOOD, release=(release, release, release), loss=(0.0, 0.0))
        field.follow(runs=True, asleep=False, searches=False, registered=True)
        await asyncio.sleep(100)
        for _ in range(updates):
            field.update()
            await asyncio.sleep(100)
        way = field.up(512, 28)
        await asyncio.sleep(way.delay)
        field.up(20, 28)
        await asyncio.sleep(100)
        field.down(20, 28)
        await asyncio.sleep(100)
        return way

    way = run(live(), grace=0)
    return trips, way


def test_release_depends_on_the_round_trip_of_its_connection() -> None:
    """It is that of the datagram that began it, also for the next; other connections draw one for each."""
    (attached, updated, first, second, paged), way = _life(updates=1)
    assert first == second == pytest.approx(way.delay + way.back)
    assert len({attached, updated, first, paged}) == 4
    assert all(0.5 < trip < 6.8 for trip in (attached, updated, paged))


def test_drawing_one_changes_no_other() -> None:
    """A datagram takes as long as it would have without the connections before it."""
    assert _life(updates=0)[1].delay == pytest.approx(_life(updates=3)[1].delay)


def test_slow_round_trips_are_released_later_in_the_cellar_and_not_by_the_vendor() -> None:
    """The rows say so of the one, and nobody of the other."""
    short, long = (GOOD.release[2](trip, 0.5) for trip in (5.0, 9.0))
    assert short < long
    assert BAD_VENDOR.release[1](5.0, 0.3) == BAD_VENDOR.release[1](90.0, 0.3) == 50
