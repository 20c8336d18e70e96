"""From silence to an active PDN context, top to bottom as the note's flow chart (TCP/IP note section 4).

Where the note waits for a time, this waits for the fact: a module that is ready after two seconds is not
kept waiting for ten.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from sim7020_bridge.commands.identity import EchoOff, ReportErrorsByNumber, SetBaudRate
from sim7020_bridge.commands.packet import ActivateContext, Attach, ReadDefaultApn, ReportPacketEvents, SetDefaultApn
from sim7020_bridge.commands.power import ReportSleep
from sim7020_bridge.commands.radio import Functionality, SetFunctionality
from sim7020_bridge.commands.registration import RegistrationStatus, ReportRegistration
from sim7020_bridge.commands.sockets import ReceiveAsHex, ReportAcknowledgements, SetPullReceive
from sim7020_bridge.errors import CommandRefused, MalformedAnswer
from sim7020_bridge.modem.clock import follow_network_time
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.pin import PinMemory, enter_pin
from sim7020_bridge.modem.power_saving import set_power_saving
from sim7020_bridge.modem.readings import (
    read_identity,
    read_network_wait,
    read_pdn,
    read_radio,
    read_registration,
    read_signal,
    read_sim,
    read_subscriber,
)
from sim7020_bridge.modem.state import DEFAULT_CID, ApnProblem, ModemState, ModuleAnswered, PinProblem, has_signal

log: Final = logging.getLogger(__name__)


async def greet(module: Module) -> None:
    """Make a module that answers speak as the bridge understands it."""
    await module.execute(EchoOff())
    if module.facts.state.sim is None:
        # what was known before a sleep still is, so one that wakes is online as soon as it answers: not before set-up
        module.facts.learn(ModuleAnswered())


async def set_up(module: Module) -> None:
    """Set what the bridge relies on; none of it survives a restart for sure (reference: what survives what)."""
    await module.execute(ReportErrorsByNumber())
    await read_identity(module)
    # with automatic baud rate the module never announces a restart
    await module.try_setting(SetBaudRate(module.settings.baudrate))
    await set_power_saving(module)
    if not await module.try_setting(ReportRegistration(5)):
        await module.try_setting(ReportRegistration(2))
    await module.try_setting(ReportPacketEvents())
    await module.try_setting(ReportSleep())
    await module.try_setting(ReceiveAsHex())
    await module.try_setting(SetPullReceive(enabled=False))
    await module.try_setting(ReportAcknowledgements())
    await follow_network_time(module)
    try:
        await ensure_apn(module)
    except CommandRefused as refused:
        # the network may give an address all the same; if it does not, the alert says why
        log.error("the module will not have the configured APN: %s", refused)
        module.facts.learn(ApnProblem(f"the module refused the configured APN ({refused.meaning or refused.result})"))


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
    async with module.radio:
        await _radio(module, Functionality.MINIMUM)
        try:
            await module.execute(apn)
        finally:
            await _radio(module, Functionality.FULL)


async def climb(module: Module, pins: PinMemory) -> bool:
    """Climb the note's steps once: SIM, signal, registration, PDN context.

    Returns:
        True once the context is active (or is off because the user wants it so), False at the first step that
        does not come true in its time.
    """
    timing = module.timing
    async with module.radio:
        await read_radio(module)
        if module.facts.state.functionality is not Functionality.FULL:
            await _radio(module, Functionality.FULL)
    if not await _until(module, _sim_settled, read_sim, every=timing.sim_poll, patience=timing.sim_patience):
        return False
    if not await _unlocked(module, pins):
        return False
    await read_subscriber(module)
    registers = not _registered(module.facts.state)
    if not await _register(module):
        return False
    if registers:
        # the module that has just registered activates the context by itself, and is given the time for it
        await _until(module, _pdn_settled, read_pdn, every=timing.pdn_poll, patience=timing.pdn_poll)
    else:
        await read_pdn(module)
    if _pdn_settled(module.facts.state):
        return True
    await _activate(module)
    return await _until(module, _pdn_settled, read_pdn, every=timing.pdn_poll, patience=timing.pdn_patience)


async def cycle_radio(module: Module) -> None:
    """Radio off, a pause, radio on: the note's way to start attaching over (TCP/IP note section 4)."""
    async with module.radio:
        await _radio(module, Functionality.MINIMUM)
        await asyncio.sleep(module.timing.radio_off)
        await _radio(module, Functionality.FULL)


