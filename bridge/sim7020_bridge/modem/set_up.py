"""Sets a module that answers up: all that the bridge relies on, and the APN."""

import logging
from collections.abc import Callable
from typing import Final

from sim7020_bridge.commands import clock, identity, packet, power, sockets
from sim7020_bridge.commands.radio import Functionality
from sim7020_bridge.commands.registration import ReportRegistration
from sim7020_bridge.errors import CommandRefused
from sim7020_bridge.modem.bring_up import switch_radio
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.power_saving import set_power_saving
from sim7020_bridge.modem.readings import read_identity
from sim7020_bridge.modem.state import ApnProblem, ModuleAnswered
from sim7020_bridge.port.port import has_own_rate

log: Final = logging.getLogger(__name__)


async def greet(module: Module) -> None:
    """Make a module that answers speak as the bridge understands it."""
    await module.try_setting(identity.EchoOff())
    if module.store.state.sim is None:
        # what was known before a sleep still is, so one that wakes is online as soon as it answers: not before set-up
        module.store.apply(ModuleAnswered())


async def set_up(module: Module, *, on_attach: Callable[[], object]) -> None:
    """Set what the bridge relies on; none of it survives a restart for sure (reference: what survives what).

    What the module writes to its flash at once is written only where it has another value. ``on_attach`` is called
    before the module is made to attach again, as for another APN.
    """
    await module.try_setting(identity.ReportErrorsByNumber())
    await read_identity(module)
    if not has_own_rate(module.settings.port):
        # with automatic baud rate the module never announces a restart
        await module.try_kept(identity.SetBaudRate(module.settings.baudrate))
    await set_power_saving(module)
    reports = await module.try_setting(ReportRegistration(5)) or await module.try_setting(ReportRegistration(2))
    module.reports_registration = reports
    await module.try_setting(packet.ReportPacketEvents())
    await module.try_setting(power.ReportSleep())
    await module.try_kept(sockets.ReceiveAsHex())
    await module.try_setting(sockets.SetPullReceive(enabled=False))
    module.reports_acknowledgements = await module.try_kept(sockets.ReportAcknowledgements())
    await follow_network_time(module)
    try:
        await ensure_apn(module, on_attach)
    except CommandRefused as refused:
        # the network may give an address all the same; if it does not, the alert says why
        log.error("the module does not accept the configured APN: %s", refused)
        module.store.apply(ApnProblem(f"the module refused the configured APN ({refused.meaning or refused.result})"))


async def follow_network_time(module: Module) -> None:
    """Have the module take the network's time and report it, which it does from its next restart on."""
    for setting in (clock.UpdateClockFromNetwork(), clock.ReportNetworkTime()):
        if not await module.has(setting) and await module.try_setting(setting):
            log.info("%s: takes effect when the module starts the next time", setting.line())


async def ensure_apn(module: Module, on_attach: Callable[[], object]) -> None:
    """Set the configured APN if the module has another one; without one configured, leave what it has.

    What was set by this bridge and still reads as it did then is not set again, however that is: a password may be
    masked.
    """
    settings = module.settings
    if settings.apn is None:
        return
    wanted = packet.SetDefaultApn(settings.apn, settings.apn_username or "", settings.apn_password or "")
    current = await module.ask(packet.ReadDefaultApn())
    if module.apn.set == wanted and current in {None, module.apn.read}:
        return
    if current is None:
        log.warning("the module does not tell its APN; setting it")
    elif _parts(current) == _parts(wanted):
        return
    else:
        log.info("changing the APN from %r to %r", current.apn, wanted.apn)
    on_attach()
    await change_apn(module, wanted)


def _parts(apn: packet.DefaultApn | packet.SetDefaultApn) -> tuple[str, str, str]:
    # names of the DNS, which knows no case (3GPP TS 23.003 section 9.1)
    return apn.apn.casefold(), apn.user, apn.password


async def change_apn(module: Module, apn: packet.SetDefaultApn) -> None:
    """Set the APN of the default context: radio off, set, radio on (TCP/IP note section 2.2).

    The radio is switched on again also if the module refuses the APN.

    Raises:
        CommandRefused: The module will not have it.
    """
    async with module.radio:
        await switch_radio(module, Functionality.MINIMUM)
        try:
            await module.execute(apn)
        finally:
            await switch_radio(module, Functionality.FULL)
    module.apn.set, module.apn.read = apn, await module.ask(packet.ReadDefaultApn())
