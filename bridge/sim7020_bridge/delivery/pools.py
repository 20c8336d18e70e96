"""When a modem takes from its pools."""

from collections.abc import Callable
from typing import Final

from sim7020_bridge.modem.state import Layer
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.usage import BudgetLevel, Usage
from sim7020_bridge.outbox.outbox import Outbox

LEAVES: Final = 0.9
"""Part of the outbox's limits from which on a modem takes nothing from its pools: what is dealt already has room."""

RETURNS: Final = 0.8
"""Part of them below which it takes again."""


class Pools:
    """Whether a modem takes from its pools: while what it takes would go out, or wait only until the module wakes.

    Args:
        changed: Called when that is different from before.
    """

    def __init__(self, *, store: StateStore, usage: Usage, outbox: Outbox, changed: Callable[[], None]) -> None:
        self._store = store
        self._usage = usage
        self._outbox = outbox
        self._changed = changed
        self._left = False
        self.joined = False
        store.listen(lambda _before, _after: self.recheck())

    def recheck(self) -> None:
        """Look again, after the outbox or the usage changed."""
        limit = LEAVES if self.joined else RETURNS
        joined = (
            not self._left
            and self._store.state.link.layer in {Layer.ONLINE, Layer.SLEEPING}
            and self._usage.level is not BudgetLevel.USED_UP
            and self._outbox.queue.filled < limit
            and self._outbox.problem is None
        )
        if joined != self.joined:
            self.joined = joined
            self._changed()

    def leave(self) -> None:
        """Take nothing any more."""
        self._left = True
        self.recheck()
