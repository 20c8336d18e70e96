"""One socket kept open to its peer: open, send, receive, close, open again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any, Final

from sim7020_bridge.at.exchange import Succession
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.commands.power import SetReleaseAssistance
from sim7020_bridge.commands.sockets import (
    SOCKETS,
    CloseSocket,
    ConnectSocket,
    CreateSocket,
    DataAcknowledged,
    DataReceived,
    ReadSocketStatus,
    SendData,
    SocketFailed,
    SocketId,
    SocketStatus,
)
from sim7020_bridge.config.model import PowerSavingSettings, SocketSettings, Transport
from sim7020_bridge.errors import (
    CommandHeldBack,
    CommandRefused,
    LineError,
    MalformedAnswer,
    ModuleSilent,
    RequestRefused,
)
from sim7020_bridge.modem import data_cost
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.ladder import Rung
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.sleep import uses_psm
from sim7020_bridge.modem.socket_failure import Failure, failure_of
from sim7020_bridge.modem.socket_state import Phase, SentInPart, SocketLost, SocketState, Traffic
from sim7020_bridge.modem.state import Layer, ModemState, Recovering
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.modem.unacknowledged import Unacknowledged

log: Final = logging.getLogger(__name__)


NO_MORE_TO_COME: Final = 1
"""+CNBIOTRAI: the network may release the connection right after the next uplink (low power note section 6.2.5)."""


CAREFUL_PAYLOAD: Final = 256
"""Bytes that every firmware takes at once; sources differ on whether the limit is this or twice as much."""


WORTH_A_WARNING: Final = 3
"""Failures in a row that are warned of; its state tells of those that follow."""


class ModemSocket:
    """One configured socket over the lifetime of the bridge; the module's id of it changes with each opening.

    Args:
        settings: The socket as configured.
        power_saving: The modem's; with PSM, a UDP socket may survive the sleep, and a TCP socket, which would keep
            the module awake, is only open while there is something to send or to come.
        on_change: Called after each change of ``state``.
        on_data: Called with each piece of data that came: one datagram, or whatever part of a TCP stream
            the module reported at once. Must not block or raise.
        sweep: Closes the sockets of the module that nobody owns; wanted when it may have made one without saying so.
        timing: Its durations.
        clock: For the times in ``state``.
    """

    def __init__(
        self,
        settings: SocketSettings,
        *,
        power_saving: PowerSavingSettings | None = None,
        on_change: Callable[["ModemSocket"], None],
        on_data: Callable[["ModemSocket", bytes], None],
        sweep: Callable[[Module], Awaitable[object]],
        timing: Timing,
        clock: Clock = wall_clock,
    ) -> None:
        self.settings = settings
        self.state = SocketState()
        self.save_power(power_saving)
        self._wanted = asyncio.Event()
        self._used = 0.0
        self._largest = self.settings.max_payload
        self._on_change = on_change
        self._on_data = on_data
        self._sweep = sweep
        self._timing = timing
        self._clock = clock
        self._open = asyncio.Event()
        self.id: SocketId | None = None
        self._module: Module | None = None
        self._succession = Succession()
        self._broken: asyncio.Future[Failure] | None = None
        self._unacknowledged = Unacknowledged()

    def save_power(self, saving: PowerSavingSettings | None) -> None:
        """Use other power saving from the next opening on."""
        udp = self.settings.transport is Transport.UDP
        self._retained = udp and saving is not None and saving.retain_sockets
        self._release = saving is not None and saving.release_assistance
        self._on_demand = not udp and uses_psm(saving)

    def survive(self, existing: Collection[SocketId]) -> None:
        """Let go of a socket that the module has no more: its id may be another one's next."""
        if self.id not in existing:
            self.id = None

    @property
    def acknowledges(self) -> bool:
        """Whether the peer's acknowledgement is reported: for TCP only (TCP/IP note section 3.6)."""
        return self.settings.transport is Transport.TCP

    @property
    def takes_ahead(self) -> bool:
        """Whether a payload may be given before the one before it was taken: each is one command, and none but that.

        The line then never rests between two datagrams; if one fails, what was given after it raises SocketLost.
        """
        return not self.acknowledges and not self._release

    async def wait_open(self) -> None:
        """Return once the socket is open; one that is only open on demand is opened."""
        self._wanted.set()
        await self._open.wait()

    async def send(self, data: bytes) -> "asyncio.Future[None]":
        """Give a payload to the module and return once it took all of it.

        UDP takes up to ``max_payload`` bytes, which make one datagram; for TCP a longer payload is split. The
        future that is returned is done once the peer has acknowledged the payload (TCP), or at once (UDP); it
        fails with SocketLost when the socket breaks before. A payload that failed half way may have gone out
        in part.

        Raises:
            SocketLost: The socket is not open, or what was given before failed; nothing has gone out.
            CommandRefused: The module would not take it; the socket will be opened afresh. Nothing has gone out.
            ModuleSilent: The module did not say whether it took it; the same.
            SentInPart: One of these happened to a payload of which the module had taken a part.
            LineError: The session is over.
        """
        connection = self._unacknowledged
        start = 0
        try:
            while start < len(data):
                piece = data[start : start + self._largest]
                start += await self._send_piece(piece, connection, last=start + len(piece) >= len(data))
        except (SocketLost, CommandRefused, ModuleSilent) as error:
            if start:
                raise SentInPart(start, error) from error
            raise
        self._set(sent=self.state.sent.plus(len(data)))
        if self.acknowledges:
            return connection.all_given()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def _send_piece(self, piece: bytes, connection: Unacknowledged, *, last: bool) -> int:
        """Send a piece and return how much of it the module took: none of it if it wants smaller ones."""
        module, socket = self._module, self.id
        cost = data_cost.sent(len(piece), stream=self.acknowledges)
        if module is None or socket is None or not self._open.is_set() or connection is not self._unacknowledged:
            raise SocketLost("the socket is not open")
        try:
            self._used = asyncio.get_running_loop().time()
            if self._release and last:
                await module.try_setting(SetReleaseAssistance(NO_MORE_TO_COME))
            # counted before the module answers: the peer's acknowledgement may be reported first
            connection.give(len(piece))
            module.facts.on_cost(cost)
            await module.execute(SendData(socket, piece), succession=None if self.acknowledges else self._succession)
        except CommandHeldBack as held_back:
            module.facts.on_cost(cost.back())
            raise SocketLost(str(held_back)) from held_back
        except (CommandRefused, ModuleSilent) as error:
            if isinstance(error, CommandRefused) and self.acknowledges and len(piece) > CAREFUL_PAYLOAD:
                # some firmware takes half as much at once; a stream can be cut anywhere
                connection.take_back(len(piece))
                self._largest = CAREFUL_PAYLOAD
                return 0
            if self.id == socket:
                self._break(failure_of(error, self._clock()))
            raise
        except LineError:
            # whoever tries again must wait for the next session, and not run into the dead line at once
            if self.id == socket:
                self._open.clear()
            raise
        return len(piece)

    def take(self, urc: DataReceived | DataAcknowledged | SocketFailed) -> bool:
        """Take a URC if it is for this socket's present id; say whether it was."""
        if self.id is None or urc.socket != self.id:
            return False
        match urc:
            case DataReceived(_, data):
                self._used = asyncio.get_running_loop().time()
                self._set(received=self.state.received.plus(len(data)))
                if self._module is not None:
                    self._module.facts.on_cost(data_cost.received(len(data), stream=self.acknowledges))
                self._on_data(self, data)
            case DataAcknowledged(_, length):
                self._unacknowledged.acknowledge(length)
            case SocketFailed(_, code):
                self._break(Failure(code, urc.name, urc.words, self._clock()))
        return True

    async def keep_open(self, module: Module) -> None:
        """Open the socket whenever the link is online, and open it again whenever it breaks; for one session.

        Raises:
            LineError: The session is over.
        """
        backoff = Backoff(self._timing.socket_first, self._timing.socket_last)
        loop = asyncio.get_running_loop()
        try:
            while True:
                await module.facts.until(_online)
                if self._on_demand:
                    await self._wanted.wait()
                opened_at = loop.time()
                failure = await self._opened_once(module)
                if loop.time() - opened_at > self._timing.socket_stable:
                    backoff.reset()
                if failure is None:
                    continue
                level = logging.WARNING if backoff.failures < WORTH_A_WARNING else logging.DEBUG
                log.log(level, "socket %s: %s; opening it again", self.settings.name, failure.words)
                self._set(phase=Phase.BACKOFF, failure=failure)
                await asyncio.sleep(backoff.next_wait())
                module.facts.learn(Recovering(Rung.SOCKETS))
        finally:
            retained = self.id if self._retained and module.facts.state.sleeping else None
            self._forget()
            self.id = retained
            self._set(phase=Phase.CLOSED)

    async def _opened_once(self, module: Module) -> Failure | None:
        """Open, stay open, close; return what broke it, or None if the PDN context went away."""
        self._set(phase=Phase.OPENING)
        self._module = module
        self._succession = Succession()
        self._largest = self.settings.max_payload
        broken: asyncio.Future[Failure] = asyncio.get_running_loop().create_future()
        self._broken = broken
        try:
            await self._connect(module)
            if broken.done():
                # it failed in the moment it connected
                return broken.result()
            self._used = asyncio.get_running_loop().time()
            self._set(phase=Phase.OPEN)
            self._open.set()
            log.info("socket %s is open to %s:%d", self.settings.name, self.state.address, self.settings.port)
            return await self._until_broken(module, broken)
        except (CommandRefused, ModuleSilent, MalformedAnswer, RequestRefused) as error:
            return failure_of(error, self._clock())
        except _Refused as refused:
            return refused.failure
        finally:
            socket = self.id
            asleep = module.facts.state.sleeping
            self._forget()
            self._set(phase=Phase.CLOSED)
            if asleep:
                self.id = socket if self._retained else None
            elif socket is not None:
                await _close(module, socket)

    async def _connect(self, module: Module) -> None:
        if await self._survived(module):
            return
        address = await self._address(module)
        self._set(address=address)
        self.id = await self._create(module)
        report = module.channel.expect(SocketFailed, lambda urc: urc.socket == self.id)
        if self.acknowledges:
            module.facts.on_cost(data_cost.connected())
        try:
            await module.execute(ConnectSocket(self.id, self.settings.port, address))
        except CommandRefused as refused:
            # the cause follows the refusal as a URC (manual V1.05, +CSOCON)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.error_code_wait):
                    cause = await report
                    raise _Refused(Failure(cause.code, cause.name, cause.words, self._clock())) from refused
            words = f"the module could not connect to {address} port {self.settings.port}"
            raise _Refused(Failure(None, "module_refused", words, self._clock())) from refused
        finally:
            report.cancel()

    async def _survived(self, module: Module) -> bool:
        """Whether the socket of before the module slept is still connected (manual V1.05, +RETENTION)."""
        socket = self.id
        if socket is None:
            return False
        with suppress(CommandRefused, ModuleSilent, MalformedAnswer):
            if await module.execute(ReadSocketStatus(socket)) == SocketStatus.CONNECTED:
                return True
            await _close(module, socket)
        self.id = None
        return False

    async def _create(self, module: Module) -> SocketId:
        try:
            socket = await module.execute(CreateSocket(stream=self.settings.transport is Transport.TCP))
        except ModuleSilent:
            # it may exist all the same, and would be lost: there are only five
            await self._sweep(module)
            raise
        if socket not in range(SOCKETS):
            raise MalformedAnswer(f"+CSOC: {socket}", f"ids go from 0 to {SOCKETS - 1}")
        return socket

    async def _address(self, module: Module) -> str:
        host = self.settings.host
        with suppress(ValueError):
            return str(IPv4Address(host))
        resolution = await module.resolve(host)
        for address in resolution.addresses:
            with suppress(ValueError):
                return str(IPv4Address(address))
        raise RequestRefused("dns", f"cannot resolve {host}: {resolution.words}")

    async def _until_broken(self, module: Module, broken: "asyncio.Future[Failure]") -> Failure | None:
        gone = asyncio.create_task(module.facts.until(_offline), name=f"socket {self.settings.name}: watch the link")
        try:
            waited: set[asyncio.Future[Any]] = {broken, gone}
            pause = self._timing.socket_idle if self._on_demand else None
            while not broken.done() and not gone.done() and not self._idle():
                await asyncio.wait(waited, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            return broken.result() if broken.done() else None
        finally:
            gone.cancel()

    def _idle(self) -> bool:
        """Whether a socket that is open on demand has served; if so, it is wanted no more."""
        quiet = asyncio.get_running_loop().time() - self._used
        if not self._on_demand or self._unacknowledged or quiet < self._timing.socket_idle:
            return False
        self._wanted.clear()
        return True

    def _break(self, failure: Failure) -> None:
        self._open.clear()
        self._succession.broken = True
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(failure)

    def _forget(self) -> None:
        """Let go of the module's socket; what was not acknowledged never will be."""
        self._open.clear()
        self._succession.broken = True
        self.id = None
        self._module = None
        connection, self._unacknowledged = self._unacknowledged, Unacknowledged()
        connection.lose()

    def _set(
        self,
        *,
        phase: Phase | None = None,
        address: str | None = None,
        failure: Failure | None = None,
        sent: Traffic | None = None,
        received: Traffic | None = None,
    ) -> None:
        before = self.state
        self.state = replace(
            before,
            phase=phase or before.phase,
            address=address or before.address,
            failure=failure or before.failure,
            sent=sent or before.sent,
            received=received or before.received,
        )
        if self.state != before:
            self._on_change(self)


async def _close(module: Module, socket: SocketId) -> None:
    """Free the id; a module that has forgotten the socket refuses, which is as good."""
    with suppress(CommandRefused, ModuleSilent, LineError):
        await module.execute(CloseSocket(socket))


class _Refused(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


def _online(state: ModemState) -> bool:
    return state.link.layer is Layer.ONLINE


def _offline(state: ModemState) -> bool:
    """Whether the context is gone and all sockets with it; a registration that comes and goes keeps them."""
    return not state.pdn.active or not state.answering or bool(state.sleeping)
