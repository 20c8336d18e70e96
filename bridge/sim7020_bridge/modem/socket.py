"""One socket kept open to its peer, over the lifetime of the bridge."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Any, Final

from sim7020_bridge.clock import Clock
from sim7020_bridge.commands.sockets import (
    SOCKETS,
    CreateSocket,
    DataAcknowledged,
    DataReceived,
    SocketFailed,
    SocketId,
)
from sim7020_bridge.config.model import DEFAULT_MAX_PAYLOAD, PowerSavingSettings, SocketSettings, Transport
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent, RequestRefused
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.connection import (
    CAREFUL_PAYLOAD,
    Asked,
    Connection,
    Failure,
    SentInPart,
    failure_of,
)
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.power_saving import uses_psm
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.refusals import Refusals
from sim7020_bridge.modem.state import ModemState, Recovering
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.telling import NEVER_TOLD, Telling
from sim7020_bridge.modem.timing import Timing

log: Final = logging.getLogger(__name__)

NOT_CONNECTED: Final = "not_connected"
"""A failure that no report told of."""

WORTH_A_WARNING: Final = 3
"""Failures in a row that are warned of; its state tells of those that follow."""


class Phase(StrEnum):
    """Where a socket is; ``backoff`` is the wait before it is opened again."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    BACKOFF = "backoff"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages and payload bytes one way since the bridge started."""

    messages: int = 0
    bytes: int = 0

    def plus(self, size: int) -> "Traffic":
        """Count one more message."""
        return Traffic(self.messages + 1, self.bytes + size)


@dataclass(frozen=True, slots=True)
class SocketState:
    """One socket as it is now; ``address`` is the peer's, once known, ``since`` when the failures in a row began."""

    phase: Phase = Phase.CLOSED
    address: str | None = None
    failure: Failure | None = None
    since: datetime | None = None
    sent: Traffic = Traffic()
    received: Traffic = Traffic()


