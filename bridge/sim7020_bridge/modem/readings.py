"""What the bridge reads of the module, and learns from it; what a firmware does not tell stays unknown."""

import logging
from dataclasses import replace
from typing import Final

from sim7020_bridge.commands import clock, identity, packet, power, radio, registration, sim
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.pdn import DEFAULT_CID, Pdn, usable_address

log: Final = logging.getLogger(__name__)

LONGEST_T3346: Final = 11160
"""Seconds that T3346 can be: 186 min, a GPRS timer 2 (3GPP TS 24.008 section 10.5.7.4)."""


async def read_identity(module: Module) -> None:
    """Read who made the module and which one it is; it does not change while it runs."""
    manufacturer, model = await module.ask(identity.ReadManufacturer()), await module.ask(identity.ReadModel())
    if model is not None and not identity.is_sim7020(model):
        # a byte of it may be wrong, and it is not read again while the module runs
        model = await module.ask(identity.ReadModel())
    firmware, imei = await module.ask(identity.ReadFirmware()), await module.ask(identity.ReadImei())
    known = module.store.state.identity
    module.store.apply(replace(known, manufacturer=manufacturer, model=model, firmware=firmware, imei=imei))


async def read_subscriber(module: Module) -> None:
    """Read the SIM's numbers, which can be read once it is ready."""
    imsi, iccid = await module.ask(identity.ReadImsi()), await module.ask(identity.ReadIccid())
    module.store.apply(replace(module.store.state.identity, imsi=imsi, iccid=iccid))


async def read_sim(module: Module) -> None:
    """Read whether the SIM is ready; a refusal says what is wrong with it (manual V1.05, +CPIN).

    A bare ERROR says no more than that it is not ready, and less than what a SIM that is not ready said before. One
    that is busy for a moment is as ready as it was.
    """
    known = module.store.state.sim
    try:
        module.store.apply(await module.execute(sim.ReadSimState()))
    except CommandRefused as refused:
        if refused.code == sim.BUSY and known is not None and known.ready:
            return
        said = sim.SimReading.of_refusal(refused)
        if said is not None or known is None or known.ready:
            module.store.apply(said or sim.SimReading(sim.SimState.NOT_READY))
    except (ModuleSilent, MalformedAnswer) as error:
        log.warning("%s", error)


async def read_registration(module: Module) -> bool:
    """Read the registration, and say whether the module told it; firmware without +CEREG has +CGREG.

    That it reports it, if it said so before, a restart alone makes it forget: one that says nothing shows so where no
    echo does.
    """
    eps = await module.ask(registration.ReadRegistration())
    told = eps or await module.ask(registration.ReadGprsRegistration())
    if told is None:
        return False
    module.store.apply(told)
    if eps is not None and eps.n == 0 and module.reports_registration:
        module.on_restart(f"{registration.ReadRegistration().line()}: it reports nothing any more")
    elif eps is not None and eps.n:
        module.reports_registration = True
    return True


async def read_pdn(module: Module) -> None:
    """Read whether the context is active, and what the network gave it: active it is only with all that is known."""
    store = module.store
    before = store.state.pdn.active
    contexts = await module.ask(packet.ReadContextStates())
    if contexts is not None and not any(context.cid == DEFAULT_CID for context in contexts):
        # a context that is not listed is off
        contexts = (packet.ContextState(DEFAULT_CID, active=False),)
    if Pdn(before).told(contexts or ()).active:
        await _read_address(module)
    if contexts is not None and store.state.pdn.active is before:
        # nothing was reported meanwhile
        store.apply(contexts)


async def _read_address(module: Module) -> None:
    parameters, addresses = await module.ask(packet.ReadContextParameters()) or (), None
    if usable_address(parameters) is None:
        addresses = await module.ask(packet.ReadAddresses())
        if addresses:
            # which tells more about it
            parameters = tuple(replace(each, address=None) for each in parameters)
    module.store.apply(parameters)
    module.store.apply(addresses or ())


async def _read_supply(module: Module) -> None:
    told, known = await module.ask(power.ReadSupply()), module.store.state
    if told is not None or known.supply_warning is not None:
        # a warning ends after some readings, also where the firmware has none
        module.store.apply(told or known.supply or power.Supply(None, None))


async def read_all(module: Module) -> None:
    """Read everything that changes while the module runs."""
    await read_sim(module)
    await module.read(radio.ReadFunctionality())
    await module.read(radio.ReadSignalQuality())
    await read_registration(module)
    await read_pdn(module)
    for question in (registration.ReadOperator(), radio.ReadCell(), clock.ReadClock()):
        await module.read(question)
    await _read_supply(module)
    saving = module.settings.power_saving
    if saving is not None and saving.edrx_cycle is not None:
        await module.read(power.ReadEdrxGranted())


async def read_network_wait(module: Module, *, unknown: float = 0.0) -> float:
    """Read for how many more seconds the network wants to be left alone (T3346), or what if the module does not say."""
    told = await module.ask(packet.ReadBackoffTimer())
    return unknown if told is None else float(min(told, LONGEST_T3346))
