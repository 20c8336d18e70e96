"""The outbox while its commits are under way, fail, or are cut short: nothing that was acknowledged is lost."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim7020_bridge.config.model import OutboxSettings, WhenFull
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import Entry, Loss, Message, PendingKind, PendingPublication, Place, Priority, Stage
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.passing_time import PassingTime
from tests.bridge.outbox.desk import Machine, message
from tests.bridge.outbox.held_store import HeldStore, disk

LIMITS: Final = {"max_messages": 5, "max_bytes": 100}
ROUNDS: Final = 4
"""Of the event loop, in which all that is told of a commit has followed from it."""


@dataclass(frozen=True, slots=True)
class Put:
    """Put a message in; the name may be one that was used before."""

    name: int
    socket: str = "a"
    priority: Priority = Priority.NORMAL
    key: str | None = None
    ttl: int | None = None
    size: int = 10


@dataclass(frozen=True, slots=True)
class Take:
    """Give the next message of a socket to the module, written down before or not."""

    socket: str = "a"
    cautious: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """End one of the messages that the module has: done with, or to be sent again."""

    which: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel one of the messages in the outbox, if it waits."""

    which: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Let seconds pass."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit some of what was written, in order, or have it fail."""

    count: int
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Crash:
    """Kill the bridge, just after so many commits of which nobody heard, and start it again."""

    unheard: int = 0


@dataclass(frozen=True, slots=True)
class Settle:
    """Commit until nothing is left to be committed."""


SOCKETS = st.sampled_from(["a", "a", "a", "b"])
PUTS = st.builds(
    Put,
    st.integers(0, 30),
    SOCKETS,
    st.sampled_from([Priority.NORMAL, Priority.NORMAL, Priority.LOW, Priority.CRITICAL]),
    st.sampled_from(["k", "k", None]),
    st.sampled_from([None, None, 1, 5]),
    st.sampled_from([1, 20, 60]),
)
TAKES = st.builds(Take, SOCKETS, st.booleans())
STEPS = st.lists(
    st.one_of(
        PUTS,
        PUTS,
        TAKES,
        st.tuples(PUTS, st.just(Settle()), TAKES),
        st.builds(End, st.integers(0, 1), st.booleans()),
        st.builds(Cancel, st.integers(0, 5)),
        st.builds(Wait, st.integers(1, 5)),
        st.builds(Commit, st.integers(1, 4), st.booleans()),
        st.builds(Crash, st.integers(0, 4)),
        st.just(Settle()),
    ).map(lambda step: step if isinstance(step, tuple) else (step,)),
    min_size=10,
    max_size=30,
).map(lambda steps: [step for some in steps for step in some])


@dataclass(slots=True, eq=False)
class Told:
    """One attempt to put a message in, and what was told of it; nothing yet if ``how`` is empty."""

    serial: int
    message: Message
    how: str = ""


