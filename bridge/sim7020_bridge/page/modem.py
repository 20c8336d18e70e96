"""What the page knows of a modem: the contract's documents, and the contract's requests."""

from collections.abc import Callable, Mapping
from typing import Protocol

Observer = Callable[[str, bytes], None]
"""Is told a topic and its payload, as they go to the broker; called in the loop, and returns at once."""


class Modem(Protocol):
    """One modem, whatever keeps it attached."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    @property
    def base(self) -> str:
        """What its topics start with, such as ``sim7020/shed``."""

    def retained(self) -> Mapping[str, bytes]:
        """Return its retained documents by their topics, as they are now."""

    async def ask(self, verb: str, body: bytes) -> bytes:
        """Have a request of the contract carried out, and return the contract's response, which may be an error."""

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Tell an observer of all that is published from now on; call what is returned to end that."""
