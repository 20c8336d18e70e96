"""Power saving: PSM with its timers, the deep sleep of long eDRX cycles, and light sleep.

Source: low-power note V1.03 section 6, 3GPP TS 24.008 section 10.5.7.4 for the timers, 10.5.5.32 for eDRX.
"""

from collections.abc import Callable

from sim7020_emulator.field.field import Field
from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.module.radio import DEACTIVATED, Radio
from sim7020_emulator.schedule import Schedule, Timer

_ACTIVE_UNITS = {0: 2.0, 1: 60.0, 2: 360.0}
_TAU_UNITS = {0: 600.0, 1: 3600.0, 2: 36000.0, 3: 2.0, 4: 30.0, 5: 60.0, 6: 1152000.0}

_EDRX_CYCLES = {"1001": 163.84, "1010": 327.68, "1011": 655.36, "1100": 1310.72, "1101": 2621.44, "1110": 5242.88,
                "1111": 10485.76}  # fmt: skip
"""The cycles between whose paging windows the module is in deep sleep, in seconds."""

_SHORT_EDRX_CYCLES = {"0010": 20.48, "0011": 40.96, "0101": 81.92}
"""Those in which the module stays in idle."""

_DRX_CYCLE = 2.56
"""Without eDRX, in seconds: one of the cycles that TS 36.304 has for NB-IoT; no source says which networks use."""

_PTW_UNIT = 2.56

CSCLK_UART = 2
"""The +CSCLK mode that sleeps by itself when the UART is idle."""


def active_time(bits: str) -> float | None:
    """Decode T3324 to seconds; None when deactivated."""
    unit = _ACTIVE_UNITS.get(int(bits[:3], 2))
    return None if unit is None else unit * int(bits[3:], 2)


def periodic_tau(bits: str) -> float | None:
    """Decode the extended T3412 to seconds; None when deactivated."""
    unit = _TAU_UNITS.get(int(bits[:3], 2))
    return None if unit is None else unit * int(bits[3:], 2)


def _granted_edrx(profile: Profile, facts: Facts) -> str:
    """Return the bits of the eDRX cycle that the network grants; empty if none was asked for."""
    if not profile.number("CEDRXS"):
        return ""
    return profile.text("EDRX") if facts.granted_edrx == "asked" else facts.granted_edrx


def paging_cycle(profile: Profile, facts: Facts) -> float:
    """Return after how many seconds an idle module listens again."""
    return _SHORT_EDRX_CYCLES.get(_granted_edrx(profile, facts), _DRX_CYCLE)


