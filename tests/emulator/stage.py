"""A bench on which a scenario is played, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sim7020_emulator.emulator import Setup
from sim7020_emulator.scenario.events import read_event
from sim7020_emulator.scenario.file import Scenario
from sim7020_emulator.scenario.player import Player
from sim7020_emulator.scenario.words import Target
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.virtual_time import GRACE, run


class RecordingPort:
    """A port that notes what is done to it."""

    def __init__(self) -> None:
        self.name = "recording"
        self.slams: bytes | None = None
        self.done: list[str] = []

    async def open(self) -> None:
        """Note it."""
        self.done.append("open")

    async def close(self) -> None:
        """Note it."""
        self.done.append("close")

    async def move(self) -> None:
        """Note it."""
        self.done.append("move")


class Theatre:
    """A bench, a player, and all that was logged, with the time since the start."""

    def __init__(self, scenario: Scenario | None, *, attached: bool, speed: float) -> None:
        setup = Setup(baud=0, speed=speed)
        if scenario is not None:
            scenario.apply(setup.facts, setup.variants)
        self.bench = Bench(setup, attached=attached)
        self.module = self.bench.module
        self.port = RecordingPort()
        self.peers: list[Peer] = []
        self.log: list[tuple[float, str]] = []
        self.target = Target(self.module, self.bench.emulator.line_faults, self.port, self._note)
        self.player = Player(self.target, scenario)

    def do(self, text: str) -> None:
        """Make an event happen."""
        self.player.perform(read_event(text))

    async def peer(self, protocol: str) -> Peer:
        """Open a server that ends with the play."""
        peer = await Peer(protocol).open()
        self.peers.append(peer)
        return peer

    async def udp(self) -> Peer:
        """Connect socket 0 to a UDP server."""
        return await self._connected("udp", 2)

    async def tcp(self) -> Peer:
        """Connect socket 0 to a TCP server."""
        return await self._connected("tcp", 1)

    @property
    def faults(self) -> list[tuple[float, str]]:
        """What happened, and when, in tenths of a second."""
        return [(round(at, 1), text[7:]) for at, text in self.log if text.startswith("fault: ")]

    def online(self) -> bool:
        """Say whether the module is online."""
        return self.module.online

    def heard(self) -> bytes:
        """Return what the module said since the last time."""
        said = bytes(self.bench.heard)
        self.bench.heard.clear()
        return said

    async def answers(self, line: str = "AT", within: float = 2.0) -> list[str]:
        """Type a line; return the lines that come within some seconds."""
        self.heard()
        self.bench.type(line.encode() + b"\r")
        await asyncio.sleep(within)
        return [text for text in self.heard().decode("latin-1").split("\r\n") if text]

    async def bytes_of(self, line: str) -> bytes:
        """Type a line; return all that is said within a second."""
        self.heard()
        self.bench.type(line.encode() + b"\r")
        await asyncio.sleep(1)
        return self.heard()

    async def _connected(self, protocol: str, kind: int) -> Peer:
        peer = await self.peer(protocol)
        await self.answers(f"AT+CSOC=1,{kind},1")
        assert await self.answers(f"AT+CSOCON=0,{peer.port},127.0.0.1", 5) == ["OK"]
        return peer

    def _note(self, text: str) -> None:
        self.log.append((asyncio.get_running_loop().time(), text))


def play(
    act: Callable[[Theatre], Awaitable[None]],
    scenario: Scenario | None = None,
    *,
    attached: bool = True,
    speed: float = 1.0,
    grace: float = GRACE,
) -> Theatre:
    """Play a scenario around ``act`` in virtual time; an error in the emulator's tasks fails the test."""
    errors: list[dict[str, Any]] = []

    async def whole() -> Theatre:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        theatre = Theatre(scenario, attached=attached, speed=speed)
        async with theatre.bench:
            theatre.player.begin()
            await act(theatre)
        for peer in theatre.peers:
            peer.close()
        await asyncio.sleep(0.1)
        return theatre

    theatre = run(whole(), grace=grace)
    assert errors == []
    return theatre
