"""What the bridge answers with, field by field as in ``docs/contract/``; None is what is not known.

Written with :func:`sim7020_bridge.mqtt.json_text.dump`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sim7020_bridge.mqtt.json_text import JsonValue

ONLINE = b"online"
OFFLINE = b"offline"


class ReceiptState(StrEnum):
    """What became of a message so far."""

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ErrorDocument:
    """Why something did not work: ``code`` for machines, ``message`` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """``.../socket/<socket>/receipt``."""

    id: str
    socket: str
    state: ReceiptState
    final: bool
    at: datetime
    bytes: int | None = None
    attempts: int = 0
    error: ErrorDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReceiptDocument(ReceiptDocument):
    """``<base>/pool/<pool>/receipt``: a receipt, and who it is from."""

    modem: str


@dataclass(frozen=True, slots=True)
class ResponseDocument:
    """``.../response/<verb>``: ``error`` is None if and only if ``status`` is ``ok``; see ok() and refused()."""

    status: str
    data: Mapping[str, object] | None
    error: ErrorDocument | None
    transaction: JsonValue

    @classmethod
    def ok(cls, data: Mapping[str, object], transaction: JsonValue) -> "ResponseDocument":
        """Answer a request that was carried out."""
        return cls(status="ok", data=data, error=None, transaction=transaction)

    @classmethod
    def refused(cls, code: str, message: str, transaction: JsonValue) -> "ResponseDocument":
        """Answer a request that was not carried out."""
        return cls(status="error", data=None, error=ErrorDocument(code, message), transaction=transaction)
