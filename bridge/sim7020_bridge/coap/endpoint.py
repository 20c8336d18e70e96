"""One socket's exchanges with its CoAP server (RFC 7252 section 4): what is posted, repeated, answered."""

import asyncio
import logging
import random
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.coap import messages
from sim7020_bridge.coap.ends import Declined, NoNumber, NotNow
from sim7020_bridge.coap.exchange import Exchange
from sim7020_bridge.coap.messages import TOO_MANY_REQUESTS, UNAUTHORIZED, UNAVAILABLE, Datagram, Kind, Of
from sim7020_bridge.coap.pause import Pause
from sim7020_bridge.coap.requests import Arrived, Requests
from sim7020_bridge.coap.timeout import Timeout
from sim7020_bridge.config.model import CoapSettings
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.socket import ModemSocket

log: Final = logging.getLogger(__name__)

REPEATS: Final = 4
"""How often a datagram is repeated at most (MAX_RETRANSMIT)."""

SLOWER: Final = 1.5
"""By how much each time-out is longer than the one before: it starts high enough that doubling it would only wait."""

RANDOM: Final = 1.25
"""By how much the first may be longer, so that modems do not repeat together (ACK_RANDOM_FACTOR)."""

GIVEN_UP: Final = 2
"""Messages in a row that a server has left unanswered, after which each goes once, until it answers again."""

LIFETIME: Final = 247.0
"""Seconds for which a server knows a message by its id (EXCHANGE_LIFETIME)."""

ANSWER_WITHIN: Final = 120.0
"""Seconds that a server which has acknowledged a request has to answer it."""

BUSY: Final = 60.0
"""Seconds after which it is looked again whether an exchange is over; its end is told at once."""

MOST_OWED: Final = 8
"""Acknowledgements and resets that wait; what more of them is wanted for comes again."""

REMEMBERED: Final = 64
"""Answers, and requests that nobody waits for, that are recognised."""


