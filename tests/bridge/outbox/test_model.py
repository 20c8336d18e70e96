"""The outbox against a simple model: any interleaving of what can happen, crashes included."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.outbox.message import Entry, Priority
from tests.bridge.outbox.desk import Desk, receipt

MOST = 6


@dataclass(frozen=True, slots=True)
class Put:
    """Put a message in; ``name`` may be one that was used before."""

    name: int
    socket: str
    priority: Priority
    key: str | None
    ttl: int | None


@dataclass(frozen=True, slots=True)
class Take:
    """Give the next message of a socket to the module."""

    socket: str


@dataclass(frozen=True, slots=True)
class End:
    """End the oldest message that the module has: acknowledged, failed, or lost and to be sent again."""

    how: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Let seconds pass."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Crash:
    """Kill the bridge and start it again."""


SOCKETS = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(
        st.builds(
            Put,
            st.integers(0, 30),
            SOCKETS,
            st.sampled_from(Priority),
            st.none() | st.sampled_from(["k", "l"]),
            st.none() | st.integers(1, 9),
        ),
        st.builds(Take, SOCKETS),
        st.builds(End, st.sampled_from(["acknowledged", "failed", "again"])),
        st.builds(Wait, st.integers(1, 5)),
        st.builds(Crash),
    ),
    max_size=40,
)


def key_of(one: tuple[int, Put, int]) -> tuple[str, str | None]:
    """Return what a message supersedes others by."""
    return one[1].socket, one[1].key


class Model:
    """What an outbox does, said as simply as can be."""

    def __init__(self) -> None:
        self.now = 0
        self.number = 0
        self.waiting: list[tuple[int, Put, int]] = []
        self.away: list[tuple[int, Put, int]] = []
        self.known: set[tuple[str, int]] = set()
        self.ends: list[str] = []

    def put(self, put: Put) -> bool:
        """Take a message in; say whether there was room."""
        old = next(
            (one for one in self.waiting if put.key and (one[1].socket, one[1].key) == (put.socket, put.key)), None
        )
        if len(self.waiting) + len(self.away) - (old is not None) >= MOST:
            return False
        if (put.socket, put.name) not in self.known:
            self.known.add((put.socket, put.name))
            if old is not None:
                self.end(old, "superseded")
            self.number += 1
            self.waiting.append((self.number, put, self.now))
        return True

    def end(self, one: tuple[int, Put, int], how: str) -> None:
        """End a message."""
        for line in (self.waiting, self.away):
            if one in line:
                line.remove(one)
        self.ends.append(f"m{one[1].name} {how}")

    def take(self, socket: str) -> str | None:
        """Take the next message out."""
        line = sorted(
            (one for one in self.waiting if one[1].socket == socket), key=lambda one: (-one[1].priority, one[0])
        )
        if not line:
            return None
        self.waiting.remove(line[0])
        self.away.append(line[0])
        return f"m{line[0][1].name}"

    def again(self, one: tuple[int, Put, int]) -> None:
        """Let a message wait again; of those that wait with its key only the newest does."""
        self.away.remove(one)
        self.waiting.append(one)
        same = sorted((each for each in self.waiting if one[1].key and key_of(each) == key_of(one)), key=lambda e: e[0])
        for older in same[:-1]:
            self.end(older, "superseded")
        self.expire()

    def crash(self) -> None:
        """Let all that the module had wait again, the oldest first."""
        everything = sorted(self.away + self.waiting, key=lambda one: one[0])
        self.away, self.waiting = [], []
        for one in everything:
            older = next((each for each in self.waiting if one[1].key and key_of(each) == key_of(one)), None)
            if older is not None:
                self.end(older, "superseded")
            self.waiting.append(one)
        self.expire()

    def expire(self) -> None:
        """End what waited too long."""
        for one in [one for one in self.waiting if one[1].ttl is not None and self.now - one[2] >= one[1].ttl]:
            self.end(one, "expired")


async def compare(steps: list[object], directory: Path) -> None:
    """Carry out steps on both, and compare after each."""
    desk, model = Desk(directory, OutboxSettings(max_messages=MOST)), Model()
    away: list[Entry] = []
    await desk.outbox.load()
    for step in steps:
        match step:
            case Put(name, socket, priority, key, ttl):
                try:
                    desk.put(f"m{name}", socket=socket, priority=priority, key=key, ttl=ttl and float(ttl))
                    room = True
                except PayloadRefused:
                    room = False
                assert model.put(step) == room
            case Take(socket):
                entry = desk.outbox.queue.first(socket)
                if entry is not None:
                    desk.outbox.queue.start_sending(entry)
                    away.append(entry)
                assert model.take(socket) == (entry.message.id if entry else None)
            case End(how) if away:
                entry, one = away.pop(0), model.away[0]
                if how == "again":
                    desk.outbox.put_back(entry)
                    model.again(one)
                else:
                    desk.outbox.settle((entry,), (receipt(entry.message, how),))
                    model.end(one, how)
            case Wait(seconds):
                desk.machine.pass_by(seconds)
                desk.outbox._expiry.end_due()
                model.now += seconds
                model.expire()
            case Crash():
                await desk.again()
                model.crash()
                away.clear()
        await desk.written()
        assert sorted(desk.waiting()) == sorted(f"m{one[1].name}" for one in (*model.waiting, *model.away))
        assert sorted(desk.pending()) == sorted(model.ends)
    await desk.outbox.close()


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_interleaving(steps: list[object]) -> None:
    """Whatever happens in whatever order, the outbox holds what the model holds and has told the same ends once."""
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(compare(steps, Path(directory)))
