"""The model of the field beside what was measured there: samples of it, in virtual time."""

import asyncio
import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sim7020_emulator.emulator import Setup
from sim7020_emulator.field import rows
from sim7020_emulator.field.account import RadioState
from sim7020_emulator.field.conditions import BAD_VENDOR, CELLAR, DAY, EDGE, GOOD, Conditions
from sim7020_emulator.field.field import Field
from sim7020_emulator.field.quantiles import Quantiles
from sim7020_emulator.schedule import Schedule
from tests.emulator.bench import Bench
from tests.emulator.field.stage import Outdoors, outdoors
from tests.field_published import DISTRIBUTIONS, Figures
from tests.ks import distance, probability
from tests.virtual_time import run

_HEADERS = 28
_CONNECTED = (RadioState.ACCESS, RadioState.CONNECTED, RadioState.WAITING)
_LEVELS = ((GOOD, 0), (EDGE, 1), (CELLAR, 2))


@dataclass(slots=True)
class Alone:
    """What a field asks of its module, without one."""

    code: int = 0
    loss_up: str = ""
    loss_down: str = ""
    inactivity: str = ""
    rai_ignored: str = ""
    watts: str = ""

    def take_assistance(self) -> int:
        """Return what the next uplink says of those that follow."""
        return self.code

    def sleeps_lightly(self) -> bool:
        """Say that it does not."""
        return False

    def paging_cycle(self) -> float:
        """Return the cycle of DRX."""
        return 2.56

    def update_period(self) -> float | None:
        """Return that none was granted."""
        return None


@dataclass(frozen=True, slots=True)
class Message:
    """One message and its echo.

    Args:
        trip: Seconds until the echo; None if either was lost.
        tail: Seconds from the echo until the connection was released.
        connected: Seconds of the whole connection.
        joules: What it cost.
        ignored: Whether the network took no notice of release assistance.
        level: The coverage level.
    """

    trip: float | None
    tail: float
    connected: float
    joules: float
    ignored: bool
    level: int


class _Sender:
    """Sends messages through a field, each from idle."""

    def __init__(self, conditions: Conditions, seed: int, code: int) -> None:
        self.field = Field(Schedule(), Alone(code))
        self.field.conditions, self.field.seed = conditions, seed
        self._code = code
        self._released = asyncio.Event()
        self.field.on_connected = self._connected

    def _connected(self, connected: bool) -> None:  # noqa: FBT001 (a callback with one thing to say)
        if connected:
            self._released.clear()
        else:
            self._released.set()

    async def attach(self) -> None:
        """Be registered, and idle."""
        self.field.follow(runs=True, asleep=False, searches=False, registered=True)
        await self._released.wait()

    async def send(self, size: int) -> Message:
        """Send one and wait until the connection is released."""
        now = asyncio.get_running_loop().time
        account = self.field.account
        self._released.clear()
        self.field.figures()
        seconds, joules, ignored = self._spent(account.seconds), self._spent(account.joules), account.ignored
        began = now()
        way = self.field.up(size, _HEADERS)
        await asyncio.sleep(way.delay)
        lost = way.lost
        if not lost and self._code != 1:  # 1: nothing more comes
            way = self.field.down(size, _HEADERS)
            lost = way.lost
            await asyncio.sleep(way.delay)
        echoed = now()
        await self._released.wait()
        self.field.figures()
        return Message(
            None if lost else echoed - began,
            now() - echoed,
            self._spent(account.seconds) - seconds,
            self._spent(account.joules) - joules,
            account.ignored > ignored,
            self.field.level,
        )

    @staticmethod
    def _spent(sums: dict[RadioState, float]) -> float:
        return sum(sums[state] for state in _CONNECTED)


