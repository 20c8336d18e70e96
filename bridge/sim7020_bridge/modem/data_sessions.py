"""When a data session begins and ends, by what becomes of the modem's default PDN context."""

from collections.abc import Callable

from sim7020_bridge.modem.state import ModemState
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.usage import Usage


class DataSessions:
    """Tells a modem's usage of its data sessions: from when the network gives a context until it is taken back.

    A context that is off, a restart of the module and an attach attempt end a session, and so does another address.
    One that is found up after the bridge, the port or the module was away for a while, with the address of before, goes
    on: that it was not another one meanwhile can't be known.

    Args:
        changed: Called after a session began or ended, for what is to be kept without delay.
    """

    def __init__(self, store: StateStore, usage: Usage, *, changed: Callable[[], None]) -> None:
        self._store = store
        self._usage = usage
        self._changed = changed
        store.listen(self._look)
        store.on_attach = self._attached

    def _look(self, before: ModemState, after: ModemState) -> None:
        pdn = after.pdn
        if after.counters.reboots > before.counters.reboots or (pdn.active is False and before.pdn.active is not False):
            self._usage.end_session()
            self._changed()
        if pdn.active and (not before.pdn.active or pdn.address != before.pdn.address):
            self._usage.begin_session(pdn.address)
            self._changed()

    def _attached(self) -> None:
        # a module that was told to reboot has its context until it does
        if self._store.state.pdn.active is not False:
            self._usage.end_session()
            self._changed()
