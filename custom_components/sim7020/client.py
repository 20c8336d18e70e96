"""One modem's topics on Home Assistant's MQTT connection. No other module touches the ``mqtt`` integration.

What the others use:

- ``client.linked`` and ``client.online``: is there a broker, and does the bridge hear it.
- ``await client.async_request(verb, body)``: the answer's ``data``, or a BridgeError.
- ``await client.async_send(message)``: the same for ``send``; with ``receipt_within`` it waits for the final receipt.
- ``client.async_on_receipt(callback)`` passes on every receipt, whoever sent the message.
- ``await async_first(hass, topic)``: a topic's retained payload, for the configuration flow.
- ``await async_retain(hass, topic, payload)`` retains what is no command, so that it may also come later.

A request is published with QoS 0 and only while broker and bridge are there, and it expires: Home Assistant's MQTT
client keeps what it could not deliver and tells the caller that it failed, and a ghost must not go out over a paid link
later.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import uuid4

import probatio
from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .documents import Receipt
from .errors import (
    BridgeOffline,
    BrokerUnreachable,
    Interrupted,
    NoReceipt,
    NoResponse,
    NotSent,
    NotUnicode,
    Repeated,
    RequestRefused,
    TooLarge,
)
from .reading import Keys, Reader, UnreadableDocument
from .topics import Kind, Subject, Topics

_LOGGER: Final = logging.getLogger(__package__)

ALIVE: Final = (ConfigEntryState.LOADED, ConfigEntryState.SETUP_IN_PROGRESS)
"""States of Home Assistant's own MQTT entry in which its client lives, or will."""

QOS: Final = 1
"""The bridge publishes everything with it."""

SUBSCRIBED_WITHIN: Final = 10.0
"""Seconds until the broker has acknowledged the subscriptions."""

FIRST_WITHIN: Final = 5.0
"""Seconds until a retained message has come."""

EXPIRES_AFTER: Final = timedelta(seconds=30)
"""A bridge that reads a request later than this refuses it; leaves room for clocks that differ a little."""

RESPONSE_WITHIN: Final = 30.0
"""Seconds until a request is answered that has the bridge ask the module something."""

LONGEST_REQUEST: Final = 64 * 1024
"""Bytes of a request that a bridge reads; of a longer one it can't even tell who asked."""

PATIENCE: Final = {
    "activate": 120.0,
    "deactivate": 60.0,
    "ping": 120.0,
    "reattach": 120.0,
    "resolve": 90.0,
    "set_apn": 120.0,
    "sleep": 60.0,
    "wake": 60.0,
}
"""Seconds for the requests that take their time on the air."""

_HOST: Final = re.compile(r"[!#-\[\]-~]{1,255}")

SENT: Final = {"accepted", "acknowledged"}
"""States of a final receipt that say that the module took the message."""


