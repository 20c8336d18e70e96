"""The outbox's messages to their sockets, and what comes from the network to MQTT."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.coap.ends import Declined, NoNumber, NotNow
from sim7020_bridge.config.model import SocketSettings, Transport, WhenUnsure
from sim7020_bridge.delivery.batch import batch, fits, payload_on_air
from sim7020_bridge.delivery.endpoints import Endpoints
from sim7020_bridge.delivery.news import compares, is_news, said
from sim7020_bridge.delivery.pace import Pace, remembered
from sim7020_bridge.delivery.receipts import Receipts, ReceiptState
from sim7020_bridge.errors import BridgeError, CommandRefused, LineError, ModuleSilent, PayloadRefused, StorageFailed
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.connection import CAREFUL_PAYLOAD, SentInPart
from sim7020_bridge.modem.socket import ModemSocket, Phase
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.mqtt.packing import unpacked
from sim7020_bridge.mqtt.payloads import encode_payload
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import Entry, Loss, Message, PendingKind, PendingPublication, Place, Priority, Stage
from sim7020_bridge.outbox.outbox import Outbox

log: Final = logging.getLogger(__name__)

ATTEMPTS: Final = 3
"""How often a message is given to a module that refuses it, each time on a socket opened afresh."""

TIMES_LOST: Final = 10
"""How often a message may be under way when its TCP connection breaks, other than with the module or its context."""

HELD_BACK_CHECK: Final = 60.0
"""Seconds until messages that the data budget holds back are looked at again: a new period may have begun."""

SHORTEST_WAIT: Final = 0.001
"""Seconds for which nothing is looked at again: in less than that, by rounding, no time may have passed at all."""

STORAGE_WAIT: Final = 5.0
"""Seconds before a message that must not go unless written down is tried again."""

MAY_BE_TOO_LARGE: Final = (
    "socket %s: the module refused a datagram of %d bytes; if its firmware takes no more than %d, set max_payload"
)


class Router:
    """Carries messages between one modem's sockets and MQTT.

    Args:
        publish_interim: Publishes a receipt that is not final, when there is time to write it.
        lowest: Tells which priority a message must have to go now.
        folder: Where it is kept what keys were used for.
    """

    def __init__(
        self,
        sockets: Sockets,
        *,
        outbox: Outbox,
        receipts: Receipts,
        topics: Topics,
        publish_interim: Callable[[Callable[[], tuple[PendingPublication, ...]]], None],
        lowest: Callable[[], Priority],
        folder: Path,
        clock: Clock = wall_clock,
    ) -> None:
        self._sockets = sockets
        self._outbox = outbox
        self._receipts = receipts
        self._topics = topics
        self._publish_interim = publish_interim
        self._lowest = lowest
        self._changed = asyncio.Event()
        self._closing = False
        self._serving: dict[ModemSocket, asyncio.Task[None]] = {}
        self._sending: set[ModemSocket] = set()
        self._endpoints = Endpoints(outbox, folder, free=self.recheck)
        self._resocketed = asyncio.Event()
        self._paces: dict[str, Pace] = {}
        self._clock = clock
        self.taken = 0
        """How often the module took what it was given."""

    async def run(self) -> None:
        """Carry what waits to its sockets until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._resocketed.clear()
                self._follow(tasks)
                await self._resocketed.wait()

    async def change(self) -> None:
        """Serve the sockets that there are now; what waits fails as it does when the bridge is started with these."""
        self._resocketed.set()
        # what was under way over them waits again once whoever follows it was told
        if under_way := self._endpoints.keep_only(self._sockets):
            await asyncio.wait(under_way)
        with contextlib.suppress(StorageFailed):
            await self._outbox.wait_written()
        self._lose_unsendable(self._outbox)

    def _follow(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to serve sockets that are new, and end to serve those that are gone, each after its last message."""
        current = set(self._sockets)
        for socket in self._serving.keys() - current:
            task = self._serving.pop(socket)
            if socket not in self._sending:
                task.cancel()
        for socket in self._sockets:
            if socket not in self._serving:
                self._endpoints.open(socket, tasks)
                serving = self._serve(socket, tasks)
                self._serving[socket] = tasks.create_task(serving, name=f"router: {socket.settings.name}")

    def _lose_unsendable(self, entries: Iterable[Entry]) -> None:
        """End those messages that wait and that the sockets there are now can't send."""
        settings = [socket.settings for socket in self._sockets]
        for entry in entries:
            if entry.place is Place.WAITING and (loss := resumed(settings, entry)) is not None:
                self._outbox.lose(entry, loss)

    async def finish(self, within: float) -> None:
        """Begin nothing more, and give what is with the module so many seconds to come to its end."""
        self._closing = True
        self.recheck()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while any(entry.place is Place.SENDING for entry in self._outbox):
                    self._changed.clear()
                    await self._changed.wait()

    def recheck(self) -> None:
        """Look again whether messages may go: something has changed."""
        self._changed.set()

    def deliver(self, socket: ModemSocket, data: bytes) -> None:
        """Publish what came from the network, once it is on disk."""
        if socket.settings.coap is None:
            self._outbox.keep(self._received(socket, data))
        else:
            self._endpoints.received(socket, data, partial(self._received, socket))

    def _received(self, socket: ModemSocket, data: bytes) -> Sequence[PendingPublication]:
        settings = socket.settings
        peer = f"{socket.state.address or settings.host}:{settings.port}"
        payload = encode_payload(settings.encoding, unpacked(settings, data), self._clock(), peer)
        topics = dict.fromkeys((self._topics.received(settings.name), settings.received_topic))
        return [PendingPublication(PendingKind.RECEIVED, topic, payload) for topic in topics if topic is not None]

    async def _serve(self, socket: ModemSocket, tasks: asyncio.TaskGroup) -> None:
        """Send what waits for a socket, where that does no harm with the next message ready behind each."""
        name = socket.settings.name
        before: asyncio.Task[bool] | None = None
        while not self._closing and self._sockets.get(name) is socket:
            if self._outbox.queue.first(name) is None and (before is None or before.done()):
                socket.refusals.unasked(name)
            await self._outbox.queue.wait(name)
            await self._outbox.wait_settled()
            pause = self._pause(socket)
            if pause > 0:
                await self._held_back(pause)
                continue
            await socket.wait_open()
            entries, data = self._start_next(socket)
            if entries:
                self._note_sent(socket.settings)
                self._sending.add(socket)
                try:
                    sending = tasks.create_task(self._send(socket, entries, data), name=f"send to {name}")
                    gone_well = before is None or await before
                    before = sending
                    if not gone_well or not _ahead(socket):
                        await sending
                finally:
                    self._sending.discard(socket)

    async def until_any_may_go(self) -> None:
        """Return once a message waits that neither the pace nor the data budget holds back."""
        while True:
            await self._outbox.queue.until_any()
            waiting = [socket for socket in self._sockets if self._outbox.queue.first(socket.settings.name)]
            pause = min(map(self._pause, waiting), default=HELD_BACK_CHECK)
            if pause <= 0:
                return
            await self._held_back(pause)

    def _pace(self, settings: SocketSettings) -> Pace:
        """Return a socket's pace; what earlier runs sent counts, and so the outbox must have been read."""
        name = settings.name
        if name not in self._paces:
            now = asyncio.get_running_loop().time()
            self._paces[name] = Pace([now - age for age in self._outbox.send_ages(name)])
        return self._paces[name]

    def _note_sent(self, settings: SocketSettings) -> None:
        self._pace(settings).sent(settings, asyncio.get_running_loop().time())
        if remembered(settings):
            self._outbox.note_sent(settings.name, remembered=remembered(settings))

    def _pause(self, socket: ModemSocket) -> float:
        """Return the seconds until the next message of a socket may go, so far as can be known."""
        settings = socket.settings
        first, held = self._first(settings)
        if first is None:
            return HELD_BACK_CHECK
        pause = max(held, self._pace(settings).wait(settings, asyncio.get_running_loop().time()))
        pause = max(pause, self._endpoints.pause(socket))
        if settings.batch is None or first.message.priority >= Priority.HIGH:
            return pause
        return max(pause, settings.batch_wait - self._outbox.age(first))

    def _first(self, settings: SocketSettings) -> tuple[Entry | None, float]:
        """Return the message that is next for a socket, and the seconds for which its key holds it back.

        One that says nothing new ends here.
        """
        if settings.every is None and not settings.change:
            return self._outbox.queue.first(settings.name, self._lowest()), 0.0
        next_one, least = None, 0.0
        for entry in self._outbox.queue.line(settings.name, self._lowest()):
            last, held = None, 0.0
            if compares(settings, entry.message):
                last = self._outbox.last_sent(entry.message)
                held = 0.0 if last is None else (settings.every or 0.0) - last[0]
                if self._outbox.queue.is_away(entry.message):
                    held = HELD_BACK_CHECK
            if held > 0:
                next_one, least = (entry, held) if next_one is None or held < least else (next_one, least)
            elif last is None or is_news(settings.change, last[1], said(settings.change, entry.message.data)):
                return entry, 0.0
            else:
                self._outbox.lose(entry, Loss.UNCHANGED)
        return next_one, least

    def _more_follows(self) -> bool:
        """Whether a message waits that may go at once, over any socket."""
        return any(socket.state.phase is Phase.OPEN and self._pause(socket) <= 0 for socket in self._sockets)

    async def _held_back(self, seconds: float) -> None:
        """Wait for a change, or so long: nothing that waits may go now."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(SHORTEST_WAIT, seconds)):
                await self._changed.wait()

    def _start_next(self, socket: ModemSocket) -> tuple[tuple[Entry, ...], bytes]:
        """Take what goes next, and pack it: one message, or as many as fit a datagram where they are batched."""
        settings, form = socket.settings, socket.settings.batch
        taken: list[Entry] = []
        payloads: list[bytes] = []
        data, before = b"", None
        if self._closing:
            return (), b""
        while not taken or data != before:  # what a CoAP server may have goes again as it was, to be known again
            entry, held = self._first(settings)
            if entry is None or held > 0:
                break
            try:
                payload = payload_on_air(settings, entry.message.data)
            except PayloadRefused as refused:
                self._outbox.lose(entry, Loss(refused.code))
                continue
            if taken and (form is None or not fits(form, [*payloads, payload], settings.room)):
                break
            if taken and entry.mark != taken[0].mark:  # whoever knows what was sealed has all of it, and nothing else
                break
            if not taken:
                before = self._endpoints.before(socket, entry)
            self._outbox.queue.start_sending(entry)
            taken.append(entry)
            payloads.append(payload)
            data = payload if form is None else batch(form, payloads)
        return tuple(taken), data

    async def _send(self, socket: ModemSocket, entries: tuple[Entry, ...], data: bytes) -> bool:
        """Give messages to the module; say whether it took them."""
        cautious = socket.settings.when_unsure is WhenUnsure.FAIL
        if not await self._write_down(socket, entries, cautious=cautious):
            return False
        for entry in entries:
            entry.attempts += 1
            self._publish_interim_of(entry, ReceiptState.SENDING)
        try:
            acknowledged = await self._give(socket, data, entries)
        except (SocketLost, LineError, NoNumber) as error:
            log.log(_level(entries[0]), "message %s was interrupted: %s", entries[0].message.id, error)
            self._again(entries, unsure=cautious and isinstance(error, LineError))
        except SentInPart as error:
            log.info("message %s was interrupted: %s", entries[0].message.id, error)
            if isinstance(error.__cause__, SocketLost):
                self._again(entries, unsure=cautious)
            else:
                self._refused(entries, error, unsure=cautious)
        except (CommandRefused, ModuleSilent) as error:
            datagram = socket.settings.transport is Transport.UDP
            if isinstance(error, CommandRefused) and datagram and len(data) > CAREFUL_PAYLOAD:
                log.warning(MAY_BE_TOO_LARGE, socket.settings.name, len(data), CAREFUL_PAYLOAD)
            self._refused(entries, error, unsure=cautious and isinstance(error, ModuleSilent))
        else:
            self._taken(socket, entries, acknowledged)
            return True
        return False

    def _taken(self, socket: ModemSocket, entries: tuple[Entry, ...], acknowledged: "asyncio.Future[None]") -> None:
        """Settle what the module took, now or once its peer acknowledges it."""
        self.taken += 1
        coap = socket.settings.coap
        if socket.acknowledges or (coap is not None and coap.confirmable):
            for entry in entries:
                self._accepted(socket, entry, acknowledged)
        else:
            receipts = [each for entry in entries for each in self._done(entry)]
            self._outbox.settle(entries, receipts, _said(socket.settings, entries))

    async def _give(self, socket: ModemSocket, data: bytes, entries: tuple[Entry, ...]) -> "asyncio.Future[None]":
        more = self._more_follows()
        if socket.settings.coap is None:
            return await socket.send(data, more=more)
        return await self._endpoints.send(socket, data, entries, more=more)

    def _publish_interim_of(self, entry: Entry, state: ReceiptState) -> None:
        self._publish_interim(partial(self._receipts.of, entry.message, state, attempts=entry.attempts, final=False))

    def _refused(self, entries: tuple[Entry, ...], error: BridgeError, *, unsure: bool) -> None:
        again = []
        for entry in entries:
            entry.refusals += 1
            if entry.refusals >= ATTEMPTS:
                self._failed(entry, "module_refused", error)
            else:
                again.append(entry)
        self._again(again, unsure=unsure)

    def _done(self, entry: Entry) -> tuple[PendingPublication, ...]:
        """Return the final receipt of a message that UDP is done with."""
        return self._receipts.of(entry.message, ReceiptState.ACCEPTED, attempts=entry.attempts)

    async def _write_down(self, socket: ModemSocket, entries: tuple[Entry, ...], *, cautious: bool) -> bool:
        """Write that messages are about to go, so that they won't go again after a crash, or are known if they do."""
        try:
            await self._endpoints.mark(socket, entries)
            for written in [self._outbox.progress(entry, Stage.SENDING) for entry in entries if cautious]:
                await written
        except NoNumber as error:
            log.warning("socket %s: %s", socket.settings.name, error)
            self._again(entries, unsure=False)
            return False
        except StorageFailed as error:
            log.warning("message %s waits: %s", entries[0].message.id, error)
            self._again(entries, unsure=False)
            await asyncio.sleep(STORAGE_WAIT)
            return False
        return True

    def _accepted(self, socket: ModemSocket, entry: Entry, acknowledged: "asyncio.Future[None]") -> None:
        self._publish_interim_of(entry, ReceiptState.ACCEPTED)

        def ended(done: "asyncio.Future[None]") -> None:
            error = None if done.cancelled() else done.exception()
            if entry.place is not Place.SENDING:
                return
            cautious = socket.settings.when_unsure is WhenUnsure.FAIL
            match error:
                case None:
                    state = ReceiptState.ACKNOWLEDGED
                    receipts = self._receipts.of(entry.message, state, attempts=entry.attempts)
                    self._outbox.settle((entry,), receipts, _said(socket.settings, (entry,)))
                case SocketLost():
                    self._lost(entry, error, "socket_lost", counts=error.broke, unsure=cautious)
                case NotNow():
                    log.log(_level(entry), "message %s waits: %s", entry.message.id, error)
                    self._lost(entry, error, "peer_failed", counts=error.counts, unsure=cautious and not error.said)
                case Declined():
                    self._failed(entry, "peer_refused", error)

        acknowledged.add_done_callback(ended)

    def _lost(self, entry: Entry, error: BridgeError, code: str, *, counts: bool, unsure: bool) -> None:
        """Let a message that was under way go again, unless it was lost too often."""
        entry.losses += counts
        if entry.losses >= TIMES_LOST:
            self._failed(entry, code, error)
        else:
            self._again((entry,), unsure=unsure)

    def _again(self, entries: Sequence[Entry], *, unsure: bool) -> None:
        """Let messages that did not go wait again, unless they may have gone and must not go twice."""
        for entry in entries:
            if unsure:
                self._outbox.lose(entry, Loss.UNSURE)
            else:
                self._outbox.put_back(entry)
        # their socket may have gone meanwhile
        self._lose_unsendable(entries)
        self.recheck()

    def _failed(self, entry: Entry, code: str, error: BridgeError) -> None:
        log.warning("message %s failed: %s", entry.message.id, error)
        self._outbox.settle((entry,), self._receipts.failed(entry, ErrorDocument(code, str(error))))


def _level(entry: Entry) -> int:
    """Return how loud to be about a message that has to go again."""
    return logging.INFO if entry.attempts <= ATTEMPTS else logging.DEBUG


def _said(settings: SocketSettings, entries: Sequence[Entry]) -> list[tuple[Message, str]]:
    """Return those of the messages that others are compared with, and what they said."""
    if settings.every is None and not settings.change:
        return []
    return [(entry.message, said(settings.change, entry.message.data)) for entry in entries if entry.message.key]


def _ahead(socket: ModemSocket) -> bool:
    """Whether the next message may be given to the channel while one is on the line.

    Not where that could break a promise: the pace, the fullest batch, nothing begun that is not written down.
    """
    settings = socket.settings
    paced = settings.min_interval > 0 or settings.messages_per_hour is not None
    paced = paced or settings.every is not None or bool(settings.change)
    plain = settings.batch is None and settings.coap is None
    return socket.takes_ahead and plain and not paced and settings.when_unsure is WhenUnsure.RESEND


def resumed(sockets: Sequence[SocketSettings], entry: Entry) -> Loss | None:
    """Say why a message of before the bridge was started or reloaded can't be sent any more; None if it can."""
    settings = next((socket for socket in sockets if socket.name == entry.message.socket), None)
    if settings is None:
        return Loss.NO_SOCKET
    try:
        payload_on_air(settings, entry.message.data)
    except PayloadRefused as refused:
        return Loss(refused.code)
    unsure = entry.stage is Stage.SENDING and settings.when_unsure is WhenUnsure.FAIL
    return Loss.UNSURE if unsure else None
