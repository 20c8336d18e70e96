"""What a module tells the field, and what it learns from it: signal, coverage level, whether it is connected."""

from collections.abc import Callable

from sim7020_emulator.field.conditions import Conditions
from sim7020_emulator.field.field import Field
from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.module.facts import Facts
from sim7020_emulator.module.power import Power
from sim7020_emulator.module.radio import Radio, Registration
from sim7020_emulator.module.saving import DeepSleep, paging_cycle, periodic_tau
from sim7020_emulator.schedule import Schedule

_RSSI_ABOVE_RSRP = 8
_LOWEST_RSSI, _HIGHEST_RSSI = -110, 31
"""The dBm of +CSQ's 0, two to a step; and its last step."""


class Place:
    """Where a module is: its field, and the facts that follow from it.

    Args:
        report: Emits an unsolicited line.
    """

    def __init__(
        self, schedule: Schedule, facts: Facts, profile: Profile, radio: Radio, *, report: Callable[[str], None]
    ) -> None:
        self._facts = facts
        self._profile = profile
        self._radio = radio
        self._report = report
        self._power = Power.OFF
        self.field = Field(schedule, self)
        self.psm = DeepSleep(schedule, facts, profile, radio, self.field)
        self.field.on_connected = self._connected
        self.field.on_level = self._changed_level

    @property
    def loss_up(self) -> str:
        """As the field asks for it."""
        return self._facts.loss_up

    @property
    def loss_down(self) -> str:
        """As the field asks for it."""
        return self._facts.loss_down

    @property
    def inactivity(self) -> str:
        """As the field asks for it."""
        return self._facts.inactivity

    @property
    def rai_ignored(self) -> str:
        """As the field asks for it."""
        return self._facts.rai_ignored

    @property
    def watts(self) -> str:
        """As the field asks for it."""
        return self._facts.watts

    def take_assistance(self) -> int:
        """Return +CNBIOTRAI, which is for one uplink."""
        code = self._profile.number("CNBIOTRAI")
        self._profile.set("CNBIOTRAI", 0)
        return code

    def sleeps_lightly(self) -> bool:
        """Say whether +CSCLK lets the module sleep."""
        return self._profile.number("CSCLK") != 0

    def paging_cycle(self) -> float:
        """Return the cycle of eDRX, or that of DRX."""
        return paging_cycle(self._profile, self._facts)

    def update_period(self) -> float | None:
        """Return the granted T3412."""
        return periodic_tau(self._radio.periodic_tau)

    def play(self, conditions: Conditions | None) -> None:
        """Go over to another radio network, or to none that is like those in the field."""
        self.field.play(conditions)
        self.follow(self._power)

    def follow(self, power: Power) -> None:
        """Tell the field how the module is."""
        self._power = power
        self.field.follow(
            runs=power is Power.ON and self._profile.number("CFUN") == 1,
            asleep=power is Power.ASLEEP,
            searches=self._radio.stat in {Registration.SEARCHING, Registration.UNKNOWN},
            registered=self._radio.registered,
        )

    def connection_line(self, *, read: bool = False) -> str:
        """Compose +CSCON."""
        mode = int(self._facts.rrc == "connected")
        return f"+CSCON: {self._profile.number('CSCON')},{mode}" if read else f"+CSCON: {mode}"

    def _connected(self, connected: bool) -> None:  # noqa: FBT001 (a callback with one thing to say)
        self._facts.rrc = "connected" if connected else "idle"
        if self._profile.number("CSCON"):
            self._report(self.connection_line())
        if not connected:
            self.psm.released()

    def _changed_level(self, level: int, rsrp: int) -> None:
        facts, before = self._facts, self._radio.signal()
        facts.ecl = str(level)
        facts.rsrp = facts.re_rsrp = str(rsrp)
        power = rsrp + _RSSI_ABOVE_RSRP
        facts.cell_rssi, facts.dbm = str(power), ""
        facts.rssi = max(0, min(_HIGHEST_RSSI, (power - _LOWEST_RSSI) // 2))
        if self._profile.number("EXUNSOL") and self._radio.signal() != before:
            self._report(f"+CSQN: {self._radio.signal()}")
