"""Sealed messages to the far end beside plain datagrams: in profiles, and over a link that loses and stalls.

All but the broker is in this process, on a clock that is faster than the world's. What disk and broker take at the far
end is the world's time: while a datagram is there, the clock runs at the world's pace.
"""

import asyncio
import contextlib
import dataclasses
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.config.model import (
    CoapSettings,
    ModemSettings,
    MqttSettings,
    OscoreSettings,
    SocketSettings,
    Transport,
)
from sim7020_bridge.service.bridge import Bridge
from sim7020_far_end import settings as far
from sim7020_far_end.far_end import FarEnd
from tests.bench.field_life import CALM, SPEED, in_world
from tests.bench.field_life import World as Field
from tests.bench.field_place import Pace
from tests.bench.figures import Goal, Result, Table, percentile
from tests.e2e.here import EmulatorHere
from tests.e2e.mqtt_peer import Heard, Mqtt5
from tests.ports import free_port

SOCKET: Final = "telemetry"
SIZE: Final = 20
_NUMBER: Final = 4
_PATIENCE: Final = 0.5
"""Seconds of the world that the far end has for an answer before the clock goes on without it."""

_HANDOVER: Final = 1.0
_LATEST: Final = 4 * 3600.0
"""Seconds within which the last messages come, whatever is tried."""

_LOSS: Final = 0.013
"""Of datagrams, each way: what is lost at the edge of a cell."""

_STALL: Final = 92.0
_STALLS: Final = 0.002
"""How often, of datagrams up, one finds that nothing gets through for up to so many seconds."""


@dataclass(frozen=True, slots=True)
class Way:
    """What messages go over: a profile, with more lost and held up behind it than it has by itself."""

    profile: str
    sealed: bool
    loss: float = 0.0
    stalls: float = 0.0
    seed: int = 1

    @property
    def name(self) -> str:
        """What its modem is called."""
        words = (self.profile, "lossy" if self.loss else "plain", "sealed" if self.sealed else "udp", str(self.seed))
        return "-".join(words)

    @property
    def words(self) -> tuple[str, str]:
        """What it is called in a table."""
        link = f"`{self.profile}`" + (f", {self.loss * 100:g} % lost more, stalls to {_STALL:g} s" if self.loss else "")
        return link, "sealed CoAP" if self.sealed else "UDP"


