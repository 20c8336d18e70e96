"""What whoever uses an outbox decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim7020_bridge.outbox.message import Entry, Loss, Owed
from sim7020_bridge.outbox.records import UsageRow


@dataclass(frozen=True, slots=True)
class Rules:
    """What happens to what, and who is told.

    Args:
        lost: Makes the final receipt of a message that leaves unsent.
        resumed: Says why a message of before a restart can't be sent any more, or None if it can.
        changed: Called after messages came or went, or storage failed or works again.
        received_dropped: Called with how many received messages were given up.
        put_aside: Called with a publication that makes the broker disconnect.
        usage: Called with the bytes of earlier days, once they are read.
    """

    lost: Callable[[Entry, Loss], Sequence[Owed]]
    resumed: Callable[[Entry], Loss | None]
    changed: Callable[[], None]
    received_dropped: Callable[[int], None]
    put_aside: Callable[[Owed], None]
    usage: Callable[[Sequence[UsageRow]], None]
