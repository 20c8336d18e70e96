"""What is measured at a place: messages in a steady rhythm, modules that are switched off and on, and stalls."""

import asyncio
import bisect
import contextlib
import gc
import itertools
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tests.bench.field_place import Case, Pace, Place, payload, place
from tests.bench.field_senders import ByBridge, ByScript, ByTutorial, Sender
from tests.broker import mosquitto
from tests.e2e.mqtt_peer import MqttPeer
from tests.fast_time import FastLoop

SPEED: Final = 600.0
_CAREFUL: Final = 100.0
"""How many times as fast while it counts what broker and disk take between a module that is back and a message."""

CALM: Final = 900.0
"""Seconds within which all comes that comes at all, and the radio is idle."""

_CUT: Final = 5.0
"""Seconds without supply."""

_EVERY: Final = 60.0
_OFTEN: Final = 20.0
"""Seconds between two messages while a module is away, and while the network is."""

_GIVEN_UP: Final = 1800.0
_SETTLED: Final = 60.0
_RESTED: Final = 300.0
"""Seconds between two times without supply: a module that restarts more often than every two minutes, each time after
it has transmitted, is one whose supply is weak, and the bridge lets that rest for longer and longer."""


_BUSY: Final = ("access", "connected", "waiting")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What came of messages in a steady rhythm; durations in seconds of the module.

    Args:
        sent: How many were published.
        latencies: From publishing to the server's having it, of those that came.
        again: How many the server had more than once.
        ages: How old the newest message was that the server had, each second.
        packets: Datagrams or segments, both ways.
        billed: Their bytes from the IP header on, both ways.
        joules: Of the radio's connections, by message: from one to the next.
        connections: How many there were.
        steps: Recovery steps that the bridge took.
        opened: How often the bridge opened its socket.
        lost: Datagrams or segments that the model lost on the way up.
        asked: How often release assistance was asked for.
        ignored: How often the network took no notice of it.
    """

    sent: int
    latencies: Sequence[float]
    again: int
    ages: Sequence[float]
    packets: int
    billed: int
    joules: Sequence[float]
    connections: int
    steps: Sequence[str]
    opened: int
    lost: int
    asked: int
    ignored: int


@dataclass(frozen=True, slots=True)
class Return:
    """One return of a module that was without supply; seconds from when that was back.

    Args:
        online: Until it was registered and had its context.
        arrived: Until the server had a message that was published after the supply went; None if none came.
        sent: How many messages were published until then.
        lost: How many of them never came.
        dropped: How many the model lost on the way up.
        attaches: How often the module attached.
        billed: Bytes from the IP header on, both ways.
    """

    online: float
    arrived: float | None
    sent: int
    lost: int
    dropped: int
    attaches: int
    billed: int


@dataclass(frozen=True, slots=True)
class Stall:
    """What came of a stall of the network.

    Args:
        seconds: How long it was.
        steps: Recovery steps that the bridge took.
        opened: How often it opened its socket anew.
        sent: How many messages were published meanwhile.
        arrived: How many of them the server had.
    """

    seconds: float
    steps: Sequence[str]
    opened: int
    sent: int
    arrived: int


class World:
    """A broker, whoever publishes, and a pace; places are made in it."""

    def __init__(self, directory: Path, pace: Pace, mqtt: MqttPeer, broker: int) -> None:
        self.pace = pace
        self.directory = directory
        self.mqtt = mqtt
        self.broker = broker

    @contextlib.asynccontextmanager
    async def sender(self, case: Case, seed: int, beside: str = "") -> AsyncIterator[tuple[Place, Sender]]:
        """Switch a module on, and have somebody send from there; who sends has not started yet.

        ``beside`` tells it from others of the same case.
        """
        name = f"{case.name}{beside}"
        directory = self.directory / name
        directory.mkdir()
        async with place(directory, self.pace, case, seed) as here:
            sender: Sender
            match case.sender:
                case "bridge":
                    state = directory / "state"
                    state.mkdir()
                    sender = ByBridge(here, self.mqtt, broker=self.broker, name=name, state=state)
                case "script":
                    sender = ByScript(here)
                case _:
                    sender = ByTutorial(here)
            try:
                yield here, sender
            finally:
                await sender.stop()


@contextlib.asynccontextmanager
async def _world(directory: Path, speed: float) -> AsyncIterator[World]:
    loop = asyncio.get_running_loop()
    if not isinstance(loop, FastLoop):
        raise TypeError("this wants a fast loop")
    async with mosquitto(directory, "max_queued_messages 0", "set_tcp_nodelay true", "log_type none") as broker:
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        mqtt.watch(lambda _: mqtt.heard.clear())
        pace = Pace(loop, speed)
        try:
            pace.resume()
            yield World(directory, pace, mqtt, broker.port)
        finally:
            pace.end()
            await mqtt.stop()


def in_world(act: Callable[[World], Coroutine[Any, Any, _T]], speed: float) -> _T:
    """Let something be done in a world that lives so many times as fast, and nothing of it be logged."""

    async def whole() -> _T:
        async with _world(directory, speed) as world:
            return await act(world)

    directory = Path(tempfile.mkdtemp(prefix="field-"))
    logger, silent = logging.getLogger("sim7020_bridge"), logging.NullHandler()
    logger.addHandler(silent)
    try:
        with asyncio.Runner(loop_factory=FastLoop) as runner:
            return runner.run(whole())
    finally:
        logger.removeHandler(silent)
        shutil.rmtree(directory)


def rhythms(cases: Sequence[Case], count: int, interval: float, seed: int) -> list[Rhythm]:
    """Send so many messages in each case, one every so many seconds, all at the same time in a world of their own."""

    async def act(world: World) -> list[Rhythm]:
        gc.collect()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_rhythm(world, case, count, interval, seed, interval * number / len(cases)))
                for number, case in enumerate(cases)
            ]
        return [task.result() for task in tasks]

    return in_world(act, SPEED)


async def _rhythm(  # noqa: PLR0917 - a case and how it is played
    world: World, case: Case, count: int, interval: float, seed: int, wait: float
) -> Rhythm:
    async with world.sender(case, seed) as (here, sender):
        await sender.start()
        await here.until(lambda: here.emulator.online and not here.emulator.busy, within=CALM)
        await asyncio.sleep(wait)
        before = here.figures()
        began = here.now()
        published: list[float] = []
        spent: list[float] = []
        for number in range(count):
            await asyncio.sleep(began + number * interval - here.now())
            published.append(here.now())
            spent.append(joules(here))
            await sender.send(payload(number, case.size))
        await asyncio.sleep(interval)
        ended = here.now()
        await here.until(lambda: len(here.arrivals.first) == count, within=CALM)
        await here.until(lambda: not here.emulator.busy, within=CALM)
        spent.append(joules(here))
        more = {name: value - before[name] for name, value in here.figures().items()}
        bridge = sender if isinstance(sender, ByBridge) else None
        return Rhythm(
            sent=count,
            latencies=[at - published[number] for number, at in here.arrivals.first.items()],
            again=here.arrivals.again,
            ages=ages(published, here.arrivals.first, ended),
            packets=round(more["up"] + more["down"]),
            billed=round(more["up_bytes"] + more["down_bytes"]),
            joules=[after - at for at, after in itertools.pairwise(spent)],
            connections=round(more["connections"]),
            steps=bridge.steps if bridge else (),
            opened=bridge.opened if bridge else 0,
            lost=round(more["up_lost"]),
            asked=round(more["rai"]),
            ignored=round(more["rai_ignored"]),
        )


def joules(here: Place) -> float:
    """Return what the radio's connections have cost so far."""
    figures = here.figures()
    return sum(figures[f"{state}_j"] for state in _BUSY)