@dataclass(slots=True)
class Run:
    """An outbox over a disk that outlives it, and all that was ever told of what went in."""

    settings: OutboxSettings
    connection: sqlite3.Connection = field(default_factory=disk)
    machine: Machine = field(default_factory=Machine)
    attempts: list[Told] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    away: list[Entry] = field(default_factory=list)
    store: HeldStore = field(init=False)
    outbox: Outbox = field(init=False)

    async def start(self) -> None:
        """Start a bridge over the disk."""
        self.away.clear()
        self.store = HeldStore(self.connection)
        self.outbox = Outbox(
            self.store,
            settings=self.settings,
            hooks=Hooks(
                lost=lambda entry, loss: (receipt(entry, loss),),
                resumed=lambda _: None,
                changed=lambda: None,
                publish=lambda *_: None,
                usage=lambda *_: None,
            ),
            time=PassingTime(self.machine.clocks()),
        )
        loading = asyncio.create_task(self.outbox.load())
        while not loading.done():
            self.store.commit()
            await asyncio.sleep(0)
        await loading

    async def carry_out(self, step: object) -> None:
        """Do what a step says."""
        match step:
            case Put():
                self.put(step)
            case Take(socket, cautious):
                self.take(socket, cautious=cautious)
            case End(which, again):
                self.end(which, again=again)
            case Cancel(which):
                await self.cancel(which)
            case Wait(seconds):
                self.machine.pass_by(seconds)
                self.outbox._expiry.end_due()
            case Commit(count, fails):
                self.store.commit(count, fails=fails)
            case Crash(unheard):
                await self.crash(unheard)
            case Settle():
                await self.settle()
        await rounds()

    def put(self, put: Put) -> None:
        """Put a message in, which changes in memory what the limits and its key say and nothing else."""
        number = len(self.attempts)
        told = Told(
            number,
            message(
                f"m{put.name}",
                socket=put.socket,
                priority=put.priority,
                key=put.key,
                ttl=None if put.ttl is None else float(put.ttl),
                data=b"%d " % number + bytes(put.size),
            ),
        )
        before = {entry: entry.place for entry in self.outbox}
        leave = self.displaced_by(told.message)
        try:
            self.outbox.put(told.message, written=self.hear(told), failed=lambda _: self.hear_failed(told))
        except PayloadRefused:
            assert leave is None
            assert {entry: entry.place for entry in self.outbox} == before
        else:
            assert leave is not None
            self.attempts.append(told)
            assert {serial(entry) for entry in self.outbox} == {serial(entry) for entry in {*before} - leave} | {number}

    def displaced_by(self, new: Message) -> set[Entry] | None:
        """Return which entries are to leave for a message; None if there is no room for it."""
        entries = list(self.outbox)
        leave = {
            entry
            for entry in entries
            if entry.place is not Place.SENDING
            and new.key
            and (entry.message.socket, entry.message.key) == (new.socket, new.key)
        }
        droppable = sorted(
            (entry for entry in entries if entry.place is Place.WAITING and entry.message.priority <= new.priority),
            key=lambda entry: (entry.message.priority, entry.number),
        )

        def too_much() -> bool:
            kept = [entry.message.size for entry in entries if entry not in leave]
            return len(kept) >= self.settings.max_messages or sum(kept) + new.size > self.settings.max_bytes

        for entry in droppable:
            if too_much() and self.settings.when_full is WhenFull.DROP_OLDEST:
                leave.add(entry)
        return None if too_much() else leave

    def hear(self, told: Told) -> Callable[[bool], None]:
        """Return what hears of a commit, as long as the run lives that made it."""
        store = self.store

        def written(new: bool) -> None:  # noqa: FBT001 - what a future holds
            if store is self.store:
                told.how = "new" if new else "known"

        return written

    def hear_failed(self, told: Told) -> None:
        """Hear that a message could not be written."""
        told.how = told.how or "failed"

    def take(self, socket: str, *, cautious: bool) -> None:
        """Take what is next: of what was acknowledged and is not with the module, the important, then the old."""
        acknowledged = {told.serial for told in self.attempts if told.how == "new"}
        waiting = [
            entry
            for entry in self.outbox
            if entry.message.socket == socket and serial(entry) in acknowledged and entry not in self.away
        ]
        expected = min(waiting, key=lambda entry: (-entry.message.priority, entry.number), default=None)
        entry = self.outbox.queue.first(socket)
        assert entry is expected
        if entry is not None:
            self.outbox.queue.start_sending(entry)
            self.away.append(entry)
            if cautious:
                self.outbox.progress(entry, Stage.SENDING)

    def end(self, which: int, *, again: bool) -> None:
        """End what the module has, or let it wait again."""
        for entry in self.away[which : which + 1]:
            self.away.remove(entry)
            if again:
                self.outbox.put_back(entry)
            else:
                self.outbox.settle((entry,), (receipt(entry, "accepted"),))

    async def cancel(self, which: int) -> None:
        """Cancel a message, which does nothing to one that the module has or that is on its way to the disk."""
        for entry in list(self.outbox)[which : which + 1]:
            waits = entry.place is Place.WAITING
            if waits:
                self.cancelled.add(serial(entry))
            assert await self.outbox.cancel([entry.number]) == waits

    async def crash(self, unheard: int) -> None:
        """Kill the bridge just after some commits, and start it again; what was not told is new if it is there."""
        self.store.commit(unheard)
        self.store.die()
        places = self.places()
        for told in self.attempts:
            if not told.how:
                told.how = "new" if places[told.serial] else "cut short"
        await self.start()

    async def settle(self) -> None:
        """Commit all there is, and compare what is in memory with what is on disk."""
        await rounds()
        while self.store.jobs:
            self.store.commit()
            await rounds()
        on_disk = {int(data.split()[0]) for (data,) in self.connection.execute("SELECT data FROM message")}
        entries = list(self.outbox)
        assert {serial(entry) for entry in entries} == on_disk
        assert self.outbox.queue.bytes == sum(entry.message.size for entry in entries)
        assert [entry for entry in entries if entry.place is not Place.WAITING and entry not in self.away] == []
        waiting = [(entry.message.socket, entry.message.key) for entry in entries if entry.place is Place.WAITING]
        assert max(Counter(key for key in waiting if key[1]).values(), default=1) == 1
        assert all(told.how for told in self.attempts)

    def places(self) -> Counter[int]:
        """Count for each attempt its rows on disk: as a message, and as final receipts."""
        rows = self.connection.execute("SELECT data FROM message UNION ALL SELECT payload FROM publication")
        return Counter(int(data.split()[0]) for (data,) in rows)

    def check(self) -> None:
        """Hold what is on disk to the promises."""
        places = self.places()
        for told in self.attempts:
            match told.how:
                case "new":
                    assert places[told.serial] == 1, told
                case "":
                    assert places[told.serial] <= 1, told
                case _:
                    assert places[told.serial] == 0, told
        for (payload,) in self.connection.execute("SELECT payload FROM publication"):
            number, how = payload.split()
            assert self.may_end(self.attempts[int(number)], how.decode()), payload

    def may_end(self, told: Told, how: str) -> bool:
        """Whether a message may have had such an end."""
        later = [other.message for other in self.attempts[told.serial + 1 :] if other.how in {"", "new"}]
        what = told.message
        match how:
            case "superseded":
                return any((other.socket, other.key) == (what.socket, what.key) for other in later)
            case "dropped":
                return any(other.priority >= what.priority for other in later)
            case "expired":
                return what.ttl is not None
            case "cancelled":
                return told.serial in self.cancelled
        return how == "accepted"


