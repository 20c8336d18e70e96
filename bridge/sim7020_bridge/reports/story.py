"""What the log tells of a modem: how its link is, where that lasts, and what a person can mend."""

import asyncio
import logging
from collections import deque
from collections.abc import Collection, Mapping
from typing import Final

from sim7020_bridge.modem.alerts import Alert, AlertId
from sim7020_bridge.modem.state import Layer, ModemState

log: Final = logging.getLogger(__name__)

LASTS: Final = 3.0
"""Seconds after a change of the link until it is told how it is then: to attach is to pass through many states."""

FLAPS: Final = 600.0
"""The same, once it was told OFTEN, OF_LATE, that the modem is not online any more: it may come and go all day."""

OFTEN: Final = 6

OF_LATE: Final = 7200.0
"""Seconds."""

WELL: Final = (Layer.ONLINE, Layer.SLEEPING)

_Link = tuple[Layer, str | None]


class Story:
    """Logs changes of the link that last, and each alert as it comes and as it goes; what is the same is told once."""

    def __init__(self) -> None:
        self._state: ModemState | None = None
        self._link: _Link | None = None
        self._told: _Link | None = None
        self._times: deque[float] = deque(maxlen=OFTEN)
        self._changes = 0
        self._was_online = False
        self._later: asyncio.TimerHandle | None = None
        self._alerts: dict[AlertId, Alert] = {}
        self._resolved: set[AlertId] = set()

    def changed(self, state: ModemState) -> None:
        """Take how the modem is now."""
        self._state, link = state, _link(state)
        if link != self._link:
            self._link = link
            self._changes += 1
        if link != self._told and self._later is None:
            flaps = self._flaps()
            self._later = asyncio.get_running_loop().call_later(FLAPS if flaps else LASTS, self._tell, flaps)

    def _flaps(self) -> bool:
        now = asyncio.get_running_loop().time()
        return len(self._times) == OFTEN and now - self._times[0] < OF_LATE

    def alerts(self, current: Mapping[AlertId, Alert], held: Collection[AlertId]) -> None:
        """Take the alerts that there are cause for now, and those that hold: one that flaps holds meanwhile, too.

        One that comes again is told in other words: the log spares its reader the same line within a minute.
        """
        for alert_id, alert in current.items():
            if self._alerts.get(alert_id) != alert:
                came_back = alert_id in self._resolved and alert_id not in self._alerts
                log.warning("%s%s", "again: " if came_back else "", alert)
        for alert_id in self._alerts.keys() - held:
            again = " again" if alert_id in self._resolved else ""
            log.info("resolved%s: %s", again, self._alerts[alert_id].message)
            self._resolved.add(alert_id)
        self._alerts = {alert_id: current.get(alert_id) or self._alerts[alert_id] for alert_id in held}

    def stop(self) -> None:
        """Tell nothing of the link any more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _tell(self, flaps: bool) -> None:  # noqa: FBT001 - the timer's argument
        state = self._state
        self._later, changes, self._changes = None, self._changes, 0
        if state is None or (_link(state) == self._told and not flaps):
            return
        was, (layer, reason) = self._told, _link(state)
        self._told = layer, reason
        if was is not None and was[0] is Layer.ONLINE:
            self._times.append(asyncio.get_running_loop().time())
        often = f" ({changes} changes in {FLAPS / 60:g} minutes)" if flaps else ""
        if layer is Layer.ONLINE:
            log.info("online%s: %s%s", " again" if self._was_online else "", _how(state), often)
            self._was_online = True
        elif layer is Layer.SLEEPING:
            log.info("asleep: %s%s", reason, often)
        elif was is not None and was[0] in WELL:
            log.warning("no longer online: %s%s", reason, often)
        else:
            log.info("not online: %s%s", reason, often)


def _link(state: ModemState) -> _Link:
    return state.link.layer, state.link.reason


def _how(state: ModemState) -> str:
    registration, operator, signal = state.registration, state.operator, state.signal
    dbm = None if signal is None else signal.dbm
    known = (
        None if operator is None else operator.name or operator.plmn,
        None if registration is None else registration.words,
        None if state.pdn.address is None else f"address {state.pdn.address}",
        None if state.pdn.apn is None else f"APN {state.pdn.apn}",
        None if dbm is None else f"signal {dbm} dBm",
    )
    return ", ".join(each for each in known if each)
