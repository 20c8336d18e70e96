"""One opening of a socket: from the id that the module gave it until that id is free again."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sim7020_bridge.at.exchange import Pipeline
from sim7020_bridge.clock import Clock
from sim7020_bridge.commands import sockets
from sim7020_bridge.config.model import SocketSettings, Transport
from sim7020_bridge.errors import (
    BridgeError,
    CommandHeldBack,
    CommandRefused,
    LineError,
    MalformedAnswer,
    ModuleSilent,
    RequestRefused,
)
from sim7020_bridge.modem import data_cost
from sim7020_bridge.modem.acknowledgements import SocketLost, Unacknowledged
from sim7020_bridge.modem.module import SOONEST_ANSWER, Module
from sim7020_bridge.modem.telling import Telling

NO_BUFFER: Final = 6
MODULE_ERRORS: Final = frozenset({NO_BUFFER, 8, 11})
"""Codes of a +CSOERR to what is asked that are about the module: no buffer, its own address in use, no bearer."""

PROBE_INTERVAL: Final = 60
"""Seconds between two probes of a quiet connection that are not answered; an answer over NB-IoT takes some time."""

PROBES: Final = 4
"""Unanswered probes after which the connection has failed."""

CAREFUL_PAYLOAD: Final = 256
"""Bytes that every firmware takes at once; sources differ on whether the limit is this or twice as much."""

MORE_QUESTIONS: Final = 2
"""How often it is asked again how much is acknowledged: two answers have to agree, and one may be spoilt."""


class Asked(StrEnum):
    """What a socket asks of the module, in words."""

    CREATE = "make a socket (AT+CSOC)"
    CONNECT = "connect a socket (AT+CSOCON)"
    SEND = "send (AT+CSOSEND)"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on a socket: the +CSOERR code if the module gave one, its name for machines, words, and when.

    ``refused`` is what the module would not do, where there is no peer to blame.
    """

    code: int | None
    name: str
    words: str
    at: datetime
    refused: Asked | None = None


class SentInPart(BridgeError):
    """The module took a part of a payload, so many bytes, and then not the rest; the cause says why."""

    def __init__(self, taken: int, cause: BridgeError) -> None:
        self.taken = taken
        super().__init__(f"the module had taken {taken} bytes of it: {cause}")


