"""What a bridge does, for whoever looks on."""

from collections.abc import Mapping
from typing import Any, Protocol

from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.refusals import Problem
from sim7020_bridge.outbox.message import Entry, Message


class Observer(Protocol):
    """Is told what one modem's bridge does as it does it, in the event loop; it must neither block nor raise."""

    def published(self, publication: Publication) -> None:
        """A retained document or an event goes to the broker, or waits for it."""

    def broker(self, problem: Problem | None) -> None:
        """The broker accepted the bridge, or there is no connection for this reason, which may be the one of before."""

    def found(self, entry: Entry) -> None:
        """A message of before the bridge was started waits in the outbox."""

    def found_all(self) -> None:
        """No other message of before waits."""

    def taken(self, message: Message, topic: str) -> None:
        """A message that was published to a topic is on disk; its receipts follow."""

    def refused(self, message_id: str, socket: str, received: Received) -> None:
        """What came for a socket is not taken; its receipt follows."""

    def receipt(self, receipt: Mapping[str, Any], message: Message | None) -> None:
        """A receipt is due, in the contract's words; None for a message that was not taken."""

    def delivered(self, socket: str, data: bytes, topic: str) -> None:
        """Data came from the network, and is published to a topic."""