@dataclass(eq=False, repr=False)
class ModemSocket:
    """One configured socket, with its present connection or none.

    Args:
        settings: The socket as configured.
        power_saving: The modem's; with PSM, a UDP socket may survive the sleep, and a TCP socket, which would keep
            the module awake, is only open while there is something to send or to come.
        on_change: Called after each change of ``state``.
        on_data: Called with each piece of data that came: one datagram, or whatever part of a TCP stream
            the module reported at once. Must not block or raise.
        store: Tells whether the modem is online.
        refusals: What the module refuses the modem's sockets.
        sweep: Closes the sockets of the module that nobody owns; wanted when it may have one that it should not.
        claim: Says whether an id that the module gave out is free, and has whoever has it open anew if it is not.
        told: Set once the module has told what a TCP peer acknowledges, of this socket or another one.
        timing: Its durations.
        clock: For the times in ``state``.
    """

    settings: SocketSettings
    power_saving: InitVar[PowerSavingSettings | None]
    on_change: Callable[["ModemSocket"], None]
    on_data: Callable[["ModemSocket", bytes], None]
    store: StateStore
    refusals: Refusals
    sweep: Callable[[Module], Awaitable[object]]
    claim: Callable[[SocketId], bool]
    told: asyncio.Event
    timing: Timing
    clock: Clock

    def __post_init__(self, power_saving: PowerSavingSettings | None) -> None:
        self.state = SocketState()
        self.save_power(power_saving)
        self._backoff = Backoff(self.timing.socket_first, self.timing.socket_last)
        self._wanted = asyncio.Event()
        self._open = asyncio.Event()
        self._connection: Connection | None = None
        self._proven = CAREFUL_PAYLOAD
        self._largest = DEFAULT_MAX_PAYLOAD
        self._status_tells = True  # in this session
        self._telling = Telling(self.told, self.timing)
        self._fruitless = False  # whether the last connection was

    def save_power(self, saving: PowerSavingSettings | None) -> None:
        """Use other power saving from the next opening on."""
        udp = self.settings.transport is Transport.UDP
        self._retained = udp and saving is not None and saving.retain_sockets
        self._release = saving is not None and saving.release_assistance
        self._on_demand = not udp and uses_psm(saving)

    @property
    def _stream(self) -> bool:
        return self.settings.transport is Transport.TCP

    @property
    def id(self) -> SocketId | None:
        """Which of the module's sockets it has, if any: one that is being closed still is its own."""
        return None if self._connection is None else self._connection.id

    @property
    def opening(self) -> object:
        """What tells this opening from all others: after another one, the peer may see another address."""
        return self._connection

    def survive(self, existing: Collection[SocketId]) -> None:
        """Let go of a socket that the module has no more: its id may be another one's next."""
        if self.id not in existing:
            self._connection = None

    def doubt(self) -> None:
        """Open it anew: the module gave its id to another socket, or one of the two ids was misheard."""
        connection = self._connection
        if connection is None:
            return
        if connection.over.done():
            self._connection = None
        connection.end(Failure(None, "module_unclear", "the module gave its id to another socket", self.clock()))

    @property
    def acknowledges(self) -> bool:
        """Whether the peer's acknowledgement is told: for TCP only, and not by every firmware."""
        return self._stream and (self._connection is None or self._connection.acknowledges)

    @property
    def takes_ahead(self) -> bool:
        """Whether a payload may be given before the one before it was taken: each is one command, and none but that.

        The line then never rests between two datagrams; if one fails, what was given after it raises SocketLost.
        """
        return not self._stream and not self._release

    async def wait_open(self) -> None:
        """Return once the socket is open and the modem online; one that is only open on demand is opened."""
        while True:
            self._wanted.set()
            await self._open.wait()
            await self.store.until(_online)
            if self._open.is_set():
                return

    async def send(self, data: bytes, *, more: bool = False, answered: bool = False) -> "asyncio.Future[None]":
        """Give a payload to the module and return once it took all of it.

        UDP takes up to ``max_payload`` bytes, which make one datagram; for TCP a longer payload is split. The
        future that is returned is done once the peer has acknowledged the payload, or at once where nobody tells; it
        fails with SocketLost when the socket breaks before. A payload that failed half way may have gone out
        in part.

        Args:
            data: The payload.
            more: Whether another one follows at once: the network must not be told that none does.
            answered: Whether the peer answers it at once, and the network is told that, too.

        Raises:
            SocketLost: The socket is not open, the modem is not online, what was given before failed, or the module
                takes nothing of anybody; nothing has gone out.
            CommandRefused: The module would not take it; the socket will be opened afresh. Nothing has gone out.
            ModuleSilent: The module did not say whether it took it; the same.
            SentInPart: One of these happened to a payload of which the module had taken a part.
            LineError: The session is over.
        """
        connection = self._connection
        if connection is None:
            raise SocketLost("the socket is not open")
        try:
            acknowledged = await connection.send(data, more=more, answered=answered)
        except SentInPart:
            # it takes something: of a stream, what it has no room for may wait for a peer that is slow to acknowledge
            self.refusals.done(self.settings.name, Asked.SEND)
            raise
        except CommandRefused as refused:
            failure = connection.over.result()
            if failure is None or failure.refused is None or self.refusals.one_sided(self.settings.name):
                raise
            raise SocketLost(str(refused)) from refused
        finally:
            self._largest = min(self._largest, connection.largest)
        if not self._stream:
            self._proven = max(self._proven, len(data))
        self.refusals.done(self.settings.name, Asked.SEND)
        self._publish(replace(self.state, sent=self.state.sent.plus(len(data))))
        return acknowledged

    def take_urc(self, urc: DataReceived | DataAcknowledged | SocketFailed) -> bool:
        """Take a URC if it is for this socket's present id; say whether it was."""
        if self._connection is None or self._connection.id != urc.socket:
            return False
        self._connection.take_urc(urc)
        return True

    async def check_open(self, module: Module) -> None:
        """Ask after an open connection: the report of its end may have been lost."""
        connection = self._connection
        if connection is None or self.state.phase is not Phase.OPEN:
            return
        connection.count_probes()
        if self._status_tells and await connection.is_connected(module) is False:
            words = "the module no longer has it connected, and had not said so"
            connection.end(Failure(None, NOT_CONNECTED, words, self.clock()))

    async def keep_open(self, module: Module) -> None:
        """Open the socket whenever the link is online, and open it again whenever it breaks; for one session.

        Raises:
            LineError: The session is over.
        """
        self._status_tells = True
        try:
            while True:
                if self._on_demand:
                    await self._wanted.wait()
                await self._until_affordable(module.store)
                await module.store.until(_online)
                failure = await self._opened_once(module)
                if failure is None:
                    if self._fruitless:
                        # a context that ends before anything is acknowledged costs the same bytes each time
                        self._publish(replace(self.state, phase=Phase.BACKOFF))
                        await asyncio.sleep(self._backoff.next_wait())
                    continue
                self.refusals.failed(self.settings.name, failure)
                level = logging.WARNING if self._backoff.failures < WORTH_A_WARNING else logging.DEBUG
                log.log(level, "socket %s: %s; opening it again", self.settings.name, failure.words)
                since = self.state.since if self._backoff.failures and self.state.since else failure.at
                self._publish(replace(self.state, phase=Phase.BACKOFF, failure=failure, since=since))
                # a context that comes back is a reason to try at once
                await module.store.until(_offline, within=self._backoff.next_wait())
                module.store.apply(Recovering(RecoveryStep.SOCKETS))
        finally:
            self._publish(replace(self.state, phase=Phase.CLOSED))

    async def _until_affordable(self, store: StateStore) -> None:
        """Spend nothing on a connection, or on the peer's address, that no message is worth; UDP alone costs none."""
        if self.settings.transport is Transport.TCP or not _is_address(self.settings.host):
            await store.until(lambda _: store.affordable(self.settings.name))

    async def _opened_once(self, module: Module) -> Failure | None:
        """Open, stay open, close; return what broke it, or None if the PDN context went away."""
        self._publish(replace(self.state, phase=Phase.OPENING))
        asked: Asked | None = None
        try:
            connection = self._connection = await self._survived(module)
            if connection is None:
                address = await self._address(module)
                self._publish(replace(self.state, address=address))
                asked = Asked.CREATE
                connection = self._connection = self._connect_to(module, await self._create(module))
                # a TCP peer may be slow to answer
                asked = None if self._stream else Asked.CONNECT
                await connection.connect(address)
                await self._look_at_status(module, connection)
            if not connection.over.done():
                self.refusals.done(self.settings.name, Asked.CONNECT)
                self._telling.trial = False
                self._publish(replace(self.state, phase=Phase.OPEN))
                level = logging.INFO if self._backoff.failures <= WORTH_A_WARNING else logging.DEBUG
                log.log(level, "socket %s is open to %s:%d", self.settings.name, self.state.address, self.settings.port)
                await self._until_over(module, connection)
            if connection.sound_for > self.timing.socket_stable and not connection.fruitless:
                self._backoff.reset()
            return connection.over.result()
        except (CommandRefused, ModuleSilent, MalformedAnswer, RequestRefused) as error:
            if self._connection is None:
                # the module may have made one all the same, or others take up its place: there are only five
                await self.sweep(module)
            return failure_of(error, self.clock(), asked)
        finally:
            await self._let_go(module)

    async def _look_at_status(self, module: Module, connection: Connection) -> None:
        """Find out what it is worth that a connection was not connected any more: some firmware may never say it is."""
        failure = self.state.failure
        if failure is None or failure.name != NOT_CONNECTED or failure.code is not None or connection.over.done():
            return
        self._status_tells = await connection.is_connected(module) is not False
        if not self._status_tells:
            log.info("socket %s: the module does not tell whether it is connected", self.settings.name)

    async def _survived(self, module: Module) -> Connection | None:
        """Return the connection that the module kept while it slept (manual V1.05, +RETENTION)."""
        before = self._connection
        if before is None:
            return None
        if not await before.is_connected(module):
            await before.close(module)
            return None
        survivor = self._connect_to(module, before.id)
        survivor.begin()
        return survivor

    async def _create(self, module: Module) -> SocketId:
        socket = await module.execute(CreateSocket(stream=self._stream))
        if socket not in range(SOCKETS):
            raise MalformedAnswer(f"+CSOC: {socket}", f"ids go from 0 to {SOCKETS - 1}")
        if not self.claim(socket):
            raise MalformedAnswer(f"+CSOC: {socket}", "another socket has that id")
        return socket

    def _connect_to(self, module: Module, socket: SocketId) -> Connection:
        telling, now = self._telling, asyncio.get_running_loop().time()
        acknowledges = self._stream and telling.opens(now, guessed=module.reports_acknowledgements)
        return Connection(
            module,
            socket,
            self.settings,
            proven=self._proven,
            largest=min(self._largest, self.settings.max_payload),
            release=self._release,
            acknowledges=acknowledges,
            telling=telling,
            trial=telling.trial and not telling.expected,
            gate=self._open,
            on_data=self._received,
            clock=self.clock,
        )

    async def _address(self, module: Module) -> str:
        host = self.settings.host
        if _is_address(host):
            return str(IPv4Address(host))
        resolution = await module.resolve(host)
        if resolution.ipv4 is not None:
            return resolution.ipv4
        raise RequestRefused("dns", f"cannot resolve {host}: {resolution.words}")

    async def _until_over(self, module: Module, connection: Connection) -> None:
        """Return once the connection has ended: by itself, with its context, or because it has served."""
        name = self.settings.name
        gone = asyncio.create_task(module.store.until(_offline), name=f"socket {name}: watch the link")
        settling = asyncio.create_task(connection.settle(), name=f"socket {name}: settle")
        watching = asyncio.create_task(connection.give_up(), name=f"socket {name}: watch the peer")
        doubting = asyncio.create_task(connection.doubt(), name=f"socket {name}: doubt the silence")
        try:
            waited: set[asyncio.Future[Any]] = {connection.over, gone}
            pause = self.timing.socket_idle if self._on_demand else None
            while not connection.over.done() and not gone.done() and not self._has_served(connection):
                await asyncio.wait(waited, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            settling.cancel()
            watching.cancel()
            doubting.cancel()
            connection.end()

    def _has_served(self, connection: Connection) -> bool:
        """Whether a socket that is open on demand is no longer needed; if so, it is wanted no more."""
        quiet = asyncio.get_running_loop().time() - connection.used
        if not self._on_demand or connection.unacknowledged.waits.is_set() or quiet < self.timing.socket_idle:
            return False
        self._wanted.clear()
        return True

    async def _let_go(self, module: Module) -> None:
        """Close what the module has, unless it sleeps: then it has forgotten it, or keeps it."""
        connection = self._connection
        if connection is not None:
            connection.end()
            self._fruitless = connection.fruitless
            expected = self._telling.expected
            self._telling.learn(connection.in_vain)
            if connection.fruitless and connection.over.result() is None:
                self._telling.cut_off(connection.waited, connection.within)
            if expected and not self._telling.expected:
                log.warning("socket %s: %s", self.settings.name, NEVER_TOLD)
        self._publish(replace(self.state, phase=Phase.CLOSED))
        if module.store.state.sleeping:
            self._connection = connection if self._retained else None
        elif connection is not None:
            closed = False
            try:
                closed = await connection.close(module)
            finally:
                self._connection = None
            if not closed:
                await self.sweep(module)

    def _received(self, data: bytes) -> None:
        self._publish(replace(self.state, received=self.state.received.plus(len(data))))
        self.on_data(self, data)

    def _publish(self, state: SocketState) -> None:
        before, self.state = self.state, state
        if state != before:
            self.on_change(self)


def _is_address(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _online(state: ModemState) -> bool:
    return state.online


def _offline(state: ModemState) -> bool:
    """Whether the context is gone and all sockets with it; a registration that comes and goes keeps them."""
    return not state.pdn.usable or not state.answering or bool(state.sleeping)
