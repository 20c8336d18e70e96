"""How an exchange with a CoAP server ends, other than well, or does not begin."""

from sim7020_bridge.errors import BridgeError


class Declined(BridgeError):
    """The server has said that it never takes a message as it is."""


class NotNow(BridgeError):
    """The server does not take a message now, or nobody knows whether it has.

    Args:
        words: Why.
        said: Whether the server said so itself; otherwise it may have the message.
        counts: Whether that says something about this very message, and not only about the server.
    """

    def __init__(self, words: str, *, said: bool, counts: bool = False) -> None:
        self.said = said
        self.counts = counts
        super().__init__(words)


class NoNumber(BridgeError):
    """Nothing can be sealed now: no number can be had that is known to be unused with the key."""
