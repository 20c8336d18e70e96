"""The one owner of the line: takes commands in turn, writes them, reads answers and URCs."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from sim7020_bridge.at.command import Answer, Command, Echo, Probe, R, UnknownLine, Urc, UrcTable
from sim7020_bridge.at.dialogue import Dialogue, Ended, Event, Repeated, UnexpectedResult, Unsolicited, result_of
from sim7020_bridge.at.exchange import Exchange, Pipeline, fail
from sim7020_bridge.at.framer import Framer, Line
from sim7020_bridge.at.mark import Mark, Marks
from sim7020_bridge.at.results import Outcome
from sim7020_bridge.errors import CommandRefused, LineError, LineOutOfSync, ModuleSilent, PortClosed

log: Final = logging.getLogger(__name__)
trace: Final = logging.getLogger("sim7020_bridge.trace")
"""Every line at DEBUG in transcript format, identities and payload masked: a log is a test fixture."""

ESCAPE: Final = b"\x1b"
"""Cancels a data prompt (manual V1.05, +CSODSEND)."""

U = TypeVar("U", bound=Urc)


class Wire(Protocol):
    """What the channel needs of an open port."""

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Hand over all that comes, never from within ``write``; ``gone`` if nothing will come any more."""
        ...

    def write(self, data: bytes) -> None:
        """Take bytes to send, and keep what the line does not take now. Raises PortClosed."""
        ...


@dataclass(frozen=True, slots=True)
class Pacing:
    """Durations of the channel's own making, in seconds.

    ``drowsy`` is how long the line may rest before a module in light sleep has to be roused, and ``rouse`` how
    long the AT that rouses it may take: longer than the 100 ms for which it ignores the line (manual V1.05, +CSCLK),
    and shorter than ``quiet``, so that its answer, should it only be late, is noticed.
    ``quiet`` is how long nothing may come until the line counts as silent: AT has no sequence numbers, so only a
    pause shows that no late answer is left to be taken for the next command's; ``drain`` bounds the wait for that;
    ``attention`` is how long one AT may take; ``attempts`` is how many of them resynchronise.
    """

    quiet: float = 0.2
    drowsy: float = 2.0
    rouse: float = 0.15
    drain: float = 5.0
    attention: float = 1.0
    attempts: int = 5


