"""What a probe finds out about one layer, and what is still to be told to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sim7020_bridge.commands.quoting import hidden


class Layer(StrEnum):
    """What has to hold for data to flow, in the order in which it is tried."""

    PORT = "port"
    BAUD_RATE = "baud_rate"
    MODULE = "module"
    FIRMWARE = "firmware"
    SIM = "sim"
    SIGNAL = "signal"
    REGISTRATION = "registration"
    APN = "apn"
    ADDRESS = "address"
    DNS = "dns"
    PING = "ping"


class Status(StrEnum):
    """How a layer is. After a broken one nothing is tried; a skipped one was not asked for or can't be told."""

    FINE = "fine"
    WARNING = "warning"
    BROKEN = "broken"
    SKIPPED = "skipped"


Detail = str | int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One layer, as found.

    Args:
        layer: Which.
        status: How it is.
        summary: What was found, as a phrase.
        details: The same by name, for machines.
        advice: What to do; None if there is nothing to do.
    """

    layer: Layer
    status: Status
    summary: str
    details: Mapping[str, Detail] = field(default_factory=dict)
    advice: str | None = None

    def document(self, *, show_identities: bool) -> dict[str, object]:
        """Return the finding as a JSON object, without who the module and its subscriber are unless asked for."""
        details = {
            name: hidden(str(value)) if name in _IDENTITIES and value is not None and not show_identities else value
            for name, value in self.details.items()
        }
        return {
            "layer": self.layer.value,
            "status": self.status.value,
            "summary": self.summary,
            "details": details,
            "advice": self.advice,
        }


_IDENTITIES: Final = frozenset({"imei", "imsi", "iccid"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to probe.

    Args:
        port: A device path or URL.
        baudrate: The rate that the module should have; None tries the usual ones.
        apn: The APN that it should use, or None.
        pin: The SIM's PIN, or None; tried once, and only if more than one try is left.
        patience: Seconds for the module to find and register with a network.
        host: What to resolve and ping; None for neither.
    """

    port: str
    baudrate: int | None = None
    apn: str | None = None
    pin: str | None = field(default=None, repr=False)
    patience: float = 120.0
    host: str | None = None
