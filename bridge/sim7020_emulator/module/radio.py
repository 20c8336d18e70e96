"""Registration and signal: what the network makes of the module, and the three families of reports.

Source: 3GPP TS 27.007 sections 7.2, 10.1.20, 10.1.22; the forms of manual V1.05 and of the low-power note V1.03.
"""

from collections.abc import Callable
from enum import IntEnum

from sim7020_emulator.firmware.profile import Profile
from sim7020_emulator.firmware.variants import Variants
from sim7020_emulator.module.facts import Facts

NB_IOT = 9
"""The access technology number of NB-IoT."""

DEACTIVATED = "11100000"
"""A power saving timer that is off."""


class Registration(IntEnum):
    """The stat values."""

    IDLE = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5
    WITHHELD = 100


_OUTCOMES = {
    "home": Registration.HOME,
    "roaming": Registration.ROAMING,
    "searching": Registration.SEARCHING,
    "none": Registration.IDLE,
    "unknown": Registration.UNKNOWN,
    "withheld": Registration.WITHHELD,
    "denied": Registration.DENIED,
}

_DEFAULT_CAUSE = 15


class Radio:
    """Registration state with its reports, and the signal.

    Args:
        report: Emits an unsolicited line.
    """

    def __init__(self, facts: Facts, variants: Variants, profile: Profile, report: Callable[[str], None]) -> None:
        self._facts = facts
        self._variants = variants
        self._profile = profile
        self._report = report
        self.on_change: Callable[[], None] = lambda: None
        self.stat = Registration.IDLE
        self.cause = 0
        self.cell_found = False
        self.active_time = DEACTIVATED
        self.periodic_tau = DEACTIVATED

    @property
    def registered(self) -> bool:
        """Say whether the network serves the module."""
        return self.stat in {Registration.HOME, Registration.ROAMING}

    def signal(self) -> str:
        """Compose rssi and ber as +CSQ and +CSQN print them; 99,99 with the radio off."""
        if self._profile.number("CFUN") != 1:
            return "99,99"
        if not self.cell_found:
            return "0,0" if self._variants.is_set("csq_unknown", "0") else "99,99"
        return f"{self._rssi()},{self._facts.ber}"

    def find_cell(self) -> None:
        """Hear a cell; the signal is known from now on, and reported where +EXUNSOL asks for it."""
        if not self.cell_found:
            self.cell_found = True
            if self._profile.number("EXUNSOL"):
                self._report(f"+CSQN: {self.signal()}")

    def outcome(self) -> tuple[Registration, int]:
        """Return what an attach ends in: a state, and the EMM cause when denied."""
        word, _, cause = self._facts.registration.partition(":")
        stat = _OUTCOMES[word]
        return stat, int(cause or _DEFAULT_CAUSE) if stat is Registration.DENIED else 0

    def change(self, stat: Registration, cause: int = 0) -> None:
        """Enter a state and report it where reports are on."""
        if (stat, cause) == (self.stat, self.cause):
            return
        self.stat = stat
        self.cause = cause
        self.report()
        self.on_change()

    def grant(self, active_time: str, periodic_tau: str) -> None:
        """Take the power saving timers that the network granted; reported before and after."""
        if self._profile.number("CEREG") in {4, 5}:
            self._report(self.cereg())
        changed = (active_time, periodic_tau) != (self.active_time, self.periodic_tau)
        self.active_time = active_time
        self.periodic_tau = periodic_tau
        if changed and self._profile.number("CEREG") in {4, 5}:
            self._report(self.cereg())

    def report(self) -> None:
        """Report the state by every command that has its reports on."""
        if self._profile.number("CREG"):
            self._report(self.creg())
        if self._profile.number("CGREG"):
            self._report(self.cgreg())
        if self._profile.number("CEREG"):
            self._report(self.cereg())

    def creg(self, *, read: bool = False) -> str:
        """Compose +CREG."""
        fields = self._fields("CREG", read=read)
        if self.registered and self._profile.number("CREG") == 2:  # noqa: PLR2004 (n of the manual)
            fields += self._place()
        return "+CREG: " + ",".join(fields)

    def cgreg(self, *, read: bool = False) -> str:
        """Compose +CGREG."""
        fields = self._fields("CGREG", read=read)
        if self.registered and self._profile.number("CGREG") == 2:  # noqa: PLR2004 (n of the manual)
            fields += self._place() + self._rac()
        return "+CGREG: " + ",".join(fields)

    def cereg(self, *, read: bool = False) -> str:
        """Compose +CEREG."""
        level = self._profile.number("CEREG")
        fields = self._fields("CEREG", read=read)
        denied = self.stat is Registration.DENIED
        causes = {3: (["0", str(self.cause)] if denied else []), 4: ["", ""], 5: ["0", str(self.cause)]}.get(level, [])
        timers = [f'"{self.active_time}"', f'"{self.periodic_tau}"'] if level in {4, 5} else []
        if self.registered and level > 1:
            fields += self._place() + self._rac() + causes + timers
        elif denied and level in {3, 5}:
            shown = self._variants.is_set("cereg_denied", "place")
            fields += [*self._place(), *self._rac(), *causes, "", ""] if shown else ["", "", "", *causes]
        return "+CEREG: " + ",".join(fields)

    def _rssi(self) -> int:
        """Return the rssi as set, or from a power in dBm by the table in force."""
        if not self._facts.dbm:
            return self._facts.rssi
        dbm = int(self._facts.dbm)
        if self._variants.is_set("csq_table", "27007"):
            return max(0, min(31, (dbm + 113) // 2))
        for rssi, highest in enumerate((-110, -107, -105)):
            if dbm <= highest:
                return rssi
        return min(31, 3 + (dbm + 105) * 28 // 57)

    def _fields(self, key: str, *, read: bool) -> list[str]:
        stat = self.stat
        if stat is Registration.WITHHELD and key != "CEREG":
            stat = Registration.IDLE
        return [str(self._profile.number(key)), str(int(stat))] if read else [str(int(stat))]

    def _place(self) -> list[str]:
        return [f'"{self._facts.tac}"', f'"{self._facts.cell}"', str(NB_IOT)]

    def _rac(self) -> list[str]:
        return [f'"{self._facts.rac}"'] if self._variants.is_set("cereg_rac", "yes") else []
