"""The emulator answers every transcript as it is written."""

import asyncio
import os
import re
from collections.abc import Callable

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.line.terminal import PtyTerminal
from sim7020_emulator.line.uart import Uart
from sim7020_emulator.module.clock import read_local_time
from sim7020_emulator.module.models import MODELS
from sim7020_emulator.module.module import Module
from sim7020_emulator.module.power import SupplyTrouble
from sim7020_emulator.sockets.internet import Echo, FailurePoint
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.transcript import ANY, Blank, RawReceived, RawSent, Received, Sent, Step, Transcript, all_transcripts
from tests.transcript_given import Event
from tests.virtual_time import run

_JUDGED = [transcript for transcript in all_transcripts() if transcript.judges_emulator]
_UNTIMED = [
    transcript
    for transcript in _JUDGED
    if not any(isinstance(step, Event) and step.words[0] in {"wait", "pwrkey"} for step in transcript.steps)
]
_PATIENCE = 300
_TROUBLES = {
    "under-warning": SupplyTrouble.UNDER_WARNING,
    "under-power-down": SupplyTrouble.UNDER_POWER_DOWN,
    "over-warning": SupplyTrouble.OVER_WARNING,
    "over-power-down": SupplyTrouble.OVER_POWER_DOWN,
}


class Replay:
    """One transcript against one emulator."""

    def __init__(self, transcript: Transcript, *, over_pty: bool) -> None:
        self.transcript = transcript
        self.over_pty = over_pty
        self.terminal: PtyTerminal | None = None
        self.file = -1
        self.peers: list[Peer] = []
        self.clients: dict[int, asyncio.StreamWriter] = {}
        self.everything = bytearray()
        self.buffer = bytearray()
        self.spoke = asyncio.Event()
        self.echo = b""
        self.bench: Bench

    async def run(self) -> None:
        """Play it."""
        setup = await self.setup()
        off = any(isinstance(step, Event) and step.text == "power on" for step in self.transcript.steps[:1])
        self.bench = Bench(setup, attached=not off, echo=self.transcript.echo)
        if off:
            self.bench.module.power_on = lambda **_: None  # type: ignore[method-assign]
        async with self.bench as bench:
            await self.plug_in(bench.emulator.uart)
            for step in self.transcript.steps:
                await self.step(step)
            self.drop_echo()
            assert not self.buffer.strip(b"\r\n")
            await self.unplug()
        if self.transcript.wire is not None:
            assert bytes(self.everything) == self.transcript.wire
        for peer in self.peers:
            peer.close()
        for client in self.clients.values():
            client.close()

    async def plug_in(self, uart: Uart) -> None:
        """Connect, through a pty or without."""
        if not self.over_pty:
            uart.plug_in(self.hear)
            return
        self.terminal = PtyTerminal(uart, None)
        await self.terminal.open()
        self.file = os.open(self.terminal.name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self.file, lambda: self.hear(os.read(self.file, 65536)))
        await asyncio.sleep(0.05)

    async def unplug(self) -> None:
        """Disconnect."""
        if self.terminal is not None:
            asyncio.get_running_loop().remove_reader(self.file)
            os.close(self.file)
            await self.terminal.close()

    def type(self, data: bytes) -> None:
        """Type on the module's port."""
        if self.over_pty:
            os.write(self.file, data)
        else:
            self.bench.type(data)

    async def setup(self) -> Setup:
        """Tell an emulator what is given."""
        setup = Setup(model=MODELS[self.transcript.settings["model"]], baud=0)
        if not self.transcript.attached:
            setup.facts.set("registration", "searching")
        if self.transcript.steps[0] == Event(("power", "on")):
            setup.facts.set("registration", "home")
        for name, value in self.transcript.facts.items():
            setup.facts.set(name, value)
        for name, value in self.transcript.variants.items():
            setup.variants.set(name, value)
        for entry in self.transcript.dns:
            setup.internet.names[entry.name.lower()] = entry.addresses if entry.failure is None else entry.failure
        for ping in self.transcript.pings:
            setup.internet.pings[ping.address] = tuple(Echo(time, ping.ttl) for time in ping.times)
        for fail in self.transcript.failures:
            setup.internet.failures[fail.address, fail.port] = (fail.code, FailurePoint(fail.moment))
        for given in self.transcript.peers:
            peer = await Peer(given.protocol).open()
            self.peers.append(peer)
            setup.internet.routes[given.address, given.port] = ("127.0.0.1", peer.port)
        return setup

    def hear(self, data: bytes) -> None:
        """Take what the module says."""
        self.everything += data
        self.buffer += data
        self.spoke.set()

    async def more(self) -> None:
        """Wait until the module says more."""
        self.spoke.clear()
        if self.over_pty:
            # The kernel passes a pty's bytes on in its own time, over which a timer of ours would make the clock jump.
            await self.spoke.wait()
        else:
            await asyncio.wait_for(self.spoke.wait(), _PATIENCE)

    async def step(self, step: Step) -> None:
        """Do or expect one step."""
        match step:
            case Sent(text):
                self.echo = text.encode() + b"\r"
                self.type(self.echo)
            case RawSent(data):
                self.type(data)
            case Received():
                await self.expect_line(step)
            case RawReceived(data):
                while len(self.buffer) < len(data):
                    await self.more()
                assert bytes(self.buffer[: len(data)]) == data
                del self.buffer[: len(data)]
            case Blank():
                while self.echo.startswith(bytes(self.buffer)) and self.echo != self.buffer[: len(self.echo)]:
                    await self.more()
                self.drop_echo()
                while len(self.buffer) < len(b"\r\n"):
                    await self.more()
                assert self.buffer[:2] == b"\r\n"
                del self.buffer[:2]
            case Event(words):
                await self.event(words)

    def drop_echo(self) -> None:
        """Take an echoed command out of what was heard."""
        if self.echo and self.buffer.startswith(self.echo):
            del self.buffer[: len(self.echo)]
            self.echo = b""

    async def expect_line(self, step: Received) -> None:
        """Take the next line and compare it."""
        while True:
            self.drop_echo()
            found = re.match(rb"(?:\r\n)*([^\r\n]+)\r\n", bytes(self.buffer))
            if found:
                break
            await self.more()
        line = found[1].decode("latin-1")
        del self.buffer[: found.end()]
        assert step.matches(line), f"line {step.line}: {line!r} instead of {step.text!r}"

    async def event(self, words: tuple[str, ...]) -> None:
        """Let something happen."""
        match words:
            case ("peer", number, verb, *data):
                await self.peer_event(self.peers[int(number)], verb, bytes.fromhex("".join(data)))
            case ("client", "connects", number):
                port = self.bench.module.sockets.get(int(number)).local_port
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                self.clients[len(self.clients) + 1] = writer
            case ("client", number, "sends", data):
                self.clients[int(number)].write(bytes.fromhex(data))
            case ("wait", seconds):
                await asyncio.sleep(float(seconds) * 0.9)
                self.drop_echo()
                assert not self.buffer
            case (first, *rest):
                _MODULE_EVENTS[first](self.bench.module, rest)

    async def peer_event(self, peer: Peer, verb: str, data: bytes) -> None:
        """Let a server do something."""
        match verb:
            case "sends":
                await peer.send(data)
            case "receives":
                await peer.wait_for(data)
            case "closes":
                await peer.hang_up()
            case "resets":
                await peer.reset()