def messages(
    conditions: Conditions, count: int, *, seed: int, sizes: Sequence[int] = (20,), code: int = 0
) -> list[Message]:
    """Send so many messages, of each size in turn, through the model alone."""

    async def live() -> list[Message]:
        sender = _Sender(conditions, seed, code)
        await sender.attach()
        return [await sender.send(size) for size, _ in zip(itertools.cycle(sizes), range(count), strict=False)]

    return run(live(), grace=0)


def part_up(conditions: Conditions, *, seed: int) -> float:
    """Send a datagram from idle; return the part of its round trip that is the way up."""

    async def live() -> float:
        sender = _Sender(conditions, seed, 0)
        await sender.attach()
        way = sender.field.up(20, _HEADERS)
        return way.delay / (way.delay + way.back)

    return run(live(), grace=0)


def connected_trips(conditions: Conditions, count: int, *, seed: int) -> list[float]:
    """Exchange so many small messages in one connection."""

    async def live() -> list[float]:
        sender = _Sender(replace(conditions, loss=(0.0, 0.0)), seed, 0)
        await sender.attach()
        sender.field.up(0, _HEADERS)
        await asyncio.sleep(15)
        trips = []
        for _ in range(count):
            sender.field._answers.clear()
            way = sender.field.up(20, _HEADERS)
            await asyncio.sleep(way.delay)
            back = sender.field.down(20, _HEADERS).delay
            await asyncio.sleep(back)
            trips.append(way.delay + back)
        return trips

    return run(live(), grace=0)


def attach_times(conditions: Conditions, count: int, *, seed: int) -> list[float]:
    """Switch a whole module's radio off and on so many times; return the seconds from on to registered."""

    async def live() -> list[float]:
        now = asyncio.get_running_loop().time
        times = []
        async with Bench(Setup(seed=seed, conditions=conditions)) as bench:
            await bench.ask("AT+CEREG=1")
            for _ in range(count):
                await bench.ask("AT+CFUN=0")
                bench.heard.clear()
                began = now()
                bench.type(b"AT+CFUN=1\r")
                await bench.until(re.compile(rb"\+CEREG: 1\r\n"))
                times.append(now() - began)
        return times

    return run(live(), grace=0)


@dataclass(frozen=True, slots=True)
class Row:
    """A distribution that was measured, and how the model is asked for it.

    Args:
        name: What it is.
        source: Whose, with the number of measurements.
        sample: Draws so many values with a seed.
        drawn: The row of the model's that they are drawn from; None if they come out of several.
    """

    name: str
    source: str
    sample: Callable[[int, int], list[float]]
    drawn: Quantiles | None = None

    @property
    def row(self) -> Quantiles:
        """Return what the values are held to: what they are drawn from, or else what was measured."""
        return self.drawn or self.published.quantiles

    @property
    def published(self) -> Figures:
        """Return what was measured."""
        return DISTRIBUTIONS[self.name]

    def probability(self, values: Sequence[float]) -> float:
        """Return how probable it is that chance alone puts the values so far from the row.

        What was measured is a sample itself, and as far from the truth as its number makes it.
        """
        found, count = len(values), self.published.count
        return probability(distance(values, self.row.below), found if self.drawn else found * count / (found + count))


def _connected_trips(conditions: Conditions) -> Callable[[int, int], list[float]]:
    return lambda count, seed: connected_trips(conditions, count, seed=seed)


def _attach_times(conditions: Conditions) -> Callable[[int, int], list[float]]:
    return lambda count, seed: attach_times(conditions, count, seed=seed)


def _trips(conditions: Conditions, sizes: Sequence[int] = (20,)) -> Callable[[int, int], list[float]]:
    def sample(count: int, seed: int) -> list[float]:
        return [m.trip for m in messages(conditions, count, seed=seed, sizes=sizes) if m.trip is not None]

    return sample


def _tails(conditions: Conditions, sizes: Sequence[int]) -> Callable[[int, int], list[float]]:
    def sample(count: int, seed: int) -> list[float]:
        return [m.tail for m in messages(conditions, count, seed=seed, sizes=sizes) if m.trip is not None]

    return sample


