"""Asks for the power saving that is configured, and for none where none is."""

import logging
from typing import Final

from sim7020_bridge.commands.edrx import SetEdrx, SetEdrxWithWindow
from sim7020_bridge.commands.power import (
    LightSleep,
    RetainSockets,
    SetLightSleep,
    SetPowerSaving,
)
from sim7020_bridge.commands.timers import edrx_bits, ptw_bits, t3324_bits, t3412_bits
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.module import Module

log: Final = logging.getLogger(__name__)

EDRX_ON: Final = 2
"""+CEDRXS mode: use eDRX and report what the network grants (manual V1.05)."""


async def set_power_saving(module: Module) -> None:
    """Set PSM, eDRX, socket retention and light sleep as configured."""
    settings = module.settings.power_saving
    if settings is None:
        await module.try_setting(SetPowerSaving(enabled=False))
        await module.try_setting(SetLightSleep(LightSleep.NEVER))
        return
    await _set_psm(module, settings)
    await _set_edrx(module, settings)
    if settings.light_sleep and await module.try_setting(SetLightSleep(LightSleep.WHEN_IDLE)):
        module.channel.sleeps_when_idle = True
    if not settings.light_sleep:
        await module.try_setting(SetLightSleep(LightSleep.NEVER))


def uses_psm(settings: PowerSavingSettings | None) -> bool:
    """Whether power saving mode is asked for."""
    return settings is not None and (settings.active_time is not None or settings.periodic_update is not None)


async def _set_psm(module: Module, settings: PowerSavingSettings) -> None:
    if not uses_psm(settings):
        await module.try_setting(SetPowerSaving(enabled=False))
        return
    tau = None if settings.periodic_update is None else t3412_bits(settings.periodic_update)
    active = None if settings.active_time is None else t3324_bits(settings.active_time)
    await module.try_setting(SetPowerSaving(enabled=True, periodic_tau=tau, active_time=active))
    # the manual wants it after +CPSMS; it is for UDP sockets only
    await module.try_setting(RetainSockets(enabled=settings.retain_sockets))


async def _set_edrx(module: Module, settings: PowerSavingSettings) -> None:
    if settings.edrx_cycle is None:
        await module.try_setting(SetEdrx(mode=0))
        return
    cycle = edrx_bits(settings.edrx_cycle)
    if settings.paging_window is not None:
        await module.try_setting(SetEdrxWithWindow(EDRX_ON, cycle, ptw_bits(settings.paging_window)))
    await module.try_setting(SetEdrx(EDRX_ON, cycle))
