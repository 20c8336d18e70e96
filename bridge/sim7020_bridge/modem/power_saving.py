"""Power saving: what is asked for, and sleep as a rule: may the module be silent now, and until when at the latest.

A module that enters PSM says so, but a line can be lost; and of the deep sleep between the paging windows of a
long eDRX cycle no URC tells. So the rule looks at what is configured and at what the network granted.
"""

import asyncio
from dataclasses import asdict
from typing import Final

from sim7020_bridge.at.command import Order
from sim7020_bridge.commands import power, timers
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.config.module_values import power_saving_conflicts
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.release import Release
from sim7020_bridge.modem.state import ModemState
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing

DEEP_EDRX: Final = 163.84
"""Seconds of the shortest eDRX cycle in which the module sleeps as deeply as in PSM (low power note)."""

LONGEST_T3412: Final = 11160.0
"""Seconds after which a module in PSM wakes at the latest where nobody knows of a T3412 extended: 186 min
(3GPP TS 24.008 section 10.5.7.3)."""

NO_CYCLE: Final = "0000"
"""What some firmware reads back where no cycle was ever asked for; it is none of NB-IoT's."""

EDRX_ON: Final = 2
"""+CEDRXS mode: use eDRX and report what the network grants (manual V1.05)."""


async def set_power_saving(module: Module) -> None:
    """Set PSM, eDRX, socket retention and light sleep as configured."""
    settings = module.settings.power_saving or PowerSavingSettings()
    await _set_psm(module, _psm(settings))
    if uses_psm(settings):
        # the manual wants it after +CPSMS; it is for UDP sockets only
        await module.try_setting(power.RetainSockets(enabled=settings.retain_sockets))
    await _set_edrx(module, settings)
    mode = power.LightSleep.WHEN_IDLE if settings.light_sleep else power.LightSleep.NEVER
    taken = await module.try_kept(power.SetLightSleep(mode))
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


def _psm(settings: PowerSavingSettings) -> power.SetPowerSaving:
    tau = None if settings.periodic_update is None else timers.t3412_bits(settings.periodic_update)
    active = None if settings.active_time is None else timers.t3324_bits(settings.active_time)
    return power.SetPowerSaving(enabled=uses_psm(settings), periodic_tau=tau, active_time=active)


def _edrx(settings: PowerSavingSettings) -> tuple[Order, ...]:
    if settings.edrx_cycle is None:
        return (power.SetEdrx(mode=0),)
    cycle = timers.edrx_bits(settings.edrx_cycle)
    if settings.paging_window is None:
        return (power.SetEdrx(EDRX_ON, cycle),)
    return power.SetEdrxWithWindow(EDRX_ON, cycle, timers.ptw_bits(settings.paging_window)), power.SetEdrx(
        EDRX_ON, cycle
    )


async def _set_edrx(module: Module, settings: PowerSavingSettings) -> None:
    """Ask for eDRX if it is not asked for already: it costs a conversation, and some firmware keeps it in flash."""
    current = await module.ask(power.ReadEdrx())
    if settings.edrx_cycle is None:
        if current is not None and not set(current) - {NO_CYCLE}:
            return
    elif current and timers.edrx_bits(settings.edrx_cycle) in current:
        granted = await module.ask(power.ReadEdrxGranted())
        window = None if settings.paging_window is None else timers.ptw_bits(settings.paging_window)
        if granted is not None and window in {None, granted.window}:
            return
    for order in _edrx(settings):
        await module.try_setting(order)


async def _set_psm(module: Module, wanted: power.SetPowerSaving) -> None:
    """Ask for PSM if it is not asked for already: it costs a conversation with the network."""
    current = await module.ask(power.ReadPowerSaving())
    if current is not None and _same(current, wanted):
        return
    if wanted.enabled:
        # only the change from off to on makes the module ask
        await module.try_setting(power.SetPowerSaving(enabled=False))
    await module.try_setting(wanted)


def _same(current: power.PowerSaving, wanted: power.SetPowerSaving) -> bool:
    if not wanted.enabled:
        return current.mode == 0
    return (
        current.mode == 1
        and wanted.periodic_tau in {None, current.periodic_tau}
        and wanted.active_time in {None, current.active_time}
    )


def uses_psm(saving: PowerSavingSettings | None) -> bool:
    """Whether power saving mode is asked for."""
    return saving is not None and (saving.active_time is not None or saving.periodic_update is not None)


