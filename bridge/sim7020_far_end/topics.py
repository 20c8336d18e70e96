"""The far end's topics: names to publish to, and whose command a message is."""

from dataclasses import dataclass
from typing import Final

from sim7020_bridge.config.topic_names import topic_problem

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"


@dataclass(frozen=True, slots=True)
class Topics:
    """Every topic of one far end, ``<base>/...``."""

    base: str

    @property
    def availability(self) -> str:
        """Retained ``online`` or ``offline`` of the far end itself; the last will's topic."""
        return f"{self.base}/availability"

    @property
    def commands(self) -> str:
        """The filter of what users publish for modems."""
        return f"{self.base}/+/send"

    def send(self, modem: str) -> str:
        """Where a user publishes a command for a modem."""
        return f"{self.base}/{modem}/send"

    def modem_availability(self, modem: str) -> str:
        """Retained ``online`` or ``offline`` of a modem."""
        return f"{self.base}/{modem}/availability"

    def state(self, modem: str) -> str:
        """Retained state of a modem."""
        return f"{self.base}/{modem}/state"

    def event(self, modem: str) -> str:
        """What happened, once."""
        return f"{self.base}/{modem}/event"

    def received(self, modem: str, path: str) -> str | None:
        """Where what a modem posts to a path is published; None if no topic can be made of it."""
        topic = f"{self.base}/{modem}/received"
        if path:
            topic = f"{topic}/{path}"
        return None if topic_problem(topic) else topic

    def addressee(self, topic: str) -> str:
        """Return the modem that a message to one of ``commands`` is for, which need not be configured."""
        return topic.removeprefix(f"{self.base}/").removesuffix("/send")
