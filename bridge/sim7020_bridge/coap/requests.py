"""Messages as the datagrams of a socket's CoAP requests, sealed where its settings say so; and what answers bring."""

import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim7020_bridge.coap import messages
from sim7020_bridge.coap.ends import NoNumber
from sim7020_bridge.coap.messages import Datagram, Kind, Of
from sim7020_bridge.config.model import COAP_TOKEN, CoapSettings

if TYPE_CHECKING:
    from sim7020_bridge.coap.sealing import Sealed

log: Final = logging.getLogger(__name__)

MOST_COMMANDS: Final = 2**40
"""Numbers of commands from there on are no peer's of ours."""


@dataclass(frozen=True, eq=False, slots=True)
class Request:
    """A message as it goes.

    Args:
        id: Its message id.
        token: Its token.
        datagram: All of it.
        answered_by: By what an answer to it is opened; None where it is not sealed.
        heard: The command that it acknowledges, if it does.
    """

    id: int
    token: bytes
    datagram: bytes
    answered_by: Any = None
    heard: int | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What an answer brings; ``command`` is its number, if it is one of those that a far end keeps."""

    payload: bytes
    command: int | None = None


class Requests:
    """One socket's.

    Args:
        name: The socket's.
        resource: Returns what is posted to.
        folder: Where it is kept which numbers a key was used with.
        heard: The last command that was taken; 0 if none was.
    """

    def __init__(self, name: str, resource: Callable[[], CoapSettings], folder: Path, heard: int) -> None:
        self._name = name
        self._resource = resource
        self._folder = folder
        self._next_id = random.getrandbits(16)
        self._sealed: Sealed | None = None
        self._closed = False
        self._unused: int | None = None
        """A number of which it is written down that a message is sealed with it, and none was yet."""
        self._heard = heard
        self._tell: int | None = None
        """The command that the next request acknowledges."""

    async def mark(self, known: str | None) -> str | None:
        """Return what tells a message from all others that are sealed with the same key; None if none is.

        Args:
            known: What was returned of it before, if it was.

        Raises:
            NoNumber: The key can't be used now.
        """
        if self._resource().oscore is None:
            return None
        sealed = self._sealing()
        await sealed.ready()
        if known is not None and known.startswith(f"{sealed.key}/"):
            return known
        self._unused = sealed.take()
        return f"{sealed.key}/{self._unused}"

    def write(self, payload: bytes, mark: str | None, *, free: Callable[[bytes], bool], echo: bytes | None) -> Request:
        """Make a request of a payload.

        Args:
            payload: The payload.
            mark: What ``mark`` returned of the message; the first request with it has the number that it names, others
                say that one, so that the far end knows what it has.
            free: Whether a token is nobody else's.
            echo: What the server wants to see again.

        Raises:
            NoNumber: The key can't be used now.
        """
        number, self._next_id = self._next_id, (self._next_id + 1) % 2**16
        token = secrets.token_bytes(COAP_TOKEN)
        while not free(token):
            token = secrets.token_bytes(COAP_TOKEN)
        if mark is None:
            message = messages.post(self._resource(), payload, id=number, token=token, echo=echo)
            return Request(number, token, bytes(message.encode()))
        sealed, first = self._sealing(), int(mark.rpartition("/")[2])
        sequence = first if first == self._unused else sealed.take()
        self._unused = None
        named = None if sequence == first else first
        message = messages.post(
            self._resource(), payload, id=number, token=token, echo=echo, first=named, heard=self._tell
        )
        datagram, answered_by = sealed.seal(message, sequence)
        return Request(number, token, datagram, answered_by, self._tell)

    def believed(self, data: bytes, outer: Datagram, answered_by: Any) -> Datagram | None:  # noqa: ANN401 - aiocoap's own
        """Return what of a datagram is to be believed: all where nothing is sealed, and else what the peer sealed.

        An empty acknowledgement can't be sealed, and ends nothing. ``answered_by`` is of the request with its token.
        """
        if self._resource().oscore is None:
            return outer
        if outer.empty:
            return outer if outer.kind is Kind.ACKNOWLEDGEMENT else None
        return None if answered_by is None or self._sealed is None else self._sealed.open(data, answered_by)

    def answered(self, request: Request, answer: Datagram) -> None:
        """Note that the peer has a request, and the acknowledgement in it."""
        if answer.of is Of.SUCCESS and request.heard == self._tell:
            self._tell = None

    def brings(self, answer: Datagram) -> Arrived | None:
        """Return what an answer brings, if it brings anything that was not taken before."""
        if answer.of is not Of.SUCCESS or not answer.payload:
            return None
        if not answer.whole:
            log.warning("socket %s: an answer came that is longer than a datagram, and is not taken", self._name)
            return None
        command = None if self._sealed is None else answer.command
        if command is None or command >= MOST_COMMANDS:
            return Arrived(answer.payload)
        if command <= self._heard:
            self._tell = self._heard
            return None
        return Arrived(answer.payload, command)

    def took(self, command: int) -> None:
        """Note that a command is on disk: the far end need not keep it any longer."""
        self._heard = max(self._heard, command)
        self._tell = command

    def close(self) -> None:
        """Let others have the key."""
        self._closed = True
        if self._sealed is not None:
            self._sealed.close()
            self._sealed = None

    def _sealing(self) -> "Sealed":
        """Return what seals, made when it is needed first: until then the key may be another socket's."""
        if self._sealed is None:
            from sim7020_bridge.coap.sealing import Sealed  # noqa: PLC0415 - what it needs may not be installed

            keys = self._resource().oscore
            if keys is None or self._closed:
                raise NoNumber("the socket is no longer in the configuration")
            self._sealed = Sealed(keys, self._folder)
        return self._sealed