def ages(published: Sequence[float], arrived: dict[int, float], until: float) -> list[float]:
    """Return how old the newest message was that was there, each second from the first one's arrival on."""
    came = sorted((at, published[number]) for number, at in arrived.items())
    if not came:
        return []
    newest: list[tuple[float, float]] = []
    for at, born in came:
        newest.append((at, max(born, newest[-1][1]) if newest else born))
    times = [at for at, _ in newest]
    found, moment = [], times[0]
    while moment <= until:
        found.append(moment - newest[bisect.bisect_right(times, moment) - 1][1])
        moment += 1.0
    return found


def returns(cases: Sequence[Case], count: int, seed: int) -> list[list[Return]]:
    """Cut the supply of the module in each case so many times, all of them in a world of their own."""

    async def act(world: World) -> list[list[Return]]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_returns(world, case, count, seed)) for case in cases]
        return [task.result() for task in tasks]

    return in_world(act, _CAREFUL)


async def _returns(world: World, case: Case, count: int, seed: int) -> list[Return]:
    found = []
    async with world.sender(case, seed) as (here, sender):
        await sender.start()
        await here.until(lambda: here.emulator.online and not here.emulator.busy, within=CALM)
        number = 0
        for _ in range(count):
            before = here.figures()
            here.emulator.tell(f"power cycle {_CUT:g}")
            back = here.now() + _CUT
            await asyncio.sleep(1)
            first = number
            while here.now() < back + _GIVEN_UP:
                due = here.now() + _EVERY
                await sender.send(payload(number, case.size))
                number += 1
                if await here.until(lambda: _first(here, first) is not None, within=due - here.now()):  # noqa: B023
                    break
            arrived = _first(here, first)
            await asyncio.sleep(_RESTED)
            online = next(at for at, text in here.overheard.events if text == "event: online" and at > back)
            more = {name: value - before[name] for name, value in here.figures().items()}
            found.append(
                Return(
                    online=online - back,
                    arrived=None if arrived is None else arrived - back,
                    sent=number - first,
                    lost=sum(each not in here.arrivals.first for each in range(first, number)),
                    dropped=round(more["up_lost"]),
                    attaches=round(more["attaches"]),
                    billed=round(more["up_bytes"] + more["down_bytes"]),
                )
            )
    return found