def _connections(
    conditions: Conditions, sizes: Sequence[int] = (20,), code: int = 0
) -> Callable[[int, int], list[float]]:
    def sample(count: int, seed: int) -> list[float]:
        found = messages(conditions, count, seed=seed, sizes=sizes, code=code)
        return [m.connected for m in found if m.trip is not None and not m.ignored]

    return sample


_MIX = [size for size, count in zip(rows.ROUND_TRIP_SIZES, (113, 46, 24, 1), strict=True) for _ in range(count)]
"""Sizes as often as they are among the 2393 rows."""

_IDLE, _BUSY = "round trip from idle", "round trip connected"
_ECHOED = ((GOOD, _MIX, 2393), (EDGE, (20,), 460), (CELLAR, (20,), 326))
"""Profile, sizes and number of the messages in OSL that had an echo, without release assistance, by level."""

_COUNTS = {0: (3545, 528, 327), 1: (357, 385, 214), 2: (504, 478, 89)}
"""Messages in OSL without release assistance and with each kind, by level."""

ROWS: tuple[Row, ...] = (
    *(
        Row(f"{_IDLE}, level 0, {size} bytes, s", f"OSL, {row.size or 13}", _trips(GOOD, (size,)), row)
        for size, row in zip(rows.ROUND_TRIP_SIZES, rows.ROUND_TRIP, strict=True)
    ),
    Row(f"{_IDLE}, level 0, all of them, s", "OSL, 2393", _trips(GOOD, _MIX)),
    Row(f"{_IDLE}, level 1, 20 bytes, s", "OSL, 460", _trips(EDGE), rows.ROUND_TRIP_1),
    Row(f"{_IDLE}, level 2, 20 bytes, s", "OSL, 326", _trips(CELLAR), rows.ROUND_TRIP_2),
    Row(f"{_BUSY}, level 0, s", "GER, 156", _connected_trips(GOOD), rows.CONNECTED_ROUND_TRIP),
    Row(f"{_BUSY}, level 1, s", "GER, 5", _connected_trips(EDGE), rows.CONNECTED_ROUND_TRIP_1),
    *(
        Row(f"echo to release, level {level}, s", f"OSL, {count}", _tails(conditions, sizes))
        for level, (conditions, sizes, count) in enumerate(_ECHOED)
    ),
    *(
        Row(f"connected for a message, level {level}, s", f"OSL, {count}", _connections(conditions, sizes))
        for level, (conditions, sizes, count) in enumerate(_ECHOED)
    ),
    *(
        Row(
            f"the same, release assistance {code}, level {level}, s",
            f"OSL, {_COUNTS[code][level]}",
            _connections(conditions, code=code),
            rows.ASSISTED[code][level],
        )
        for code in (1, 2)
        for conditions, level in _LEVELS
    ),
    Row("radio on to registered, s", "GER, 156", _attach_times(GOOD), rows.ATTACH),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened, and how the model is asked for it.

    Args:
        name: What.
        source: Whose, with the number of cases.
        published: The part of all cases, 0 to 1.
        sample: Returns hits and cases, for so many messages with a seed.
    """

    name: str
    source: str
    published: float
    sample: Callable[[int, int], tuple[int, int]]

    def probability(self, hits: int, cases: int) -> float:
        """Return how probable it is that chance alone makes so many hits, or as many too few."""
        spread = math.sqrt(cases * self.published * (1 - self.published))
        return math.erfc(max(0.0, abs(hits - cases * self.published) - 0.5) / spread / math.sqrt(2))


def _lost(conditions: Conditions) -> Callable[[int, int], tuple[int, int]]:
    def sample(count: int, seed: int) -> tuple[int, int]:
        found = messages(conditions, count, seed=seed)
        return sum(m.trip is None for m in found), len(found)

    return sample


def _ignored(conditions: Conditions, code: int) -> Callable[[int, int], tuple[int, int]]:
    def sample(count: int, seed: int) -> tuple[int, int]:
        found = messages(conditions, count, seed=seed, code=code)
        return sum(m.ignored for m in found), len(found)

    return sample


def _at_level_1(count: int, seed: int) -> tuple[int, int]:
    found = messages(DAY, count, seed=seed)
    return sum(m.level == 1 for m in found), len(found)


RATES: tuple[Rate, ...] = (
    Rate("lost up or down, level 0", "OSL, 1679", 3 / 1679, _lost(GOOD)),
    Rate("lost up or down, level 1", "OSL, 236", 3 / 236, _lost(EDGE)),
    Rate("lost up or down, level 2", "OSL, 165", 2 / 165, _lost(CELLAR)),
    Rate("lost up or down, all levels (`field-day`)", "OSL, 2741", 11 / 2741, _lost(DAY)),
    Rate("connections at level 1 (`field-day`)", "GER, 312", 9 / 312, _at_level_1),
    Rate("release assistance 1 ignored (`field-good`)", "OSL, 486", 7 / 486, _ignored(GOOD, 1)),
    Rate("release assistance 2 ignored (`field-good`)", "OSL, 462", 25 / 462, _ignored(GOOD, 2)),
    Rate("release assistance 1 ignored (`field-bad-vendor`)", "OSL, 129", 64 / 129, _ignored(BAD_VENDOR, 1)),
)


@dataclass(frozen=True, slots=True)
class Energy:
    """What a message cost, in joules of its whole connection, and how the model is asked for it."""

    name: str
    source: str
    published: tuple[float, float, float]
    """Quantiles 0.05, 0.5 and 0.95."""
    sample: Callable[[int, int], list[float]]


def _joules(conditions: Conditions, code: int) -> Callable[[int, int], list[float]]:
    def sample(count: int, seed: int) -> list[float]:
        return [
            m.joules for m in messages(conditions, count, seed=seed, code=code) if m.trip is not None and not m.ignored
        ]

    return sample


_JOULES = {
    0: ((0.751, 2.31, 4.19), (0.942, 2.71, 4.2), (2.33, 3.95, 6.93)),
    1: ((0.11, 0.217, 0.89), (0.124, 0.344, 0.78), (0.428, 1.48, 2.88)),
    2: ((0.121, 0.209, 0.462), (0.166, 0.444, 0.851), (1.3, 2.08, 2.68)),
}

ENERGIES = tuple(
    Energy(
        f"{f'release assistance {code}' if code else 'no release assistance'}, level {level}",
        f"OSL, {_COUNTS[code][level]}",
        _JOULES[code][level],
        _joules(conditions, code),
    )
    for code in (0, 1, 2)
    for conditions, level in _LEVELS
)


def echoes(profile: str, count: int, *, seed: int, size: int = 20) -> list[float]:
    """Send so many datagrams from a whole module over a real socket, each from idle.

    Returns the round trips of those that came back.
    """
    trips: list[float] = []

    async def act(place: Outdoors) -> None:
        async with place.echo():
            for _ in range(count):
                trip = await place.round_trip(size, patience=120)
                if trip is not None:
                    trips.append(trip)
                await place.until_idle()

    outdoors(profile, act, seed=seed, facts={"loss_up": "", "loss_down": ""})
    return trips


WHOLE = (
    ("field-good", 20, rows.ROUND_TRIP[0]),
    ("field-good", 128, rows.ROUND_TRIP[1]),
    ("field-good", 256, rows.ROUND_TRIP[2]),
    ("field-good", 512, rows.ROUND_TRIP[3]),
    ("field-edge", 20, rows.ROUND_TRIP_1),
    ("field-cellar", 20, rows.ROUND_TRIP_2),
)
"""Profiles and sizes that ``echoes`` is held to, with their rows."""
