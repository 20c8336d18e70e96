"""Writing with a memory for trouble: what failed, whether it still does, and what has to be written all the same."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from sim7020_bridge.errors import OutboxClosed, StorageFailed
from sim7020_bridge.outbox.committer import Store, Work
from sim7020_bridge.outbox.reserve import Need

log: Final = logging.getLogger(__name__)

T = TypeVar("T")

COMPANY: Final = 0.02
"""Seconds that the end of a message may wait for others to be committed with."""

LEISURE: Final = 0.2
"""Seconds that may pass until a mere tidying-up is committed."""

TRY_AGAIN: Final = 5.0
"""Seconds until what could not be written is tried again."""


class Writer:
    """The way from the event loop to the disk.

    Args:
        store: Where to write.
        restore: Returns what writes all that must be there into a file made anew in place of a damaged one.
        changed: Called when writing starts to fail, or works again.
    """

    def __init__(self, store: Store, *, restore: Callable[[], Work[None]], changed: Callable[[], None]) -> None:
        self._store = store
        store.restore = restore
        self._changed = changed
        self.problem: StorageFailed | None = None

    def write(self, work: Work[T], *, within: float = 0.0, need: Need = Need.DELETE) -> "asyncio.Future[T]":
        """Have work done; see Committer.submit.

        Args:
            work: The work.
            within: Seconds that it may wait for company.
            need: What it may use of the room on the disk; only ``PROBE`` shows that messages can be taken.
        """
        done = self._store.submit(work, within=within, need=need)
        done.add_done_callback(partial(self._note, probes=need is Need.PROBE))
        return done

    def insist(self, work: Work[T], written: Callable[[T], None], *, within: float) -> None:
        """Have the end of messages written, tried again until it is; then call ``written`` with its result."""

        def again() -> None:
            self.insist(work, written, within=within)

        def written_or_not(done: "asyncio.Future[T]") -> None:
            if done.cancelled() or isinstance(done.exception(), StorageFailed):
                asyncio.get_running_loop().call_later(TRY_AGAIN, again)
            else:
                written(done.result())

        self.write(work, within=within, need=Need.SETTLE).add_done_callback(written_or_not)

    def _note(self, done: "asyncio.Future[T]", *, probes: bool) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, OutboxClosed):
            return
        if isinstance(error, StorageFailed):
            if self.problem is None:
                log.error("%s", error)
                self.problem = error
                self._changed()
        elif error is None and probes and self.problem is not None:
            log.info("the outbox can be written again")
            self.problem = None
            self._changed()
