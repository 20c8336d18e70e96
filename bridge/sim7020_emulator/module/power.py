"""Whether the module runs, and what it says of its supply."""

from enum import StrEnum


class Power(StrEnum):
    """Whether the module hears its AT port."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    ASLEEP = "asleep"


class SupplyTrouble(StrEnum):
    """What the module says of a supply out of range; the spelling is the module's."""

    UNDER_WARNING = "UNDER-VOLTAGE WARNNING"
    UNDER_POWER_DOWN = "UNDER-VOLTAGE POWER DOWN"
    OVER_WARNING = "OVER-VOLTAGE WARNNING"
    OVER_POWER_DOWN = "OVER-VOLTAGE POWER DOWN"
