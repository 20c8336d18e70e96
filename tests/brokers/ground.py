"""What the questions about a broker stand on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from paho.mqtt.enums import MQTTProtocolVersion

from tests.brokers.peer import Peer
from tests.brokers.programs import Running

YES: Final = "yes"
NO: Final = "no"
Later = Callable[[], Awaitable[str]]
"""What gives an answer once the broker has been restarted."""
Answer = str | Later


@dataclass(frozen=True, slots=True)
class Ground:
    """A running broker, and what the questions share.

    Args:
        broker: The broker.
        version: The newest version of MQTT that it speaks.
        patience: Seconds of silence after which nothing comes any more.
    """

    broker: Running
    version: MQTTProtocolVersion
    patience: float

    def peer(self, name: str, **options: Any) -> Peer:
        """Return a client that speaks the newest version."""
        port, kind = self.broker.port(self.version), self.broker.kind
        return Peer(port, self.version, name, user=kind.user, deaf=kind.deaf, **options)