def _first(here: Place, number: int) -> float | None:
    """Return when the first message from a number on arrived."""
    return min((at for each, at in here.arrivals.first.items() if each >= number), default=None)


def stalls(cases: Sequence[Case], lengths: Sequence[float], seed: int) -> list[list[Stall]]:
    """Let nothing through for so many seconds, once each, while messages are sent."""

    async def act(world: World) -> list[list[Stall]]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_stalls(world, case, lengths, seed)) for case in cases]
        return [task.result() for task in tasks]

    return in_world(act, SPEED)


async def _stalls(world: World, case: Case, lengths: Sequence[float], seed: int) -> list[Stall]:
    found = []
    async with world.sender(case, seed) as (here, sender):
        if not isinstance(sender, ByBridge):
            raise TypeError("a stall is the bridge's")
        await sender.start()
        number = 0
        for seconds in lengths:
            await asyncio.sleep(_SETTLED)
            steps, opened, first = len(sender.steps), sender.opened, number
            here.emulator.tell(f"swallow {seconds:g}")
            ends = here.now() + seconds
            while here.now() < ends:
                await sender.send(payload(number, case.size))
                number += 1
                await asyncio.sleep(_OFTEN)
            # what a datagram is lost for, a stream sends again, after twice the stall at the latest
            await here.until(lambda: len(here.arrivals.first) == number, within=_SETTLED + seconds)  # noqa: B023
            arrived = sum(first <= each < number for each in here.arrivals.first)
            found.append(Stall(seconds, tuple(sender.steps[steps:]), sender.opened - opened, number - first, arrived))
    return found