def receipt(entry: Entry, how: Loss | str) -> PendingPublication:
    """Return a final receipt that says which attempt it is of."""
    return PendingPublication(PendingKind.RECEIPT, "receipt", f"{serial(entry)} {how}".encode())


def serial(entry: Entry) -> int:
    """Return which attempt brought a message."""
    return int(entry.message.data.split()[0])


async def rounds() -> None:
    """Let everybody hear what was committed."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


async def play(steps: Sequence[object], when_full: WhenFull) -> None:
    """Carry out steps, look after each, and at last send all there is."""
    run = Run(OutboxSettings(**LIMITS, when_full=when_full))
    await run.start()
    for step in steps:
        await run.carry_out(step)
        run.check()
    for step in (Settle(), *([Take("a"), Take("b"), End(), End(), Settle()] * LIMITS["max_messages"] * 3)):
        await run.carry_out(step)
        run.check()
    assert list(run.outbox) == []
    run.connection.close()


@settings(max_examples=100, deadline=None)
@given(STEPS, st.sampled_from(WhenFull))
@example([Put(0, size=60), Settle(), Put(1, key="k", size=1), Put(2, key="k", size=60), Settle()], WhenFull.REJECT)
@example(
    [Put(0, key="k"), Settle(), Take(), Put(1, key="k"), Settle(), Take(), End(again=True), End(again=True)],
    WhenFull.REJECT,
)
def test_any_order_of_commits(steps: list[object], when_full: WhenFull) -> None:
    """What was acknowledged is on disk or has one final receipt, at each moment; what waits in memory is on disk."""
    in_order(steps, when_full)


def in_order(steps: list[object], when_full: WhenFull) -> None:
    """Hold an outbox to this over some steps."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sim7020_bridge.outbox.writer.TRY_AGAIN", 0.0)
        asyncio.run(play(steps, when_full))
