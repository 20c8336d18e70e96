"""All sockets of one modem."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

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
from sim7020_bridge.errors import CommandRefused, LineError, ModuleSilent
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import read_pdn
from sim7020_bridge.modem.refusals import Refusals
from sim7020_bridge.modem.socket import ModemSocket

log: Final = logging.getLogger(__name__)


class Sockets:
    """The configured sockets of a modem, by name.

    Args:
        settings: The sockets as configured.
        power_saving: The modem's.
        refusals: What the module refuses them.
        make: Makes one; called with all that is not the same for each.
    """

    def __init__(
        self,
        settings: Sequence[SocketSettings],
        *,
        power_saving: PowerSavingSettings | None,
        refusals: Refusals,
        make: Callable[..., ModemSocket],
    ) -> None:
        self._power_saving = power_saving
        self._refusals = refusals
        self._make = partial(make, refusals=refusals, sweep=self.sweep, claim=self._claim, told=asyncio.Event())
        self._by_name = {socket.name: self._make(socket, power_saving=power_saving) for socket in settings}
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._keep: Callable[[ModemSocket], None] | None = None
        self._module: Module | None = None

    def __iter__(self) -> Iterator[ModemSocket]:
        return iter(self._by_name.values())

    def get(self, name: str) -> ModemSocket | None:
        """Return the socket of that name, or None."""
        return self._by_name.get(name)

    def save_power(self, saving: PowerSavingSettings | None) -> None:
        """Use other power saving from the next opening on."""
        self._power_saving = saving
        for socket in self:
            socket.save_power(saving)

    def take_urc(self, urc: DataReceived | DataAcknowledged | SocketFailed) -> None:
        """Hand a URC to the socket that it is for."""
        if not any(socket.take_urc(urc) for socket in self):
            log.info(
                "a report of the module's socket %d, which is none of the bridge's: %s", urc.socket, type(urc).__name__
            )

    async def keep_open(self, module: Module) -> None:
        """Keep every socket open for one session, after closing those that an earlier one left behind."""
        existing = await self.sweep(module)
        for socket in self:
            if existing is not None:
                socket.survive(existing)
        async with asyncio.TaskGroup() as tasks:

            def keep(socket: ModemSocket) -> None:
                name = socket.settings.name
                self._keeping[name] = tasks.create_task(socket.keep_open(module), name=f"socket {name}: keep open")

            for socket in self:
                keep(socket)
            self._keep = keep
            self._module = module
            try:
                await asyncio.Event().wait()
            finally:
                self._keep = self._module = None
                self._keeping.clear()

    async def change(self, settings: Sequence[SocketSettings]) -> None:
        """Have other sockets from now on: close what is gone, open what is new, leave open what leads where it did."""
        before, self._by_name = self._by_name, {}
        for wanted in settings:
            socket = before.get(wanted.name)
            if socket is None or _moved(socket.settings, wanted):
                socket = self._make(wanted, power_saving=self._power_saving)
            socket.settings = wanted
            self._by_name[wanted.name] = socket
        gone = [name for name, socket in before.items() if self._by_name.get(name) is not socket]
        closing = [task for name in gone if (task := self._keeping.pop(name, None)) is not None]
        for name in gone:
            self._refusals.forget(name)
        for task in closing:
            task.cancel()
        if closing:
            await asyncio.wait(closing)
        if closing and self._module is not None:
            # one that was just being made has an id that nobody was told
            with suppress(LineError):
                await self.sweep(self._module)
        for socket in self:
            if self._keep is not None and socket.settings.name not in self._keeping:
                self._keep(socket)

    async def sweep(self, module: Module) -> Collection[SocketId] | None:
        """Close the sockets of the module that nobody here owns: there are only five.

        Returns:
            Which sockets the module had, None if it does not tell.
        """
        existing = await module.ask(ReadSockets())
        for socket in existing or ():
            # looked up each time: an id that has just become free may have a new owner
            if socket in range(SOCKETS) and not any(each.id == socket for each in self):
                try:
                    await module.execute(CloseSocket(socket))
                except (CommandRefused, ModuleSilent) as error:
                    log.debug("socket %d, which an earlier program left open, stays: %s", socket, error)
                else:
                    log.info("closed socket %d, which an earlier program left open", socket)
        return existing

    async def check_open(self, module: Module) -> None:
        """Find out what no report told: sockets of the module that nobody owns, and open ones that it has no more."""
        await self.sweep(module)
        for socket in tuple(self):
            await socket.check_open(module)

    async def look_after_loss(self, module: Module) -> None:
        """Find out what is left after a report that the context was lost, which may have been about an earlier one."""
        await read_pdn(module)
        if module.store.state.online:
            await self.check_open(module)

    def _claim(self, new: SocketId) -> bool:
        """Whether nobody has an id; if somebody has, a digit was changed on the line, now or when that one got it."""
        owners = [socket for socket in self if socket.id == new]
        for owner in owners:
            owner.doubt()
        return not owners


def _moved(old: SocketSettings, new: SocketSettings) -> bool:
    """Whether a socket must be opened anew."""
    return any(getattr(old, key) != getattr(new, key) for key in ("transport", "host", "port", "keep_alive", "coap"))
