"""A place in the field: an emulated module, a server behind it, and a clock that runs faster than the world's.

Everything is in this process but the broker. What the broker and the disk do takes the world's time, which is none of
the field's: while anything is under way to the module, the clock runs at the world's pace.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.here import EmulatorHere
from tests.fast_time import FastLoop
from tests.ports import free_port

_MARK: Final = b"\xf1\xe1\xd0\x01"
_NUMBER: Final = 4
_HANDOVER: Final = 3.0
"""Seconds of the world within which what is published is at the module, if that takes anything at all."""

SMALLEST: Final = _NUMBER + len(_MARK)
"""Bytes that a message has at least."""


SENDERS: Final = ("bridge", "script", "tutorial")


@dataclass(frozen=True, slots=True)
class Case:
    """One combination.

    Args:
        profile: Of the emulator.
        stream: Whether over TCP.
        assisted: Whether with release assistance.
        size: Bytes of a message.
        sender: One of ``SENDERS``.
        company: Seconds of the world that a message of the bridge's waits for others to share a datagram with.
    """

    profile: str
    stream: bool
    assisted: bool
    size: int
    sender: str
    company: float = 0.0

    @property
    def name(self) -> str:
        """What its modem is called."""
        words = ("tcp" if self.stream else "udp", "rai" if self.assisted else "none", str(self.size), self.sender)
        return "-".join((self.profile, *words, *(("company",) if self.company else ())))


def payload(number: int, size: int) -> bytes:
    """Return a message of so many bytes that tells its number."""
    return (number.to_bytes(_NUMBER, "big") + _MARK).ljust(size, b"\x55")


class Pace:
    """The loop's speed: the world's while anybody holds it, else so many times as fast."""

    def __init__(self, loop: FastLoop, speed: float) -> None:
        self._loop = loop
        self._speed = speed
        self._held = 0

    @contextlib.contextmanager
    def real(self) -> Iterator[None]:
        """Hold the clock at the world's pace."""
        self._held += 1
        self._loop.run_at(1.0)
        try:
            yield
        finally:
            self._held -= 1
            self.resume()

    def resume(self) -> None:
        """Go as fast as may be now."""
        self._loop.run_at(1.0 if self._held else self._speed)

    def end(self) -> None:
        """Go on with the world."""
        self._loop.run_at(1.0)


@dataclass(slots=True)
class Arrivals:
    """When the server first had each message, by the loop's clock; how many it had again; ``news`` tells of each."""

    news: asyncio.Event
    first: dict[int, float] = field(default_factory=dict)
    again: int = 0

    def take(self, message: bytes) -> None:
        """Take a message."""
        if message[_NUMBER:SMALLEST] != _MARK:
            raise ValueError(f"no message of ours: {message[:SMALLEST]!r}")
        number = int.from_bytes(message[:_NUMBER], "big")
        if number in self.first:
            self.again += 1
        else:
            self.first[number] = asyncio.get_running_loop().time()
        self.news.set()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, arrivals: Arrivals, *, shared: bool) -> None:
        self._arrivals = arrivals
        self._shared = shared

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a message, or several, each after its length."""
        del addr
        if not self._shared:
            self._arrivals.take(data)
            return
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            self._arrivals.take(data[2:end])
            data = data[end:]


class _Stream(asyncio.Protocol):
    def __init__(self, arrivals: Arrivals, size: int) -> None:
        self._arrivals = arrivals
        self._size = size
        self._begun = bytearray()

    def data_received(self, data: bytes) -> None:
        """Take whole messages; one that a connection's end cuts off never came."""
        self._begun += data
        while len(self._begun) >= self._size:
            self._arrivals.take(bytes(self._begun[: self._size]))
            del self._begun[: self._size]


@contextlib.asynccontextmanager
async def _server(arrivals: Arrivals, case: Case) -> AsyncIterator[int]:
    loop, port = asyncio.get_running_loop(), free_port()
    if case.stream:
        server = await loop.create_server(lambda: _Stream(arrivals, case.size), "127.0.0.1", port)
        try:
            yield port
        finally:
            server.close()
    else:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(arrivals, shared=case.company > 0), local_addr=("127.0.0.1", port)
        )
        try:
            yield port
        finally:
            transport.close()


class Overheard:
    """What happens to a module, with times by the loop's clock; ``news`` tells of it."""

    def __init__(self, news: asyncio.Event) -> None:
        self._news = news
        self._awaited: dict[str, asyncio.Event] = {}
        self.events: list[tuple[float, str]] = []

    def line(self, direction: str, text: str) -> None:
        """Take a piece of dialogue."""
        if direction != ">":
            return
        for digits, event in self._awaited.items():
            if digits in text:
                event.set()

    def comment(self, text: str) -> None:
        """Take what happened."""
        self.events.append((asyncio.get_running_loop().time(), text))
        self._news.set()

    @contextlib.contextmanager
    def awaiting(self, message: bytes) -> Iterator[asyncio.Event]:
        """Set the event when the module is given a message."""
        digits = message[:SMALLEST].hex().upper()
        event = self._awaited[digits] = asyncio.Event()
        try:
            yield event
        finally:
            del self._awaited[digits]


@dataclass(slots=True)
class Place:
    """One module in a profile, and the server that it sends to."""

    case: Case
    port: int
    emulator: EmulatorHere
    overheard: Overheard
    arrivals: Arrivals
    pace: Pace

    def now(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    def figures(self) -> Mapping[str, float]:
        """Return what the model has counted."""
        words = {"profile", "radio"}
        return {name: float(value) for name, value in self.emulator.figures().items() if name not in words}

    async def until(self, holds: Callable[[], bool], *, within: float) -> bool:
        """Return whether a condition came true in so many seconds of the module."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self.arrivals.news.clear()
                    await self.arrivals.news.wait()
        except TimeoutError:
            return False
        return True

    async def hand_over(self, message: bytes, publish: Callable[[], object]) -> None:
        """Publish a message at the world's pace until the module has it; one that is not online has it later."""
        with self.pace.real(), self.overheard.awaiting(message) as given:
            publish()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HANDOVER if self.emulator.online else _HANDOVER / 100):
                    await given.wait()


@contextlib.asynccontextmanager
async def place(directory: Path, pace: Pace, case: Case, seed: int) -> AsyncIterator[Place]:
    """Switch a module on at a place; the directory is its own."""
    news = asyncio.Event()
    overheard, arrivals = Overheard(news), Arrivals(news)
    options = ["--baud", "0", "--link", str(directory / "tty"), "--control", str(directory / "control")]
    emulator = EmulatorHere([*options, "--profile", case.profile, "--seed", str(seed)], overheard)
    async with _server(arrivals, case) as port:
        await emulator.start()
        try:
            yield Place(case, port, emulator, overheard, arrivals, pace)
        finally:
            await emulator.stop()