WAYS: Final = (
    *(Way(profile, sealed=True) for profile in ("field-good", "field-edge", "field-cellar", "field-day")),
    *(Way("field-good", sealed, _LOSS, _STALLS) for sealed in (True, False)),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the messages on one way; durations in seconds of the module.

    ``wrong`` is how many did not have one final receipt, which says what is known of a message that is sent like this.
    """

    sent: int
    missing: int
    again: int
    wrong: int
    latencies: Sequence[float]
    up: int
    down: int
    lost_up: int
    lost_down: int
    billed: int

    def __add__(self, other: "Found") -> "Found":
        """Return what came of both."""
        mine, theirs = (dataclasses.asdict(each) for each in (self, other))
        return Found(**{name: value + theirs[name] for name, value in mine.items()})


@dataclass(slots=True)
class Link(asyncio.DatagramProtocol):
    """Between the module and the server: counts, loses, and holds up."""

    way: Way
    server: int
    pace: Pace
    chance: random.Random
    up: int = 0
    down: int = 0
    lost_up: int = 0
    lost_down: int = 0
    _until: float = 0.0
    _module: Any = None
    _transport: asyncio.DatagramTransport | None = None
    _behind: asyncio.DatagramTransport | None = None
    _held: set[contextlib.ExitStack] = field(default_factory=set)

    async def open(self) -> int:
        """Return the port that the module sends to."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        behind = _Behind(self)
        self._behind, _ = await loop.create_datagram_endpoint(lambda: behind, remote_addr=("127.0.0.1", self.server))
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """End it."""
        for each in (self._transport, self._behind):
            if each is not None:
                each.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Pass on what the module sends, later where nothing gets through now."""
        loop = asyncio.get_running_loop()
        self._module = addr
        self.up += 1
        if self.chance.random() < self.way.loss:
            self.lost_up += 1
            return
        if self.chance.random() < self.way.stalls:
            self._until = max(self._until, loop.time() + self.chance.uniform(0, _STALL))
        loop.call_later(max(0.0, self._until - loop.time()), self._forward, data)

    def answered(self, data: bytes) -> None:
        """Pass on what the server sends."""
        for held in list(self._held):
            self._let_go(held)
        self.down += 1
        if self.chance.random() < self.way.loss:
            self.lost_down += 1
        elif self._transport is not None:
            self._transport.sendto(data, self._module)

    def _forward(self, data: bytes) -> None:
        if self.way.sealed:
            held = contextlib.ExitStack()
            held.enter_context(self.pace.real())
            self._held.add(held)
            asyncio.get_running_loop().call_later(_PATIENCE, self._let_go, held)
        if self._behind is not None and not self._behind.is_closing():
            self._behind.sendto(data)

    def _let_go(self, held: contextlib.ExitStack) -> None:
        if held in self._held:
            self._held.remove(held)
            held.close()


@dataclass(slots=True)
class _Behind(asyncio.DatagramProtocol):
    """The side of a link that the server sees."""

    link: Link

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's
        """Pass on."""
        self.link.answered(data)


class _Plain(asyncio.DatagramProtocol):
    """A server that keeps what comes."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's
        """Keep it."""
        self._take(data)


class Journey:
    """One modem and its messages."""

    def __init__(self, way: Way, count: int, interval: float) -> None:
        self.way = way
        self._count = count
        self._interval = interval
        self._there: Counter[int] = Counter()
        self._receipts: Counter[tuple[int, str]] = Counter()
        self._published: list[float] = []
        self._latencies: list[float] = []
        self._given = asyncio.Event()
        self._news = asyncio.Event()
        self._open = asyncio.Event()

    def line(self, direction: str, text: str) -> None:
        """Take a piece of the module's dialogue."""
        if direction == ">" and "CSOSEND" in text:
            self._given.set()

    def comment(self, text: str) -> None:
        """Take what happens to the module."""

    def take(self, payload: bytes) -> None:
        """Take what the server has."""
        number = int.from_bytes(payload[:_NUMBER], "big")
        if number not in self._there:
            self._latencies.append(asyncio.get_running_loop().time() - self._published[number])
        self._there[number] += 1
        self._news.set()

    def hear(self, heard: Heard) -> None:
        """Take what is published of the modem, here and at the far end."""
        name = self.way.name
        if heard.topic == f"far-end/{name}/received/t":
            self.take(heard.payload)
        elif heard.topic == f"sim7020/{name}/socket/{SOCKET}/receipt":
            receipt = heard.json()
            if receipt["final"]:
                self._receipts[int(receipt["id"]), receipt["state"]] += 1
                self._news.set()
        elif heard.topic == f"sim7020/{name}/socket/{SOCKET}/state" and heard.json()["phase"] == "open":
            self._open.set()

    async def travel(self, field_: Field, far_end: int) -> Found:
        """Send all messages, and return what came of them."""
        loop, way = asyncio.get_running_loop(), self.way
        directory = field_.directory / way.name
        (directory / "state").mkdir(parents=True)
        async with contextlib.AsyncExitStack() as ends:
            server = far_end if way.sealed else await self._plain(ends)
            link = Link(way, server, field_.pace, random.Random(way.name))  # noqa: S311 - of a network
            port = await link.open()
            ends.callback(link.close)
            options = [
                "--baud",
                "0",
                "--link",
                str(directory / "tty"),
                "--profile",
                way.profile,
                "--seed",
                str(way.seed),
            ]
            emulator = EmulatorHere(options, self)
            await emulator.start()
            ends.push_async_callback(emulator.stop)
            bridge = Bridge(
                MqttSettings("127.0.0.1", field_.broker, keepalive=3600),
                ModemSettings(name=way.name, port=emulator.place, sockets=(self._socket(port),)),
                state_dir=directory / "state",
            )
            with field_.pace.real():
                await bridge.open()
                running = asyncio.create_task(bridge.run())
                ends.push_async_callback(_ended, running)
            await self._open.wait()
            before, began = emulator.figures(), loop.time()
            for number in range(self._count):
                await asyncio.sleep(began + number * self._interval - loop.time())
                self._published.append(loop.time())
                with field_.pace.real():
                    self._given.clear()
                    payload = number.to_bytes(_NUMBER, "big").ljust(SIZE, b"U")
                    named = Mqtt5(user=(("id", str(number)),))
                    field_.mqtt.post(f"sim7020/{way.name}/socket/{SOCKET}/send", payload, properties=named)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_HANDOVER if emulator.online else _HANDOVER / 100):
                            await self._given.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LATEST if way.sealed else CALM):
                    while len({number for number, _ in self._receipts}) < self._count or len(self._there) < self._count:
                        self._news.clear()
                        await self._news.wait()
            after = emulator.figures()
            billed = sum(float(after[key]) - float(before[key]) for key in ("up_bytes", "down_bytes"))
            return Found(
                sent=self._count,
                missing=self._count - len(self._there),
                again=sum(count > 1 for count in self._there.values()),
                wrong=self._count - self._right(),
                latencies=self._latencies,
                up=link.up,
                down=link.down,
                lost_up=link.lost_up,
                lost_down=link.lost_down,
                billed=round(billed),
            )

    def _right(self) -> int:
        by_message = Counter(number for number, _ in self._receipts.elements())
        state = "acknowledged" if self.way.sealed else "accepted"
        return sum(count == 1 and self._receipts[number, state] == 1 for number, count in by_message.items())

    def _socket(self, port: int) -> SocketSettings:
        coap = CoapSettings(("t",), oscore=keys(self.way)) if self.way.sealed else None
        return SocketSettings(SOCKET, Transport.UDP, "127.0.0.1", port, coap=coap)

    async def _plain(self, ends: contextlib.AsyncExitStack) -> int:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Plain(self.take), local_addr=("127.0.0.1", 0))
        ends.callback(transport.close)
        return int(transport.get_extra_info("sockname")[1])


