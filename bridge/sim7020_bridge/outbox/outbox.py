"""What was taken over MQTT and has no final receipt yet: on disk first, in memory to be quick."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_bridge.logs import counted
from sim7020_bridge.outbox import records
from sim7020_bridge.outbox.committer import Store, Work
from sim7020_bridge.outbox.expiry import SLICE, Expiry
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.last_sent import LastSent, Sent
from sim7020_bridge.outbox.message import Entry, Loss, Message, Numbered, Origin, Place, Publications, Stage
from sim7020_bridge.outbox.passing_time import PassingTime
from sim7020_bridge.outbox.pending import PendingPublications
from sim7020_bridge.outbox.queue import Queue
from sim7020_bridge.outbox.reserve import Need
from sim7020_bridge.outbox.writer import COMPANY, LEISURE, TRY_AGAIN, Writer

log: Final = logging.getLogger(__name__)

MOST_UNSETTLED: Final = 16
"""Messages of a modem that were sent and whose end is not on disk yet: after a crash these are sent again."""

MOST_NEW_IDS: Final = 1000
"""Ids that may be taken until those too many are forgotten."""

MARK_AFTER: Final = 3600.0
"""Seconds of the outbox's own time that a power cut may cost it, if the wall clock is lost as well."""

POLL_EVERY: Final = 2
"""Seconds between two looks for what a command line asked."""


