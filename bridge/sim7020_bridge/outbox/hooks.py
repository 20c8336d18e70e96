"""What whoever uses an outbox decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim7020_bridge.outbox.message import Entry, Loss, PendingPublication
from sim7020_bridge.outbox.records import SessionRow, UsageRow


@dataclass(frozen=True, slots=True)
class Hooks:
    """What happens to what, and who is told.

    Args:
        lost: Makes the final receipt of a message that leaves unsent.
        resumed: Says why a message of before a restart can't be sent any more, or None if it can.
        changed: Called after messages came or went, or storage failed or works again.
        publish: Called with each publication that is on disk until the broker has it, and its number.
        usage: Called with what was counted on earlier days, and the newest data session, once they are read.
        settling: Called before messages end: what they cost is to be on disk no later.
    """

    lost: Callable[[Entry, Loss], Sequence[PendingPublication]]
    resumed: Callable[[Entry], Loss | None]
    changed: Callable[[], None]
    publish: Callable[[int, PendingPublication], None]
    usage: Callable[[Sequence[UsageRow], SessionRow | None], None]
    settling: Callable[[], None] = lambda: None