def keys(way: Way, *, far_side: bool = False) -> OscoreSettings:
    """Return a modem's keys."""
    ids = (b"\x01", b"")
    return OscoreSettings(way.name.encode().ljust(16, b"."), *(reversed(ids) if far_side else ids))


@contextlib.asynccontextmanager
async def far_end_of(ways: Sequence[Way], directory: Path, broker: int) -> AsyncIterator[int]:
    """Run a far end for the modems of these ways; yield its port."""
    loop, port = asyncio.get_running_loop(), free_port()
    ready: asyncio.Future[int] = loop.create_future()
    far_end = FarEnd(
        far.Settings(
            MqttSettings("127.0.0.1", broker, base_topic=far.DEFAULT_BASE_TOPIC, keepalive=3600),
            tuple(far.ModemSettings(way.name, keys(way, far_side=True)) for way in ways),
            directory,
            listen=("127.0.0.1", port),
        )
    )
    running = asyncio.create_task(far_end.run(ready.set_result))
    try:
        running.add_done_callback(lambda _: ready.cancel())
        yield await ready
    finally:
        await _ended(running)


async def _ended(running: "asyncio.Task[None]") -> None:
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def journeys(ways: Sequence[Way], count: int, interval: float) -> list[Found]:
    """Send so many messages on each way, all of them at the same time."""

    async def act(world: Field) -> list[Found]:
        travelling = [Journey(way, count, interval) for way in ways]

        def hear(heard: Heard) -> None:
            for each in travelling:
                each.hear(heard)

        world.mqtt.watch(hear)
        sealed = [way for way in ways if way.sealed]
        with world.pace.real():
            directory = world.directory / "far-end"
            directory.mkdir()
            running = contextlib.AsyncExitStack()
            port = await running.enter_async_context(far_end_of(sealed, directory, world.broker))
        async with running, asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.travel(world, port)) for each in travelling]
        return [task.result() for task in tasks]

    return in_world(act, SPEED)


def measure(count: int, seeds: int, interval: float = 60.0) -> Result:
    """Measure all ways, with so many modems on each that send so many messages."""
    ways = [replace(way, seed=seed) for way in WAYS for seed in range(1, seeds + 1)]
    found: dict[Way, Found] = {}
    for way, each in zip(ways, journeys(ways, count, interval), strict=True):
        kind = replace(way, seed=1)
        found[kind] = found[kind] + each if kind in found else each
    return Result([_table(found)], goals=list(_goals(found)))


def _table(found: dict[Way, Found]) -> Table:
    rows = [
        (
            *way.words,
            f"{each.sent:,}",
            f"{each.missing:,}",
            f"{each.again:,}",
            f"{each.lost_up:,}",
            f"{each.lost_down:,}",
            f"{each.up / each.sent:.3f}",
            f"{each.billed / each.sent:.1f}",
            f"{percentile(each.latencies, 50):.3g}",
            f"{percentile(each.latencies, 95):.3g}",
            f"{max(each.latencies):.3g}",
        )
        for way, each in found.items()
    ]
    head = ("way", "", "messages", "missing", "twice", "lost up", "lost down", "datagrams up a message")
    return Table("field-far", (*head, "bytes billed", "p50, s", "p95, s", "longest, s"), rows, words=2)


def _goals(found: dict[Way, Found]) -> list[Goal]:
    sealed = {way: each for way, each in found.items() if way.sealed}
    missing = sum(each.missing for each in sealed.values())
    again = sum(each.again for each in sealed.values())
    total = sum(each.sent for each in sealed.values())
    wrong = sum(each.wrong for each in sealed.values())
    lossy = next(each for way, each in sealed.items() if way.loss)
    plain = next(each for way, each in found.items() if way.loss and not way.sealed)
    datagrams = lossy.up / lossy.sent
    return [
        Goal(
            "sealed, to the far broker: each message once",
            f"{total:,}: {missing} missing, {again} twice",
            missing + again == 0,
        ),
        Goal("each acknowledged once, and nothing else", f"{wrong} otherwise", wrong == 0),
        Goal(
            "where a plain datagram is lost, none",
            f"{lossy.missing}; over UDP {plain.missing} of {plain.sent:,}",
            lossy.missing == 0,
        ),
        Goal("with 1.3 % lost each way: at most 1.05 datagrams up a message", f"{datagrams:.3f}", datagrams <= 1.05),
    ]