class Outbox:
    """The messages of one modem, each on disk from before it is acknowledged until after its final receipt is due.

    Args:
        store: Where they are kept.
        settings: The limits.
        hooks: What happens to what.
        time: By which messages grow old.
    """

    def __init__(
        self, store: Store, *, settings: OutboxSettings, hooks: Hooks, time: PassingTime | None = None
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._time = time or PassingTime()
        self._writer = Writer(store, restore=self._restore, changed=hooks.changed)
        self.queue = Queue(settings)
        self._expiry = Expiry(self._time, lambda due: self._lose_all([(entry, Loss.EXPIRED) for entry in due]))
        self._number = 0
        self._new_ids = 0
        self._unsettled = 0
        self._few_unsettled = asyncio.Event()
        self._few_unsettled.set()
        self.loaded = asyncio.Event()
        """Set once the file was read: before, nothing can be taken."""
        self.pending = PendingPublications(self._writer, publish=hooks.publish)
        self._last_sent = LastSent()
        self._commands: dict[str, int] = {}
        self._sent_earlier: Sequence[tuple[str, float]] = ()
        self._refused: dict[int, tuple[bytes, PayloadRefused]] = {}
        """Packets that were refused and may come again, with their digests: the disk may have had no room for them."""

    @property
    def oldest(self) -> float | None:
        """Age of the oldest waiting message in seconds; None if none waits."""
        return None if self.queue.oldest is None else max(0.0, self._time.now() - self.queue.oldest)

    @property
    def problem(self) -> StorageFailed | None:
        """Why nothing can be written now; None if it can."""
        return self._writer.problem

    @property
    def set_aside(self) -> str | None:
        """The name of the damaged file that was replaced, if there was one."""
        return self._store.set_aside

    def __iter__(self) -> Iterator[Entry]:
        """Yield every message in the order in which they were taken."""
        return iter(self.queue)

    async def load(self) -> None:
        """Go on where the last run ended.

        Raises:
            StorageFailed: The file can't be used now; may be tried again.
        """
        content = await self._writer.write(records.load)
        self._time.go_on(content.mark, content.latest)
        lost: list[tuple[Entry, Loss]] = []
        self._number = max(self._number, content.last)
        for entry in content.entries:
            entry.committed = entry.given = True
            self.queue.enter(entry)
            # an older one with its key was being sent when the bridge ended
            leave = [(older, Loss.SUPERSEDED) for older in self.queue.start_waiting(entry)]
            loss = Loss.CANCELLED if entry.number in content.cancelled else self._hooks.resumed(entry)
            if loss is None:
                entry.stage = Stage.WAITING
            else:
                leave.append((entry, loss))
            for other, _ in leave:
                self.queue.leave(other)
            lost += leave
        self.pending.add(content.publications)
        self._hooks.usage(content.usage, content.session)
        self._sent_earlier = content.sent
        self._last_sent.note(content.last_sent)
        self._commands = dict(content.commands)
        self.loaded.set()
        self._expiry.plan(*self)
        for start in range(0, len(lost), SLICE):
            self._lose_all(lost[start : start + SLICE])
            await asyncio.sleep(0)
        self._keep_time(Need.PROBE)
        self._hooks.changed()
        if content.entries or content.publications:
            log.info(
                "left over from the last run: %s to send, %s for the broker",
                counted(len(content.entries), "message"),
                counted(len(content.publications), "publication"),
            )

    async def run(self) -> None:
        """Look after the file until cancelled."""
        while not self.loaded.is_set():
            try:
                await self.load()
            except StorageFailed:
                await asyncio.sleep(TRY_AGAIN)
        hour = self._time.now()
        while True:
            with contextlib.suppress(StorageFailed):
                while numbers := await self._writer.write(partial(records.cancellations, most=SLICE)):
                    await self.cancel(numbers)
                    await self._writer.write(partial(records.cancelled, numbers=numbers))
                if self._time.now() >= hour or self._new_ids > MOST_NEW_IDS:
                    hour, self._new_ids = self._time.now() + MARK_AFTER, 0
                    self._keep_time()
                    await self._writer.write(partial(records.forget_old, now=self._time.now()))
            if self.problem is not None:
                self._keep_time(Need.PROBE)
            elif self._time.wall_was_set:
                self._keep_time()
            await asyncio.sleep(POLL_EVERY)

    async def close(self) -> None:
        """Write what is left and close the file."""
        self._expiry.stop()
        if self.loaded.is_set():
            self._keep_time()
        await self._store.close()

    def put(
        self,
        message: Message,
        origin: Origin | None = None,
        *,
        written: Callable[[bool], None],
        failed: Callable[[StorageFailed], None],
    ) -> None:
        """Take a message.

        Args:
            message: The message.
            origin: The packet that brought it.
            written: Called once it is on disk, with whether it is new; one that was taken before and comes again is not
                taken.
            failed: Called if it could not be written, and so was not taken.

        Raises:
            PayloadRefused: ``outbox_full``, ``storage_failed`` if the file can't be used at all, or why it was refused
                before it came again.
        """
        if not self.loaded.is_set():
            raise PayloadRefused("storage_failed", str(self.problem or "the outbox is not open yet"))
        if (refused := self._earlier_refusal(origin)) is not None:
            raise refused
        try:
            displaced = self.queue.displaced_by(message)
        except PayloadRefused:
            self._hooks.changed()
            raise
        self._number += 1
        self._new_ids += 1
        entry = Entry(self._number, message, self._time.now())
        for other, _ in displaced:
            self.queue.leave(other)
        self._doubt([other for other, _ in displaced])
        lost = [(other.number, other.committed, self._hooks.lost(other, loss)) for other, loss in displaced]
        self.queue.enter(entry)

        def written_or_not(done: "asyncio.Future[Numbered | None]") -> None:
            error = done.exception()
            publications = None if error is not None else done.result()
            if publications is None:
                self.queue.leave(entry)
                for other in [other for other, _ in displaced if other.committed]:
                    self.queue.enter(other)
                    self._wait(other)
            else:
                entry.committed = True
                if entry.place is Place.COMING:
                    self._wait(entry)
            if isinstance(error, StorageFailed):
                failed(error)
            else:
                written(publications is not None)
            self.pending.add(publications or ())
            self._hooks.changed()

        work = partial(records.take_in, entry=entry, origin=origin, displaced=lost)
        self._writer.write(work, need=Need.INSERT).add_done_callback(written_or_not)

    def note_refused(self, origin: Origin | None, refused: PayloadRefused) -> None:
        """Have a message refused again, for as long as the bridge runs, if the broker brings its packet again."""
        if origin is not None:
            self._refused[origin.packet] = origin.digest, refused

    def refuse(
        self, socket: str, origin: Origin | None, refused: PayloadRefused, publications: Publications
    ) -> "asyncio.Future[None]":
        """Keep the final receipt of a message that is not taken, once even if its packet comes again.

        The future is done when it is written; if it can't be, the receipt is published all the same for as long as the
        bridge runs.
        """
        now = self._time.now()
        if self._earlier_refusal(origin) is not None:
            publications = ()
        self.note_refused(origin, refused)

        def write(connection: sqlite3.Connection) -> Numbered:
            if records.packet_is_known(connection, origin):
                return ()
            if origin is not None:
                records.remember(connection, socket, f"refused {origin.packet} {now}", origin, now)
            return records.add_publications(connection, publications)

        return self.pending.keep(write, publications)

    def _earlier_refusal(self, origin: Origin | None) -> PayloadRefused | None:
        if origin is None or not origin.duplicate or origin.packet not in self._refused:
            return None
        digest, refused = self._refused[origin.packet]
        return refused if digest == origin.digest else None

    def keep(self, publications: Publications, commands: Mapping[str, int] | None = None) -> "asyncio.Future[None]":
        """Keep publications until the broker has them; the future is done when they are written, or can't be.

        With them it is written which commands of sockets' far ends they are.
        """
        self._commands |= commands or {}

        def write(connection: sqlite3.Connection) -> Numbered:
            records.note_commands(connection, commands or {})
            return records.add_publications(connection, publications)

        return self.pending.keep(write, publications)

    def last_command(self, socket: str) -> int:
        """Return the last command that a socket's far end gave it; 0 if it gave none."""
        return self._commands.get(socket, 0)

    async def mark(self, entries: Sequence[Entry], mark: str | None) -> None:
        """Write what messages that go together are known by to whoever opens them; None for nothing any more.

        Raises:
            StorageFailed: It is not on disk, and they are known by what they were before.
        """
        numbers = [entry.number for entry in entries]
        await self._writer.write(partial(records.note_mark, numbers=numbers, mark=mark), within=0.0)
        for entry in entries:
            entry.mark = mark

    async def wait_settled(self) -> None:
        """Return once few enough ends of messages are unwritten that another message may be sent."""
        await self._few_unsettled.wait()

    async def wait_written(self) -> None:
        """Return once all that was begun before is on disk."""
        await self._writer.write(lambda _connection: None)

    def age(self, entry: Entry) -> float:
        """Return the seconds since a message was taken."""
        return self._time.now() - entry.taken

    def put_back(self, entry: Entry) -> None:
        """Let a message that did not go wait again, in its old place; a newer one with its key supersedes it."""
        if entry.stage is not Stage.WAITING:
            self.progress(entry, Stage.WAITING)
        self._wait(entry)

    def progress(self, entry: Entry, stage: Stage) -> "asyncio.Future[None]":
        """Write how far a message has come; only an outbox that fails in doubt need wait for it."""
        entry.stage = stage
        number, attempts = entry.number, entry.attempts
        within = 0.0 if stage is Stage.SENDING else COMPANY
        return self._writer.write(
            lambda connection: records.progress(connection, number, stage, attempts), within=within
        )

    def settle(
        self, entries: Sequence[Entry], publications: Publications, said: Sequence[tuple[Message, str]] = ()
    ) -> None:
        """End messages with their final receipts; tried again for as long as they can't be written.

        Args:
            entries: The messages.
            publications: Their receipts.
            said: Those of them with a key that were sent, with what is compared with the next; see ``last_sent``.
        """
        self._hooks.settling()
        for entry in entries:
            self.queue.leave(entry)
        self._doubt([entry for entry in entries if all(entry.message is not message for message, _ in said)])
        self._unsettled += 1
        if self._unsettled >= MOST_UNSETTLED:
            self._few_unsettled.clear()
        numbers = tuple(entry.number for entry in entries)
        now = self._time.now()
        sent = [Sent(message.socket, message.key, now, what) for message, what in said if message.key is not None]
        self._last_sent.note(sent)

        def write(connection: sqlite3.Connection) -> Numbered:
            for number in numbers:
                records.remove(connection, number)
            records.note_last_sent(connection, sent)
            return records.add_publications(connection, publications)

        def written(numbered: Numbered) -> None:
            self._unsettled -= 1
            if self._unsettled < MOST_UNSETTLED:
                self._few_unsettled.set()
            self.pending.add(numbered)

        self._writer.insist(write, written, within=0.0 if self._unsettled > MOST_UNSETTLED // 2 else COMPANY)
        self._hooks.changed()

    def lose(self, entry: Entry, loss: Loss) -> None:
        """End a message that is not sent."""
        self._lose_all([(entry, loss)])

    async def cancel(self, numbers: Sequence[int]) -> int:
        """End messages that wait, some at a time so that everything else goes on; return how many did."""
        cancelled = 0
        for start in range(0, len(numbers), SLICE):
            lost = [(entry, Loss.CANCELLED) for entry in self.queue.waiting(numbers[start : start + SLICE])]
            self._lose_all(lost)
            cancelled += len(lost)
            await asyncio.sleep(0)
        return cancelled

    def last_sent(self, message: Message) -> tuple[float, str] | None:
        """Return how many seconds ago a message with the key of this one was sent, and what it said, if one was."""
        sent = None if message.key is None else self._last_sent.of(message.socket, message.key)
        return None if sent is None else (self._time.now() - sent.at, sent.said)

    def send_ages(self, socket: str) -> Sequence[float]:
        """Return how many seconds ago a socket with a pace sent in earlier runs, the oldest first."""
        return [self._time.now() - at for name, at in self._sent_earlier if name == socket]

    def note_sent(self, socket: str, *, remembered: float) -> None:
        """Note for later runs that a socket sends now; what is older than ``remembered`` seconds is forgotten."""
        work = partial(records.note_sent, socket=socket, at=self._time.now(), remembered=remembered)
        self._writer.write(work, within=LEISURE)

    def keep_usage(
        self, rows: Sequence[records.UsageRow], session: records.SessionRow, *, others: bool = False
    ) -> None:
        """Write what was counted on each day, unless what was there has not been read yet.

        Args:
            rows: The days.
            session: The newest data session.
            others: Whether days stay that are not among the rows.
        """
        if self.loaded.is_set():
            keep = records.keep_usage_of_days if others else records.keep_usage
            self._writer.write(partial(keep, rows=rows, session=session), within=LEISURE)

    def packets_acknowledged(self, packets: Sequence[int]) -> None:
        """Note that the broker has the acknowledgements of these packets, and will use their numbers for others."""
        for packet in packets:
            self._refused.pop(packet, None)
        self._writer.write(partial(records.forget_packets, packets=packets), within=LEISURE)

    def packets_resent(self, packets: Sequence[int]) -> None:
        """Note that the broker has brought again, in this session, all that it has no acknowledgement of."""
        self._refused = {packet: self._refused[packet] for packet in packets if packet in self._refused}
        self._writer.write(partial(records.forget_packets_but, packets=tuple(packets)))

    def session_lost(self) -> None:
        """Note that the broker has forgotten the session: no packet of before comes again."""
        self._refused.clear()
        self._writer.insist(records.forget_all_packets, lambda _: None, within=0.0)

    def _doubt(self, ended: Sequence[Entry]) -> None:
        """Have nothing compared with what was sent before messages that came to no good end: the peer may have them."""
        keys = [(entry.message.socket, entry.message.key) for entry in ended if entry.given]
        if doubted := self._last_sent.doubt((socket, key) for socket, key in keys if key is not None):
            self._writer.write(partial(records.note_last_sent, several=doubted), within=LEISURE)

    def _lose_all(self, lost: Sequence[tuple[Entry, Loss]]) -> None:
        if lost:
            receipts = [each for entry, loss in lost for each in self._hooks.lost(entry, loss)]
            self.settle([entry for entry, _ in lost], receipts)

    def _wait(self, entry: Entry) -> None:
        """Let a message that is on disk wait; of those that wait with its key all but the newest end."""
        self._lose_all([(older, Loss.SUPERSEDED) for older in self.queue.start_waiting(entry)])
        if entry.place is Place.WAITING:
            self._expiry.plan(entry)

    def _keep_time(self, need: Need = Need.DELETE) -> None:
        self._writer.write(partial(records.keep_time, mark=self._time.mark()), within=LEISURE, need=need)

    def _restore(self) -> Work[None]:
        """Return what writes all that memory knows now into a new file."""
        entries, last = [entry for entry in self.queue if entry.committed], self._number
        publications, mark, last_sent = list(self.pending), self._time.mark(), list(self._last_sent)
        commands = dict(self._commands)

        def restore(connection: sqlite3.Connection) -> None:
            for entry in entries:
                records.add(connection, entry)
            records.count_on(connection, last)
            records.note_last_sent(connection, last_sent)
            records.note_commands(connection, commands)
            records.restore_publications(connection, publications)
            records.keep_time(connection, mark)

        return restore