class Channel:
    """Serialises commands onto one wire and tells their answers from URCs.

    ``run`` does the work and must be running for anything else to happen. One command is on the line
    at a time. A caller that is cancelled leaves its exchange to run to the final result, which is
    dropped: the next command must not find an orphan answer. Input is never flushed.

    Args:
        wire: The open port.
        urcs: The URCs that exist.
        on_urc: Called for each URC, in order, as it comes; must not block. If it raises, that ends ``run``.
        on_late: Called for each final result that nothing waits for any more: it ends no command, and shows life.
        on_resync: Called whenever a deadline passed and the line has to be brought back into step.
        mask: Makes a line fit for a log.
        marks: What proves the line; the same for all channels that one port has after each other.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        urcs: UrcTable,
        on_urc: Callable[[Urc], None],
        on_late: Callable[[], None] = lambda: None,
        on_resync: Callable[[], None] = lambda: None,
        mask: Callable[[str], str] = str,
        pacing: Pacing | None = None,
        marks: Marks | None = None,
    ) -> None:
        self._wire = wire
        self._urcs = urcs
        self._on_urc = on_urc
        self._on_late = on_late
        self._on_resync = on_resync
        self._mask = mask
        self._pacing = pacing or Pacing()
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._dialogue = Dialogue()
        self._waiting: deque[Exchange] = deque()
        self._on_the_line: Exchange | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._held = True
        self._mending: asyncio.Task[None] | None = None
        self._vacant = asyncio.Event()
        self._vacant.set()
        self._expected: list[tuple[Callable[[Urc], bool], asyncio.Future[Any]]] = []
        self._heard = 0
        self._unexpected = 0
        self._marks = marks or Marks()
        self._closed: LineError | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._last_used = 0.0
        self.sleeps_when_idle = False
        self.acknowledged = False
        """Whether AT was answered when it was probed, if nothing else."""
        self.refused = ""
        """What was said to AT when it was probed, if it was refused."""
        self.resyncs = 0

    @property
    def idle(self) -> bool:
        """Whether no command is on the line or waits for it."""
        return self._vacant.is_set()

    @property
    def rest(self) -> str:
        """What came last, if it is no text and has no end, else empty."""
        return self._framer.rest

    async def until_idle(self) -> None:
        """Return once no command is on the line or waits for it."""
        await self._vacant.wait()

    async def run(self) -> None:
        """Own the line until it breaks or is closed, and raise the LineError that every waiting caller gets."""
        self._wire.listen(self._take, self.close)
        self._held = False
        self._go_on()
        try:
            await self._ended
        finally:
            self.close(PortClosed("the session ended"))
            if self._mending is not None:
                await asyncio.gather(self._mending, return_exceptions=True)

    def close(self, error: LineError) -> None:
        """Fail everything that waits, now and later, with an error, and end ``run``. Does not touch the wire."""
        if self._closed is None:
            self._closed = error
        fail(self._ended, self._closed)
        if self._mending is not None:
            self._mending.cancel()
        exchanges, self._waiting = self._waiting, deque()
        if self._on_the_line is not None:
            exchanges.append(self._on_the_line)
            self._clear_the_line()
        futures = [exchange.future for exchange in exchanges] + [future for _, future in self._expected]
        self._expected.clear()
        for future in futures:
            fail(future, self._closed)
        self._vacant.set()

    async def execute(self, command: Command[R], *, pipeline: Pipeline | None = None) -> R:
        """Send a command in its turn, in a pipeline not after one that failed, and return what its answer says.

        Raises:
            CommandHeldBack: It was not sent: its pipeline is broken, or it may not go now.
            CommandRefused: The module said no.
            MalformedAnswer: The module said yes in a shape that can't be read.
            ModuleSilent: No final result came in time; the line is in order again.
            LineError: The line is no use any more.
        """
        return result_of(command, await self._queue(command, pipeline))

    def _queue(self, command: Command[Any], pipeline: Pipeline | None = None) -> "asyncio.Future[Answer]":
        if self._closed is not None:
            raise self._closed
        exchange = Exchange(command, self._loop.create_future(), pipeline)
        self._waiting.append(exchange)
        self._vacant.clear()
        self._go_on()
        return exchange.future

    def expect(self, kind: type[U], matching: Callable[[U], bool] = lambda _: True) -> "asyncio.Future[U]":
        """Return a future of the next URC of a kind. It fails with a LineError when the line does.

        The URC still goes to ``on_urc``. Cancel the future when it is no longer wanted.
        """
        future: asyncio.Future[U] = self._loop.create_future()
        if self._closed is not None:
            fail(future, self._closed)
            return future
        self._expected.append((lambda urc: isinstance(urc, kind) and matching(urc), future))
        future.add_done_callback(self._forget)
        return future

    async def probe(self, *, every: float, within: float) -> None:
        """Send AT until the module answers, as after power-on or with automatic baud rate; both times in seconds.

        Raises ModuleSilent if no answer comes, and LineError if the line breaks.
        """
        end = self._loop.time() + within
        # left in numeric mode (ATV0) a module says 0 to AT, and left quiet (ATQ1) nothing
        for line in itertools.cycle(("AT", "ATQ0V1")):
            if self._loop.time() >= end:
                break
            unexpected = self._unexpected
            with suppress(ModuleSilent):
                try:
                    await self.execute(Probe(every, line))
                except CommandRefused as refused:
                    # who refuses at once would be asked without a pause
                    self.refused = refused.result
                    await asyncio.sleep(every)
                    continue
                self.acknowledged = True
                # what went unanswered in time, in this session or the one before, would answer the next command
                await asyncio.sleep(self._pacing.quiet)
                if self._unexpected == unexpected and await self._in_step(self._queue):
                    return
        raise ModuleSilent("AT", within)

    async def _in_step(self, ask: Callable[[Command[Any]], Awaitable[Answer]]) -> bool:
        """Whether the answer to a mark shows that all that was asked before has been answered, or never will be.

        A refusal has no name, and may be a late one of something else.
        """
        outcome: Outcome | None = None
        try:
            outcome = (await ask(self._marks.mark)).final.outcome
        except ModuleSilent:
            return False
        finally:
            if outcome is Outcome.OK:
                self._marks.prove()
            else:
                self._marks.give_up(refused=outcome is not None)
        return outcome is Outcome.OK

    def _forget(self, future: "asyncio.Future[Any]") -> None:
        self._expected = [entry for entry in self._expected if entry[1] is not future]

    def _take(self, data: bytes) -> None:
        """Act on what came; only then may the next command go, or a second final result would answer it."""
        if self._closed is not None:
            return
        self._heard += 1
        try:
            for item in self._framer.feed(data):
                if trace.isEnabledFor(logging.DEBUG):
                    trace.debug("< %s", self._mask(item.text) if isinstance(item, Line) else "> ")
                for event in self._dialogue.take(item):
                    self._act(event)
            self._go_on()
        except Exception as error:  # noqa: BLE001 - a defect must end ``run``, which is not who called this
            fail(self._ended, error)

    def _act(self, event: Event) -> None:
        match event:
            case Ended(answer):
                exchange = self._clear_the_line()
                if exchange is not None:
                    self._conclude(exchange, answer)
            case Unsolicited(line):
                self._announce(self._urcs.read(line))
            case Repeated(line):
                self._announce(Echo(line.text))
            case UnexpectedResult(final):
                self._unexpected += 1
                self._on_late()
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

    def _go_on(self) -> None:
        """Put the next command on the line, if the line is free."""
        if self._held or self._on_the_line is not None or self._closed is not None:
            return
        while self._waiting:
            exchange = self._waiting[0]
            exchange.look()
            if not exchange.future.done():
                if self.sleeps_when_idle and self._loop.time() - self._last_used > self._pacing.drowsy:
                    self._hold(self._wake())
                else:
                    self._begin(exchange)
                return
            self._waiting.popleft()
        self._vacant.set()

    def _begin(self, exchange: Exchange) -> None:
        self._on_the_line = exchange
        self._dialogue.begin(exchange.command)
        try:
            self._wire.write(exchange.data)
        except LineError as error:
            # what came before the end is still heard: a server may have said why
            self._loop.call_soon(self.close, error)
            return
        self._deadline = self._loop.call_later(exchange.command.timeout, self._miss)
        if trace.isEnabledFor(logging.DEBUG):
            trace.debug("> %s", exchange.command.shown())

    def _clear_the_line(self) -> Exchange | None:
        """Take what is on the line off it; what still comes for it is unsolicited."""
        exchange, self._on_the_line = self._on_the_line, None
        if self._deadline is not None:
            self._deadline.cancel()
        self._dialogue.abandon()
        self._last_used = self._loop.time()
        return exchange

    def _miss(self) -> None:
        """Take note that no final result came in time."""
        exchange = self._clear_the_line()
        if exchange is None:
            return
        exchange.end(success=False)
        if isinstance(exchange.command, Probe | Mark):
            self._end(exchange, exchange.silence())
        else:
            self._hold(self._recover(exchange))
        self._go_on()

    def _conclude(self, exchange: Exchange, answer: Answer) -> None:
        successes = exchange.command.successes
        exchange.end(success=answer.final.outcome in successes)
        if answer.final.outcome is Outcome.PROMPT and Outcome.PROMPT not in successes:
            self._hold(self._leave_prompt(exchange, answer))
        else:
            self._end(exchange, answer)
            if exchange.command.settle:
                self._hold(asyncio.sleep(exchange.command.settle))

    def _end(self, exchange: Exchange, result: Answer | ModuleSilent) -> None:
        """Tell whoever waits for an exchange how it ended."""
        if self._waiting and self._waiting[0] is exchange:
            self._waiting.popleft()
        if isinstance(result, ModuleSilent):
            fail(exchange.future, result)
        elif not exchange.future.done():
            exchange.future.set_result(result)

    def _hold(self, mending: Coroutine[Any, Any, None]) -> None:
        """Let no command on the line until something is done with it; only one thing at a time is."""
        self._held = True
        self._mending = self._loop.create_task(mending, name="at: mend the line")
        self._mending.add_done_callback(self._mended)

    def _mended(self, mending: asyncio.Task[None]) -> None:
        if mending.cancelled():
            return  # the line was closed meanwhile
        error = mending.exception()
        if isinstance(error, LineError):
            self.close(error)
        elif error is not None:
            fail(self._ended, error)
        else:
            self._held = False
            self._go_on()

    async def _exchange(self, command: Command[Any]) -> Answer:
        """Have a command on a line that is held. Raises ModuleSilent."""
        exchange = Exchange(command, self._loop.create_future())
        self._begin(exchange)
        return await exchange.future

    async def _recover(self, exchange: Exchange) -> None:
        if exchange.command.line().upper() == self._marks.mark.line():
            self._marks.give_up()
        await self._resynchronise()
        self._end(exchange, exchange.silence())

    async def _leave_prompt(self, exchange: Exchange, answer: Answer) -> None:
        self._wire.write(ESCAPE)
        await self._prove()
        self._end(exchange, answer)

    async def _wake(self) -> None:
        """Rouse a module that sleeps when idle: what wakes it is lost, and it wants a pause before it listens.

        It may also have been heard, and be answered late.
        """
        with suppress(ModuleSilent):
            await self._exchange(Probe(self._pacing.rouse))
            return
        try:
            await self._prove()
        except LineOutOfSync:
            await self._resynchronise()

    async def _resynchronise(self) -> None:
        """Bring the line back into step after a missed deadline."""
        self.resyncs += 1
        self._on_resync()
        await self._prove()

    async def _prove(self) -> None:
        """Prove that the line is sane: quiet, then AT until a lone OK, then a question, should answers be later still.

        URCs may come in between, as many as like; a second final result may not.
        """
        for attempt in range(self._pacing.attempts):
            await self._until_quiet()
            if attempt % 2:
                self._wire.write(ESCAPE)
            unexpected = self._unexpected
            with suppress(ModuleSilent):
                answer = await self._exchange(Probe(self._pacing.attention))
                await asyncio.sleep(self._pacing.quiet)
                sane = answer.final.outcome is Outcome.OK and self._unexpected == unexpected
                if sane and await self._in_step(self._exchange):
                    return
        raise LineOutOfSync("the module does not answer AT any more")

    async def _until_quiet(self) -> None:
        end = self._loop.time() + self._pacing.drain
        heard = -1
        while heard != self._heard and self._loop.time() < end:
            heard = self._heard
            await asyncio.sleep(self._pacing.quiet)