class Client:
    """Listens to a modem's topics and asks its bridge.

    Args:
        hass: Home Assistant.
        topics: The modem's topics.
        heard: Takes what was published on topics other than responses, receipts and availability.
        changed: Called when ``linked`` or ``online`` has changed.

    ``told`` is set once the broker has told whether the bridge is online.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        topics: Topics,
        *,
        heard: Callable[[Subject, str, bytes], None],
        changed: CALLBACK_TYPE,
    ) -> None:
        self.topics = topics
        self.linked = False
        self.online = False
        self.told = asyncio.Event()
        self._hass = hass
        self._heard = heard
        self._changed = changed
        self._reader = Reader()
        self._responses: dict[str, asyncio.Future[JsonObjectType]] = {}
        self._receipts: dict[asyncio.Future[Receipt], tuple[str, str]] = {}
        self._receipt_listeners: list[Callable[[Receipt], None]] = []
        self._unsubscribe: list[CALLBACK_TYPE] = []

    async def async_open(self) -> None:
        """Subscribe. What needs the broker is done as soon as Home Assistant is connected to it.

        Raises:
            BrokerUnreachable: There is no MQTT integration, or it could not be set up.
        """
        entries = self._hass.config_entries.async_entries(mqtt.DOMAIN)
        if not await mqtt.async_wait_for_mqtt_client(self._hass) and not any(entry.state in ALIVE for entry in entries):
            raise BrokerUnreachable  # its client would never come to life: the next set-up makes another
        try:
            self._unsubscribe.append(mqtt.async_subscribe_connection_status(self._hass, self._link_changed))
            for topic in self.topics.filters:
                self._unsubscribe.append(
                    await mqtt.async_subscribe(self._hass, topic, self._message_received, QOS, encoding=None)
                )
        except HomeAssistantError as error:
            self.close()
            raise BrokerUnreachable from error
        self.linked = mqtt.is_connected(self._hass)

    async def async_subscribed(self) -> None:
        """Return once the broker has acknowledged the subscriptions.

        Raises:
            BrokerUnreachable: It has not in time. The client stays open.
        """
        subscribed = asyncio.Event()
        unlisten = mqtt.async_on_subscribe_done(self._hass, self.topics.responses, QOS, subscribed.set)
        try:
            async with asyncio.timeout(SUBSCRIBED_WITHIN):
                await subscribed.wait()
        except TimeoutError as error:
            raise BrokerUnreachable from error
        finally:
            unlisten()
        self.linked = mqtt.is_connected(self._hass)

    @callback
    def close(self) -> None:
        """Unsubscribe. Whoever still waits for an answer is told that none will be heard."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        waiting: list[asyncio.Future[JsonObjectType] | asyncio.Future[Receipt]] = [
            *self._responses.values(),
            *self._receipts,
        ]
        for future in waiting:
            if not future.done():
                future.set_exception(Interrupted())
                future.exception()  # a receipt may have nobody who waits for it yet
        self.linked = self.online = False

    @callback
    def async_on_receipt(self, listener: Callable[[Receipt], None]) -> CALLBACK_TYPE:
        """Call back with what became of messages; the return value ends it."""
        self._receipt_listeners.append(listener)
        return lambda: self._receipt_listeners.remove(listener)

    async def async_call(self) -> None:
        """Have the bridge publish again what it retains: the broker gives none of it to filters with wildcards.

        Raises:
            BrokerUnreachable: Home Assistant is not connected to the broker.
        """
        await self._async_publish(self.topics.announce, "")

    def check_online(self) -> None:
        """Raise what keeps the bridge from being asked.

        Raises:
            BrokerUnreachable: Home Assistant is not connected to the broker.
            BridgeOffline: The bridge is not.
        """
        if not self.linked:
            raise BrokerUnreachable
        if not self.online:
            raise BridgeOffline

    async def async_request(
        self, verb: str, body: JsonObjectType | None = None, *, within: float | None = None
    ) -> JsonObjectType:
        """Ask the bridge for something and return the ``data`` of its answer.

        Args:
            verb: One of the contract's requests.
            body: What it takes. ``transaction`` and ``expires`` are added.
            within: Seconds to wait for the answer; by default what the verb may need.

        Raises:
            BrokerUnreachable, BridgeOffline, TooLarge, NotUnicode: Nothing was published, and nothing will be.
            NoResponse: No answer came in time.
            Interrupted: The modem was unloaded before one came.
            RequestRefused: The answer is an error.
        """
        self.check_online()
        seconds = PATIENCE.get(verb, RESPONSE_WITHIN) if within is None else within
        transaction = uuid4().hex
        expires = (dt_util.utcnow() + EXPIRES_AFTER).isoformat()
        try:
            payload = json_dumps({**(body or {}), "transaction": transaction, "expires": expires})
        except TypeError as error:  # orjson's, for what has no UTF-8
            raise NotUnicode from error
        if (size := len(payload.encode())) > LONGEST_REQUEST:
            raise TooLarge(size, LONGEST_REQUEST)
        response = self._responses[transaction] = self._hass.loop.create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._async_publish(self.topics.request(verb), payload)
                answer = Keys(await response)
        except TimeoutError as error:
            raise NoResponse(verb, seconds) from error
        finally:
            del self._responses[transaction]
        if answer.text("status") != "ok":
            error_keys = answer.keys("error")
            raise RequestRefused(error_keys.text("code") or "unknown", error_keys.text("message") or "")
        return answer.object("data")

    async def async_send(self, message: JsonObjectType, *, receipt_within: float | None = None) -> Receipt:
        """Send a message through a socket, and return what became of it.

        Args:
            message: The body of ``request/send``. Without an ``id`` it gets one.
            receipt_within: Seconds to wait for the final receipt. None: do not wait, the receipt says ``queued``.

        Raises:
            BrokerUnreachable, BridgeOffline, TooLarge, NotUnicode, NoResponse, Interrupted, RequestRefused: As for
                async_request().
            Repeated: A message with this id was taken before, so that no receipt will come.
            NotSent: The final receipt says that it was not sent.
            NoReceipt: None came in time.
        """
        socket, message_id = str(message["socket"]), str(message.get("id") or uuid4().hex)
        final: asyncio.Future[Receipt] = self._hass.loop.create_future()
        self._receipts[final] = (socket, message_id)
        try:
            queued = Keys(await self.async_request("send", {**message, "id": message_id}))
            repeated = queued.flag("repeated") is True
            if receipt_within is None:
                state = queued.text("state")
                return Receipt(id=message_id, socket=socket, state=state, final=False, repeated=repeated)
            if repeated:
                raise Repeated(message_id)
            async with asyncio.timeout(receipt_within):
                receipt = await final
        except TimeoutError as error:
            raise NoReceipt(message_id, receipt_within or 0) from error
        finally:
            del self._receipts[final]
        if receipt.state not in SENT:
            raise NotSent(receipt)
        return receipt

    async def _async_publish(self, topic: str, payload: str) -> None:
        try:
            await mqtt.async_publish(self._hass, topic, payload, qos=0, retain=False)
        except HomeAssistantError as error:
            raise BrokerUnreachable from error

    @callback
    def _link_changed(self, linked: bool) -> None:  # noqa: FBT001
        if linked != self.linked:
            self.linked = linked
            self.online = self.online and linked  # the broker tells it again
            self._changed()

    @callback
    def _message_received(self, message: mqtt.ReceiveMessage) -> None:
        if not self._unsubscribe:
            return  # closed: a reload of the MQTT integration keeps subscriptions that can't be ended any more
        subject = self.topics.subject(message.topic)
        payload = message.payload.encode() if isinstance(message.payload, str) else bytes(message.payload)
        try:
            if subject is not None:
                self._take(subject, message.topic, payload)
        except UnreadableDocument as error:
            _LOGGER.warning("Ignoring a message that is no JSON object: %s", error)

    def _take(self, subject: Subject, topic: str, payload: bytes) -> None:
        match subject.kind:
            case Kind.AVAILABILITY:
                self.told.set()
                online = payload == b"online"
                if online != self.online:
                    self.online = online
                    self._changed()
            case Kind.RESPONSE:
                self._answered(self._reader.read(topic, payload, lambda keys: keys.rest()))
            case Kind.RECEIPT:
                self._receipted(self._reader.read(topic, payload, Receipt.of))
            case _:
                self._heard(subject, topic, payload)

    def _answered(self, answer: JsonObjectType) -> None:
        future = self._responses.get(str(answer.get("transaction")))
        if future is not None and not future.done():
            future.set_result(answer)

    def _receipted(self, receipt: Receipt) -> None:
        for future, message in self._receipts.items():
            if receipt.final and message == (receipt.socket, receipt.id) and not future.done():
                future.set_result(receipt)
        for listener in tuple(self._receipt_listeners):
            listener(receipt)


