"""One modem's far side: what becomes of each request, in the order that loses nothing."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from aiocoap.numbers import codes
from aiocoap.numbers.codes import Code

from sim7020_bridge.errors import PayloadRefused, StorageFailed
from sim7020_far_end import datagrams, records
from sim7020_far_end.datagrams import Answer, Arrived, Kind, Request
from sim7020_far_end.sealing import Keys, Opened
from sim7020_far_end.settings import ModemSettings
from sim7020_far_end.store import Store
from sim7020_far_end.topics import Topics
from sim7020_far_end.unpacking import messages, packed

log: Final = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that the broker has for a publication before the modem is told to come again."""

COME_AGAIN: Final = 60
"""Seconds after which."""

MOST_UNDER_WAY: Final = 16
"""Requests of one modem that are being answered, and publications that the broker has not acknowledged."""

LONGEST_COMMAND: Final = 400
"""Bytes of a command: with its answer's head and seal it is what the module takes in one datagram."""

_ECHO: Final = 2
"""Bytes: few, for the answer must be short. Of the recordings that have an Echo at all, one in 65,536 passes."""


class Publisher(Protocol):
    """What a modem needs of the broker."""

    @property
    def is_there(self) -> bool:
        """Whether the broker takes publications now."""

    def publish(self, topic: str, payload: bytes) -> "asyncio.Future[PayloadRefused | None]":
        """Publish until the broker has it; the future then has None, or why it never will."""


class Witness(Protocol):
    """Who is told what a modem did."""

    def heard(self, modem: str, known: records.Known) -> None:
        """Learn what is known of a modem now."""

    def event(self, modem: str, kind: str, **more: object) -> None:
        """Learn that something happened."""


