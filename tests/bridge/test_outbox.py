"""The outbox against a simple model of it."""

import asyncio
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim7020_bridge.errors import PayloadRefused
from sim7020_bridge.outbox.message import Message, Priority, new_id
from sim7020_bridge.outbox.outbox import Outbox
from tests.bridge.modem.bench import now, virtual_clock
from tests.bridge.scripted_module import on_virtual_time
from tests.virtual_time import run

MOST_MESSAGES, MOST_BYTES = 6, 40


@dataclass(frozen=True, slots=True)
class Put:
    """Put a message in."""

    socket: str
    size: int
    priority: Priority
    ttl: int | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Take:
    """Take the next one out."""

    socket: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Let seconds pass."""

    seconds: int


SOCKETS = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(
        st.builds(
            Put,
            SOCKETS,
            st.integers(1, 20),
            st.sampled_from(Priority),
            st.none() | st.integers(0, 9),
            st.none() | st.sampled_from(["k", "l"]),
        ),
        st.builds(Take, SOCKETS),
        st.builds(Pass, st.integers(1, 5)),
    ),
    max_size=60,
)


@dataclass(slots=True)
class Model:
    """A list in the order of arrival."""

    waiting: list[tuple[float, Message]] = field(default_factory=list)
    expired: list[str] = field(default_factory=list)

    def expire(self, time: float) -> None:
        """Drop what has lived long enough, in the order in which it does."""
        over = [(at + one.ttl, one) for at, one in self.waiting if one.ttl is not None and at + one.ttl < time]
        for _, message in sorted(over, key=lambda entry: entry[0]):
            self.expired.append(message.id)
        gone = {message.id for _, message in over}
        self.waiting = [entry for entry in self.waiting if entry[1].id not in gone]

    def put(self, time: float, message: Message) -> str | None:
        """Put a message in and return the id of the one it replaces, or raise."""
        same = [
            one for _, one in self.waiting if message.key and (one.socket, one.key) == (message.socket, message.key)
        ]
        rest = [entry for entry in self.waiting if entry[1] not in same]
        if len(rest) >= MOST_MESSAGES or sum(len(one.data) for _, one in rest) + len(message.data) > MOST_BYTES:
            raise PayloadRefused("outbox_full", "")
        self.waiting = [*rest, (time, message)]
        return same[0].id if same else None

    def take(self, socket: str) -> str | None:
        """Take the next message out and return its id."""
        candidates = [entry for entry in self.waiting if entry[1].socket == socket]
        if not candidates:
            return None
        best = max(candidates, key=lambda entry: entry[1].priority)
        self.waiting.remove(best)
        return best[1].id


async def play(step: Put | Take | Pass, name: str, *, outbox: Outbox, model: Model) -> None:
    """Do the same to both, and see the same come of it."""
    match step:
        case Put(socket, size, priority, ttl, key):
            message = Message(
                id=name, socket=socket, data=bytes(size), at=virtual_clock(), priority=priority, ttl=ttl, key=key
            )
            try:
                wanted = model.put(now(), message)
            except PayloadRefused:
                with pytest.raises(PayloadRefused, match="no more are taken"):
                    outbox.put(message)
            else:
                superseded = outbox.put(message)
                assert (superseded.id if superseded else None) == wanted
        case Take(socket):
            taken = outbox.take(socket)
            assert (taken.id if taken else None) == model.take(socket)
        case Pass(seconds):
            await asyncio.sleep(seconds)
            model.expire(now())


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_like_a_list(steps: list[Put | Take | Pass]) -> None:
    """Order, keys, expiry and limits are those of a plain list of messages, whatever happens in which order."""

    async def main() -> None:
        expired: list[str] = []
        changes: list[None] = []
        outbox = Outbox(on_expired=lambda message: expired.append(message.id), on_change=lambda: changes.append(None))
        model = Model()
        for number, step in enumerate(steps):
            # no two steps in one moment, where the order of expiry would be nobody's business
            await asyncio.sleep(0.001)
            model.expire(now())
            await play(step, str(number), outbox=outbox, model=model)
            assert expired == model.expired
            assert outbox.messages == len(model.waiting)
            assert outbox.bytes == sum(len(one.data) for _, one in model.waiting)
            for socket in ("a", "b"):
                filled = any(one.socket == socket for _, one in model.waiting)
                assert outbox._event(socket).is_set() == filled
            oldest = outbox.oldest
            assert oldest == (pytest.approx(now() - model.waiting[0][0]) if model.waiting else None)
        for socket in ("a", "b"):
            while outbox.take(socket) is not None:
                pass
        assert (outbox.messages, outbox.bytes, outbox._keys) == (0, 0, {})

    with (
        patch("sim7020_bridge.outbox.outbox.MOST_MESSAGES", MOST_MESSAGES),
        patch("sim7020_bridge.outbox.outbox.MOST_BYTES", MOST_BYTES),
    ):
        run(main(), grace=0)


@on_virtual_time
async def test_waiting_for_a_message() -> None:
    """Whoever waits for one socket is not woken by another's message."""
    outbox = Outbox(on_expired=lambda _: None, on_change=lambda: None)
    waiting = asyncio.create_task(outbox.wait("a"))
    outbox.put(Message(id=new_id(), socket="b", data=b"x", at=virtual_clock()))
    await asyncio.sleep(1)
    assert not waiting.done()
    outbox.put(Message(id=new_id(), socket="a", data=b"x", at=virtual_clock()))
    await waiting


@on_virtual_time
async def test_taken_message_does_not_expire() -> None:
    """A message that has been taken out is no longer the outbox's to expire."""
    expired: list[Message] = []
    outbox = Outbox(on_expired=expired.append, on_change=lambda: None)
    outbox.put(Message(id="m1", socket="a", data=b"x", at=virtual_clock(), ttl=5))
    assert outbox.take("a") is not None
    await asyncio.sleep(10)
    assert expired == []


def test_payload_is_not_in_the_log() -> None:
    """A message can be logged without showing what it carries."""

    async def main() -> None:
        assert "secret" not in repr(Message(id="m1", socket="a", data=b"secret", at=virtual_clock()))

    run(main(), grace=0)
