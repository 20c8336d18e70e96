"""One configured modem over the lifetime of the bridge: opens its port, and starts over whenever it breaks."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.errors import (
    BridgeError,
    LineError,
    ModuleRestarted,
    ModuleSilent,
    PortClosed,
    PortUnavailable,
    RequestRefused,
)
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.facts import Facts
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.session import Session
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.modem.state import ModuleLost, PortLost, PortOpened
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.port import Port, open_port

log: Final = logging.getLogger(__name__)


class Modem:
    """A modem kept attached.

    Args:
        settings: The modem as configured.
        on_socket: Called after each change of a socket's state.
        on_data: Called with what came from the network; must not block or raise.
        timing: Its durations.
        clock: For the times in its state.
    """

    def __init__(
        self,
        settings: ModemSettings,
        *,
        on_socket: Callable[[ModemSocket], None],
        on_data: Callable[[ModemSocket, bytes], None],
        timing: Timing | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self.settings = settings
        self.facts = Facts(clock)
        self._timing = timing or Timing()
        self.sockets = Sockets(settings.sockets, on_change=on_socket, on_data=on_data, timing=self._timing, clock=clock)
        self._module: Module | None = None

    @property
    def module(self) -> Module:
        """The module, for a request.

        Raises:
            RequestRefused: ``modem_offline``: nobody there answers now.
        """
        if self._module is None:
            reason = self.facts.state.link.reason or "it is starting"
            raise RequestRefused("modem_offline", f"the modem can't take a request now: {reason}")
        return self._module

    async def run(self) -> None:
        """Keep the modem attached until cancelled."""
        backoff = Backoff(self._timing.reopen_first, self._timing.reopen_last)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._session()
            except ModuleRestarted:
                _end_if_cancelled()
            except BridgeError as error:
                _end_if_cancelled()
                if loop.time() - began > self._timing.session_stable:
                    backoff.reset()
                wait = backoff.next_wait()
                log.warning("modem %s: %s; trying again in %.0f s", self.settings.name, error, wait)
                await asyncio.sleep(wait)

    async def _session(self) -> None:
        port = await self._open()
        try:
            session = Session(port, settings=self.settings, facts=self.facts, sockets=self.sockets, timing=self._timing)
            try:
                await session.run(self._ready)
            except BaseExceptionGroup as errors:
                # not except*: Python 3.11.2 wraps what is raised inside it in one more group
                ours, others = errors.split(BridgeError)
                if ours is None or others is not None:
                    raise
                raise self._learn_end(ours) from errors
        finally:
            self._module = None
            await port.aclose()

    async def _open(self) -> Port:
        try:
            port = await open_port(self.settings.port, self.settings.baudrate)
        except PortUnavailable as unavailable:
            self.facts.learn(PortLost(unavailable.detail))
            raise
        self.facts.learn(PortOpened())
        return port

    def _ready(self, module: Module) -> None:
        self._module = module
        log.info("modem %s: the module answers", self.settings.name)

    def _learn_end(self, errors: BaseExceptionGroup[BridgeError]) -> BridgeError:
        """Learn why a session ended and return the one error that says it best."""
        error = min(_leaves(errors), key=_precedence)
        if isinstance(error, PortClosed):
            self.facts.learn(PortLost(str(error)))
        else:
            self.facts.learn(ModuleLost(str(error), restarted=isinstance(error, ModuleRestarted)))
        return error


def _end_if_cancelled() -> None:
    """Let a cancellation through that came while a session was breaking: its TaskGroup tells of the break alone."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _leaves(errors: BaseExceptionGroup[BridgeError]) -> list[BridgeError]:
    found: list[BridgeError] = []
    for error in errors.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _precedence(error: BridgeError) -> int:
    order = (ModuleRestarted, PortClosed, LineError, ModuleSilent)
    return next((rank for rank, kind in enumerate(order) if isinstance(error, kind)), len(order))
