"""From silence to an active PDN context, top to bottom as the note's flow chart (TCP/IP note section 4).

Where the note waits for a time, this waits for the fact: a module that is ready after two seconds is not
kept waiting for ten.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from sim7020_bridge.at.command import Command
from sim7020_bridge.commands.identity import EchoOff, ReportErrorsByNumber, SetBaudRate, VerboseResults
from sim7020_bridge.commands.packet import ActivateContext, ReadDefaultApn, ReportPacketEvents, SetDefaultApn
from sim7020_bridge.commands.power import LightSleep, ReportSleep, SetLightSleep, SetPowerSaving
from sim7020_bridge.commands.radio import Functionality, SetFunctionality
from sim7020_bridge.commands.registration import ReportRegistration
from sim7020_bridge.commands.sockets import ReceiveAsHex, ReportAcknowledgements, SetPullReceive
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import (
    read_identity,
    read_pdn,
    read_radio,
    read_registration,
    read_signal,
    read_sim,
    read_subscriber,
)
from sim7020_bridge.modem.state import DEFAULT_CID, ModemState, ModuleAnswered, Reattached

log: Final = logging.getLogger(__name__)


async def greet(module: Module) -> None:
    """Find out that a module listens, and make it speak as the bridge understands it.

    Raises:
        ModuleSilent: Nothing answers AT.
    """
    await module.channel.probe(every=module.timing.probe_every, within=module.timing.probe_within)
    await module.execute(EchoOff())
    module.facts.learn(ModuleAnswered())


async def set_up(module: Module) -> None:
    """Set what the bridge relies on; none of it survives a restart for sure (reference: what survives what)."""
    await module.execute(VerboseResults())
    await module.execute(ReportErrorsByNumber())
    await read_identity(module)
    # with automatic baud rate the module never announces a restart
    await _try(module, SetBaudRate(module.settings.baudrate))
    await _try(module, SetLightSleep(LightSleep.NEVER))
    await _try(module, SetPowerSaving(enabled=False))
    if not await _try(module, ReportRegistration(5)):
        await _try(module, ReportRegistration(2))
    await _try(module, ReportPacketEvents())
    await _try(module, ReportSleep())
    await _try(module, ReceiveAsHex())
    await _try(module, SetPullReceive(enabled=False))
    await _try(module, ReportAcknowledgements())
    await ensure_apn(module)


async def ensure_apn(module: Module) -> None:
    """Set the configured APN if the module has another one; without one configured, leave what it has."""
    settings = module.settings
    if settings.apn is None:
        return
    wanted = SetDefaultApn(settings.apn, settings.apn_username or "", settings.apn_password or "")
    try:
        current = await module.execute(ReadDefaultApn())
    except (CommandRefused, MalformedAnswer) as error:
        log.warning("the module does not tell its APN (%s); setting it", error)
    else:
        if (current.apn, current.user, current.password) == (wanted.apn, wanted.user, wanted.password):
            return
        log.info("changing the APN from %r to %r", current.apn, wanted.apn)
    await change_apn(module, wanted)


async def change_apn(module: Module, apn: SetDefaultApn) -> None:
    """Set the APN of the default context: radio off, set, radio on (TCP/IP note section 2.2).

    The radio is switched on again also if the module refuses the APN.

    Raises:
        CommandRefused: The module will not have it.
    """
    await _radio(module, Functionality.MINIMUM)
    try:
        await module.execute(apn)
    finally:
        await _radio(module, Functionality.FULL)


async def attach(module: Module) -> None:
    """Return once the module is registered and its PDN context is active.

    A step that does not come true in its time starts everything over with the radio off and on, ever
    more rarely: a network may bar a SIM that asks too often.
    """
    backoff = Backoff(module.timing.reattach_first, module.timing.reattach_last)
    while not await _attached(module):
        wait = backoff.next_wait()
        log.warning("not attached: %s; radio off and on in %.0f s", module.facts.state.link.reason, wait)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await module.facts.until(_online)
                return
        await cycle_radio(module)


async def cycle_radio(module: Module) -> None:
    """Radio off, a pause, radio on: the note's way to start attaching over (TCP/IP note section 4)."""
    module.facts.learn(Reattached())
    await _radio(module, Functionality.MINIMUM)
    await asyncio.sleep(module.timing.radio_off)
    await _radio(module, Functionality.FULL)


async def _attached(module: Module) -> bool:
    """Climb the note's steps; False at the first that does not come true in its time."""
    timing = module.timing
    await read_radio(module)
    if module.facts.state.functionality is not Functionality.FULL:
        await _radio(module, Functionality.FULL)
    if not await _until(module, _sim_ready, read_sim, every=timing.sim_poll, patience=timing.sim_patience):
        return False
    await read_subscriber(module)
    if not await _until(
        module, _registered, _read_network, every=timing.registration_poll, patience=timing.registration_patience
    ):
        return False
    if await _until(module, _pdn_settled, read_pdn, every=timing.pdn_poll, patience=timing.pdn_poll):
        return True
    await _try(module, ActivateContext(DEFAULT_CID))
    return await _until(module, _pdn_settled, read_pdn, every=timing.pdn_poll, patience=timing.pdn_patience)


async def _read_network(module: Module) -> None:
    await read_signal(module)
    await read_registration(module)


async def _until(
    module: Module,
    holds: Callable[[ModemState], bool],
    read: Callable[[Module], Awaitable[None]],
    *,
    every: float,
    patience: float,
) -> bool:
    """Read again and again until a condition holds; a URC that makes it true ends the wait at once."""
    try:
        async with asyncio.timeout(patience):
            while True:
                await read(module)
                with suppress(TimeoutError):
                    async with asyncio.timeout(every):
                        await module.facts.until(holds)
                        return True
    except TimeoutError:
        return False


async def _radio(module: Module, level: Functionality) -> None:
    await module.execute(SetFunctionality(level))
    module.facts.learn(level)


async def _try(module: Module, command: Command[None]) -> bool:
    """Set what is good to have; a firmware that refuses it is still of use."""
    try:
        await module.execute(command)
    except (CommandRefused, ModuleSilent) as error:
        log.info("going on without it: %s", error)
        return False
    return True


def _sim_ready(state: ModemState) -> bool:
    return state.sim is not None and state.sim.ready


def _registered(state: ModemState) -> bool:
    return state.registration is not None and state.registration.registered


def _pdn_settled(state: ModemState) -> bool:
    """Whether the context is up, or is down because the user wants it so."""
    return bool(state.pdn.active) or not state.pdn.wanted


def _online(state: ModemState) -> bool:
    return _registered(state) and bool(state.pdn.active)
