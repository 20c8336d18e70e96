"""Sleep as a rule: may the module be silent now because it saves power, and until when at the latest.

A module that enters PSM says so, but a line can be lost; and of the deep sleep between the paging windows of a
long eDRX cycle no URC tells. So the rule looks at what is configured and at what the network granted.
"""

import asyncio
from typing import Final

from sim7020_bridge.commands.timers import edrx_bits, edrx_seconds, t3324_seconds, t3412_seconds
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.backoff import Backoff
from sim7020_bridge.modem.state import ModemState
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing

DEEP_EDRX: Final = 163.84
"""Seconds of the shortest eDRX cycle in which the module sleeps as deeply as in PSM (low power note)."""

LONGEST_T3412: Final = 11160.0
"""Seconds after which a module in PSM wakes at the latest where nobody knows of a T3412 extended: 186 min
(3GPP TS 24.008 section 10.5.7.3)."""


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
        self._store = store
        self._timing = timing
        self._reported = False
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
        if self._reported or self.saving is None:
            return Backoff(last, last)
        granted = None if state.registration is None else state.registration.active_time
        active = (granted and t3324_seconds(granted)) or self.saving.active_time or last
        return Backoff(window, max(window, min(active, last)))

    def begin(self, *, reported: bool = False) -> None:
        """Note that the module fell silent just now; ``reported`` if it said that it enters PSM."""
        self._reported = reported
        self._longest = self._longest_now(reported=reported)
        self.renew()

    def renew(self) -> None:
        """Note that the module was heard, and may go on sleeping."""
        self._until = asyncio.get_running_loop().time() + self._longest

    def end(self) -> None:
        """Note that whatever silence comes now is none that was agreed."""
        self._longest = self._until = 0.0

    def _longest_now(self, *, reported: bool) -> float:
        state = self._store.state
        if reported:
            return self._psm(state)
        if not state.registered:
            return 0.0
        granted = None if state.registration is None else state.registration.active_time
        refused = granted is not None and t3324_seconds(granted) is None
        psm = self._psm(state) if uses_psm(self.saving) and not refused else 0.0
        # one window may be missed
        return max(psm, 2 * _deep_cycle(state, self.saving))

    def _psm(self, state: ModemState) -> float:
        granted = None if state.registration is None else state.registration.periodic_tau
        asked = None if self.saving is None else self.saving.periodic_update
        update = (granted and t3412_seconds(granted)) or asked or LONGEST_T3412
        return update + 2 * self._timing.sleep_check


def _deep_cycle(state: ModemState | None, saving: PowerSavingSettings | None) -> float:
    """Return the eDRX cycle in seconds, as granted if that is known; 0 for one that leaves the module awake."""
    if saving is None or saving.edrx_cycle is None:
        return 0.0
    granted = None if state is None or state.edrx is None else state.edrx.granted
    cycle = edrx_seconds(granted or edrx_bits(saving.edrx_cycle)) or 0.0
    return cycle if cycle >= DEEP_EDRX else 0.0
