"""The one owner of the line: takes commands in turn, writes them, reads answers and URCs."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, TypeVar

from sim7020_bridge.at.command import Answer, Attention, Command, Echo, Order, R, UnknownLine, Urc, UrcTable
from sim7020_bridge.at.dialogue import Dialogue, Ended, Event, Repeated, Stray, Unsolicited, result_of
from sim7020_bridge.at.framer import Framer, Line
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.errors import CommandHeldBack, CommandRefused, LineError, LineOutOfSync, ModuleSilent, PortClosed

log: Final = logging.getLogger(__name__)
trace: Final = logging.getLogger("sim7020_bridge.trace")
"""Every line at DEBUG in transcript format, identities and payload masked: a log is a test fixture."""

ESCAPE: Final = b"\x1b"
"""Cancels a data prompt (manual V1.05, +CSODSEND)."""

U = TypeVar("U", bound=Urc)


class Wire(Protocol):
    """What the channel needs of an open port."""

    async def read(self) -> bytes:
        """Return what has come, at least one byte; b"" or a PortClosed if nothing will come any more."""
        ...

    async def write(self, data: bytes) -> None:
        """Take bytes to send and return once there is room for more. Raises PortClosed."""
        ...


@dataclass(frozen=True, slots=True)
class Pacing:
    """Durations of the channel's own making, in seconds.

    ``drowsy`` is how long the line may rest before a module in light sleep has to be roused, and ``rouse`` how
    long the AT that rouses it may take: longer than the 100 ms for which it ignores the line (manual V1.05, +CSCLK),
    and shorter than ``quiet``, so that its answer, should it only be late, is noticed.
    ``quiet`` is how long nothing may come until the line counts as silent; ``drain`` bounds the wait
    for that; ``attention`` is how long one AT may take; ``attempts`` is how many of them resynchronise.
    """

    quiet: float = 0.2
    drowsy: float = 2.0
    rouse: float = 0.15
    drain: float = 5.0
    attention: float = 1.0
    attempts: int = 5


@dataclass(slots=True, eq=False)
class Succession:
    """Commands that are queued ahead of each other's answers; once it is broken, those still queued are not sent.

    One that fails breaks it, before the next could go; so may whoever owns it.
    """

    broken: bool = False


@dataclass(slots=True, eq=False)
class _Exchange:
    command: Command[Any]
    future: asyncio.Future[Answer]
    succession: Succession | None

    def look(self) -> None:
        """Fail at once if it must not go any more."""
        if self.succession is not None and self.succession.broken:
            _fail(self.future, CommandHeldBack(self.command.shown()))

    def end(self, *, success: bool) -> None:
        """Hold the rest of the succession back unless this went well."""
        if self.succession is not None and not success:
            self.succession.broken = True


class Channel:
    """Serialises commands onto one wire and tells their answers from URCs.

    ``run`` does the work and must be running for anything else to happen. One command is on the line
    at a time. A caller that is cancelled leaves its exchange to run to the final result, which is
    dropped: the next command must not find an orphan answer. Input is never flushed.

    Args:
        wire: The open port.
        urcs: The URCs that exist.
        on_urc: Called for each URC, in order, from the reading task; must not block or raise.
        on_resync: Called whenever a deadline passed and the line has to be brought back into step.
        mask: Makes a line fit for a log.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        urcs: UrcTable,
        on_urc: Callable[[Urc], None],
        on_resync: Callable[[], None] = lambda: None,
        mask: Callable[[str], str] = str,
        pacing: Pacing | None = None,
    ) -> None:
        self._wire = wire
        self._urcs = urcs
        self._on_urc = on_urc
        self._on_resync = on_resync
        self._mask = mask
        self._pacing = pacing or Pacing()
        self._framer = Framer()
        self._dialogue = Dialogue()
        self._waiting: deque[_Exchange] = deque()
        self._work = asyncio.Event()
        self._vacant = asyncio.Event()
        self._vacant.set()
        self._answered: asyncio.Future[Answer] | None = None
        self._expected: list[tuple[Callable[[Urc], bool], asyncio.Future[Any]]] = []
        self._heard = 0
        self._strays = 0
        self._closed: LineError | None = None
        self._closing = asyncio.Event()
        self._last_used = 0.0
        self.sleeps_when_idle = False
        self.resyncs = 0

    @property
    def idle(self) -> bool:
        """Whether no command is on the line or waits for it."""
        return not self._waiting

    @property
    def garbled(self) -> bool:
        """Whether something came last that is no text and has no end."""
        return self._framer.garbled

    async def until_idle(self) -> None:
        """Return once no command is on the line or waits for it."""
        await self._vacant.wait()

    async def run(self) -> None:
        """Own the line until it breaks or is closed.

        Raises:
            LineError: Always, in the end; every waiting caller gets the same error.
        """
        reading = asyncio.create_task(self._read(), name="at: read the line")
        writing = asyncio.create_task(self._exchange_in_turn(), name="at: exchange in turn")
        closing = asyncio.create_task(self._closing.wait(), name="at: wait for the close")
        tasks: tuple[asyncio.Task[Any], ...] = (reading, writing, closing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in (reading, writing):
                if task.done():
                    task.result()
            raise self._closed or PortClosed("the line ended")
        except LineError as error:
            self.close(error)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close(PortClosed("the session ended"))

    def close(self, error: LineError) -> None:
        """Fail everything that waits, now and later, with an error, and end ``run``. Does not touch the wire."""
        if self._closed is None:
            self._closed = error
        self._closing.set()
        exchanges, self._waiting = self._waiting, deque()
        futures = [exchange.future for exchange in exchanges] + [future for _, future in self._expected]
        self._expected.clear()
        for future in futures:
            _fail(future, self._closed)

    async def execute(self, command: Command[R], *, succession: Succession | None = None) -> R:
        """Send a command in its turn and return what its answer says.

        Args:
            command: The command.
            succession: What it belongs to, if it must not go after one that failed.

        Raises:
            CommandHeldBack: It was not sent, because its succession is broken.
            CommandRefused: The module said no.
            MalformedAnswer: The module said yes in a shape that can't be read.
            ModuleSilent: No final result came in time; the line is in order again.
            LineError: The line is no use any more.
        """
        if self._closed is not None:
            raise self._closed
        exchange = _Exchange(command, asyncio.get_running_loop().create_future(), succession)
        self._waiting.append(exchange)
        self._work.set()
        self._vacant.clear()
        return result_of(command, await exchange.future)

    def expect(self, kind: type[U], matching: Callable[[U], bool] = lambda _: True) -> "asyncio.Future[U]":
        """Return a future of the next URC of a kind. It fails with a LineError when the line does.

        The URC still goes to ``on_urc``. Cancel the future when it is no longer wanted.
        """
        future: asyncio.Future[U] = asyncio.get_running_loop().create_future()
        if self._closed is not None:
            _fail(future, self._closed)
            return future
        self._expected.append((lambda urc: isinstance(urc, kind) and matching(urc), future))
        future.add_done_callback(self._forget)
        return future

    async def probe(self, *, every: float, within: float) -> None:
        """Send AT until the module answers, as after power-on or with automatic baud rate.

        Raises:
            ModuleSilent: No answer came ``within`` seconds.
            LineError: The line broke.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        # a module that was left in numeric mode (ATV0) says 0 to AT, but OK to ATV1
        for tried, line in enumerate(itertools.cycle(("AT", "ATV1"))):
            if loop.time() >= end:
                break
            strays = self._strays
            with suppress(ModuleSilent, CommandRefused):
                await self.execute(_Probe(every, line))
                # one AT that went unanswered in time may be answered yet, and would answer the next command
                await asyncio.sleep(self._pacing.quiet)
                if self._strays == strays:
                    if tried:
                        await self._ask()
                    return
        raise ModuleSilent("AT", within)

    async def _ask(self) -> None:
        """Wait out late answers: a question's answer shows by its name that what was asked before has been answered."""
        with suppress(ModuleSilent, CommandRefused):
            await self.execute(_Question())

    def _forget(self, future: "asyncio.Future[Any]") -> None:
        self._expected = [entry for entry in self._expected if entry[1] is not future]

    async def _read(self) -> None:
        while data := await self._wire.read():
            self._heard += 1
            for item in self._framer.feed(data):
                if trace.isEnabledFor(logging.DEBUG):
                    trace.debug("< %s", self._mask(item.text) if isinstance(item, Line) else "> ")
                for event in self._dialogue.take(item):
                    self._act(event)
        raise PortClosed("the port went away")

    def _act(self, event: Event) -> None:
        match event:
            case Ended(answer):
                if self._answered is not None and not self._answered.done():
                    self._answered.set_result(answer)
            case Unsolicited(line):
                self._announce(self._urcs.read(line))
            case Repeated(line):
                self._announce(Echo(line.text))
            case Stray(final):
                self._strays += 1
                log.debug("a final result that nothing waits for: %s", final.text)

    def _announce(self, urc: Urc) -> None:
        if isinstance(urc, UnknownLine):
            # of a report that is known something is lost: payload, perhaps
            level = logging.WARNING if Line.of(urc.text).name in self._urcs else logging.DEBUG
            log.log(level, "a line that can't be read: %s", self._mask(urc.text))
        for matches, future in tuple(self._expected):
            if not future.done() and matches(urc):
                future.set_result(urc)
        self._on_urc(urc)

    async def _exchange_in_turn(self) -> None:
        while True:
            exchange = await self._next()
            try:
                await self._wake()
                answer = await self._exchange(exchange.command)
            except ModuleSilent as silence:
                exchange.end(success=False)
                if not isinstance(exchange.command, _Probe | _Question):
                    await self._resynchronise()
                _fail(exchange.future, silence)
            else:
                exchange.end(success=answer.final.outcome in exchange.command.successes)
                if answer.final.outcome is Outcome.PROMPT and Outcome.PROMPT not in exchange.command.successes:
                    await self._escape()
                    await self._prove()
                if not exchange.future.done():
                    exchange.future.set_result(answer)
            if self._waiting:
                self._waiting.popleft()
            if exchange.command.settle:
                await asyncio.sleep(exchange.command.settle)

    async def _wake(self) -> None:
        """Rouse a module that sleeps when idle: what wakes it is lost, and it wants a pause before it listens.

        An AT that was answered too late would answer the command in its place, hence the look for strays.
        """
        loop = asyncio.get_running_loop()
        if self.sleeps_when_idle and loop.time() - self._last_used > self._pacing.drowsy:
            for attempt in range(self._pacing.attempts):
                strays = self._strays
                with suppress(ModuleSilent):
                    await self._exchange(_Probe(self._pacing.attention if attempt else self._pacing.rouse))
                    if attempt:
                        await asyncio.sleep(self._pacing.quiet)
                    if self._strays == strays:
                        return
            await self._resynchronise()

    async def _next(self) -> _Exchange:
        while True:
            while self._waiting:
                self._waiting[0].look()
                if not self._waiting[0].future.done():
                    return self._waiting[0]
                self._waiting.popleft()
            self._work.clear()
            self._vacant.set()
            await self._work.wait()

    async def _exchange(self, command: Command[Any]) -> Answer:
        self._answered = asyncio.get_running_loop().create_future()
        self._dialogue.begin(command)
        try:
            async with asyncio.timeout(command.timeout):
                if trace.isEnabledFor(logging.DEBUG):
                    trace.debug("> %s", command.shown())
                await self._wire.write(command.line().encode("ascii") + b"\r")
                return await self._answered
        except TimeoutError:
            if not command.final_promised:
                return self._dialogue.unfinished()
            raise ModuleSilent(command.shown(), command.timeout) from None
        finally:
            self._dialogue.abandon()
            self._answered = None
            self._last_used = asyncio.get_running_loop().time()

    async def _resynchronise(self) -> None:
        """Bring the line back into step after a missed deadline."""
        self.resyncs += 1
        self._on_resync()
        log.warning("no answer in time; resynchronising the line")
        await self._prove()

    async def _prove(self) -> None:
        """Prove that the line is sane: quiet, then AT until a lone OK, then a question, should answers be later still.

        URCs may come in between, as many as like; a second final result may not.
        """
        for attempt in range(self._pacing.attempts):
            await self._until_quiet()
            if attempt % 2:
                await self._escape()
            strays = self._strays
            with suppress(ModuleSilent):
                answer = await self._exchange(_Probe(self._pacing.attention))
                await asyncio.sleep(self._pacing.quiet)
                if answer.final.outcome is Outcome.OK and self._strays == strays:
                    with suppress(ModuleSilent):
                        await self._exchange(_Question())
                    return
        raise LineOutOfSync("the module does not answer AT any more")

    async def _escape(self) -> None:
        """Leave a data prompt, if the module should wait at one; a line that takes nothing must not hold us up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pacing.attention):
                await self._wire.write(ESCAPE)

    async def _until_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._pacing.drain
        heard = -1
        while heard != self._heard and loop.time() < end:
            heard = self._heard
            await asyncio.sleep(self._pacing.quiet)


@dataclass(frozen=True, slots=True)
class _Probe(Attention):
    """AT with a deadline of its own; a missed one is an answer and no reason to resynchronise."""

    within: float
    words: str = "AT"

    @property
    def timeout(self) -> float:  # type: ignore[override]
        """Seconds to wait."""
        return self.within

    def line(self) -> str:
        """Return the command line."""
        return self.words


@dataclass(frozen=True, slots=True)
class _Question(Order):
    """+IFC: read the flow control, which nothing else asks for.

    V.250 section 6.2.12.
    """

    answer_names: ClassVar[tuple[str, ...]] = ("+IFC",)
    answer_promised: ClassVar[bool] = True

    def line(self) -> str:
        """Return the command line."""
        return "AT+IFC?"


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # it counts as seen, also where nobody waits any more
