"""Sets a module that answers up: all that the bridge relies on, and the APN."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from sim7020_bridge.commands import clock, identity, packet, power, sockets
from sim7020_bridge.commands.radio import Functionality, ReportConnection
from sim7020_bridge.commands.registration import Registration, RegistrationStatus, ReportRegistration
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.errors import CommandRefused, ModuleSilent
from sim7020_bridge.modem.bring_up import switch_radio
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.pdn import RequestedApn
from sim7020_bridge.modem.power_saving import set_power_saving
from sim7020_bridge.modem.problems import ApnProblem, ApnUnset
from sim7020_bridge.modem.readings import read_identity, read_registration
from sim7020_bridge.modem.state import ModuleAnswered
from sim7020_bridge.port.port import has_own_rate

log: Final = logging.getLogger(__name__)


AGAIN: Final = 6
"""Times a day at most that an APN is tried to be set again that the module did not take."""


async def greet(module: Module) -> None:
    """Make a module that answers speak as the bridge understands it."""
    await module.try_setting(identity.EchoOff())
    state = module.store.state
    if state.sim is None and not state.silent:
        # what was known before a sleep still is, so one that wakes is online as soon as it answers: not before set-up.
        # One that has never come further than this is not of use yet either
        module.store.apply(ModuleAnswered())


async def set_up(module: Module) -> None:
    """Set what the bridge relies on; none of it survives a restart for sure (reference: what survives what).

    What the module writes to its flash at once is written only where it has another value. Nothing that it refuses
    or does not answer ends this: what can't be done without shows when the module is brought up.
    """
    await module.try_setting(identity.ReportErrorsByNumber())
    await read_identity(module)
    if not has_own_rate(module.settings.port):
        # with automatic baud rate the module never announces a restart
        await module.try_kept(identity.SetBaudRate(module.settings.baudrate))
    await set_power_saving(module)
    if not await module.try_setting(ReportRegistration(5)):
        await module.try_setting(ReportRegistration(2))
    if module.store.state.registration is not None and not await read_registration(module):
        # what was known of it is from before a sleep, and the module does not tell now
        module.store.apply(Registration(RegistrationStatus.UNKNOWN))
    await module.try_setting(packet.ReportPacketEvents())
    await module.try_setting(power.ReportSleep())
    if (module.settings.power_saving or PowerSavingSettings()).release_assistance:
        # no manual of the SIM7020 has it
        await module.ask(ReportConnection())
    await module.try_kept(sockets.ReceiveAsHex())
    await module.try_setting(sockets.SetPullReceive(enabled=False))
    module.reports_acknowledgements = await module.try_kept(sockets.ReportAcknowledgements())
    await follow_network_time(module)
    await ensure_apn(module)


async def follow_network_time(module: Module) -> None:
    """Have the module take the network's time and report it, which it does from its next restart on."""
    for setting in (clock.UpdateClockFromNetwork(), clock.ReportNetworkTime()):
        if not await module.has(setting) and await module.try_setting(setting):
            log.info("%s: takes effect when the module starts the next time", setting.line())


async def ensure_apn(module: Module) -> None:
    """Set the configured APN if the module has another one; without one configured, leave what it has.

    What was set by this bridge and still reads as it did then is not set again, however that is: a password may be
    masked. One that the module does not take is told, and tried again a few times a day: the network may give an
    address all the same.
    """
    settings, kept = module.settings, module.apn
    if settings.apn is None:
        return
    wanted = packet.SetDefaultApn(settings.apn, settings.apn_username or "", settings.apn_password or "")
    current = await module.ask(packet.ReadDefaultApn())
    as_it_was = kept.set == wanted and current in {None, kept.read}
    if (as_it_was and kept.problem is None) or (current is not None and _parts(current) == _parts(wanted)):
        problem = None
    elif as_it_was and asyncio.get_running_loop().time() < kept.again:
        problem = kept.problem
    else:
        problem = module.over_ceiling() or await _try_apn(module, wanted, current)
    if problem is None:
        module.store.apply(RequestedApn(wanted.apn))
    module.store.apply(ApnUnset(problem))


async def _try_apn(module: Module, wanted: packet.SetDefaultApn, current: packet.DefaultApn | None) -> str | None:
    """Set the APN; say in words why the module has it not."""
    kept = module.apn
    if current is None:
        log.warning("the module does not tell its APN; setting it")
    else:
        log.info("changing the APN from %r to %r", current.apn, wanted.apn)
    # a line that breaks meanwhile is no reason to set it again at once
    kept.set, kept.read, kept.problem = wanted, current, "the module fell silent when it was set"
    kept.again = asyncio.get_running_loop().time() + module.timing.day / AGAIN
    try:
        await change_apn(module, wanted)
    except (CommandRefused, ModuleSilent) as error:
        kept.read = await module.ask(packet.ReadDefaultApn())
        if kept.read is None or _parts(kept.read) != _parts(wanted):
            log.error("the module does not take the configured APN: %s", error)
            kept.problem = str(error)
            return kept.problem
    kept.problem = None
    return None


def _parts(apn: packet.DefaultApn | packet.SetDefaultApn) -> tuple[str, str, str]:
    # names of the DNS, which knows no case (3GPP TS 23.003 section 9.1)
    return apn.apn.casefold(), apn.user, apn.password


async def change_apn(module: Module, apn: packet.SetDefaultApn) -> None:
    """Set the APN of the default context: radio off, set, radio on (TCP/IP note section 2.2).

    The radio is switched on again also if the module does not take the APN.

    Raises:
        CommandRefused: The module will not have it.
        ModuleSilent: It does not say whether it has it.
    """
    async with module.radio:
        await switch_radio(module, Functionality.MINIMUM)
        try:
            await module.execute(apn)
        except (CommandRefused, ModuleSilent):
            # a radio that stays off is bring-up's to mend
            with suppress(CommandRefused, ModuleSilent):
                await switch_radio(module, Functionality.FULL)
            raise
        # what the network said of another one is no news of this one
        module.store.apply(RequestedApn(apn.apn), ApnUnset(None), ApnProblem(None))
        await switch_radio(module, Functionality.FULL)
    module.apn.set, module.apn.read = apn, await module.ask(packet.ReadDefaultApn())
