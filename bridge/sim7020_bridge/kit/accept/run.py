"""An acceptance run, from a port to a file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sim7020_bridge import VERSION
from sim7020_bridge.at.channel import Channel
from sim7020_bridge.clock import rfc3339, wall_clock
from sim7020_bridge.commands import power
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.errors import BridgeError, LineError
from sim7020_bridge.kit.accept.bench import Amiss, Bench, Ear
from sim7020_bridge.kit.accept.checks import CHECKS, UNSEEN, Check
from sim7020_bridge.kit.accept.life import answers_again, attached
from sim7020_bridge.kit.probe.finding import Status
from sim7020_bridge.kit.probe.line import BETWEEN_RATES, answers, rates
from sim7020_bridge.kit.recording.writer import Writer
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.state import ModemState, ModuleAnswered, PortOpened
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.port.port import open_port

MARKS: Final = {Status.FINE: "+", Status.WARNING: "!", Status.BROKEN: "x", Status.SKIPPED: "-"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to try.

    Args:
        port: A device path or URL.
        baudrate: The module's rate; None tries the usual ones.
        host: What to resolve and ping.
        echo: A host and a port where UDP and TCP come back; None leaves out what needs it.
        pin: The SIM's PIN, or None; one that is not right is tried once.
        patience: Seconds for the module to find a network.
        agreed: The names of checks that cost or store something and may be done all the same.
    """

    port: str
    baudrate: int | None = None
    host: str = "example.com"
    echo: tuple[str, int] | None = None
    pin: str | None = field(default=None, repr=False)
    patience: float = 120.0
    agreed: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended."""

    name: str
    status: Status
    words: str

    def __str__(self) -> str:
        return f"{MARKS[self.status]} {self.name:<13}{self.words}"


@dataclass(slots=True)
class Record:
    """All that a run found; ``text`` is the file."""

    port: str
    began: str
    results: list[Result] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    ended: str = "it has not come to its end"
    passed: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether it came to its end, and found nothing that is broken."""
        return not self.ended and all(result.status is not Status.BROKEN for result in self.results)

    def text(self) -> str:
        """Return the file: a transcript, whose head has the report and what an emulator must be told."""
        heads = [
            f"source: {Path(self.port).name}, tried with sim7020-bridge {VERSION} accept, {self.began}",
            f"what: acceptance of {self.results[0].words.partition(';')[0] if self.results else 'a module'}",
            "fidelity: device",
            *(f"given: {name}={value}" for name, value in self.given.items()),
            *(f"note: {mask(str(result))}" for result in self.results),
            *(f"note: not put back: {what}" for what in self.left),
            *(f"note: not asked: {name}, as {why}" for name, why in UNSEEN.items()),
            *([f"note: {mask(self.ended)}"] if self.ended else []),
        ]
        return "".join(f"{line}\n" for line in (*(f"# {head}" for head in heads), *self.passed))


class Acceptance:
    """One run.

    Args:
        wanted: What to try.
        begin: Called with each check that is begun.
        tell: Called with each result.
        save: Called with the record at the beginning, after each check and at the end, however that comes.
    """

    def __init__(
        self,
        wanted: Wanted,
        *,
        begin: Callable[[Check], None],
        tell: Callable[[Result], None],
        save: Callable[[Record], None],
    ) -> None:
        self._wanted = wanted
        self._begin = begin
        self._tell = tell
        self._save = save
        now = rfc3339(wall_clock())
        self.record = Record(wanted.port, now)
        self._writer = Writer(
            self.record.passed.append, clock=lambda: rfc3339(wall_clock()), elapsed=asyncio.get_running_loop().time
        )

    async def run(self) -> None:
        """Try it all; what goes wrong is in the record.

        Raises:
            PortUnavailable: The port can't be opened: nothing was tried, and nothing saved.
        """
        for tried, rate in enumerate(rates(self._wanted.port, self._wanted.baudrate)):
            try:
                async with self._listening(rate) as bench:
                    if not tried:
                        self._save(self.record)  # where that fails, it is before anything is done
                    if await answers(bench.module.channel, first=tried == 0):
                        self._end(await self._all(bench))
                        return
            except LineError as error:
                if not (tried or self.record.passed):
                    raise
                self._end(f"the run ended here: {error}")
                return
            except asyncio.CancelledError:
                self._end("the run was stopped")
                raise
            await asyncio.sleep(BETWEEN_RATES)
        self._end("nothing answers AT; sim7020-bridge probe says what to do")

    def _end(self, words: str) -> None:
        self.record.ended = words
        self._save(self.record)

    @asynccontextmanager
    async def _listening(self, rate: int) -> AsyncIterator[Bench]:
        wanted = self._wanted
        opened = await open_port(wanted.port, rate)
        ear = Ear(opened, self._writer)
        channel = Channel(ear, urcs=URCS, on_urc=lambda urc: bench.take_urc(urc), mask=mask)  # noqa: PLW0108 - there is none yet
        patience = wanted.patience
        timing = Timing(sim_poll=1.0, sim_patience=30.0, registration_poll=1.0, registration_patience=patience)
        store = StateStore()
        store.apply(PortOpened(wanted.port))
        module = Module(channel, store, ModemSettings("accept", wanted.port), timing)
        bench = Bench(module, ear, wanted.host, wanted.echo, wanted.pin)
        self.record.given, self.record.left = bench.given, bench.left
        running = asyncio.create_task(channel.run(), name="accept: own the line")
        try:
            yield bench
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError, LineError):
                await running
            await opened.aclose()

    async def _all(self, bench: Bench) -> str:
        """Do all checks; return why it ended before all were done, or nothing."""
        bench.module.store.apply(ModuleAnswered())
        try:
            return await self._each(bench)
        finally:
            await bench.put_numeric_results_back()

    async def _each(self, bench: Bench) -> str:
        bench.module.channel.sleeps_when_idle = await bench.number("+CSCLK") == power.LightSleep.WHEN_IDLE
        for check in CHECKS:
            self._begin(check)
            result = await self._one(bench, check)
            self.record.results.append(result)
            self._tell(result)
            self._save(self.record)
            if not _is_sim7020(bench.module.store.state):
                return "nothing more was tried: it is no SIM7020"
        return ""

    async def _one(self, bench: Bench, check: Check) -> Result:
        if check.price and check.name not in self._wanted.agreed:
            return Result(check.name, Status.SKIPPED, f"not agreed to: {check.price}")
        if check.online and not bench.online:
            return Result(check.name, Status.SKIPPED, "not attached")
        starts, before = bench.starts, dict(bench.given)
        status = Status.FINE
        try:
            words = await check.run(bench)
        except Amiss as amiss:
            words, status = amiss.words, amiss.status
        except LineError:
            self.record.results.append(Result(check.name, Status.BROKEN, "the line broke"))
            raise
        except BridgeError as error:
            words, status = str(error), Status.BROKEN
        if bench.starts > starts and not check.interrupts:
            bench.given.clear()
            bench.given.update(before)
            bench.online = False
            with suppress(Amiss, BridgeError):
                await answers_again(bench)
                await attached(bench)
            return Result(check.name, Status.BROKEN, "the module restarted on its own meanwhile")
        found = ", ".join(f"{name.split(' ')[-1]}={bench.given[name]}" for name in bench.given if name not in before)
        return Result(check.name, status, "; ".join(filter(None, (words, found))))


def _is_sim7020(state: ModemState) -> bool:
    return state.identity.model is not None and AlertId.NOT_SIM7020 not in alerts(state)
