"""Which acknowledgements the broker may not have got yet: only once it has, a packet identifier may be forgotten."""

from sim7020_bridge.mqtt.messages import Acknowledgement


class Unproven:
    """Acknowledgements that were told and not proven, by their packet identifiers."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}
        self._count = 0

    def acknowledged(self, acknowledgement: Acknowledgement) -> None:
        """Note that an acknowledgement was given to the connection."""
        self._count += 1
        self._told[acknowledgement.packet] = self._count

    def came(self, acknowledgement: Acknowledgement) -> None:
        """Note that a message came: its packet identifier is its own now, and says nothing of an earlier one."""
        self._told.pop(acknowledgement.packet, None)

    def lose(self) -> None:
        """Note that the connection is another: what was told on the one before may never have got there."""
        self._told.clear()

    def now(self) -> int:
        """Return how many were told so far; the broker's answer to whatever is published next proves all of them."""
        return self._count

    def prove(self, told: int) -> list[int]:
        """Return the packet identifiers that can be forgotten, as the first ``told`` of all are proven."""
        proven = [packet for packet, each in self._told.items() if each <= told]
        for packet in proven:
            del self._told[packet]
        return proven
