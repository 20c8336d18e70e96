"""What a check works with: the module, all that it says byte by byte, and settings that are put back."""

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from sim7020_bridge.at.channel import Wire
from sim7020_bridge.at.command import Answer, Command, Probe, UnknownLine, Urc
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.commands.network import PingReply
from sim7020_bridge.commands.registration import RegistrationReport
from sim7020_bridge.commands.registry import Greeting
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.commands.sockets import CloseSocket, ConnectSocket, CreateSocket, SocketId
from sim7020_bridge.errors import BridgeError, CommandRefused, ModuleSilent, PortClosed
from sim7020_bridge.kit.probe.finding import Status
from sim7020_bridge.kit.recording.writer import Writer
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.session import LATE_GREETING

T = TypeVar("T")

SILENT: Final = ""
"""Stands for the final result of a command that got none in time."""

_LAST_WORD: Final = 0.3
"""Seconds for a result that nobody reads."""
_NAME: Final = re.compile(r"[+*][A-Z]+")


class Amiss(Exception):
    """A check found something that is not as the bridge needs it, or could not find out."""

    def __init__(self, words: str, status: Status = Status.BROKEN) -> None:
        self.words = words
        self.status = status
        super().__init__(words)


class Ear:
    """A wire that is listened to: ``text`` is what came since ``forget``, one character for each byte."""

    def __init__(self, wire: Wire, writer: Writer) -> None:
        self._wire = wire
        self._writer = writer
        self._came = asyncio.Event()
        self._gone: PortClosed | None = None
        self.text = ""

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Hand over all that comes, and keep it."""

        def take(data: bytes) -> None:
            self._writer.received(data)
            self.text += data.decode("latin-1")
            self._came.set()
            heard(data)

        def lose(error: PortClosed) -> None:
            self._gone = error
            self._came.set()
            gone(error)

        self._wire.listen(take, lose)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.sent(data)
        self._wire.write(data)

    def forget(self) -> None:
        """Begin anew."""
        self.text = ""

    async def until(self, find: Callable[[str], T | None], within: float) -> T | None:
        """Return what ``find`` finds in the text as soon as it does; None if it does not ``within`` so many seconds.

        Raises:
            PortClosed: Nothing will come any more.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while (found := find(self.text)) is None:
                    if self._gone is not None:
                        raise self._gone
                    self._came.clear()
                    await self._came.wait()
                return found
        return None

    async def hears(self, pattern: str, within: float) -> re.Match[str] | None:
        """Return the first match of a pattern, or None as ``until`` does."""
        return await self.until(re.compile(pattern).search, within)


@dataclass(frozen=True, slots=True)
class Typed(Command[str]):
    """A line as a person would type it; lines of its names answer it.

    Args:
        text: The line.
        within: Seconds for its final result.
        wanted: What counts as success.
    """

    text: str
    within: float
    wanted: Outcome = Outcome.OK

    @property
    def successes(self) -> frozenset[Outcome]:  # type: ignore[override]
        """Return what counts as success."""
        return frozenset({self.wanted})

    @property
    def timeout(self) -> float:  # type: ignore[override]
        """Seconds to wait."""
        return self.within

    def line(self) -> str:
        """Return the line."""
        return self.text

    def shown(self) -> str:
        """Return the line masked."""
        return mask(self.text)

    def answers(self, line: Line) -> bool:
        """Accept lines of its names."""
        return line.name in _NAME.findall(self.text)

    def read(self, answer: Answer) -> str:
        """Return the final result."""
        return answer.final.text


@dataclass(frozen=True, slots=True)
class Said:
    """What a line got: its final result (``SILENT`` for none in time), and all that was said meanwhile."""

    final: str
    text: str

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return self.final == "OK"

    @property
    def refused(self) -> bool:
        """Whether it was refused."""
        return self.final not in {"OK", SILENT}

    def verdict(self, taken: str, refused: str) -> str | None:
        """Return one or the other; None for silence, which says neither."""
        return taken if self.ok else refused if self.refused else None

    def has(self, pattern: str) -> re.Match[str] | None:
        """Return the first match of a pattern."""
        return re.search(pattern, self.text)


