"""The contract's topics: names to publish to, filters to subscribe to, and what an incoming topic asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.config.model import SocketSettings, default_client_id
from sim7020_bridge.mqtt.filters import Filters

SHARED: Final = "$share/"
"""What the filter of a shared subscription starts with (MQTT 5.0 section 4.8.2)."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one modem, ``<base>/<modem>/...``."""

    base: str
    modem: str

    @property
    def root(self) -> str:
        """What all topics of this modem start with, without the last slash."""
        return f"{self.base}/{self.modem}"

    @property
    def client_id(self) -> str:
        """The MQTT client identifier, unless the configuration names one."""
        return default_client_id(self.base, self.modem)

    @property
    def availability(self) -> str:
        """Retained ``online`` or ``offline``; the last will's topic."""
        return f"{self.root}/availability"

    @property
    def info(self) -> str:
        """Retained identity and configuration."""
        return f"{self.root}/info"

    @property
    def state(self) -> str:
        """Retained state of the modem."""
        return f"{self.root}/state"

    @property
    def event(self) -> str:
        """What happened, once."""
        return f"{self.root}/event"

    @property
    def component(self) -> str:
        """Where Home Assistant's component marks, retained, that it looks after this modem."""
        return f"{self.root}/component"

    @property
    def announce(self) -> str:
        """Where anybody asks all bridges to publish again what is retained; the same for all of them."""
        return f"{self.base}/announce"

    def alert(self, name: str) -> str:
        """Retained while a thing that a person can mend is wrong; emptied afterwards."""
        return f"{self.root}/alert/{name}"

    def socket_state(self, socket: str) -> str:
        """Retained state of one socket."""
        return f"{self.root}/socket/{socket}/state"

    def send(self, socket: str) -> str:
        """Where a user publishes what the socket is to send."""
        return f"{self.root}/socket/{socket}/send"

    def received(self, socket: str) -> str:
        """Where what came from the network is published."""
        return f"{self.root}/socket/{socket}/received"

    def receipt(self, socket: str) -> str:
        """Where it is told what became of a message."""
        return f"{self.root}/socket/{socket}/receipt"

    def pool_send(self, pool: str) -> str:
        """Where a user publishes what any modem of a pool is to send; the same for all of them."""
        return f"{self.base}/pool/{pool}/send"

    def pool_receipt(self, pool: str) -> str:
        """Where it is told what became of a message to a pool; the same for all of its modems."""
        return f"{self.base}/pool/{pool}/receipt"

    def request(self, verb: str) -> str:
        """Where a user asks for something."""
        return f"{self.root}/request/{verb}"

    def response(self, verb: str) -> str:
        """Where the answer to a request is published."""
        return f"{self.root}/response/{verb}"


@dataclass(frozen=True, slots=True)
class SocketSend:
    """The message is for a socket, which need not be one that is configured.

    Args:
        socket: Its name.
        pool: The pool that the message was published to, or None; the modem need not be in it any more.
    """

    socket: str
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """The message is a request, whose verb need not be one that the bridge knows."""

    verb: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic filter to subscribe to.

    Args:
        topic_filter: The filter.
        retain_as_published: Show the publisher's retain flag even when the message is new (MQTT 5.0 section 3.8.3.1):
            for the bridge's own topics, where it is a mistake; a user's own may be retained for good reasons.
        every_time: Have what is retained at every connection, and not only the first time.
    """

    topic_filter: str
    retain_as_published: bool = False
    every_time: bool = False


class Inbox:
    """What one modem listens to, and which of its sockets or requests a message is for."""

    def __init__(self, topics: Topics, sockets: Sequence[SocketSettings]) -> None:
        self._topics = topics
        self.change(sockets)

    def change(self, sockets: Sequence[SocketSettings]) -> None:
        """Listen for other sockets from now on."""
        self._mapped = tuple((pattern, SocketSend(socket.name)) for socket in sockets for pattern in socket.send_topics)
        self._filters = Filters(self._mapped)
        self._pools = {
            self._topics.pool_send(socket.pool): SocketSend(socket.name, socket.pool)
            for socket in sockets
            if socket.pool is not None
        }

    def strange(self, destination: SocketSend) -> str | None:
        """Return the filter that a session of before has listened to if a message is for a pool of others, or None."""
        if destination.pool is None or destination in self._pools.values():
            return None
        return _shared(destination.pool, self._topics.pool_send(destination.pool))

    @property
    def pools(self) -> tuple[Subscription, ...]:
        """What to subscribe to while the modem takes from its pools (MQTT 5.0 section 4.8.2)."""
        return tuple(
            Subscription(_shared(destination.pool, topic), retain_as_published=True)
            for topic, destination in self._pools.items()
            if destination.pool is not None
        )

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All that there is to subscribe to at any time."""
        own = (self._topics.send("+"), self._topics.request("+"))
        return (
            *(Subscription(topic_filter, retain_as_published=True) for topic_filter in own),
            *(Subscription(topic_filter) for topic_filter, _ in self._mapped),
        )

    def destination(self, topic: str) -> SocketSend | Request | None:
        """Say what a message published to ``topic`` is for, or None if this modem does not listen to it."""
        if topic.startswith(f"{self._topics.root}/"):
            match topic.removeprefix(f"{self._topics.root}/").split("/"):
                case ["socket", socket, "send"]:
                    return SocketSend(socket)
                case ["request", verb]:
                    return Request(verb)
        if topic in self._pools:
            return self._pools[topic]
        match topic.removeprefix(f"{self._topics.base}/").split("/"):
            case ["pool", pool, "send"]:
                return SocketSend(pool, pool)
        return self._filters.find(topic)


def _shared(group: str, topic: str) -> str:
    return f"{SHARED}{group}/{topic}"
