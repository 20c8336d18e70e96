"""Publications that the broker has not acknowledged yet, on disk for as long."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count

from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.committer import Work
from sim7020_bridge.outbox.message import Numbered, PendingKind, PendingPublication
from sim7020_bridge.outbox.reserve import Need
from sim7020_bridge.outbox.writer import COMPANY, Writer


class PendingPublications:
    """Keeps publications from before they are published until they need not be any more.

    Args:
        writer: Where to write them.
        publish: Called with each and its number, in order, once it is written or can't be.
    """

    def __init__(self, writer: Writer, *, publish: Callable[[int, PendingPublication], None]) -> None:
        self._writer = writer
        self._publish = publish
        self._kept: dict[int, PendingPublication] = {}
        self._coming = 0
        self._unreceived = 0
        self._unwritten = count(-1, -1)

    @property
    def unreceived(self) -> int:
        """How many receipts and dead letters there are, on their way to the disk included; answers are besides."""
        return self._coming + self._unreceived

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[tuple[int, PendingPublication]]:
        """Yield all that is on the disk."""
        return iter([(number, each) for number, each in list(self._kept.items()) if number > 0])

    def keep(self, work: Work[Numbered], publications: Sequence[PendingPublication]) -> asyncio.Future[None]:
        """Have work write publications, and return a future that is done when it has, or could not.

        What could not be written is published all the same, for as long as the bridge runs.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        unreceived = sum(map(_is_unreceived, publications))

        def written(done: asyncio.Future[Numbered]) -> None:
            self._coming -= unreceived
            if done.exception() is None:
                self.add(done.result())
            else:
                self.add((next(self._unwritten), each) for each in publications)
            if not kept.done():
                kept.set_result(None)

        self._coming += unreceived
        self._writer.write(work, need=Need.INSERT).add_done_callback(written)
        return kept

    def add(self, numbered: Iterable[tuple[int, PendingPublication]]) -> None:
        """Publish what has been written to disk, under its numbers."""
        for number, publication in numbered:
            self._kept[number] = publication
            self._unreceived += _is_unreceived(publication)
            self._publish(number, publication)

    def remove(self, number: int) -> None:
        """Forget a publication: the broker has it, or never will."""
        publication = self._kept.pop(number)
        self._unreceived -= _is_unreceived(publication)
        if number > 0:
            self._writer.write(partial(records.remove_publication, number=number), within=COMPANY)


def _is_unreceived(publication: PendingPublication) -> bool:
    return publication.kind not in {PendingKind.RECEIVED, PendingKind.REPLY}