class Bench:
    """One module under trial.

    Args:
        module: The module.
        ear: The wire that its channel has.
        host: A name to resolve and ping.
        echo: Where what is sent comes back, over UDP and TCP; None if there is no such place.
        pin: The SIM's PIN as long as nothing speaks against it.
    """

    def __init__(self, module: Module, ear: Ear, host: str, echo: tuple[str, int] | None, pin: str | None) -> None:
        self.module = module
        self.ear = ear
        self.host = host
        self.pin = pin
        self._echo = echo
        self._address = ""
        self.given: dict[str, str] = {}
        """What an emulator has to be told to behave so, by what stands before the ``=``."""
        self.left: list[str] = []
        """What could not be put back."""
        self.online = False
        self.starts = 0
        """How often the module has greeted."""
        self._numeric = False

    def take_urc(self, urc: Urc) -> None:
        """Take what the module reports."""
        match urc:
            case Greeting(text) if text != LATE_GREETING:
                self.starts += 1
            case PingReply():
                self.module.take_ping_reply(urc)
            case RegistrationReport("+CEREG", registration):
                self.module.store.apply(registration)
            case UnknownLine("0") if not self.module.store.state.answering:
                # OK as it is said after ATV0 (V.250 section 6.2.6), until it is told ATQ0V1
                self._numeric = True

    def answer(self, variant: str, value: str | None) -> None:
        """Note how the module answers a disagreement; None where it did not tell."""
        if value is not None:
            self.given[f"variant {variant}"] = value

    async def ask(self, line: str, within: float = 20.0) -> Said:
        """Send a line. Its silence and its refusal are answers; raises LineError."""
        self.ear.forget()
        try:
            final = await self.module.execute(Typed(line, within))
        except CommandRefused as refused:
            final = refused.result
        except ModuleSilent:
            final = SILENT
        return Said(final, self.ear.text)

    async def number(self, name: str) -> int | None:
        """Read a setting of one number, or the first of several."""
        found = (await self.ask(f"AT{name}?")).has(rf"{re.escape(name)}: ?(\d+)")
        return None if found is None else int(found[1])

    @asynccontextmanager
    async def kept(self, *names: str) -> AsyncIterator[None]:
        """Put settings of one number back at the end, whatever happens."""
        before = {name: await self.number(name) for name in names}
        async with AsyncExitStack() as at_the_end:
            for name, number in reversed(before.items()):
                line = None if number is None else f"AT{name}={number}"
                at_the_end.push_async_callback(self.put_back, name, line)
            yield

    async def put_back(self, what: str, line: str | None) -> None:
        """Send a line that undoes something; if the module does not take it, or it is cancelled, that is noted."""
        words = f"{what}, whose value was not told" if line is None else line
        self.left.append(words)
        with suppress(BridgeError):
            if line is not None and (await self.ask(line)).ok:
                self.left.remove(words)

    async def put_numeric_results_back(self) -> None:
        """Leave a module that answered with numbers as it was; it is not understood afterwards."""
        if self._numeric:
            with suppress(ModuleSilent, CommandRefused):
                await self.module.execute(Probe(_LAST_WORD, "ATV0"))

    @asynccontextmanager
    async def socket(self, *, stream: bool) -> AsyncIterator[SocketId]:
        """Create a socket, and close it at the end."""
        number = await self.module.execute(CreateSocket(stream=stream))
        try:
            yield number
        finally:
            await self.close(number)

    async def close(self, number: int) -> None:
        """Close a socket."""
        with suppress(BridgeError):
            await self.module.execute(CloseSocket(SocketId(number)))

    @asynccontextmanager
    async def connected(self, *, stream: bool) -> AsyncIterator[SocketId]:
        """Create a socket and connect it to the echo host."""
        async with self.socket(stream=stream) as number:
            address, port = await self.echo()
            await self.module.execute(ConnectSocket(number, port, address))
            self.ear.forget()
            yield number

    async def echo(self) -> tuple[str, int]:
        """Return the address and port of the echo host; a name is resolved once, by the module."""
        if self._echo is None:
            raise Amiss("no echo host was named", Status.SKIPPED)
        host, port = self._echo
        if not self._address:
            self._address = host if is_address(host) else await self.resolve(host)
        return self._address, port

    async def resolve(self, host: str) -> str:
        """Resolve a name with the module."""
        answer = await self.module.resolve(host)
        if not answer.addresses:
            raise Amiss(f"{host} was not resolved: {answer.words}")
        return answer.addresses[0]


def is_address(host: str) -> bool:
    """Whether a host is a numeric address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
