"""What can go wrong between Home Assistant and the bridge, in words that are translated.

HomeAssistantError
  BridgeError
    BrokerUnreachable   Home Assistant is not connected to its broker; nothing was published
    BridgeOffline       the bridge does not listen; nothing was published
    Interrupted         the modem was unloaded before the bridge answered; what it did is not known
    NoResponse          the bridge did not answer in time; what it did is not known
    RequestRefused      the bridge said no, with a code for machines
    TooLarge            a request is longer than any that a bridge reads; nothing was published
    NotUnicode          a text of a request can't be sent by MQTT; nothing was published
    NoConnection        the bridge did what it was asked, and the modem has no data connection with it
    Repeated            a message with this id was taken before; this one is not sent, and has no receipt
    NotSent             a message's final receipt says that it was not sent
    NoReceipt           a message's final receipt did not come in time
"""

from typing import ClassVar, Final

from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN
from .documents import Receipt


class BridgeError(HomeAssistantError):
    """The bridge could not be asked, or did not do what it was asked."""

    key: ClassVar[str]

    def __init__(self, **placeholders: str) -> None:
        super().__init__(
            translation_domain=DOMAIN, translation_key=self.key, translation_placeholders=placeholders or None
        )


class BrokerUnreachable(BridgeError):
    """Home Assistant is not connected to its MQTT broker. Nothing was published, now or later."""

    key = "broker_unreachable"


class BridgeOffline(BridgeError):
    """The bridge does not listen. Nothing was published, now or later."""

    key = "bridge_offline"


class Interrupted(BridgeError):
    """The modem was unloaded before the bridge answered. What was asked for may still happen."""

    key = "interrupted"


class NoResponse(BridgeError):
    """The bridge did not answer in time."""

    key = "no_response"

    def __init__(self, verb: str, seconds: float) -> None:
        super().__init__(verb=verb, seconds=f"{seconds:g}")


REFUSALS: Final = {
    "budget_used_up": "refused_budget_used_up",
    "busy": "refused_busy",
    "cannot_wake": "refused_cannot_wake",
    "empty": "refused_empty",
    "expired": "refused_expired",
    "invalid_request": "refused_invalid_request",
    "line_feed": "refused_line_feed",
    "modem_offline": "refused_modem_offline",
    "module_refused": "refused_module_refused",
    "module_silent": "refused_module_silent",
    "module_unclear": "refused_module_unclear",
    "not_allowed": "refused_not_allowed",
    "outbox_full": "refused_outbox_full",
    "resolve_failed": "refused_resolve_failed",
    "resolve_timeout": "refused_resolve_timeout",
    "storage_failed": "refused_storage_failed",
    "too_large": "refused_too_large",
    "unknown_message": "refused_unknown_message",
    "unknown_socket": "refused_unknown_socket",
    "unknown_verb": "refused_unknown_verb",
}
"""The texts for the codes with which a bridge refuses. A newer bridge may have others, which the common text shows."""


class RequestRefused(BridgeError):
    """The bridge refused a request; ``code`` is one of the contract's."""

    key = "request_refused"

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(code=code, message=message)
        self.translation_key = REFUSALS.get(code, self.key)


class TooLarge(BridgeError):
    """A request is longer than any that a bridge reads. Nothing was published."""

    key = "too_large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(bytes=str(size), limit=str(limit))


class NotUnicode(BridgeError):
    """A request has half a character, a lone surrogate. Nothing was published."""

    key = "not_unicode"


class NoConnection(BridgeError):
    """What was to give the modem a data connection was done and gave none."""

    key = "no_connection"


class Repeated(BridgeError):
    """A message with this id was taken before: this one is not sent, and no receipt follows."""

    key = "repeated"

    def __init__(self, message_id: str) -> None:
        super().__init__(id=message_id)


class NotSent(BridgeError):
    """The message's final receipt is ``failed``, ``expired``, ``superseded`` or ``rejected``."""

    key = "not_sent"

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        reason = receipt.error_message or receipt.error_code or ""
        super().__init__(state=receipt.state or "", reason=reason)
        if not reason:
            self.translation_key = "not_sent_without_reason"


class NoReceipt(BridgeError):
    """The message's final receipt did not come in time: it may still be sent."""

    key = "no_receipt"

    def __init__(self, message_id: str, seconds: float) -> None:
        self.message_id = message_id
        super().__init__(id=message_id, seconds=f"{seconds:g}")