class Endpoint:
    """Posts the messages of a socket one after the other, as RFC 7252 has it (NSTART 1).

    Args:
        socket: Which must be one with ``coap`` in its settings.
        folder: Where it is kept which numbers a key was used with, if the socket seals.
        heard: The last command that was taken; 0 if none was.
        free: Called whenever the next message may go.
    """

    def __init__(self, socket: ModemSocket, *, folder: Path, heard: int = 0, free: Callable[[], None]) -> None:
        self._socket = socket
        self._free = free
        self._loop = asyncio.get_running_loop()
        self._timeout = Timeout()
        self._silent = 0
        """Messages in a row that the server left unanswered."""
        self._pause = Pause()
        self._requests = Requests(socket.settings.name, lambda: self._resource, folder, heard)
        self._exchange: Exchange | None = None
        self._unanswered: OrderedDict[str, Exchange] = OrderedDict()
        """Those that ended without an answer, by message: they go on as they are, or their answer comes late."""
        self._posted: OrderedDict[bytes, Exchange] = OrderedDict()
        """What was posted and not to be confirmed, by its token."""
        self._to_prove: deque[Exchange] = deque()
        """Those of them that have to go once more, for the server to see that they are new."""
        self._answered: deque[tuple[bytes, int]] = deque(maxlen=REMEMBERED)
        """Token and message id of each answer that came as a message of its own."""
        self._owed: deque[tuple[Kind, int]] = deque(maxlen=MOST_OWED)
        self._wake = asyncio.Event()
        self._closed = False

    @property
    def confirms(self) -> bool:
        """Whether the server has to say that it has a message."""
        return self._resource.confirmable

    @property
    def _resource(self) -> CoapSettings:
        return self._socket.settings.coap or CoapSettings()

    def pause(self) -> float:
        """Return the seconds until the next message may go, so far as can be known."""
        if self._exchange is not None:
            return BUSY
        return self._pause.left

    def before(self, message: str) -> bytes | None:
        """Return what a message was in when the server may have got it, for as long as it knows that again."""
        exchange = self._unanswered.get(message)
        return None if exchange is None or self._is_forgotten(exchange) else exchange.payload

    async def mark(self, known: str | None) -> str | None:
        """Return what must be on disk with a message before it is sent; None if nothing must.

        Args:
            known: What was returned of it before, if it was.

        Raises:
            NoNumber: The key can't be used now, and no message goes for a while.
        """
        try:
            return await self._requests.mark(known)
        except NoNumber:
            self._pause.begin()
            raise

    def took(self, command: int) -> None:
        """Note that a command is on disk: the far end need not keep it any longer."""
        self._requests.took(command)

    async def send(self, data: bytes, *, message: str, more: bool, mark: str | None = None) -> "asyncio.Future[None]":
        """Post a payload and return once the module took it.

        The future that is returned is done once the server has the message, or at once where that is not asked for.
        It fails with Declined, with NotNow, or with SocketLost if the module could not go on with it.

        Args:
            data: The payload.
            message: What it is known by when it comes again.
            more: Whether another message follows at once, over whichever socket.
            mark: What ``mark`` returned of it.

        Raises:
            NoNumber: The key can't be used now.
            What ModemSocket.send raises; the server may then have it, if the module may have taken it.
        """
        try:
            exchange = self._exchange = self._begin(data, message, mark)
        except NoNumber:
            self._pause.begin()
            raise
        if exchange.answer is not None:
            self._settle(exchange, exchange.answer)
            return exchange.done
        try:
            await self._give(exchange, more=more)
        except BridgeError:
            if exchange.done.done() and not self._closed:
                return exchange.done  # the server knows better than the module
            self._lapse(exchange)
            raise
        if not self.confirms:
            self._note_posted(exchange)
            self._finish(exchange)
        return exchange.done

    def received(self, data: bytes) -> Arrived | None:
        """Take what came, and return what an answer brings, once; anything else is let go of."""
        came = datagram = messages.read(data)
        if came is None or datagram is None:
            log.debug("socket %s: %d bytes came that are no CoAP message", self._socket.settings.name, len(data))
            return None
        if (came.token, came.id) not in self._answered:
            datagram = self._requests.believed(data, came, self._answered_by(came.token))
        if datagram is None:
            self._doubt(came)
            return None
        if datagram.kind in {Kind.ACKNOWLEDGEMENT, Kind.RESET}:
            exchange = next((each for each in self._open() if each.request.id == datagram.id), None)
            return None if exchange is None else self._replied(exchange, datagram)
        return self._came(datagram)

    def _doubt(self, datagram: Datagram) -> None:
        """Note what came that the peer has not sealed: so answers who has another key, and anybody else may."""
        exchange = self._exchange
        if exchange is None or datagram.id != exchange.request.id:
            log.debug("socket %s: something came that the peer has not sealed", self._socket.settings.name)
            return
        what = "a reset" if datagram.kind is Kind.RESET else datagram.words
        level = logging.DEBUG if exchange.unsealed else logging.INFO
        log.log(
            level, "socket %s: not believed, for it is not sealed with this key: %s", self._socket.settings.name, what
        )
        exchange.unsealed = what

    async def run(self) -> None:
        """Repeat what is not acknowledged, and acknowledge what came, until closed."""
        while not self._closed:
            self._wake.clear()
            while self._owed:
                await self._repay(*self._owed.popleft())
            while self._to_prove:
                await self._post_again(self._to_prove.popleft())
            exchange = self._exchange
            due = None if exchange is None else exchange.due
            if exchange is not None and due is not None and due <= self._loop.time():
                await self._overdue(exchange)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - self._loop.time()):
                    await self._wake.wait()

    def close(self) -> "asyncio.Future[None] | None":
        """End what is under way, and return its end; None if nothing is. The socket is gone."""
        self._closed = True
        self._requests.close()
        self._wake.set()
        if self._exchange is None:
            return None
        ended = self._exchange.done
        self._finish(self._exchange, SocketLost("the socket is no longer in the configuration"))
        return ended

    def _begin(self, data: bytes, message: str, mark: str | None) -> Exchange:
        now = self._loop.time()
        for name in [name for name, old in self._unanswered.items() if self._is_forgotten(old)]:
            del self._unanswered[name]
        timeout = self._timeout.seconds(self._level) * random.uniform(1.0, RANDOM)  # noqa: S311 - spreads load
        before = self._unanswered.pop(message, None)
        if before is not None and before.payload == data:
            before.done = self._loop.create_future()
            before.timeout, before.acknowledged = timeout, False
            return before
        request = self._requests.write(data, mark, free=self._is_free, echo=None)
        exchange = Exchange(message, data, mark, request, timeout, now)
        if mark is not None:
            exchange.opening = self._socket.opening
        return exchange

    def _is_free(self, token: bytes) -> bool:
        return token not in self._posted and all(token != each.request.token for each in self._open())

    def _answered_by(self, token: bytes) -> Any:  # noqa: ANN401 - aiocoap's own
        requests = {each.request.token: each.request.answered_by for each in self._open()}
        posted = self._posted.get(token)
        return requests.get(token) or (None if posted is None else posted.request.answered_by)

    def _is_forgotten(self, exchange: Exchange) -> bool:
        """Whether the server may take the same datagram for another message by now, or for another's."""
        return self._loop.time() - exchange.began >= LIFETIME or self._has_moved(exchange)

    def _has_moved(self, exchange: Exchange) -> bool:
        """Whether a sealed datagram would come from another address, where it looks like one that somebody recorded."""
        return exchange.mark is not None and exchange.opening is not self._socket.opening

    @property
    def _level(self) -> int | None:
        reading = self._socket.store.state.cell
        return None if reading is None or reading.serving is None else reading.serving.ecl

    def _open(self) -> list[Exchange]:
        """Return the exchanges that an answer may be for."""
        return [*([] if self._exchange is None else [self._exchange]), *self._unanswered.values()]

    async def _give(self, exchange: Exchange, *, more: bool = False) -> None:
        exchange.due = None
        exchange.sent += 1
        await self._socket.send(exchange.request.datagram, more=more, answered=self.confirms)
        now = self._loop.time()
        if exchange.first is None:
            exchange.first = now
        if not exchange.acknowledged:
            exchange.due = now + exchange.timeout
            self._wake.set()

    async def _overdue(self, exchange: Exchange) -> None:
        """Repeat a datagram, or give it up for now; one that is new goes."""
        now = self._loop.time()
        if self._has_moved(exchange):
            self._lapse(exchange, SocketLost("the socket was opened anew"))
            return
        if exchange.sent == 0:
            await self._give_again(exchange)
            return
        exchange.timeout *= SLOWER
        most = REPEATS if self._silent < GIVEN_UP else 0
        sent_enough = exchange.sent > most or now + exchange.timeout >= exchange.began + LIFETIME
        if exchange.acknowledged or sent_enough:
            words = "has acknowledged the message, and not answered it" if exchange.acknowledged else "does not answer"
            words += f"; what came is not sealed with this key: {exchange.unsealed}" if exchange.unsealed else ""
            self._silent += 1
            self._pause.begin()
            self._lapse(exchange, NotNow(f"the server {words}", said=False))
            return
        log.debug("socket %s: message %s is repeated", self._socket.settings.name, exchange.message)
        await self._give_again(exchange)

    async def _give_again(self, exchange: Exchange) -> None:
        try:
            await self._give(exchange)
        except BridgeError as error:
            if exchange is self._exchange:
                self._lapse(exchange, SocketLost(str(error)))

    async def _repay(self, kind: Kind, number: int) -> None:
        # what is not acknowledged comes again
        with suppress(BridgeError):
            await self._socket.send(messages.empty(kind, number), more=self._exchange is not None)

    async def _post_again(self, exchange: Exchange) -> None:
        self._note_posted(exchange)
        with suppress(BridgeError):  # what need not be confirmed may be lost
            await self._socket.send(exchange.request.datagram, more=self._exchange is not None)

    def _replied(self, exchange: Exchange, datagram: Datagram) -> Arrived | None:
        """Take an acknowledgement or a reset."""
        if datagram.kind is Kind.RESET:
            self._silent = 0
            self._measure(exchange)
            self._pause.begin()
            self._finish(exchange, NotNow("the server does not know what to do with it", said=True, counts=True))
            return None
        if not datagram.empty:
            return self._answer(exchange, datagram) if datagram.token == exchange.request.token else None
        if not exchange.acknowledged:
            self._measure(exchange)
            exchange.acknowledged = True
            exchange.due = self._loop.time() + ANSWER_WITHIN
            self._wake.set()
        return None

    def _came(self, datagram: Datagram) -> Arrived | None:
        """Take a message of the server's own, which may be an answer."""
        known = (datagram.token, datagram.id)
        payload, wanted = None, known in self._answered
        if datagram.of in _ANSWERS and not wanted:
            exchange = next((each for each in self._open() if each.request.token == datagram.token), None)
            if exchange is not None:
                wanted, payload = True, self._answer(exchange, datagram)
            elif datagram.token in self._posted:
                wanted, payload = True, self._answer_posted(self._posted.pop(datagram.token), datagram)
        if wanted and known not in self._answered:
            self._answered.append(known)
        if datagram.kind is Kind.CONFIRMABLE:
            self._owed.append((Kind.ACKNOWLEDGEMENT if wanted else Kind.RESET, datagram.id))
            self._wake.set()
        return payload

    def _answer(self, exchange: Exchange, datagram: Datagram) -> Arrived | None:
        """Take the answer to a message, whether it still waits for it or not."""
        if datagram.of not in _ANSWERS:
            return None
        if exchange.answer is not None:
            return None
        if not exchange.acknowledged and datagram.kind is Kind.ACKNOWLEDGEMENT:
            self._measure(exchange)
        if datagram.code == UNAUTHORIZED and datagram.echo is not None and not exchange.proved:
            self._prove(exchange, datagram.echo)
            return None
        self._requests.answered(exchange.request, datagram)
        exchange.answer = datagram
        self._silent = 0
        if exchange is self._exchange:
            self._settle(exchange, datagram)
        else:
            # the message waits to go again: it goes at once, and finds that it need not
            self._pause.end()
            self._free()
        return self._requests.brings(datagram)

    def _note_posted(self, exchange: Exchange) -> None:
        self._posted[exchange.request.token] = exchange
        while len(self._posted) > REMEMBERED:
            self._posted.popitem(last=False)

    def _answer_posted(self, exchange: Exchange, datagram: Datagram) -> Arrived | None:
        """Take the answer to a message that need not be confirmed, and prove that it is new if that is asked for."""
        if datagram.code == UNAUTHORIZED and datagram.echo is not None and not exchange.proved:
            self._prove(exchange, datagram.echo)
            self._to_prove.append(exchange)
            self._wake.set()
        return self._requests.brings(datagram)

    def _prove(self, exchange: Exchange, echo: bytes) -> None:
        """Send a message as the server wants it, to see that it is fresh (RFC 9175 section 2.3)."""
        exchange.proved = True
        try:
            exchange.request = self._requests.write(exchange.payload, exchange.mark, free=self._is_free, echo=echo)
        except BridgeError as error:
            log.warning("socket %s: %s", self._socket.settings.name, error)
            return
        exchange.acknowledged, exchange.sent, exchange.first = False, 0, None
        exchange.began = self._loop.time()
        if exchange is self._exchange:
            exchange.due = exchange.began
            self._wake.set()

    def _settle(self, exchange: Exchange, answer: Datagram) -> None:
        """End an exchange as its answer has it."""
        if answer.of is Of.SUCCESS:
            self._pause.forget()
            self._pause.end()
            self._finish(exchange)
        elif answer.of is Of.CLIENT_ERROR and answer.code != TOO_MANY_REQUESTS and answer.echo is None:
            self._pause.forget()
            self._finish(exchange, Declined(f"the server says {answer.words}"))
        else:
            self._pause.begin(answer.max_age if answer.code in {UNAVAILABLE, TOO_MANY_REQUESTS} else None)
            counts = answer.code not in {UNAVAILABLE, TOO_MANY_REQUESTS}
            self._finish(exchange, NotNow(f"the server says {answer.words}", said=True, counts=counts))

    def _measure(self, exchange: Exchange) -> None:
        if exchange.first is None:
            return
        seconds = self._loop.time() - exchange.first
        if exchange.sent == 1:
            self._timeout.measured(seconds)
        else:
            self._timeout.exceeded(seconds)

    def _lapse(self, exchange: Exchange, error: BridgeError | None = None) -> None:
        """End an exchange of which nobody knows what became; if its message goes again, it goes on."""
        self._unanswered[exchange.message] = exchange
        while len(self._unanswered) > REMEMBERED:
            self._unanswered.popitem(last=False)
        exchange.due = None
        self._finish(exchange, error, keep=True)

    def _finish(self, exchange: Exchange, error: BridgeError | None = None, *, keep: bool = False) -> None:
        if not keep:
            self._unanswered.pop(exchange.message, None)
        if self._exchange is exchange:
            self._exchange = None
        if not exchange.done.done():
            if error is None:
                exchange.done.set_result(None)
            else:
                exchange.done.set_exception(error)
                exchange.done.exception()  # it counts as seen, also where nobody waits any more
        self._free()


_ANSWERS: Final = frozenset({Of.SUCCESS, Of.CLIENT_ERROR, Of.SERVER_ERROR})