_MODULE_EVENTS: dict[str, Callable[[Module, list[str]], None]] = {
    "power": lambda module, _: Module.power_on(module),
    "pwrkey": lambda module, _: module.press_pwrkey(),
    "register": lambda module, words: module.change_registration(words[0]),
    "detach": lambda module, _: module.lose_network(),
    "deactivate": lambda module, words: module.deactivate(int(words[0]), by_network=True),
    "sim": lambda module, words: module.change_sim({"removed": "absent", "inserted": "ready"}[words[0]]),
    "socket": lambda module, words: module.sockets.fail(module.sockets.get(int(words[0])), int(words[2])),
    "voltage": lambda module, words: module.supply(_TROUBLES[words[0]]),
    "network": lambda module, words: module.network_says_time(read_local_time(words[1])),
    "set": lambda module, words: module.change_fact(*words[0].split("=", 1)),
}


@pytest.mark.parametrize("transcript", _JUDGED, ids=lambda transcript: transcript.name)
def test_transcript(transcript: Transcript) -> None:
    """The module's side of a dialogue is as written."""

    async def play() -> None:
        await Replay(transcript, over_pty=False).run()

    run(play())


@pytest.mark.parametrize("transcript", _UNTIMED, ids=lambda transcript: transcript.name)
def test_transcript_over_a_pty(transcript: Transcript) -> None:
    """A dialogue without sleep or waiting is the same through a real pty."""

    async def play() -> None:
        await Replay(transcript, over_pty=True).run()

    run(play())


def test_any_is_the_loaders() -> None:
    """The mark for a value that can't be fixed is one that a line could not hold by itself."""
    assert not Received(f"+CCLK: {ANY}").matches("+CCLK: ")
