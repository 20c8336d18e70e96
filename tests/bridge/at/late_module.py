"""A module whose answers come as late as they like, or without an end, and what a channel makes of it.

Each question and each order of `Asked` is told from every other, so an answer that ends another command than its own
shows at once.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Final

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Command, Order, Question
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.mark import Marks
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.errors import CommandRefused, LineError, MalformedAnswer, ModuleSilent, PortClosed

URC_LINES: Final = ("+CSQN: 20,0", "+CEREG: 1", "+CSONMI: 0,6,313233", "SEND: 0,5", "+X: ?", "CONNECTED")
SPOILT: Final = ("O\x7f", "OKK", "\xff", "ER?OR", "+CM\x7f ERROR: 3", "O")
READS: Final = frozenset({"+IFC", "+ICF", "+CSCS", "+CMEE"})


@dataclass(frozen=True, slots=True)
class Ask(Question[int]):
    """A question that is answered with its own number."""

    syntax = "AT+X={self.number}"
    answer_names = ("+X",)
    timeout: ClassVar[float] = 2.0

    number: int

    def _value(self, cursor: Cursor) -> int:
        return cursor.integer()


@dataclass(frozen=True, slots=True)
class Tell(Order):
    """An order that the module takes if its number is even, and refuses if it is odd."""

    syntax = "AT+Y={self.number}"
    timeout: ClassVar[float] = 2.0

    number: int


@dataclass(frozen=True, slots=True)
class Habits:
    """How a module and the line to it behave.

    Args:
        attentive: Whether AT is answered at once, also while another command is carried out.
        deaf_while_busy: Whether what is typed meanwhile is lost.
        echo: Whether commands are repeated.
        dozes: Whether the module sleeps when idle, and loses what wakes it.
        latency: Seconds that everything takes to get back to the host.
        slow: How often a command takes long; ``longest`` is how long at most, in seconds.
        lost: How often a final result is lost, and how often it is spoilt.
        unknown: Reads that it refuses.
        joins: Whether it takes several commands in one line.
    """

    attentive: bool
    deaf_while_busy: bool
    echo: bool
    dozes: bool
    latency: float
    slow: float
    longest: float
    lost: float
    unknown: frozenset[str]
    joins: bool

    @classmethod
    def at_random(cls, chance: random.Random) -> "Habits":
        """Make some up."""
        return cls(
            attentive=chance.random() < 0.4,
            deaf_while_busy=chance.random() < 0.3,
            echo=chance.random() < 0.3,
            dozes=chance.random() < 0.15,
            latency=chance.choice((0.0, 0.0, 0.0, 10 ** chance.uniform(-2, 2.5))),
            slow=chance.choice((0.02, 0.05, 0.2)),
            longest=10 ** chance.uniform(0.5, 3),
            lost=chance.choice((0.0, 0.02, 0.05, 0.1)),
            unknown=frozenset(chance.sample(sorted(READS), chance.choice((0, 0, 0, 1, 2)))),
            joins=chance.random() < 0.9,
        )


class LateModule:
    """A wire whose far end carries out one command after the other, each for as long as it likes."""

    def __init__(self, habits: Habits, chance: random.Random) -> None:
        self._habits = habits
        self._chance = chance
        self._typed = bytearray()
        self._todo: deque[str] = deque()
        self._something = asyncio.Event()
        self._busy = False
        self._heard: Callable[[bytes], None] = lambda _: None
        self._said_until = self._used = self._ears_from = 0.0
        self.latency = habits.latency
        self._work = asyncio.create_task(self._carry_out(), name="late module")

    async def aclose(self) -> None:
        """End."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    def listen(self, heard: Callable[[bytes], None], _gone: Callable[[PortClosed], None]) -> None:
        """Speak to whoever has the port open now; what is on its way comes to the next."""
        self._heard = heard

    def write(self, data: bytes) -> None:
        """Take what is typed, or lose it."""
        now = asyncio.get_running_loop().time()
        if self._habits.dozes and now - self._used > 5.0:
            self._ears_from = now + 0.1
        self._used = now
        if now < self._ears_from or (self._busy and self._habits.deaf_while_busy and data != b"AT\r"):
            return
        if self._habits.echo:
            self._say(data)
        self._typed += data.replace(b"\x1b", b"")
        *lines, rest = self._typed.split(b"\r")
        self._typed = bytearray(rest)
        for line in lines:
            self._hear(line.decode())

    def _hear(self, line: str) -> None:
        if self._habits.attentive and line == "AT" and self._busy:
            self._finish("OK")
        elif not (self._busy and self._habits.deaf_while_busy):
            self._todo.append(line)
            self._busy = True
            self._something.set()

    async def _carry_out(self) -> None:
        while True:
            while not self._todo:
                self._busy = False
                self._something.clear()
                await self._something.wait()
            self._busy = True
            line = self._todo.popleft()
            await asyncio.sleep(self._duration())
            if self._chance.random() < 0.2:
                self._say(f"\r\n{self._chance.choice(URC_LINES)}\r\n".encode("latin-1"))
            final = self._answer(line)
            # one that is deaf while it is busy can hear again as it says the final result
            self._busy = bool(self._todo)
            self._finish(final)

    def _duration(self) -> float:
        if self._chance.random() >= self._habits.slow:
            return 0.01
        return min(self._habits.longest, 10 ** self._chance.uniform(-1, 3))

    def _answer(self, line: str) -> str:
        commands = line.removeprefix("AT").split(";")
        if len(commands) > 1 and not self._habits.joins:
            return "ERROR"
        for command in commands:
            name, _, value = command.partition("=")
            if name == "+Y":
                return "OK" if int(value) % 2 == 0 else self._chance.choice(("ERROR", "+CME ERROR: 3"))
            if name == "+X":
                self._say(f"\r\n+X: {value}\r\n".encode())
            elif name.endswith("?"):
                if name[:-1] in self._habits.unknown or name[:-1] not in READS:
                    return "ERROR"
                self._say(f"\r\n{name[:-1]}: 0\r\n".encode())
        return "OK"

    def _finish(self, final: str) -> None:
        fate = self._chance.random()
        if fate < self._habits.lost:
            final = self._chance.choice(SPOILT)
        if fate >= self._habits.lost / 2:
            self._say(f"\r\n{final}\r\n".encode("latin-1"))

    def _say(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        if self._habits.latency and self._chance.random() < 0.02:
            self.latency = self._habits.latency * self._chance.uniform(0, 2)
        # a line may be slow, and never lets anything overtake
        self._said_until = max(self._said_until + 1e-6, loop.time() + self.latency)
        loop.call_at(self._said_until, lambda: self._heard(data))


async def live(seed: int, commands: int, seen: Counter[str]) -> None:
    """Have a module asked by three at once, session after session, and count how it ends for each command.

    What `seen` has under a key that begins with "wrong" was given another command's answer.
    """
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated
    habits = Habits.at_random(chance)
    module, marks = LateModule(habits, chance), Marks()
    numbers = iter(range(commands))

    async def ask_on(channel: Channel) -> None:
        for number in numbers:
            command: Command[int | None] = Ask(number) if chance.random() < 0.5 else Tell(number)
            seen[await _ended(channel, command, number)] += 1
            if chance.random() < 0.3:
                await asyncio.sleep(chance.uniform(0, 1) if chance.random() < 0.9 else 10)

    try:
        for _ in range(50):
            channel = Channel(module, urcs=URCS, on_urc=lambda _: None, marks=marks)
            channel.sleeps_when_idle = habits.dozes
            running = asyncio.create_task(channel.run())
            try:
                async with asyncio.timeout(chance.choice((None, None, 300.0))):
                    await channel.probe(every=0.5, within=20)
                    async with asyncio.TaskGroup() as clients:
                        for _ in range(3):
                            clients.create_task(ask_on(channel))
                break
            except* (LineError, ModuleSilent, TimeoutError):
                seen["session over"] += 1
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError, LineError):
                    await running
    finally:
        await module.aclose()


async def _ended(channel: Channel, command: Command[int | None], number: int) -> str:
    taken = number % 2 == 0 if isinstance(command, Tell) else number
    try:
        value = await channel.execute(command)
    except CommandRefused:
        value = False
    except MalformedAnswer:
        return f"wrong: no answer to {command.line()}"
    except ModuleSilent:
        return "silent"
    if isinstance(command, Tell) and value is None:
        value = True
    return "right" if value == taken and type(value) is type(taken) else f"wrong: {value} to {command.line()}"
