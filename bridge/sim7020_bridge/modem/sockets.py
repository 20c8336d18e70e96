"""All sockets of one modem."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.commands.sockets import (
    SOCKETS,
    CloseSocket,
    DataAcknowledged,
    DataReceived,
    ReadSockets,
    SocketFailed,
    SocketId,
)
from sim7020_bridge.config.model import PowerSavingSettings, SocketSettings
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.timing import Timing

log: Final = logging.getLogger(__name__)


class Sockets:
    """The configured sockets of a modem, by name; see ModemSocket for the arguments."""

    def __init__(
        self,
        settings: Sequence[SocketSettings],
        *,
        power_saving: PowerSavingSettings | None = None,
        on_change: Callable[[ModemSocket], None],
        on_data: Callable[[ModemSocket, bytes], None],
        timing: Timing,
        clock: Clock = wall_clock,
    ) -> None:
        self._by_name = {
            socket.name: ModemSocket(
                socket,
                power_saving=power_saving,
                on_change=on_change,
                on_data=on_data,
                sweep=self.sweep,
                timing=timing,
                clock=clock,
            )
            for socket in settings
        }

    def __iter__(self) -> Iterator[ModemSocket]:
        return iter(self._by_name.values())

    def get(self, name: str) -> ModemSocket | None:
        """Return the socket of that name, or None."""
        return self._by_name.get(name)

    def save_power(self, saving: PowerSavingSettings | None) -> None:
        """Use other power saving from the next opening on."""
        for socket in self:
            socket.save_power(saving)

    def take(self, urc: DataReceived | DataAcknowledged | SocketFailed) -> None:
        """Hand a URC to the socket that it is for."""
        if not any(socket.take(urc) for socket in self):
            log.info("a report for socket %d, which nobody owns: %s", urc.socket, type(urc).__name__)

    async def keep_open(self, module: Module) -> None:
        """Keep every socket open for one session, after closing those that an earlier one left behind."""
        existing = await self.sweep(module)
        for socket in self:
            if existing is not None:
                socket.survive(existing)
        async with asyncio.TaskGroup() as tasks:
            for socket in self:
                tasks.create_task(socket.keep_open(module), name=f"socket {socket.settings.name}: keep open")

    async def sweep(self, module: Module) -> Collection[SocketId] | None:
        """Close the sockets of the module that nobody here owns: there are only five.

        Returns:
            Which sockets the module had, None if it does not tell.
        """
        try:
            existing = await module.execute(ReadSockets())
        except (CommandRefused, ModuleSilent, MalformedAnswer) as error:
            log.info("cannot list the module's sockets: %s", error)
            return None
        for socket in existing:
            # looked up each time: an id that has just become free may have a new owner
            if socket in range(SOCKETS) and not any(each.id == socket for each in self):
                log.info("closing socket %d, which nobody owns", socket)
                try:
                    await module.execute(CloseSocket(socket))
                except (CommandRefused, ModuleSilent) as error:
                    log.info("%s", error)
        return existing
