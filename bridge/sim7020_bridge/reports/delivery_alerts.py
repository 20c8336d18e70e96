"""What is wrong with the delivery of messages that a person can mend."""

import errno
import sqlite3
from typing import Final

from sim7020_bridge.errors import OutboxInUse, StorageFailed
from sim7020_bridge.modem.alerts import Alert, AlertId
from sim7020_bridge.modem.usage import BudgetLevel, Usage
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.outbox.reserve import Full

_OF_SQLITE: Final = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR_SHMSIZE: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
}
"""What the system calls the troubles of SQLite."""

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_WRITABLE: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


def delivery_alerts(outbox: Outbox, usage: Usage) -> dict[AlertId, Alert]:
    """Return what a person can mend now; an alert that is no longer returned is mended."""
    found = {}
    if outbox.queue.full:
        found[AlertId.OUTBOX_FULL] = Alert(
            "The outbox is full: messages are refused or dropped, and their receipts say so",
            "See state and the other alerts for why messages don't go out; cancel what is no longer needed.",
        )
    if outbox.problem is not None and not isinstance(outbox.problem, OutboxInUse):  # then it does not run
        found[AlertId.OUTBOX_STORAGE] = Alert(
            f"Messages can't be stored, so none are taken: {outbox.problem}",
            f"{_advice(outbox.problem)}; the bridge then continues automatically.",
        )
    if outbox.set_aside is not None:
        found[AlertId.OUTBOX_DAMAGED] = Alert(
            f"The outbox's file was damaged and is set aside as {outbox.set_aside}; what waited in it may be lost",
            "Check the disk or SD card. Keep the file if you miss messages; the alert is cleared at the next start.",
        )
    if usage.level is BudgetLevel.USED_UP:
        found[AlertId.DATA_BUDGET] = Alert(
            f"The data budget of {usage.budget} bytes is used up; only high and critical messages go",
            "Raise data_budget.bytes if the contract allows it, or give the bridge the operator's own figure.",
        )
    elif usage.level is BudgetLevel.WARNING:
        found[AlertId.DATA_BUDGET] = Alert(
            f"More than 80 % of the data budget of {usage.budget} bytes is used",
            "Send less or raise data_budget.bytes: once it is used up, only high and critical messages go.",
        )
    return found


def _advice(problem: StorageFailed) -> str:
    """Return what to do about a file that can't be used, by what the system or SQLite calls the trouble."""
    cause = problem.__cause__
    said = getattr(cause, "sqlite_errorcode", 0)
    code = _OF_SQLITE.get(said) or _OF_SQLITE.get(said & 0xFF, getattr(cause, "errno", None))
    if isinstance(cause, Full) or code in _NO_ROOM:
        return "Make room on the disk"
    if code in _NOT_WRITABLE:
        return (
            f"Make state_dir ({problem.file.parent}), and what is in it, writable for the user that the bridge runs as"
        )
    if code == errno.ENOLCK:
        return "Put state_dir on a file system that can lock files, such as a disk of this machine"
    return "Check the disk or SD card that state_dir is on, and whether there is room"
