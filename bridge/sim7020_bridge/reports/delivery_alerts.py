"""What is wrong with the delivery of messages that a person can mend."""

from sim7020_bridge.modem.alerts import Alert, AlertId
from sim7020_bridge.modem.usage import BudgetLevel, Usage
from sim7020_bridge.outbox.outbox import Outbox


def delivery_alerts(outbox: Outbox, usage: Usage) -> dict[AlertId, Alert]:
    """Return what a person can mend now; an alert that is no longer returned is mended."""
    found = {}
    if outbox.queue.full:
        found[AlertId.OUTBOX_FULL] = Alert(
            "The outbox is full: messages are refused or dropped, and their receipts say so",
            "See state and the other alerts for why messages don't go out; cancel what is no longer needed.",
        )
    if outbox.problem is not None:
        found[AlertId.OUTBOX_STORAGE] = Alert(
            f"Messages can't be stored, so none are taken: {outbox.problem}",
            "Make room on the disk, or make state_dir writable for the bridge; it then continues automatically.",
        )
    if outbox.set_aside is not None:
        found[AlertId.OUTBOX_DAMAGED] = Alert(
            f"The outbox's file was damaged and is set aside as {outbox.set_aside}; what waited in it may be lost",
            "Check the disk or SD card. Keep the file if you miss messages; the alert is cleared at the next start.",
        )
    if usage.level is BudgetLevel.USED_UP:
        found[AlertId.DATA_BUDGET] = Alert(
            f"The data budget of {usage.budget} bytes is used up; only high and critical messages go",
            "Raise data_budget.bytes if the contract allows it, or set the operator's figure with request/calibrate.",
        )
    elif usage.level is BudgetLevel.WARNING:
        found[AlertId.DATA_BUDGET] = Alert(
            f"More than 80 % of the data budget of {usage.budget} bytes is used",
            "Send less or raise data_budget.bytes: once it is used up, only high and critical messages go.",
        )
    return found
