"""The request verbs: what a user can ask of a modem over MQTT."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Final, Protocol

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.commands.network import PingReply
from sim7020_bridge.commands.packet import ActivateContext, DeactivateContext, SetDefaultApn
from sim7020_bridge.commands.quoting import require_quotable
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.config import values
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.errors import (
    BridgeError,
    CommandRefused,
    LineError,
    MalformedAnswer,
    ModuleSilent,
    PayloadRefused,
    RequestRefused,
)
from sim7020_bridge.modem.bring_up import change_apn, cycle_radio
from sim7020_bridge.modem.modem import Modem
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import read_all, read_pdn
from sim7020_bridge.modem.state import DEFAULT_CID, Layer, ModemState, PdnWanted
from sim7020_bridge.mqtt.documents import PdnState, ResponseDocument
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.payloads import decode_data
from sim7020_bridge.mqtt.response_topics import ResponseTopics
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import LONGEST_ID, Message, Priority, new_id
from sim7020_bridge.requests.body import RequestBody, parse_request

log: Final = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 16
"""Requests of one modem that may be under way; more are refused with ``busy``."""

LONGEST_TTL: Final = 366 * 24 * 3600
"""Seconds."""

LONGEST_TIMER: Final = 35_712_000
"""Seconds; the longest T3412."""

LINK_WAIT: Final = 90.0
"""Seconds that a request waits for the PDN context to come up before it answers with what there is."""

Data = Mapping[str, object]
PRIORITIES: Final = tuple(priority.name.lower() for priority in Priority)


class Submit(Protocol):
    """How a message is taken in; see Intake.submit."""

    def __call__(
        self,
        message: Message,
        received: Received,
        *,
        taken: Callable[[bool], None],
        refused: Callable[[PayloadRefused], None],
    ) -> None:
        """Take a message in."""


class Requests:
    """Carries out requests, each in a task of its own, and answers every one of them.

    Args:
        modem: Whom to ask.
        topics: The modem's.
        response_topics: Which are answered.
        submit: Takes a message in; see Intake.submit.
        acknowledge: Tells the broker that a request is done with.
        pdn: The contract's ``pdn`` as it is now.
        publish: Hands a publication to the broker; must not block.
        more: Verbs that are carried out elsewhere.
        clock: To tell a stale request.
    """

    def __init__(
        self,
        modem: Modem,
        *,
        topics: Topics,
        response_topics: ResponseTopics,
        submit: Submit,
        acknowledge: Callable[[Received], None],
        pdn: Callable[[ModemState], PdnState],
        publish: Callable[[Publication], None],
        more: Mapping[str, Callable[[RequestBody], Awaitable[Data]]],
        clock: Clock = wall_clock,
    ) -> None:
        self._modem = modem
        self._topics = topics
        self._response_topics = response_topics
        self._submit = submit
        self._acknowledge = acknowledge
        self._pdn = pdn
        self._publish = publish
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()
        self._verbs: dict[str, Callable[[RequestBody], Awaitable[Data]]] = {
            "refresh": self._refresh,
            "ping": self._ping,
            "resolve": self._resolve,
            "activate": self._activate,
            "deactivate": self._deactivate,
            "set_apn": self._set_apn,
            "reattach": self._reattach,
            "reset": self._reset,
            "sleep": self._sleep,
            "wake": self._wake,
            **more,
        }
        if modem.settings.allow_at:
            self._verbs["at"] = self._at

    @property
    def verbs(self) -> tuple[str, ...]:
        """The requests that this bridge takes."""
        return ("send", *self._verbs)

    def take(self, verb: str, received: Received) -> None:
        """Start on a request; whatever is wrong with it goes into the response."""
        body = RequestBody()
        try:
            body = parse_request(received.payload)
            self._check(received, body)
            if verb == "send":
                self._send(received, body)
                return
            carry_out = self._admitted(verb)
        except (RequestRefused, PayloadRefused) as refused:
            self._refuse(verb, received, body, refused)
            return
        task = asyncio.create_task(self._answer(verb, received, body, carry_out), name=f"request: {verb}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        self._acknowledge(received)

    def _check(self, received: Received, body: RequestBody) -> None:
        if received.retain:
            raise RequestRefused("retained", "retained requests are refused: publish it without the retain flag")
        body.check_fresh(self._clock())

    def _admitted(self, verb: str) -> Callable[[RequestBody], Awaitable[Data]]:
        if verb not in self._verbs:
            raise RequestRefused("unknown_verb", f"there is no request {verb}")
        if len(self._under_way) >= MOST_AT_ONCE:
            raise RequestRefused("busy", f"{MOST_AT_ONCE} requests are under way already")
        return self._verbs[verb]

    def _refuse(
        self, verb: str, received: Received, body: RequestBody, refused: RequestRefused | PayloadRefused
    ) -> None:
        log.warning("%s: refused: %s", received.topic, refused)
        self._respond(verb, received, ResponseDocument.refused(refused.code, refused.message, body.transaction))
        self._acknowledge(received)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _answer(
        self,
        verb: str,
        received: Received,
        body: RequestBody,
        carry_out: Callable[[RequestBody], Awaitable[Data]],
    ) -> None:
        try:
            response = ResponseDocument.ok(await carry_out(body), body.transaction)
        except BridgeError as error:
            code, message = _explained(error)
            log.warning("%s: %s", received.topic, message)
            response = ResponseDocument.refused(code, message, body.transaction)
        self._respond(verb, received, response)

    def _respond(self, verb: str, received: Received, response: ResponseDocument) -> None:
        payload = dump(response)
        self._publish(Publication(topic=self._topics.response(verb), payload=payload))
        topic = self._response_topics.of(received)
        if topic is not None:
            self._publish(Publication(topic=topic, payload=payload, correlation_data=received.correlation_data))

    def _send(self, received: Received, body: RequestBody) -> None:
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

        def taken(_is_new: bool) -> None:  # noqa: FBT001 - what a callback is given
            data = {"id": message.id, "socket": message.socket, "state": "queued"}
            self._respond("send", received, ResponseDocument.ok(data, body.transaction))
            self._acknowledge(received)

        def refused(error: PayloadRefused) -> None:
            self._refuse("send", received, body, error)

        self._submit(message, received, taken=taken, refused=refused)

    async def _refresh(self, _body: RequestBody) -> Data:
        await read_all(self._modem.module)
        return {}

    async def _ping(self, body: RequestBody) -> Data:
        host = _quotable(body, "host")
        count = body.integer("count", minimum=1, maximum=100, default=4)
        replies = await self._modem.module.ping(host, count)
        return {
            "host": host,
            "address": replies[0].address if replies else None,
            "sent": count,
            "received": sum(not reply.lost for reply in replies),
            "replies": [_reply(reply) for reply in replies],
        }

    async def _resolve(self, body: RequestBody) -> Data:
        name = _quotable(body, "name")
        with suppress(ValueError):
            # the module refuses to look up what is an address already
            return {"name": name, "addresses": [str(IPv4Address(name))]}
        resolution = await self._modem.module.resolve(name)
        if not resolution.addresses:
            raise RequestRefused("resolve_failed", f"cannot resolve {name}: {resolution.words}")
        return {"name": name, "addresses": list(resolution.addresses)}

    async def _activate(self, _body: RequestBody) -> Data:
        module = self._modem.module
        await module.execute(ActivateContext(DEFAULT_CID))
        module.facts.learn(PdnWanted(wanted=True))
        await read_pdn(module)
        return {"pdn": self._pdn(module.facts.state)}

    async def _deactivate(self, _body: RequestBody) -> Data:
        module = self._modem.module
        module.facts.learn(PdnWanted(wanted=False))
        try:
            await module.execute(DeactivateContext(DEFAULT_CID))
        except BridgeError:
            # whoever asked is told that it failed, so it must not come true later
            module.facts.learn(PdnWanted(wanted=True))
            raise
        await read_pdn(module)
        return {"pdn": self._pdn(module.facts.state)}

    async def _set_apn(self, body: RequestBody) -> Data:
        module = self._modem.module
        username, password = body.optional_text("username") or "", body.optional_text("password") or ""
        try:
            apn = SetDefaultApn(values.apn(body.text("apn")), username, password)
        except ValueError as error:
            raise RequestRefused("invalid_request", str(error)) from error
        warning = self._count_attach()
        await change_apn(module, apn)
        await _until_online(module)
        return {"apn": apn.apn, "pdn": self._pdn(module.facts.state), **warning}

    async def _reattach(self, _body: RequestBody) -> Data:
        module = self._modem.module
        warning = self._count_attach()
        await cycle_radio(module)
        await _until_online(module)
        return {"pdn": self._pdn(module.facts.state), **warning}

    async def _reset(self, _body: RequestBody) -> Data:
        await self._modem.reset()
        return self._count_attach()

    def _count_attach(self) -> Data:
        """Count an attachment that a user asks for; return what goes into the response where they are too many."""
        over = self._modem.count_attach()
        return {} if over is None else {"warning": over}

    async def _sleep(self, body: RequestBody) -> Data:
        saving = PowerSavingSettings(
            active_time=body.seconds("active_time", maximum=LONGEST_TIMER),
            periodic_update=body.seconds("periodic_update", maximum=LONGEST_TIMER),
            edrx_cycle=body.seconds("edrx_cycle", maximum=LONGEST_TIMER),
            paging_window=body.seconds("paging_window", maximum=LONGEST_TIMER),
            light_sleep=body.flag("light_sleep", default=False),
            release_assistance=body.flag("release_assistance", default=False),
            retain_sockets=body.flag("retain_sockets", default=False),
        )
        try:
            await self._modem.save_power(None if saving == PowerSavingSettings() else saving)
        except ValueError as error:
            raise RequestRefused("invalid_request", str(error)) from error
        return {}

    async def _wake(self, _body: RequestBody) -> Data:
        if not await self._modem.wake():
            raise RequestRefused("cannot_wake", "the module does not sleep, or no power hook with wakes is configured")
        return {}

    async def _at(self, body: RequestBody) -> Data:
        text = body.text("command")
        try:
            command = RawCommand(text)
        except ValueError as error:
            raise RequestRefused("invalid_request", f"command: {error}") from error
        if not _allowed(text, self._modem.settings.allow_at):
            raise RequestRefused("not_allowed", "the configuration's allow_at does not have this command")
        log.warning("AT command on request: %s", command.shown())
        return {"command": text, "lines": list(await self._modem.module.execute(command))}


def _allowed(text: str, patterns: Sequence[str]) -> bool:
    """Whether a command line is in the allow-list; joined commands never are."""
    line = text.upper()
    return ";" not in line and any(_matches(line, pattern.upper()) for pattern in patterns)


def _matches(line: str, pattern: str) -> bool:
    if not pattern.endswith("*"):
        return line == pattern
    start = pattern[:-1]
    if not line.startswith(start):
        return False
    # what follows a basic command is joined to it without a mark (V.250 section 5.2.1), unless it is its number
    rest = line.removeprefix(start)
    return start == "AT" or line[2:3] in {"+", "*"} or rest == "" or rest.isdigit()


async def _until_online(module: Module) -> None:
    try:
        async with asyncio.timeout(LINK_WAIT):
            await module.facts.until(lambda state: state.link.layer is Layer.ONLINE)
    except TimeoutError:
        log.warning("not online again within %g s", LINK_WAIT)


def _reply(reply: PingReply) -> Data:
    if reply.lost:
        return {"sequence": reply.sequence, "address": None, "time": None, "ttl": None}
    return {"sequence": reply.sequence, "address": reply.address, "time": reply.time_ms, "ttl": reply.ttl}


def _short(body: RequestBody, key: str) -> str | None:
    text = body.optional_text(key)
    if text is not None and not 0 < len(text) <= LONGEST_ID:
        raise RequestRefused("invalid_request", f"{key} must have 1 to {LONGEST_ID} characters")
    return text


def _quotable(body: RequestBody, key: str) -> str:
    text = body.text(key)
    try:
        require_quotable(text, key)
    except ValueError as error:
        raise RequestRefused("invalid_request", f"{key} must be a host name or an address") from error
    return text


def _explained(error: BridgeError) -> tuple[str, str]:
    """Return an error's code and words for a response."""
    match error:
        case RequestRefused(code=code, message=message) | PayloadRefused(code=code, message=message):
            return code, message
        case CommandRefused():
            return "module_refused", f"the module refused: {error}"
        case ModuleSilent():
            return "module_silent", f"the module did not answer: {error}"
        case LineError():
            return "modem_offline", f"the modem went away: {error}"
        case MalformedAnswer():
            return "module_unclear", f"the module's answer can't be read: {error}"
        case _:
            return "failed", str(error)
