"""A world that lives faster: an emulated module that things happen to, and the bridge, both in the test's own process.

They share one clock, which stands still while neither of them waits: however busy the machine is, an answer that takes
the module 10 ms comes after 10 ms.
"""

import asyncio
import gc
import logging
import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim7020_bridge.config.model import ModemSettings, MqttSettings, SocketSettings, Transport
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.service.bridge import Bridge
from tests import contract_check
from tests.broker import Mosquitto, mosquitto
from tests.e2e.here import EmulatorHere
from tests.e2e.lived import Trace
from tests.e2e.mqtt_peer import Heard, MqttPeer
from tests.e2e.servers import TcpServer, UdpServer
from tests.fast_time import FastLoop
from tests.ports import free_port

BASE = "sim7020"
NAME = "shed"
ROOT = f"{BASE}/{NAME}"
TIMING = Timing()
MOST_WAITING = 100
CHATTER = 10.0
"""Seconds of the module's time between two messages that somebody sends."""
_BROKER = ("max_queued_messages 0", "set_tcp_nodelay true")


class LogRecorder(logging.Handler):
    """Keeps what must not be in a log: exceptions that nobody dealt with, and all that asyncio complains of.

    ``said`` is the last of what the bridge said, by the loop's clock, for whoever wonders about what it did; ``told``
    is what a log at level info tells of it.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.unclean: list[str] = []
        self.said: deque[str] = deque(maxlen=500)
        self.told: list[tuple[float, str]] = []
        self._clock = asyncio.get_running_loop().time

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        if record.name.startswith("sim7020_bridge"):
            self.said.append(f"{self._clock():9.2f} {record.getMessage()}")
            if record.levelno >= logging.INFO:
                self.told.append((self._clock(), record.getMessage()))
        if record.exc_info or (record.name.startswith("asyncio") and record.levelno >= logging.WARNING):
            self.unclean.append(self.format(record))


@asynccontextmanager
async def clean_log() -> AsyncIterator[LogRecorder]:
    """Listen to the log, and to what is raised where nobody can catch it; at the end hold both to be clean."""
    recorder = LogRecorder()
    former = sys.unraisablehook
    sys.unraisablehook = lambda lost: recorder.unclean.append(
        f"{lost.err_msg or ''} {lost.object!r}: {lost.exc_value!r}"
    )
    bridge = logging.getLogger("sim7020_bridge")
    level = bridge.level
    bridge.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(recorder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield recorder
            gc.collect()
    finally:
        logging.getLogger().removeHandler(recorder)
        bridge.setLevel(level)
        sys.unraisablehook = former
    assert not recorder.unclean, recorder.unclean


@dataclass(frozen=True, slots=True)
class Belongings:
    """What this process has: names of its tasks and threads, and where its file descriptors lead."""

    tasks: frozenset[str]
    threads: frozenset[str]
    descriptors: frozenset[tuple[int, str]]

    @classmethod
    def now(cls) -> "Belongings":
        """Look."""
        gc.collect()
        descriptors = set()
        for entry in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                descriptors.add((int(entry.name), os.readlink(entry)))  # noqa: PTH115 - "socket:[7]" is no path
        return cls(
            frozenset(task.get_name() for task in asyncio.all_tasks()),
            frozenset(thread.name for thread in threading.enumerate()),
            frozenset(descriptors),
        )

    def more_than(self, before: "Belongings") -> list[object]:
        """Return what was not there before."""
        here = {(number, name) for number, name in self.descriptors if not name.endswith("/fd")}
        return [*self.tasks - before.tasks, *self.threads - before.threads, *here - before.descriptors]


@dataclass(slots=True)
class SocketWaits:
    """One socket's waits before it was opened again, by the loop's clock.

    A wait counts for as long as the bridge's constants make it: from the first, doubled with each failure in a row.
    """

    taken: list[tuple[float, float]] = field(default_factory=list)
    _failures: int = 0
    _opened: float = 0.0
    _began: float = 0.0

    def change(self, before: str, after: str, at: float) -> None:
        """Take a change of phase."""
        if before == "open" and at - self._opened > TIMING.socket_stable:
            self._failures = 0
        if after == "open":
            self._opened = at
        if after == "opening" and before != "backoff":
            # a session of its own, or the PDN context came back: nothing failed
            self._failures = 0
        if before == "backoff":
            longest = min(TIMING.socket_last, TIMING.socket_first * 2.0 ** (self._failures - 1))
            self.taken.append((self._began, min(at, self._began + longest)))
        if after == "backoff":
            self._failures += 1
            self._began = at


@dataclass(slots=True)
class Published:
    """What the bridge has published, and when by the loop's clock, in seconds."""

    up: list[tuple[float, bool]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    raised: list[tuple[float, str]] = field(default_factory=list)
    alerts: set[str] = field(default_factory=set)
    documents: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    layer: str = ""
    phases: dict[str, str] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    sockets: int = 0
    may_sleep: bool = False
    waiting: int = 0
    waits: dict[str, SocketWaits] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether the modem is online (or sleeps, as it was told to) and every socket is open."""
        is_open = [phase == "open" for phase in self.phases.values()]
        if self.may_sleep:
            return self.layer in {"sleeping", "online"}
        return self.layer == "online" and len(is_open) == self.sockets and all(is_open)

    def take(self, heard: Heard) -> None:
        """Take a publication."""
        now = asyncio.get_running_loop().time()
        tail = heard.topic.removeprefix(f"{ROOT}/").split("/")
        match tail:
            case ["state"]:
                state = heard.json()
                self.layer = state["link"]["layer"]
                self.waiting = state["outbox"]["messages"]
            case ["socket", name, "state"]:
                phase = heard.json()["phase"]
                self.waits.setdefault(name, SocketWaits()).change(self.phases.get(name, ""), phase, now)
                self.phases[name] = phase
            case ["event"]:
                self._event(heard.json())
            case ["alert", name] if heard.payload:
                if name not in self.alerts:
                    self.raised.append((now, name))
                self.documents.append((now, heard.json()))
                self.alerts.add(name)
            case ["alert", name]:
                self.alerts.discard(name)
        if not self.up or self.up[-1][1] is not self.is_up:
            self.up.append((now, self.is_up))
        self.changed.set()

    def _event(self, event: dict[str, Any]) -> None:
        times = event.get("times", 1)
        self.events += [sys.intern(event["type"])] * times
        if event["type"] == "recovering":
            self.steps += [sys.intern(event["rung"])] * times


@dataclass(slots=True)
class FastWorld:
    """A broker, a client that hears everything, an emulated module, and the peers of its sockets."""

    loop: FastLoop
    directory: Path
    broker: Mosquitto
    mqtt: MqttPeer
    emulator: EmulatorHere
    udp: UdpServer
    tcp: TcpServer
    published: Published
    trace: Trace
    speed: float
    received: int = 0
    said: deque[str] = field(default_factory=deque)
    log: list[tuple[float, str]] = field(default_factory=list)

    def sockets(self, *names: str) -> tuple[SocketSettings, ...]:
        """Return the settings of sockets to the peers."""
        both = {
            "telemetry": SocketSettings("telemetry", Transport.UDP, "127.0.0.1", self.udp.port),
            "control": SocketSettings("control", Transport.TCP, "127.0.0.1", self.tcp.port),
        }
        self.published.sockets = len(names)
        return tuple(both[name] for name in names)

    async def until(self, holds: Callable[[], bool], *, within: float) -> None:
        """Return once a condition holds; seconds are the module's."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self.published.changed.clear()
                    await self.published.changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within:g} s: {self.describe()}") from None

    async def remains(self, holds: Callable[[], bool], *, seconds: float) -> bool:
        """Return whether a condition holds all the time for so many seconds of the module."""
        try:
            async with asyncio.timeout(seconds):
                while holds():
                    self.published.changed.clear()
                    await self.published.changed.wait()
        except TimeoutError:
            return True
        return False

    def describe(self) -> str:
        """Say how it stands."""
        told = self.published
        marks = [mark.text for mark in self.trace.marks[-6:]]
        return (
            f"{told.layer}, {told.phases}, alerts {told.alerts}, steps {told.steps}, events {told.events[-8:]}; {marks}"
        )

    async def chat(self, socket: str) -> None:
        """Send a message every now and then, for ever, unless many wait already: they would count as memory."""
        while True:
            await asyncio.sleep(CHATTER)
            if self.published.waiting > MOST_WAITING:
                continue
            self.mqtt.post(f"{ROOT}/socket/{socket}/send", b"m", qos=0)

    async def carries(self, *names: str, within: float = 1000.0) -> None:
        """Send through sockets until each brings an echo: what waited comes first, and datagrams may be lost."""
        for number, name in enumerate(names):
            self.received = 0
            word = f"proof {number}".encode()

            def count(heard: Heard, topic: str = f"{ROOT}/socket/{name}/received", word: bytes = word) -> None:
                self.received += heard.topic == topic and word in heard.payload
                self.published.changed.set()

            self.mqtt.watch(count)
            sending = asyncio.create_task(self._repeat(f"{ROOT}/socket/{name}/send", word))
            try:
                await self.until(lambda: self.received > 0, within=within)
            finally:
                sending.cancel()

    async def _repeat(self, topic: str, payload: bytes) -> None:
        while True:
            self.mqtt.post(topic, payload)
            await asyncio.sleep(3 * CHATTER)

    def check(self) -> None:
        """Hold all that was published to the contract."""
        for heard in self.mqtt.heard:
            if heard.topic.startswith(f"{ROOT}/") and not heard.topic.endswith("/send"):
                contract_check.check(heard.topic, heard.payload, retain=heard.retain, base=BASE, modem=NAME)

    @asynccontextmanager
    async def bridge(self, settings: ModemSettings) -> AsyncIterator[Bridge]:
        """Run the bridge, and the clock faster; at the end hold it to leaving nothing behind."""
        before = Belongings.now()
        mqtt = MqttSettings(host=self.broker.host, port=self.broker.port, keepalive=3600)
        state_dir = self.directory / "state"
        state_dir.mkdir(exist_ok=True)
        async with clean_log() as recorder:
            self.said, self.log = recorder.said, recorder.told
            bridge = Bridge(mqtt, settings, state_dir=state_dir)
            await bridge.open()
            running = asyncio.create_task(bridge.run(), name="bridge")
            try:
                # the broker is a program, and no faster than the world
                await self.mqtt.now(f"{ROOT}/availability", lambda heard: heard.payload == b"online")
                self.loop.run_at(self.speed)
                yield bridge
            finally:
                self.loop.run_at(1)
                ended = running.done()
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
                assert not ended, "the bridge ended by itself"
        del bridge, running
        await self._nothing_left(before)
        last = await self.mqtt.now(f"{ROOT}/availability", lambda heard: heard.payload == b"offline")
        assert last.retain

    async def _nothing_left(self, before: Belongings) -> None:
        """Hold the bridge to having left nothing; what the peers got from the module goes with the module."""
        await self.emulator.stop()
        self.tcp.hang_up()
        left: list[object] = []
        for _ in range(50):
            left = Belongings.now().more_than(before)
            if not left:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"left over: {left}")


@asynccontextmanager
async def fast_world(
    directory: Path, *arguments: str, speed: float, tcp_port: bool = False
) -> AsyncIterator[FastWorld]:
    """Make a world whose module lives so many times as fast, with these arguments for its emulator."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, FastLoop):
        raise TypeError("a fast world wants a fast loop")
    published = Published()
    trace = Trace(published.changed.set)
    port = ("--tcp", f"127.0.0.1:{free_port()}") if tcp_port else ("--link", str(directory / f"{NAME}.tty"))
    emulator = EmulatorHere(
        ["--baud", "0", "--speed", "1", *port, "--control", str(directory / "control"), *arguments], trace
    )
    async with mosquitto(directory, *_BROKER) as broker, UdpServer(echo=True) as udp, TcpServer(echo=True) as tcp:
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        mqtt.watch(published.take)
        try:
            await emulator.start()
            yield FastWorld(loop, directory, broker, mqtt, emulator, udp, tcp, published, trace, speed)
        finally:
            loop.run_at(1)
            await emulator.stop()
            await mqtt.stop()
