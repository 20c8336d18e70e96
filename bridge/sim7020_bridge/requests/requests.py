"""Requests, over MQTT or from the page: each is checked, carried out by its verb, and answered."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from contextvars import Context
from functools import partial
from typing import Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.errors import (
    BridgeError,
    CommandRefused,
    LineError,
    MalformedAnswer,
    ModuleSilent,
    PayloadRefused,
    RequestRefused,
)
from sim7020_bridge.logs import current_modem
from sim7020_bridge.mqtt.documents import ErrorDocument
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.payloads import decode_data
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import LONGEST_ID, Message, Priority, new_id
from sim7020_bridge.requests.body import Data, RequestBody, Verb, parse_request

log: Final = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 16
"""Requests of one modem that may be under way; more are refused with ``busy``."""

LONGEST_TTL: Final = 366 * 24 * 3600
"""Seconds."""

PRIORITIES: Final = tuple(priority.name.lower() for priority in Priority)

Submit = Callable[[Message, Received, Callable[[PayloadRefused | None, bool], None]], None]
"""Takes a message in; see Intake.submit."""

Answer = Callable[[bytes], None]
"""Takes the response of a request; called once."""


class Requests:
    """Carries out requests, each in a task of its own that works for the modem, and answers every one of them.

    Args:
        acknowledge: Tells the broker that a request is done with.
        publish: Hands a publication to the broker; must not block.
        verbs: How each verb but ``send`` is carried out.
    """

    def __init__(
        self,
        *,
        topics: Topics,
        response_topics: ResponseTopics,
        submit: Submit,
        acknowledge: Callable[[Received], None],
        publish: Callable[[Publication], None],
        verbs: Mapping[str, Verb],
        clock: Clock = wall_clock,
    ) -> None:
        self._topics = topics
        self._response_topics = response_topics
        self._submit = submit
        self._acknowledge = acknowledge
        self._publish = publish
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self._unanswered: set[asyncio.Future[bytes]] = set()
        self._verbs: Final = verbs
        self._context: Final = Context()
        self._context.run(current_modem.set, topics.modem)

    @property
    def verbs(self) -> tuple[str, ...]:
        """The requests that this bridge takes."""
        return ("send", *self._verbs)

    def take(self, verb: str, received: Received) -> None:
        """Start on a request; whatever is wrong with it goes into the response."""
        self._begin(verb, received, partial(self._publish_response, verb, received))

    async def ask(self, verb: str, payload: bytes) -> bytes:
        """Carry out a request that came by another way than MQTT, and return the response that it has there.

        What was begun is carried out, though nobody waits for it any more. Cancelled when the bridge ends first.
        """
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._unanswered.add(answered)

        def answer(response: bytes) -> None:
            if not answered.done():
                answered.set_result(response)

        self._begin(verb, Received(topic=self._topics.request(verb), payload=payload, qos=0), answer)
        try:
            return await answered
        finally:
            self._unanswered.discard(answered)

    def _begin(self, verb: str, received: Received, answer: Answer) -> None:
        # whoever asks: what it has the modem do is told as the modem's, and so is all that this begins
        self._context.copy().run(self._begin_here, verb, received, answer)

    def _begin_here(self, verb: str, received: Received, answer: Answer) -> None:
        body = RequestBody()
        try:
            with nullcontext() if verb in self.verbs else suppress(PayloadRefused, RequestRefused):
                body = parse_request(received.payload)
            self._check(received, body)
            if verb == "send":
                self._send(received, body, answer)
                return
            carry_out = self._admitted(verb)
        except (RequestRefused, PayloadRefused) as refused:
            self._refuse(received, body, refused, answer)
            return
        task = asyncio.create_task(self._answer(received, body, carry_out, answer), name=f"request: {verb}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        self._acknowledge(received)

    def _check(self, received: Received, body: RequestBody) -> None:
        if received.retain:
            raise RequestRefused("retained", "retained requests are refused: publish it without the retain flag")
        self._response_topics.check(received)
        body.check_fresh(self._clock())

    def _admitted(self, verb: str) -> Verb:
        if verb not in self._verbs:
            raise RequestRefused("unknown_verb", f"there is no request {verb[:LONGEST_ID]}")
        if len(self._under_way) >= MOST_AT_ONCE:
            raise RequestRefused("busy", f"{MOST_AT_ONCE} requests are under way already")
        return self._verbs[verb]

    def _refuse(
        self, received: Received, body: RequestBody, refused: RequestRefused | PayloadRefused, answer: Answer
    ) -> None:
        log.warning("%s: refused: %s", received.topic, refused)
        answer(_response(body, error=ErrorDocument(refused.code, refused.message)))
        self._acknowledge(received)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for unanswered in self._unanswered:
            unanswered.cancel()

    async def _answer(self, received: Received, body: RequestBody, carry_out: Verb, answer: Answer) -> None:
        data = error = None
        try:
            data = await carry_out(body)
        except BridgeError as failure:
            error = _explained(failure)
            log.warning("%s: %s", received.topic, error.message)
        answer(_response(body, data=data, error=error))

    def _publish_response(self, verb: str, received: Received, payload: bytes) -> None:
        self._publish(Publication(topic=self._topics.response(verb), payload=payload))
        topic = self._response_topics.of(received)
        if topic is not None:
            answered = Publication(
                topic=topic, payload=payload, correlation_data=received.correlation_data, answer=True
            )
            self._publish(answered)

    def _send(self, received: Received, body: RequestBody, answer: Answer) -> None:
        """Take a message in; the response says that it is on disk, so it comes when it is."""
        message = Message(
            id=_short(body, "id") or new_id(),
            socket=body.text("socket"),
            data=decode_data(body.fields),
            at=self._clock(),
            priority=Priority[body.choice("priority", PRIORITIES, default="normal").upper()],
            ttl=body.seconds("ttl", maximum=LONGEST_TTL, zero=False),
            key=_short(body, "key"),
        )
        if not message.data:
            raise PayloadRefused("empty", "the message is empty, and the module can't send nothing")

        def done(refused: PayloadRefused | None, repeated: bool) -> None:  # noqa: FBT001 - what Submit calls
            if refused is not None:
                self._refuse(received, body, refused, answer)
                return
            data: Data = {"id": message.id, "socket": message.socket, "state": "queued"}
            if repeated:
                data = {**data, "repeated": True}
            answer(_response(body, data=data))
            self._acknowledge(received)

        self._submit(message, received, done)


def _response(body: RequestBody, *, data: Data | None = None, error: ErrorDocument | None = None) -> bytes:
    status = "ok" if error is None else "error"
    return dump({"status": status, "data": data, "error": error, "transaction": body.transaction})


def _short(body: RequestBody, key: str) -> str | None:
    text = body.optional_text(key)
    if text is not None and not 0 < len(text) <= LONGEST_ID:
        raise RequestRefused("invalid_request", f"{key} must have 1 to {LONGEST_ID} characters")
    return text


def _explained(error: BridgeError) -> ErrorDocument:
    match error:
        case RequestRefused(code=code, message=message) | PayloadRefused(code=code, message=message):
            return ErrorDocument(code, message)
        case CommandRefused():
            return ErrorDocument("module_refused", f"the module refused: {error}")
        case ModuleSilent():
            return ErrorDocument("module_silent", f"the module did not answer: {error}")
        case LineError():
            return ErrorDocument("modem_offline", f"the modem went away: {error}")
        case MalformedAnswer():
            return ErrorDocument("module_unclear", f"the module's answer can't be read: {error}")
        case _:
            return ErrorDocument("failed", str(error))