async def _unlocked(module: Module, pins: PinMemory) -> bool:
    """Give the SIM its PIN if it asks for one."""
    sim, pin = module.facts.state.sim, module.settings.pin
    if sim is None or not sim.pin_required:
        if sim is not None and sim.ready:
            pins.unlocked()
        return sim is not None and sim.ready
    problem = "none is configured" if pin is None else await enter_pin(module, pin, pins)
    if problem is not None:
        module.facts.learn(PinProblem(problem))
        return False
    patience = module.timing.sim_patience
    return await _until(module, _sim_ready, read_sim, every=module.timing.sim_poll, patience=patience)


async def _register(module: Module) -> bool:
    """Wait for the network; a module that found its cell and withholds the attach is told to go on (+CEREG: 100)."""
    if not await _until_registered(module, _registered_or_withheld):
        return False
    if _registered(module.facts.state):
        return True
    try:
        await module.execute(Attach())
    except CommandRefused as refused:
        log.warning("the module will not attach: %s", refused)
    return await _until_registered(module, _registered)


async def _until_registered(module: Module, holds: Callable[[ModemState], bool]) -> bool:
    """Read signal and registration until a condition holds; in bad coverage that takes minutes.

    A module that has a signal and does not search was detached, and is not waited for as long, unless the network
    told it for how long to stay away (T3346): then it comes back by itself.
    """
    loop, timing = asyncio.get_running_loop(), module.timing
    end, idle_since = loop.time() + timing.registration_patience, None
    while loop.time() < end:
        await read_signal(module)
        await read_registration(module)
        if _locked(module.facts.state):
            return False
        if not _idle(module.facts.state):
            idle_since = None
        elif idle_since is None:
            idle_since = loop.time()
        elif loop.time() - idle_since >= timing.idle_patience and not await read_network_wait(module):
            log.warning("the module neither is registered nor searches")
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(timing.registration_poll):
                await module.facts.until(holds)
                return True
    return False


def _locked(state: ModemState) -> bool:
    """Whether the SIM wants its PIN: it does so again when its radio was off meanwhile."""
    return state.sim is not None and state.sim.pin_required


async def _activate(module: Module) -> None:
    try:
        await module.execute(ActivateContext(DEFAULT_CID))
    except CommandRefused as refused:
        log.warning("the PDN context can't be activated: %s", refused)
        module.facts.learn(ApnProblem(refused.meaning or refused.result))
    else:
        module.facts.learn(ApnProblem(None))


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


def _sim_ready(state: ModemState) -> bool:
    return state.sim is not None and state.sim.ready


def _sim_settled(state: ModemState) -> bool:
    """Whether the SIM is ready, or waits for something that only a person or a PIN can give."""
    return state.sim is not None and (state.sim.ready or state.sim.pin_required or state.sim.puk_required)


def _registered(state: ModemState) -> bool:
    return state.registration is not None and state.registration.registered


def _registered_or_withheld(state: ModemState) -> bool:
    registration = state.registration
    return registration is not None and (registration.registered or registration.status == RegistrationStatus.WITHHELD)


def _idle(state: ModemState) -> bool:
    """Whether the module could register and does not even try."""
    registration = state.registration
    return registration is not None and registration.status == RegistrationStatus.NOT_REGISTERED and has_signal(state)


def _pdn_settled(state: ModemState) -> bool:
    """Whether the context is up, or is down because the user wants it so."""
    return bool(state.pdn.active) or not state.pdn.wanted
