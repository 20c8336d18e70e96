"""What a PDN context carried, as the module counts it."""

from dataclasses import dataclass
from typing import ClassVar, Self

from sim7020_bridge.at.command import Order, Urc
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.quoting import require_within


@dataclass(frozen=True, slots=True)
class CountTraffic(Order):
    """*MGCOUNT: have the bytes and packets of a PDN context reported.

    Manual V1.05.

    Args:
        action: As the manual numbers it; 1 starts.
        cid: Context id.
    """

    action: int = 1
    cid: int = 1

    def __post_init__(self) -> None:
        require_within(self.cid, 1, 15, "the cid")

    def line(self) -> str:
        """Return the command line."""
        return f"AT*MGCOUNT={self.action},{self.cid}"


@dataclass(frozen=True, slots=True)
class TrafficCount(Urc):
    """*MGCOUNT: bytes and packets of a PDN context, compressed and not, up and down."""

    names: ClassVar[tuple[str, ...]] = ("*MGCOUNT",)

    cid: int
    up_compressed: int
    up: int
    up_packets: int
    down_compressed: int
    down: int
    down_packets: int

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the seven numbers."""
        cursor = Cursor(line)
        return cls(*(cursor.integer() for _ in range(7)))
