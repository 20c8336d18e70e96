"""What a probe checks, what it finds, and whom it tells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sim7020_bridge.commands.quoting import hidden
from sim7020_bridge.kit.probe.advice import ADVICE, Problem
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.pin import PinMemory
from sim7020_bridge.modem.store import StateStore


class Check(StrEnum):
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
        check: Which one.
        status: How it is.
        summary: What was found, as a phrase.
        details: The same by name, for machines.
        problem: What is wrong, for machines; None if nothing is.
        advice: What to do; None if there is nothing to do.
    """

    check: Check
    status: Status
    summary: str
    details: Mapping[str, Detail] = field(default_factory=dict)
    problem: Problem | AlertId | None = None
    advice: str | None = None

    def document(self, *, show_identities: bool) -> dict[str, object]:
        """Return the finding as a JSON object, without who the module and its subscriber are unless asked for."""
        details = {
            name: hidden(str(value)) if name in _IDENTITIES and value is not None and not show_identities else value
            for name, value in self.details.items()
        }
        return {
            "layer": self.check.value,
            "status": self.status.value,
            "summary": self.summary,
            "details": details,
            "problem": self.problem,
            "advice": self.advice,
        }


class Report:
    """Tells findings, one after the other.

    Args:
        store: What is known; an alert that holds says best what is broken.
        on_finding: Called with each finding.
        waiting: Called when something is begun that may take a while: which check, and what in words.
    """

    def __init__(
        self, store: StateStore, on_finding: Callable[[Finding], None], waiting: Callable[[Check, str], None]
    ) -> None:
        self.check = Check.PORT
        self._store = store
        self._on_finding = on_finding
        self._waiting = waiting

    def begin(self, check: Check, what: str) -> None:
        """Say what is being tried."""
        self.check = check
        self._waiting(check, what)

    def passed(
        self,
        summary: str,
        details: Mapping[str, Detail] | None = None,
        *,
        status: Status = Status.FINE,
        problem: Problem | None = None,
        check: Check | None = None,
    ) -> bool:
        """Tell of a layer, the one begun last if no other, that keeps nothing from going on; return True."""
        self._tell(check, status, summary, details or {}, problem)
        return True

    def broken(
        self,
        summary: str = "",
        problem: Problem | None = None,
        *,
        said_by: tuple[AlertId, ...] = (),
        details: Mapping[str, Detail] | None = None,
        check: Check | None = None,
    ) -> bool:
        """Tell that it does not hold, in the words of one of some alerts if that does; return False."""
        found = alerts(self._store.state)
        for alert in said_by:
            if alert in found:
                message, advice = found[alert].message, found[alert].advice
                self._on_finding(Finding(check or self.check, Status.BROKEN, message, details or {}, alert, advice))
                return False
        self._tell(check, Status.BROKEN, summary, details or {}, problem)
        return False

    def _tell(
        self,
        check: Check | None,
        status: Status,
        summary: str,
        details: Mapping[str, Detail],
        problem: Problem | None,
    ) -> None:
        advice = None if problem is None else ADVICE[problem].format_map(details)
        self._on_finding(Finding(check or self.check, status, summary, details, problem, advice))


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
        pins: What was tried in probes before, and is not tried again.
    """

    port: str
    baudrate: int | None = None
    apn: str | None = None
    pin: str | None = field(default=None, repr=False)
    patience: float = 120.0
    host: str | None = None
    pins: PinMemory | None = field(default=None, repr=False)


def document(wanted: Wanted, found: Sequence[Finding], *, well: bool, show_identities: bool) -> dict[str, object]:
    """Return a whole probe as a JSON object, without who the module and its subscriber are unless asked for."""
    broken = next((finding.check.value for finding in found if finding.status is Status.BROKEN), None)
    told = {finding.check for finding in found}
    return {
        "port": wanted.port,
        "ok": well,
        "broken": broken,
        "layers": [finding.document(show_identities=show_identities) for finding in found],
        "not_reached": [layer.value for layer in Check if layer not in told],
    }