@dataclass(slots=True)
class _Publication:
    """One on its way to the broker, and how many requests wait for it."""

    told: "asyncio.Future[PayloadRefused | None]"
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of a request: its answer, and whether its message is published."""

    answer: Answer
    published: bool = False


@dataclass(slots=True)
class FarModem:
    """What is known of a modem while the far end runs.

    Args:
        settings: The modem's.
        topics: The far end's.
        store: Where all is kept that must outlive the far end.
        broker: Who publishes.
        witness: Who is told.
        now: The time, in seconds since 1970.
        spawn: Has something done that nobody waits for.
    """

    settings: ModemSettings
    topics: Topics
    store: Store
    broker: Publisher
    witness: Witness
    now: Callable[[], float]
    spawn: Callable[[Coroutine[Any, Any, None], str], None]
    keys: Keys = field(init=False)
    _key: int = field(init=False, default=0)
    _echo: bytes = field(init=False, default_factory=partial(secrets.token_bytes, _ECHO))
    _under_way: dict[int, bytes] = field(init=False, default_factory=dict)
    _publishing: dict[int, _Publication] = field(init=False, default_factory=dict)
    _own: list[int] = field(init=False, default_factory=list)
    _answered: dict[int, None] = field(init=False, default_factory=dict)
    _used_twice: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.keys = Keys(self.settings.oscore, self._own.pop)

    async def open(self) -> None:
        """Find what is kept of the modem.

        Raises:
            StorageFailed: It can't be read.
        """
        self._key = await self.store.do(lambda database: records.key(database, self.keys.name, self.now()))
        known = await self.store.do(lambda database: records.modem(database, self.settings.name, self.now()))
        self.witness.heard(self.settings.name, known)

    @property
    def is_busy(self) -> bool:
        """Whether so many of its requests are being answered that another has to come again."""
        return len(self._under_way) >= MOST_UNDER_WAY

    async def command(self, payload: bytes) -> None:
        """Keep a command until the modem has it; returns once it is on disk, or refused.

        Raises:
            StorageFailed: It can't be kept.
        """
        name = self.settings.name
        if len(payload) > LONGEST_COMMAND:
            reason = f"it has {len(payload)} bytes, and at most {LONGEST_COMMAND} are taken"
            self.witness.event(name, "command_refused", code="too_large", message=reason)
            return
        number = await self.store.do(lambda database: records.add(database, name, payload))
        if number is None:
            reason = f"{records.MOST_COMMANDS} commands wait already"
            self.witness.event(name, "command_refused", code="full", message=reason)
            return
        self.witness.heard(name, await self.store.do(lambda database: records.known(database, name)))

    async def answer(self, arrived: Arrived, opened: Opened, address: str) -> bytes | None:
        """Return the datagram that a request is answered with; None if it is not.

        Raises:
            StorageFailed: What became of it can't be kept: it is not answered, and comes again.
        """
        if opened.number in self._under_way:
            return None if self._under_way[opened.number] == opened.seal else self._twice(arrived, opened, address)
        self._under_way[opened.number] = opened.seal
        try:
            return await self._answer(arrived, opened, address)
        finally:
            del self._under_way[opened.number]

    async def _answer(self, arrived: Arrived, opened: Opened, address: str) -> bytes | None:
        number, request = opened.number, opened.request
        first = number if request.first is None else min(request.first, number)
        standing = await self.store.do(lambda database: records.standing(database, self._key, number, first))
        if standing.used is not None and standing.used != opened.seal:
            return self._twice(arrived, opened, address)
        if standing.used is not None or standing.old:
            log.debug("%s: number %d came again, or late, from %s", self.settings.name, number, address)
            if standing.old or number in self._answered or arrived.kind is Kind.NON_CONFIRMABLE:
                return None
            return await self._answer_again(arrived, opened, is_done=standing.done)
        if not standing.known:
            if request.echo != self._echo:
                return await self._ask_again(arrived, opened)
            await self.store.do(lambda database: records.begin(database, self._key, number))
        outcome = await self._outcome(request, first, is_done=standing.done)
        settled = records.Settled(
            key=self._key,
            number=number,
            seal=opened.seal,
            first=first if outcome.published else None,
            modem=self.settings.name,
            heard=self.now(),
            address=address,
            has=request.command,
        )
        after = await self.store.do(lambda database: records.settle(database, settled))
        # from here on the number is used: whatever happens, no other answer is sealed under it
        self._note_answered(number)
        if outcome.published:
            self._publishing.pop(first, None)
        if after.delivered:
            self.witness.event(self.settings.name, "command_delivered", number=request.command)
        self.witness.heard(self.settings.name, after.known)
        answer = outcome.answer
        if after.command is not None and answer.code == codes.CHANGED:
            payload = packed(self.settings.path(request.path or ""), after.command.payload)
            answer = Answer(codes.CHANGED, payload, command=after.command.number)
        if arrived.kind is Kind.NON_CONFIRMABLE and answer.command is None:
            return None
        return self._datagram(answer, arrived, opened)

    async def _outcome(self, request: Request, first: int, *, is_done: bool) -> _Outcome:
        refusal = _refusal(request)
        if refusal is not None:
            return _Outcome(Answer(refusal))
        topic = None if request.path is None else self.topics.received(self.settings.name, request.path)
        if topic is None:
            log.warning("%s posts to a path of which no topic can be made", self.settings.name)
            return _Outcome(Answer(codes.NOT_FOUND))
        if is_done:
            return _Outcome(Answer(codes.CHANGED), published=True)
        payloads = messages(self.settings.path(request.path or ""), request.payload)
        return await self._published(first, topic, payloads)

    async def _published(self, first: int, topic: str, payloads: Sequence[bytes]) -> _Outcome:
        """Publish all that a request has, and return what the broker said, or that it said nothing yet."""
        later = _Outcome(Answer(codes.SERVICE_UNAVAILABLE, max_age=COME_AGAIN))
        publication = self._publishing.get(first)
        if publication is None:
            if not self.broker.is_there or not self._has_room():
                return later
            publication = self._publishing[first] = _Publication(
                _all_told([self.broker.publish(topic, payload) for payload in payloads])
            )
            publication.told.add_done_callback(partial(self._was_told, first))
        publication.waiting += 1
        try:
            await asyncio.wait({publication.told}, timeout=PATIENCE)
        finally:
            publication.waiting -= 1
        if not publication.told.done():
            return later
        refused = publication.told.result()
        if refused is None:
            return _Outcome(Answer(codes.CHANGED), published=True)
        self._publishing.pop(first, None)
        log.error("the broker will not take what %s posted: %s", self.settings.name, refused.message)
        too_large = refused.code == "too_large"
        return _Outcome(Answer(codes.REQUEST_ENTITY_TOO_LARGE if too_large else codes.FORBIDDEN))

    def _has_room(self) -> bool:
        """Whether another publication may be under way; one that nobody asked for any more makes room."""
        if len(self._publishing) >= MOST_UNDER_WAY:
            over = [first for first, each in self._publishing.items() if each.told.done() and not each.waiting]
            for first in over:
                del self._publishing[first]
        return len(self._publishing) < MOST_UNDER_WAY

    def _was_told(self, first: int, told: "asyncio.Future[PayloadRefused | None]") -> None:
        """Keep that a message is published of which the modem was told to come again."""
        publication = self._publishing.get(first)
        if publication and not publication.waiting and not told.cancelled() and told.result() is None:
            self.spawn(self._keep(first), "late publication")

    async def _keep(self, first: int) -> None:
        try:
            await self.store.do(lambda database: records.done(database, self._key, first))
        except StorageFailed as error:
            log.error("%s", error)  # it is known for as long as the far end runs
            return
        self._publishing.pop(first, None)

    async def _ask_again(self, arrived: Arrived, opened: Opened) -> bytes | None:
        """Ask for the same request with something in it that nobody can have recorded (RFC 9175 section 2.4).

        This one may be a recording that somebody else sent, and so it is answered with no more than it has.
        """
        self._own.append(await self.store.do(lambda database: records.own_number(database, self._key, self.now())))
        asked = self._datagram(Answer(codes.UNAUTHORIZED, echo=self._echo), arrived, opened, anew=True)
        words = "is asked" if len(asked) <= arrived.size else "has to send a longer one before it can be asked"
        log.info("%s %s to prove that its message is new: nothing is known of its numbers", self.settings.name, words)
        return asked if len(asked) <= arrived.size else None

    async def _answer_again(self, arrived: Arrived, opened: Opened, *, is_done: bool) -> bytes | None:
        """Answer a request that was settled before the far end was started anew: the modem may not have been told.

        Once, under a number of the far end's own, and in no more bytes than it has, for it may be a recording.
        """
        self._note_answered(opened.number)
        self._own.append(await self.store.do(lambda database: records.own_number(database, self._key, self.now())))
        answer = Answer(codes.CHANGED) if is_done else Answer(codes.SERVICE_UNAVAILABLE, max_age=COME_AGAIN)
        said = self._datagram(answer, arrived, opened, anew=True)
        return said if len(said) <= arrived.size else None

    def _note_answered(self, number: int) -> None:
        """Remember that a number was answered since the far end was started."""
        self._answered[number] = None
        if len(self._answered) > records.WINDOW:
            del self._answered[min(self._answered)]

    def _twice(self, arrived: Arrived, opened: Opened, address: str) -> bytes | None:
        if opened.number != self._used_twice:
            self._used_twice = opened.number
            log.error(
                "%s: number %d came a second time, with something else in it, from %s: two bridges use one key, or one "
                "was set back to an old state; make a new key for each",
                *(self.settings.name, opened.number, address),
            )
            self.witness.event(self.settings.name, "key_used_twice", number=opened.number, address=address)
        return datagrams.unsealed(arrived, codes.UNAUTHORIZED) if arrived.kind is Kind.CONFIRMABLE else None

    def _datagram(self, answer: Answer, arrived: Arrived, opened: Opened, *, anew: bool = False) -> bytes:
        return datagrams.datagram_of(self.keys.seal(answer, opened, anew=anew), arrived, secrets.randbits(16))


def _all_told(parts: "Sequence[asyncio.Future[PayloadRefused | None]]") -> "asyncio.Future[PayloadRefused | None]":
    """Return what is done once all are: with None, or with why one of them never will be published."""
    told: asyncio.Future[PayloadRefused | None] = asyncio.get_running_loop().create_future()

    def look(_: object = None) -> None:
        if all(part.done() for part in parts) and not told.done():
            told.set_result(next((part.result() for part in parts if part.result() is not None), None))

    for part in parts:
        part.add_done_callback(look)
    look()
    return told


def _refusal(request: Request) -> Code | None:
    """Return the code of why a request can't be taken; None if it can."""
    if not request.understood:
        return codes.BAD_OPTION
    if not request.is_post:
        return codes.METHOD_NOT_ALLOWED
    if request.is_block:
        return codes.REQUEST_ENTITY_TOO_LARGE
    return None