@dataclass(eq=False, repr=False)
class Connection:
    """A socket that the module has made.

    It takes payload from ``begin`` until ``end``, whatever ends it, and never again. What its peer sends is handed on
    for as long as the module has the socket.

    Args:
        module: Whose socket it is.
        id: Its id.
        settings: The socket as configured.
        proven: Bytes of a datagram that the firmware is known to take.
        largest: Bytes of a stream that it is given at once; fewer from then on if it refuses so many.
        release: Whether the network may release the radio connection after each payload that none follows.
        acknowledges: Whether the module tells what the peer acknowledges, as far as earlier connections have shown.
        telling: What the socket's earlier connections have shown of that; it learns what this one shows.
        trial: Whether it is to show if the module tells after all; its peer has no more time than at first.
        gate: Set while it takes payload.
        on_data: Called with what came; must not block or raise.
        clock: For the time of its failure.
    """

    module: Module
    id: sockets.SocketId
    settings: SocketSettings
    proven: int
    largest: int
    release: bool
    acknowledges: bool
    telling: Telling
    trial: bool
    gate: asyncio.Event
    on_data: Callable[[bytes], None]
    clock: Clock

    def __post_init__(self) -> None:
        self.sound_for = 0.0
        """Seconds that it was open before anything was wrong with it; once it is over."""
        self.waited = 0.0  # seconds, at its end, that what was never acknowledged had waited for it
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[Failure | None] = self._loop.create_future()
        """Done once it has ended, with what broke it."""
        self.used = self._quiet_since = self._loop.time()
        """When data last went or came, or might have."""
        self._stream = self.settings.transport is Transport.TCP
        self._given_up = False
        self._away: float | None = None  # since when the modem is not online, while an acknowledgement is waited for
        self._opened: float | None = None
        self._pipeline = Pipeline(self._may_go)
        self._asked: deque[int] = deque()
        """Bytes of each payload that the module is asked to send and has not taken, in order."""
        self.unacknowledged = Unacknowledged()

    async def connect(self, address: str) -> None:
        """Connect it to its peer, and take payload from then on; a refusal ends it.

        Only some firmware names a cause (manual V1.05, +CSOCON). Without one, a refusal is the peer's if there was
        time to ask it.

        Raises:
            ModuleSilent: The module did not say whether it is connected.
            LineError: The session is over.
        """
        idle = self.settings.keep_alive
        if idle is not None:
            await self.module.try_setting(sockets.SetKeepAlive(self.id, idle, PROBE_INTERVAL, PROBES))
        began = self._loop.time()
        if self._stream:
            self.module.store.on_cost(data_cost.connected())
        try:
            connect = sockets.ConnectSocket(self.id, self.settings.port, address)
            await (self.module.transmit(connect, "connect") if self._stream else self.module.execute(connect))
        except CommandRefused:
            at_once = self._loop.time() - began < SOONEST_ANSWER
            words = f"the module could not connect to {address} port {self.settings.port}"
            refused = Asked.CONNECT if at_once or not self._stream else None
            await self._refused(Failure(None, "module_refused", words, self.clock(), refused))
        else:
            if self.acknowledges and not self.module.reports_acknowledgements:
                self.acknowledges = self.unacknowledged.settle(await self._read_acknowledged())
        self.begin()

    def begin(self) -> None:
        """Take payload, unless it failed in the moment it connected."""
        if not self.over.done():
            self.used = self._quiet_since = self._opened = self._loop.time()
            self.gate.set()

    def count_probes(self) -> None:
        """Count the data that keeping a quiet connection alive has cost: an estimate, for nobody reports a probe."""
        idle, now = self.settings.keep_alive, self._loop.time()
        if idle is not None and self._opened is not None:
            probes = int((now - self._quiet_since) // idle)
            self._quiet_since += probes * idle
            self.module.store.on_cost(data_cost.kept_alive(probes))

    def _use(self) -> None:
        self.count_probes()
        self.used = self._quiet_since = self._loop.time()

    def end(self, failure: Failure | None = None, *, since: float | None = None) -> None:
        """Take no more payload; what was not acknowledged never will be.

        Args:
            failure: What broke it; None if nothing did.
            since: The loop's time from which on it may have been broken, if not now.
        """
        if self.over.done():
            return
        self.count_probes()
        self.gate.clear()
        self._pipeline.broken = True
        self.waited = self.unacknowledged.waited(self._away or self._loop.time())
        self.unacknowledged.lose(broke=failure is not None)
        if self._opened is not None:
            self.sound_for = (self._loop.time() if since is None else since) - self._opened
        self.over.set_result(failure)

    async def send(self, data: bytes, *, more: bool = False, answered: bool = False) -> "asyncio.Future[None]":
        """Give a payload to the module; see ModemSocket.send."""
        start = 0
        try:
            while start < len(data):
                piece = data[start : start + self.largest] if self._stream else data
                last = not more and start + len(piece) >= len(data)
                start += await self._send_piece(piece, first=not start, last=last, answered=answered)
        except (SocketLost, CommandRefused, ModuleSilent) as error:
            if start:
                raise SentInPart(start, error) from error
            raise
        if self.acknowledges:
            acknowledged = self.unacknowledged.all_given()
            if self.over.done():
                self.unacknowledged.lose(broke=self.over.result() is not None)
            return acknowledged
        self.telling.sent(self._loop.time())
        done: asyncio.Future[None] = self._loop.create_future()
        done.set_result(None)
        return done

    def _may_go(self) -> bool:
        """Whether the network has the module, as far as that is known: otherwise what the module takes may be lost."""
        return self.module.store.state.online

    def _turn(self, *, first: bool) -> Pipeline | None:
        """Return what says whether a piece may go when its turn comes; the rest of what a stream has begun may."""
        if not self._stream:
            return self._pipeline
        return Pipeline(self._may_go) if first else None

    async def _send_piece(self, piece: bytes, *, first: bool, last: bool, answered: bool) -> int:
        """Send a piece and return how much of it the module took: none of it if it wants smaller ones."""
        if self.over.done() or not self.gate.is_set():
            raise SocketLost("the socket is not open")
        self._use()
        began = self.used
        cost = data_cost.sent(len(piece), stream=self._stream)
        pipeline = self._turn(first=first)
        try:
            # counted before the module answers: the peer's acknowledgement may be reported first
            if self._stream:
                self.unacknowledged.give(len(piece))
            self.module.store.on_cost(cost)
            # before the module answers, too: a cause may be read together with the refusal that it follows
            self._asked.append(len(piece))
            send = sockets.SendData(self.id, piece)
            last = last and self.release
            kind = self.settings.transport
            await self.module.transmit(send, kind, pipeline=pipeline, last=last, answered=answered)
            self._asked.popleft()
            self.unacknowledged.take(len(piece))
            # what a peer acknowledges is of use once it does
            self.module.carried |= not self.acknowledges
        except CommandHeldBack as held:
            self.module.store.on_cost(-cost)
            if self.gate.is_set() and not self.over.done():
                # nothing failed: the modem was not online when its turn came
                self._take_back(len(piece))
                if pipeline is self._pipeline:
                    self._pipeline = Pipeline(self._may_go)
            raise SocketLost(str(held)) from held
        except CommandRefused as refused:
            self.module.store.on_cost(-cost)
            await self._take_refusal(refused, piece, began)
            return 0
        except ModuleSilent as silent:
            self.end(failure_of(silent, self.clock(), Asked.SEND), since=began)
            raise
        except LineError:
            # whoever tries again must wait for the next session, and not run into the dead line at once
            self.end()
            raise
        return len(piece)

    async def _take_refusal(self, refused: CommandRefused, piece: bytes, began: float) -> None:
        """End with a refusal and raise it, or SocketLost; return if smaller pieces may help."""
        if self.over.done() and self.over.result() is None:
            # one that was given up meanwhile, as when its context went away, is refused nothing
            raise SocketLost(str(refused)) from refused
        if self._may_be_cut(piece):
            # some firmware takes half as much at once; a stream can be cut anywhere
            self.largest = CAREFUL_PAYLOAD
            if not self.over.done():
                self._take_back(len(piece))
                return
        self.gate.clear()
        # a datagram may be too large for it; a stream is cut
        asked = Asked.SEND if len(piece) <= self.proven else None
        await self._refused(failure_of(refused, self.clock(), asked), began)
        raise refused

    def _take_back(self, length: int) -> None:
        """Count bytes out again that the module has not taken, and the connection is none the worse for it."""
        self._asked.popleft()
        if self._stream:
            self.unacknowledged.take_back(length)

    def _may_be_cut(self, piece: bytes) -> bool:
        """Whether smaller pieces may help after a refusal: not if it named a cause that has nothing to do with size."""
        failure = self.over.result() if self.over.done() else None
        return self._stream and len(piece) > CAREFUL_PAYLOAD and (failure is None or failure.code == NO_BUFFER)

    def take_urc(self, urc: sockets.DataReceived | sockets.DataAcknowledged | sockets.SocketFailed) -> None:
        """Take a URC that names its id."""
        match urc:
            case sockets.DataReceived(_, data):
                self._use()
                self.telling.heard()
                self.module.carried = True
                self.module.release.received()
                self.module.store.on_cost(data_cost.received(len(data), stream=self._stream))
                self.on_data(data)
            case sockets.DataAcknowledged(_, length):
                self.unacknowledged.report(length)
                self.telling.told.set()
                self.acknowledges = self._stream
            case sockets.SocketFailed(_, code):
                self.end(Failure(code, urc.name, urc.words, self.clock(), self._refused_for(code)))

    def _refused_for(self, code: int) -> Asked | None:
        """Say what the module would not do, if a cause is its own; what broke by itself it was not asked for."""
        if code not in MODULE_ERRORS:
            return None
        if self._opened is None:
            return Asked.CONNECT
        if not self._asked or (code == NO_BUFFER and not self._stream and self._asked[0] > self.proven):
            return None
        return Asked.SEND

    async def settle(self) -> None:
        """Ask how much the peer has acknowledged whenever a report says more, or is overdue; for one session."""
        timing = self.module.timing
        with suppress(LineError):
            while True:
                await self.unacknowledged.waits.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout(timing.report_within):
                        await self.unacknowledged.reported.wait()
                        await asyncio.sleep(timing.report_pause)
                self.unacknowledged.reported.clear()
                await self._settle()

    async def _settle(self) -> None:
        """End the wait for what two answers in a row say is acknowledged; end the connection if none makes sense."""
        believed = False
        for _ in range(1 + MORE_QUESTIONS):
            before = self.unacknowledged.acknowledged
            believed = self.unacknowledged.settle(await self._read_acknowledged())
            self.module.carried |= self.unacknowledged.acknowledged > before
            if believed:
                self.telling.told.set()
            if not self.unacknowledged.doubtful:
                return
        if not believed:
            words = "the module counts other bytes than it was given"
            self.end(Failure(None, "module_unclear", words, self.clock()))

    @property
    def fruitless(self) -> bool:
        """Whether its peer has acknowledged nothing of what it was given, as far as that is told."""
        return self.acknowledges and self.unacknowledged.given > 0 and not self.unacknowledged.acknowledged

    @property
    def in_vain(self) -> int:
        """Connections in a row, this one included, that were given up because the peer acknowledged nothing."""
        return (0 if self.unacknowledged.acknowledged else self.telling.in_vain) + self._given_up

    @property
    def within(self) -> float:
        """Seconds after which it is given up if nothing is acknowledged."""
        return self.telling.patience(0 if self.trial else self.in_vain)

    async def give_up(self) -> None:
        """End it once its peer has acknowledged nothing for too long; time in which the modem is not online is none."""
        store, timing, unacknowledged = self.module.store, self.module.timing, self.unacknowledged
        while True:
            await unacknowledged.waits.wait()
            if not store.state.online:
                self._away = self._loop.time()
                await store.until(lambda state: state.online)
                unacknowledged.pause(self._away, self._loop.time())
                self._away = None
            left = unacknowledged.since + self.within - self._loop.time()
            if left <= 0:
                break
            await store.until(lambda state: not state.online, within=min(left, timing.acknowledged_within))
        words = f"the peer acknowledged nothing within {self.within:g} s"
        self._given_up = True
        self.end(Failure(None, "unacknowledged", words, self.clock()), since=unacknowledged.since)

    async def doubt(self) -> None:
        """End it some time after the first payload since anything came, where the module may tell nothing.

        It can't be told from a dead one. What was taken last has a while to go out; not if there never is a rest.
        """
        rest, within = self.module.timing.socket_idle, self.telling.within
        while self._stream and self.module.reports_acknowledgements and not self.acknowledges:
            now = self._loop.time()
            unheard = self.telling.unheard(now)
            due = unheard >= 2 * within or (unheard >= within and now - self.used >= rest)
            if due and self.module.store.affordable(self.settings.name):
                self.telling.trial = True
                self.end()
                return
            await asyncio.sleep(max(rest, within - unheard))

    async def _read_acknowledged(self) -> sockets.Acknowledged | None:
        return await self.module.ask(sockets.ReadAcknowledged(self.id))

    async def is_connected(self, module: Module) -> bool | None:
        """Ask the module whether it still has it connected, or has it at all; None if it does not tell.

        Manual V1.05, +CSOSTATUS and +CSOC. One that refuses the first question has an answer to the second; one that
        says OK to it and nothing else may do so to any.
        """
        try:
            status = await module.execute(sockets.ReadSocketStatus(self.id))
        except CommandRefused:
            existing = await module.ask(sockets.ReadSockets())
            return None if existing is None else self.id in existing
        except (MalformedAnswer, ModuleSilent):
            return None
        return status not in {sockets.SocketStatus.NONE, sockets.SocketStatus.CREATED}

    async def close(self, module: Module) -> bool:
        """Free the id; say whether that is done. A session that is over leaves it to the next."""
        self.end()
        try:
            await module.execute(sockets.CloseSocket(self.id))
        except (CommandRefused, ModuleSilent):
            return False
        except LineError:
            pass
        return True

    async def _refused(self, failure: Failure, since: float | None = None) -> None:
        """End with a refusal, unless its cause follows it as a URC, and is the peer's (manual V1.05, +CSOCON)."""
        await asyncio.wait({self.over}, timeout=self.module.timing.error_code_wait)
        self.end(failure, since=since)


def failure_of(error: BridgeError, at: datetime, refused: Asked | None = None) -> Failure:
    """Say what an error means for a socket for which the module gave no code."""
    match error:
        case RequestRefused(code=name):
            pass
        case CommandRefused():
            name = "module_refused"
        case ModuleSilent():
            name = "module_silent"
        case _:
            name = "module_unclear"
    return Failure(None, name, str(error), at, refused)
