"""Settings that AT commands change, and what survives a reset.

Source: the classes of manual V1.05: saved automatically, the same but effective after a reboot, by AT&W, not at all.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Keep(StrEnum):
    """How long a setting lives."""

    AUTO = "auto"
    AUTO_REBOOT = "auto-reboot"
    SAVED = "&W"
    VOLATILE = "no"


Value = int | str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: factory value and class."""

    name: str
    factory: Value
    keep: Keep


_SETTINGS = (
    *(
        Setting(name, value, Keep.SAVED)
        for name, value in (
            ("E", 1), ("L", 0), ("M", 0), ("Q", 0), ("V", 1), ("X", 4), ("&C", 1), ("&D", 2),
            ("S0", 0), ("S1", 0), ("S2", 43), ("S3", 13), ("S4", 10), ("S5", 8), ("S6", 2), ("S7", 60), ("S8", 2),
            ("S10", 15), ("S12", 50), ("S25", 5),
            ("CR", 0), ("CMEE", 0), ("IFC", "0,0"), ("ICF", "3,3"), ("CSCS", "IRA"), ("CREG", 0), ("CGREG", 0),
            ("CSMINS", 0), ("EXUNSOL", 0), ("CPSMSTATUS", 1), ("CMGF", 0), ("CSDH", 0),
        )
    ),
    *(
        Setting(name, value, Keep.AUTO)
        for name, value in (
            ("IPR", 115200), ("COPS", 0), ("COPS_OPERATOR", ""), ("CPSMS", 0), ("CPSMS_TAU", ""), ("CPSMS_ACTIVE", ""),
            ("CSCLK", 0), ("CREVHEX", 0), ("CBANDSL", ""), ("CDISAUPDN", 0), ("CNWRCCFG", "5,10,10,1,120,7200"),
            ("CSOSENDFLAG", 0), ("CSORCVFLAG", 0),
            ("SLEDS", "1,64,800;2,64,3000;3,64,300"), ("CNETLIGHT", 1), ("CBATCHK", 0), ("CFGRI", 1),
            ("CELLLOCK", "0"),
        )
    ),
    *(
        Setting(name, value, Keep.AUTO_REBOOT)
        for name, value in (
            ("DEFAULT_TYPE", "IP"), ("DEFAULT_APN", ""), ("DEFAULT_USER", ""), ("DEFAULT_PASSWORD", ""),
            ("CBAND", ""), ("CTZR", 0), ("CTZU", 0), ("CLTS", 0), ("CURTC", 1),
        )
    ),
    *(
        Setting(name, value, Keep.VOLATILE)
        for name, value in (
            ("CEREG", 0), ("CFUN", 1), ("CEDRXS", 0), ("EDRX", "0000"), ("PTW", "0011"), ("CSORXGET", 0),
            ("RETENTION", 0), ("CGEREP", 0), ("CENG", 0), ("CSCON", 0), ("CNBIOTRAI", 0), ("CNBIOTDT", 0),
            ("CCIOTOPT", "1,1,1"), ("COPS_FORMAT", -1), ("CGPIAF", "0,0,0,0"), ("CEER", 0), ("CIPPING", "4,32,100"),
            ("DNS1", ""), ("DNS2", ""), ("CIPMUX", 0), ("CIPQSEND", 0), ("CIPRXGET", 0), ("CIPHEAD", 0), ("CIPSRIP", 0),
            ("CIPHEXS", 0), ("CIPMODE", 0), ("CIPATS", "0"),
        )
    ),
)  # fmt: skip

SETTINGS = MappingProxyType({setting.name: setting for setting in _SETTINGS})


class Profile:
    """The settings in force, those saved by AT&W, and those that wait for a reboot."""

    def __init__(self, factory_rate: int) -> None:
        self._factory: dict[str, Value] = {setting.name: setting.factory for setting in _SETTINGS}
        self._factory["IPR"] = factory_rate
        self._active = dict(self._factory)
        self._saved = {setting.name: setting.factory for setting in _SETTINGS if setting.keep is Keep.SAVED}
        self._pending: dict[str, Value] = {}

    def number(self, name: str) -> int:
        """Read a numeric setting."""
        value = self._active[name]
        if not isinstance(value, int):
            raise TypeError(name)
        return value

    def text(self, name: str) -> str:
        """Read a setting as text."""
        return str(self._active[name])

    def set(self, name: str, value: Value) -> None:
        """Change a setting; one that needs a reboot waits for it."""
        if SETTINGS[name].keep is Keep.AUTO_REBOOT:
            self._pending[name] = value
        else:
            self._active[name] = value

    def stored(self, name: str) -> Value:
        """Read what a setting is or, if a change waits for a reboot, will be."""
        return self._pending.get(name, self._active[name])

    def apply_pending(self, *names: str) -> None:
        """Put waiting changes into force: those named, or all of them."""
        for name in names or tuple(self._pending):
            if name in self._pending:
                self._active[name] = self._pending.pop(name)

    def save(self) -> None:
        """AT&W: save the user profile."""
        self._saved = {name: self._active[name] for name in self._saved}

    def load(self) -> None:
        """ATZ: go back to the saved user profile."""
        self._active.update(self._saved)

    def factory_reset(self) -> None:
        """AT&F: everything as it left the factory, except what waits for a reboot by its nature."""
        for name, setting in SETTINGS.items():
            if setting.keep is not Keep.AUTO_REBOOT:
                self._active[name] = self._factory[name]

    def restart(self, keep: frozenset[str] = frozenset()) -> None:
        """Forget what a reboot or PSM forgets, except the settings in ``keep``."""
        self.apply_pending()
        self.load()
        for name, setting in SETTINGS.items():
            if setting.keep is Keep.VOLATILE and name not in keep:
                self._active[name] = self._factory[name]
