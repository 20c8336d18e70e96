"""What the bridge reads of the module, and learns from it; what a firmware does not tell stays unknown."""

import logging
from dataclasses import replace
from typing import Final, TypeVar

from sim7020_bridge.at.command import Command
from sim7020_bridge.commands.clock import ReadClock
from sim7020_bridge.commands.identity import (
    ReadFirmware,
    ReadIccid,
    ReadImei,
    ReadImsi,
    ReadManufacturer,
    ReadModel,
)
from sim7020_bridge.commands.packet import (
    ContextState,
    ReadAddresses,
    ReadBackoffTimer,
    ReadContextParameters,
    ReadContextStates,
)
from sim7020_bridge.commands.power import ReadEdrxGranted, ReadSupply
from sim7020_bridge.commands.radio import ReadCell, ReadFunctionality, ReadSignalQuality
from sim7020_bridge.commands.registration import ReadGprsRegistration, ReadOperator, ReadRegistration
from sim7020_bridge.commands.sim import ReadSimState, SimReading
from sim7020_bridge.errors import CommandRefused, MalformedAnswer, ModuleSilent
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.state import DEFAULT_CID, Fact

log: Final = logging.getLogger(__name__)

LONGEST_T3346: Final = 11160
"""Seconds that T3346 can be: 186 min, a GPRS timer 2 (3GPP TS 24.008 section 10.5.7.4)."""

R = TypeVar("R")
F = TypeVar("F", bound=Fact)


async def read_identity(module: Module) -> None:
    """Read who made the module and which one it is; it does not change while it runs."""
    manufacturer, model = await _ask(module, ReadManufacturer()), await _ask(module, ReadModel())
    firmware, imei = await _ask(module, ReadFirmware()), await _ask(module, ReadImei())
    known = module.store.state.identity
    module.store.apply(replace(known, manufacturer=manufacturer, model=model, firmware=firmware, imei=imei))


async def read_subscriber(module: Module) -> None:
    """Read the SIM's numbers, which can be read once it is ready."""
    imsi, iccid = await _ask(module, ReadImsi()), await _ask(module, ReadIccid())
    module.store.apply(replace(module.store.state.identity, imsi=imsi, iccid=iccid))


async def read_sim(module: Module) -> None:
    """Read whether the SIM is ready; a refusal says what is wrong with it (manual V1.05, +CPIN)."""
    try:
        module.store.apply(await module.execute(ReadSimState()))
    except CommandRefused as refused:
        module.store.apply(SimReading.of_refusal(refused.code))
    except (ModuleSilent, MalformedAnswer) as error:
        log.warning("%s", error)


async def read_radio(module: Module) -> None:
    """Read whether the radio is on."""
    await _apply(module, ReadFunctionality())


async def read_signal(module: Module) -> None:
    """Read the signal's strength."""
    await _apply(module, ReadSignalQuality())


async def read_registration(module: Module) -> None:
    """Read the registration; firmware without +CEREG has +CGREG."""
    registration = await _ask(module, ReadRegistration()) or await _ask(module, ReadGprsRegistration())
    if registration is not None:
        module.store.apply(registration)


async def read_pdn(module: Module) -> None:
    """Read whether the context is active, and what the network gave it."""
    contexts = await _ask(module, ReadContextStates())
    if contexts is not None:
        # a context that is not listed is off
        listed = any(context.cid == DEFAULT_CID for context in contexts)
        module.store.apply(contexts if listed else (ContextState(DEFAULT_CID, active=False),))
    if module.store.state.pdn.active:
        await _apply(module, ReadContextParameters())
        if module.store.state.pdn.address is None:
            await _apply(module, ReadAddresses())


async def read_all(module: Module) -> None:
    """Read everything that changes while the module runs."""
    await read_sim(module)
    await read_radio(module)
    await read_signal(module)
    await read_registration(module)
    await read_pdn(module)
    await _apply(module, ReadOperator())
    await _apply(module, ReadCell())
    await _apply(module, ReadSupply())
    await _apply(module, ReadClock())
    saving = module.settings.power_saving
    if saving is not None and saving.edrx_cycle is not None:
        await _apply(module, ReadEdrxGranted())


async def read_network_wait(module: Module) -> float:
    """Read for how many more seconds the network wants to be left alone (T3346); 0 where the module can't say."""
    return float(min(await _ask(module, ReadBackoffTimer()) or 0, LONGEST_T3346))


async def _apply(module: Module, command: Command[F | None]) -> None:
    fact = await _ask(module, command)
    if fact is not None:
        module.store.apply(fact)


async def _ask(module: Module, command: Command[R]) -> R | None:
    try:
        return await module.execute(command)
    except CommandRefused as refused:
        log.debug("not told: %s", refused)
    except (ModuleSilent, MalformedAnswer) as error:
        log.warning("%s", error)
    return None
