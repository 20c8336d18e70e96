"""Asks for the power saving that is configured, and for none where none is."""

from dataclasses import asdict
from typing import Final

from sim7020_bridge.at.command import Order
from sim7020_bridge.commands.power import (
    LightSleep,
    PowerSaving,
    ReadPowerSaving,
    RetainSockets,
    SetEdrx,
    SetEdrxWithWindow,
    SetLightSleep,
    SetPowerSaving,
)
from sim7020_bridge.commands.timers import edrx_bits, ptw_bits, t3324_bits, t3412_bits
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.config.module_values import power_saving_conflicts
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.sleep import falls_silent, uses_psm

EDRX_ON: Final = 2
"""+CEDRXS mode: use eDRX and report what the network grants (manual V1.05)."""


async def set_power_saving(module: Module) -> None:
    """Set PSM, eDRX, socket retention and light sleep as configured."""
    settings = module.settings.power_saving or PowerSavingSettings()
    await _set_psm(module, _psm(settings))
    if uses_psm(settings):
        # the manual wants it after +CPSMS; it is for UDP sockets only
        await module.try_setting(RetainSockets(enabled=settings.retain_sockets))
    for order in _edrx(settings):
        await module.try_setting(order)
    mode = LightSleep.WHEN_IDLE if settings.light_sleep else LightSleep.NEVER
    taken = await module.try_kept(SetLightSleep(mode))
    # what was never sent need not be sent again: a module that may sleep is asked first
    module.channel.sleeps_when_idle = (taken and settings.light_sleep) or falls_silent(settings)


def check_power_saving(settings: PowerSavingSettings | None) -> None:
    """Say whether a module could be asked for this.

    Raises:
        ValueError: It could not; the text says why.
    """
    if settings is None:
        return
    _psm(settings)
    _edrx(settings)
    given: dict[object, object] = {key: value for key, value in asdict(settings).items() if value is not None}
    for key, words in power_saving_conflicts(given):
        raise ValueError(f"{key} {words}")


def _psm(settings: PowerSavingSettings) -> SetPowerSaving:
    tau = None if settings.periodic_update is None else t3412_bits(settings.periodic_update)
    active = None if settings.active_time is None else t3324_bits(settings.active_time)
    return SetPowerSaving(enabled=uses_psm(settings), periodic_tau=tau, active_time=active)


def _edrx(settings: PowerSavingSettings) -> tuple[Order, ...]:
    if settings.edrx_cycle is None:
        return (SetEdrx(mode=0),)
    cycle = edrx_bits(settings.edrx_cycle)
    if settings.paging_window is None:
        return (SetEdrx(EDRX_ON, cycle),)
    return SetEdrxWithWindow(EDRX_ON, cycle, ptw_bits(settings.paging_window)), SetEdrx(EDRX_ON, cycle)


async def _set_psm(module: Module, wanted: SetPowerSaving) -> None:
    """Ask for PSM if it is not asked for already: it costs a conversation with the network."""
    current = await module.ask(ReadPowerSaving())
    if current is not None and _same(current, wanted):
        return
    if wanted.enabled:
        # only the change from off to on makes the module ask
        await module.try_setting(SetPowerSaving(enabled=False))
    await module.try_setting(wanted)


def _same(current: PowerSaving, wanted: SetPowerSaving) -> bool:
    if not wanted.enabled:
        return current.mode == 0
    return (
        current.mode == 1
        and wanted.periodic_tau in {None, current.periodic_tau}
        and wanted.active_time in {None, current.active_time}
    )