class DeepSleep:
    """Asks the network for the timers, and decides when the module sleeps: in PSM, or between the windows of eDRX.

    The same rules hold for both (low-power note): a window is a wake of its length, and nothing is said of it. That
    eDRX, as PSM, loses the sockets that are not retained and spares a module with a TCP connection, no source says.

    Args:
        field: Without a profile, a fixed time after each datagram the radio connection counts as released; with one,
            ``released`` tells it.
    """

    def __init__(
        self,
        schedule: Schedule,
        facts: Facts,
        profile: Profile,
        radio: Radio,
        field: Field,
    ) -> None:
        self._schedule = schedule
        self._facts = facts
        self._profile = profile
        self._radio = radio
        self._field = field
        self.may_enter: Callable[[], bool] = lambda: False
        """Says whether nothing but the radio forbids sleep right now."""
        self.enter: Callable[[], None] = lambda: None
        """Carries it out."""
        self._timer: Timer | None = None
        self._due = 0.0
        self._woken = False

    @property
    def granted(self) -> bool:
        """Say whether the network lets the module sleep."""
        return self.announced or self._cycle is not None

    @property
    def announced(self) -> bool:
        """Say whether sleep is PSM, of which +CPSMSTATUS tells."""
        return self._profile.number("CPSMS") == 1 and active_time(self._radio.active_time) is not None

    @property
    def lasts(self) -> float | None:
        """The seconds after which the module wakes by itself, for its periodic update or its window; None is never."""
        times = (periodic_tau(self._radio.periodic_tau) if self.announced else None, self._cycle)
        return min((time for time in times if time), default=None)

    @property
    def _cycle(self) -> float | None:
        """Seconds of the eDRX cycle, if it is granted and is a deep one."""
        return _EDRX_CYCLES.get(_granted_edrx(self._profile, self._facts))

    @property
    def _stays_awake(self) -> float:
        """Seconds after a wake: of the paging window at least."""
        window = 0.0 if self._cycle is None else (int(self._facts.granted_ptw, 2) + 1) * _PTW_UNIT
        return max(self._schedule.timing.re_entry, window)

    def request(self) -> None:
        """+CPSMS 0 to 1: ask the network for the timers."""
        active, tau = self._facts.granted_active, self._facts.granted_tau
        if active == "asked":
            active = self._profile.text("CPSMS_ACTIVE") or "00000001"
        if tau == "asked":
            tau = self._profile.text("CPSMS_TAU") or DEACTIVATED
        self._grant(active, tau)

    def cancel(self) -> None:
        """+CPSMS 1 to 0."""
        self.stop()
        self._grant(DEACTIVATED, DEACTIVATED)

    def traffic(self) -> None:
        """Start the timers again: something was sent or received, or the network was spoken to."""
        if self._field.speak():
            return
        timing = self._schedule.timing
        released = timing.rrc_release_assisted if self._profile.number("CNBIOTRAI") else timing.rrc_release
        self.released(after=released)

    def released(self, after: float = 0.0) -> None:
        """Note that the radio connection was released, or will be after so many seconds; the active time begins."""
        self._woken = False
        self._enter_after(after + ((active_time(self._radio.active_time) or 0.0) if self.announced else 0.0))

    def command(self) -> None:
        """Note a command on the AT port: it holds off re-entry after a wake."""
        if self._woken:
            self._due = max(self._due, self._schedule.now() + self._schedule.timing.re_entry)
            if self.granted:
                self._arm()

    def woken(self) -> None:
        """Note a wake; without traffic sleep comes back soon."""
        self._woken = True
        self._enter_after(self._stays_awake)

    def check(self) -> None:
        """Fall asleep if it is due and nothing forbids it; called again when something that forbade it is gone."""
        if not self.granted or self._field.busy or not self.may_enter():
            return
        if self._schedule.now() >= self._due - 0.001:
            self.stop()
            self.enter()
        elif self._timer is None:
            self._arm()

    def stop(self) -> None:
        """Forget the timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _grant(self, active: str, tau: str) -> None:
        self._radio.grant(active, tau)
        self.traffic()

    def _enter_after(self, seconds: float) -> None:
        self._due = self._schedule.now() + seconds
        if self.granted:
            self._arm()

    def _arm(self) -> None:
        self.stop()
        self._timer = self._schedule.timer(self._due - self._schedule.now(), self._expired)

    def _expired(self) -> None:
        self._timer = None
        self.check()


class LightSleep:
    """CSCLK=2: asleep when the UART is idle; the first characters wake the module and are lost."""

    def __init__(self, schedule: Schedule, profile: Profile) -> None:
        self._schedule = schedule
        self._profile = profile
        self._last = 0.0
        self._waking = False

    def hears(self) -> bool:
        """Say whether characters that arrive now are heard."""
        now = self._schedule.now()
        idle = now - self._last
        self._last = now
        if self._profile.number("CSCLK") != CSCLK_UART:
            self._waking = False
        elif self._waking:
            self._waking = idle < self._schedule.timing.wake_gap
        else:
            self._waking = idle >= self._schedule.timing.light_sleep_after
        return not self._waking

    def note(self) -> None:
        """Note that the module itself has been busy."""
        self._last = max(self._last, self._schedule.now())
