"""One open port: from the first AT until the line breaks."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sim7020_bridge.at.channel import Channel
from sim7020_bridge.at.command import Echo, Urc
from sim7020_bridge.commands.network import PingReply
from sim7020_bridge.commands.packet import ContextState, PacketEvent, PacketEventKind
from sim7020_bridge.commands.power import PoweredDown, SleepReport, SupplyReport
from sim7020_bridge.commands.radio import FunctionalityReport, SignalReport
from sim7020_bridge.commands.registration import RegistrationReport
from sim7020_bridge.commands.registry import URCS, Greeting, mask
from sim7020_bridge.commands.sim import SimReport
from sim7020_bridge.commands.sockets import DataAcknowledged, DataReceived, SocketFailed
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.errors import ModuleRestarted
from sim7020_bridge.modem.bring_up import attach, greet, set_up
from sim7020_bridge.modem.facts import Facts
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import read_all, read_pdn
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.modem.state import DEFAULT_CID, Layer, ModemState, Resynchronised
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.port import Port

log: Final = logging.getLogger(__name__)


LATE_GREETING: Final = "SMS Ready"
"""Comes seconds after the other greetings, when the module may have been set up already: no sign of a restart."""


class Session:
    """A port's owner while it is open.

    Args:
        port: The open port; whoever opened it closes it.
        settings: The modem.
        facts: Where all that is learnt goes.
        sockets: The modem's sockets, to be kept open.
        timing: Its durations.
    """

    def __init__(self, port: Port, *, settings: ModemSettings, facts: Facts, sockets: Sockets, timing: Timing) -> None:
        self._channel = Channel(port, urcs=URCS, on_urc=self._take, on_resync=self._count_resync, mask=mask)
        self._facts = facts
        self._sockets = sockets
        self._timing = timing
        self._greeted = False
        self._restarted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._context_came = asyncio.Event()
        self.module = Module(self._channel, facts, settings, timing)

    async def run(self, ready: Callable[[Module], None]) -> None:
        """Bring the module up and keep it attached until the line breaks.

        Args:
            ready: Called once the module answers and is set up, so that requests can be made of it.

        Raises:
            ExceptionGroup: With the LineError, ModuleSilent or other BridgeError that ended it.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._channel.run(), name="at channel")
            tasks.create_task(self._end_at_restart(), name="watch for a restart")
            await greet(self.module)
            self._greeted = True
            await set_up(self.module)
            ready(self.module)
            tasks.create_task(self._sockets.keep_open(self.module), name="sockets")
            tasks.create_task(self._read_now_and_then(), name="readings")
            tasks.create_task(self._read_new_contexts(), name="contexts")
            await self._stay_attached()

    async def _end_at_restart(self) -> None:
        raise ModuleRestarted(await self._restarted)

    async def _stay_attached(self) -> None:
        while True:
            await attach(self.module)
            await self._facts.until(_detached)
            log.warning("no longer attached: %s", self._facts.state.link.reason)

    async def _read_now_and_then(self) -> None:
        """Read what no URC tells, rarely, and never while a command waits for the line."""
        while True:
            await self._facts.until(_online)
            await self._channel.until_idle()
            await read_all(self.module)
            await asyncio.sleep(self._timing.refresh_every)

    async def _read_new_contexts(self) -> None:
        """Read address and APN whenever a context came up: its URC tells neither."""
        while True:
            await self._context_came.wait()
            self._context_came.clear()
            await read_pdn(self.module)

    def _take(self, urc: Urc) -> None:
        match urc:
            case DataReceived() | DataAcknowledged() | SocketFailed():
                self._sockets.take(urc)
            case PingReply():
                self.module.take_ping_reply(urc)
            case PacketEvent():
                self._take_packet_event(urc)
            case Greeting(text) | Echo(text) if self._greeted and text != LATE_GREETING:
                self._restart(text)
            case PoweredDown():
                self._restart("NORMAL POWER DOWN")
            case SupplyReport():
                self._take_supply_report(urc)
            case _:
                self._learn(urc)

    def _learn(self, urc: Urc) -> None:
        match urc:
            case SimReport():
                self._facts.learn(urc.reading)
            case FunctionalityReport(level):
                self._facts.learn(level)
            case RegistrationReport():
                self._facts.learn(urc.registration)
            case SignalReport(quality):
                self._facts.learn(quality)
            case SleepReport():
                self._facts.learn(urc)

    def _take_packet_event(self, event: PacketEvent) -> None:
        if event.kind is PacketEventKind.MODULE_ACTIVATED:
            self._context_came.set()
        elif event.lost and event.cid in {None, DEFAULT_CID}:
            self._facts.learn((ContextState(DEFAULT_CID, active=False),))

    def _take_supply_report(self, report: SupplyReport) -> None:
        height = "high" if report.over else "low"
        if report.power_down:
            self._restart(f"it switched itself off: the supply is too {height}")
        else:
            log.warning("the module's supply is too %s", height)

    def _count_resync(self) -> None:
        self._facts.learn(Resynchronised())

    def _restart(self, evidence: str) -> None:
        if not self._restarted.done():
            self._restarted.set_result(evidence)


def _online(state: ModemState) -> bool:
    return state.link.layer is Layer.ONLINE


def _detached(state: ModemState) -> bool:
    """Whether there is something to attach again; a context that is off on request is none."""
    if state.link.layer is Layer.PDN:
        return state.pdn.wanted
    return state.link.layer not in {Layer.ONLINE, Layer.SLEEPING}
