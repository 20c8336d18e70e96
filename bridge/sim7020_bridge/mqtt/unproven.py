"""Which acknowledgements the broker may not have got yet: only once it has, a packet identifier may be forgotten."""

from collections.abc import Mapping

from sim7020_bridge.mqtt.messages import Acknowledgement


class Unproven:
    """Acknowledgements that were told and not proven, by their packet identifiers."""

    def __init__(self) -> None:
        self._told: dict[int, Acknowledgement] = {}

    def tell(self, acknowledgement: Acknowledgement) -> None:
        """Note that an acknowledgement was given to the connection."""
        self._told[acknowledgement.packet] = acknowledgement

    def take(self, acknowledgement: Acknowledgement) -> None:
        """Note that a message came: its packet identifier is its own now, and says nothing of an earlier one."""
        self._told.pop(acknowledgement.packet, None)

    def lose(self) -> None:
        """Note that the connection is another: what was told on the one before may never have got there."""
        self._told.clear()

    def now(self) -> Mapping[int, Acknowledgement]:
        """Return what is unproven; the broker's answer to whatever is published next proves it."""
        return dict(self._told)

    def prove(self, told: Mapping[int, Acknowledgement]) -> list[int]:
        """Return the packet identifiers that can be forgotten, of what was unproven before the broker's answer."""
        proven = [packet for packet, each in told.items() if self._told.get(packet) is each]
        for packet in proven:
            del self._told[packet]
        return proven