async def async_first(hass: HomeAssistant, topic: str, *, within: float | None = None) -> bytes | None:
    """Return the first payload on a topic, which is the retained one if there is any, or None if none comes in time.

    Args:
        hass: Home Assistant.
        topic: The topic, without wildcards.
        within: Seconds to wait; by default what a retained message may take.

    Raises:
        BrokerUnreachable: There is no MQTT integration, or it is not connected.
    """
    if not await mqtt.async_wait_for_mqtt_client(hass) or not mqtt.is_connected(hass):
        raise BrokerUnreachable
    first: asyncio.Future[bytes] = hass.loop.create_future()

    @callback
    def received(message: mqtt.ReceiveMessage) -> None:
        if not first.done():
            first.set_result(message.payload.encode() if isinstance(message.payload, str) else bytes(message.payload))

    try:
        unsubscribe = await mqtt.async_subscribe(hass, topic, received, QOS, encoding=None)
    except HomeAssistantError as error:
        raise BrokerUnreachable from error
    try:
        async with asyncio.timeout(FIRST_WITHIN if within is None else within):
            return await first
    except TimeoutError:
        return None
    finally:
        unsubscribe()


async def async_retain(hass: HomeAssistant, topic: str, payload: str) -> None:
    """Publish a retained message; an empty one empties the topic.

    While the broker is away Home Assistant's MQTT client keeps it for later, and without one nothing is published. It
    is for what nobody waits for, so that neither is an error.
    """
    if not hass.config_entries.async_loaded_entries(mqtt.DOMAIN):
        return
    try:
        await mqtt.async_publish(hass, topic, payload, qos=QOS, retain=True)
    except HomeAssistantError as error:
        _LOGGER.debug("%s could not be retained at once: %s", topic, error)


def is_topic(value: str) -> bool:
    """Tell whether messages can be published on a topic of this name."""
    try:
        mqtt.valid_publish_topic(value)
    except probatio.Invalid:
        return False
    return True


def is_host(value: str) -> bool:
    """Tell whether a bridge takes this for a host's name or address."""
    return _HOST.fullmatch(value) is not None
