"""What the client hears of one connection to the broker."""

from dataclasses import dataclass

from sim7020_bridge.errors import BrokerRefused


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker accepted it.

    Args:
        session_present: Whether the broker remembers the session.
        window: Publications that it takes before it acknowledges the first.
        max_packet: Bytes of the longest packet that it takes; None if it does not say.
    """

    session_present: bool
    window: int
    max_packet: int | None


@dataclass(frozen=True, slots=True)
class Lost:
    """It ended: ``reason`` in words, ``refused`` if the broker refused this client."""

    reason: str
    refused: BrokerRefused | None = None