def falls_silent(saving: PowerSavingSettings | None) -> bool:
    """Whether the module is asked for a sleep in which it hears nothing."""
    return uses_psm(saving) or _deep_cycle(None, saving) > 0


class Sleep:
    """One modem's sleep over the lifetime of the bridge. A module that has not answered yet is not taken to sleep.

    Light sleep is none of this: the module answers once it is roused, which the channel does.

    Args:
        store: What is known of it.
        saving: What it is asked for; may be set anew.
        timing: For how often it is asked.
    """

    def __init__(self, store: StateStore, saving: PowerSavingSettings | None, timing: Timing) -> None:
        self.saving = saving
        self.release = Release(store.apply)
        self._store = store
        self._timing = timing
        self.reported = False
        """Whether the module said that it falls asleep; it then says so as well when it wakes."""
        self._longest = 0.0
        self._until = 0.0

    @property
    def allowed(self) -> bool:
        """Whether a module that answered a moment ago may have fallen asleep."""
        return self._longest_now(reported=False) > 0

    @property
    def lasts(self) -> bool:
        """Whether a module that is silent may still be asleep."""
        return asyncio.get_running_loop().time() < self._until

    def pauses(self) -> Backoff:
        """Return the pauses between questions to a module that sleeps.

        PSM announces its end; a paging window does not. If nothing announced the sleep, it may be a wrong guess, and
        its end may be missed as well: then the module is asked within the time for which it stays awake.
        """
        state, window, last = self._store.state, self._timing.window_check, self._timing.sleep_check
        if _deep_cycle(state, self.saving):
            return Backoff(window, window)
        if self.reported or self.saving is None:
            return Backoff(last, last)
        active = self._active_time or self.saving.active_time or last
        return Backoff(window, max(window, min(active, last)))

    @property
    def _active_time(self) -> float | None:
        """Seconds of the active time as granted, if it was and is known."""
        registration = self._store.state.registration
        granted = None if registration is None else registration.active_time
        return None if granted is None else timers.t3324_seconds(granted)

    def begin(self, *, reported: bool = False) -> None:
        """Note that the module fell silent just now; ``reported`` if it said that it enters PSM."""
        self.reported = reported
        if not reported or (active := self._active_time) is None:
            self.release.forget()
        else:
            # it does so once the active time is over, which begins with the release (3GPP TS 24.301 section 5.3.11)
            self.release.released(active)
        longest = self._longest_now(reported=reported)
        if not longest and self._store.state.registration is None:
            # it woke a moment ago, and has not said yet that it is registered still
            longest = self._longest
        self._longest = longest
        self.renew()

    def renew(self) -> None:
        """Note that the module was heard, and may go on sleeping."""
        self._until = asyncio.get_running_loop().time() + self._longest

    def end(self) -> None:
        """Note that whatever silence comes now is none that was agreed."""
        self._longest = self._until = 0.0
        self.release.forget()

    def _longest_now(self, *, reported: bool) -> float:
        state = self._store.state
        if reported:
            return self._psm(state)
        if not state.registered:
            return 0.0
        granted = None if state.registration is None else state.registration.active_time
        refused = granted is not None and timers.t3324_seconds(granted) is None
        psm = self._psm(state) if uses_psm(self.saving) and not refused else 0.0
        # one window may be missed
        return max(psm, 2 * _deep_cycle(state, self.saving))

    def _psm(self, state: ModemState) -> float:
        granted = None if state.registration is None else state.registration.periodic_tau
        asked = None if self.saving is None else self.saving.periodic_update
        # where it was not granted, the module wakes at the network's own T3412, of which nobody is told
        update = (asked if granted is None else timers.t3412_seconds(granted)) or LONGEST_T3412
        return update + 2 * self._timing.sleep_check


def _deep_cycle(state: ModemState | None, saving: PowerSavingSettings | None) -> float:
    """Return the eDRX cycle in seconds, as granted if that is known; 0 for one that leaves the module awake."""
    if saving is None or saving.edrx_cycle is None:
        return 0.0
    granted = None if state is None or state.edrx is None else state.edrx.granted
    cycle = timers.edrx_seconds(granted or timers.edrx_bits(saving.edrx_cycle)) or 0.0
    return cycle if cycle >= DEEP_EDRX else 0.0
