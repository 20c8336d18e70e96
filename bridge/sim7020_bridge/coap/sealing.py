"""CoAP requests sealed, and answers opened (RFC 8613). It alone knows aiocoap's OSCORE."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiocoap
from aiocoap import error, oscore
from aiocoap.message import Direction

from sim7020_bridge.coap import messages
from sim7020_bridge.coap.messages import Datagram
from sim7020_bridge.coap.numbers import Numbers
from sim7020_bridge.config.model import KeyMaterial

logging.getLogger("aiocoap.cryptography").setLevel(logging.WARNING)  # below, it writes what was sealed


class NotForUs(ValueError):
    """An answer is not sealed, or not by whom it should be, or not for this request."""


@dataclass(frozen=True, slots=True)
class SealedRequest:
    """A request as it goes.

    Args:
        datagram: Its bytes.
        number: Under which it was sealed.
        opener: By what its answers are opened.
    """

    datagram: bytes
    number: int
    opener: Any


class Key(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):  # type: ignore[misc] # has no types
    """One key's requests and their answers: AES-CCM-16-64-128 and HKDF SHA-256.

    Answers carry no number of their own, or one that is bound to the request: none that was recorded fits another.
    So nothing is kept of what was received.

    Args:
        material: The material.
        folder: Where the numbers that were used are kept, in a file by the key.
        clock: Returns the seconds since 1970.

    Raises:
        NoNumber: They can't be.
    """

    echo_recovery = None

    def __init__(
        self,
        material: KeyMaterial,
        folder: Path,
        *,
        id_context: bytes | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.alg_aead = oscore.algorithms[oscore.DEFAULT_ALGORITHM]
        self.hashfun = oscore.hashfunctions[oscore.DEFAULT_HASHFUNCTION]
        self.id_context = id_context
        self.sender_id, self.recipient_id = material.sender_id, material.recipient_id
        self.derive_keys(material.salt, material.secret)
        self.recipient_replay_window = oscore.ReplayWindow(oscore.DEFAULT_WINDOWSIZE, lambda: None)
        self.recipient_replay_window.initialize_empty()
        self.name = sha256(self.sender_key).hexdigest()[:16]
        """What it is known by, of which nobody can tell the key."""
        self._numbers = Numbers(folder / f"oscore-{self.name}", clock=clock)

    async def ready(self) -> None:
        """Return once a request can be sealed.

        Raises:
            NoNumber: None can be now.
        """
        await self._numbers.ready()

    def new_sequence_number(self) -> int:
        """Return a number that was never used."""
        return self._numbers.take()

    def post_seqnoincrease(self) -> None:
        """Do nothing: numbers are on disk before they are given out."""

    def seal(self, request: aiocoap.Message) -> SealedRequest:
        """Return a sealed request, under a number that was never used.

        Raises:
            NoNumber: None could be had.
        """
        request.direction = Direction.OUTGOING
        sealed, opener = self.protect(request)
        sealed.mtype, sealed.mid, sealed.token = request.mtype, request.mid, request.token
        return SealedRequest(bytes(sealed.encode()), int.from_bytes(opener.partial_iv, "big"), opener)

    def open(self, data: bytes, opener: Any) -> Datagram:  # noqa: ANN401 - aiocoap's own
        """Return what an answer says, in place of the datagram that it came in.

        Raises:
            NotForUs: It can't be opened; nothing of it is to be believed.
        """
        try:
            answer = aiocoap.Message.decode(data)
            if not answer.code.is_response():
                raise NotForUs("no answer")
            answer.direction = Direction.INCOMING
            opened, _ = self.unprotect(answer, opener)
            opened.mtype, opened.mid, opened.token = answer.mtype, answer.mid, answer.token
            return messages.datagram_of(opened)
        except oscore.NotAProtectedMessage as cause:
            raise NotForUs("it is not sealed") from cause
        except (error.Error, ValueError, LookupError, OverflowError) as cause:
            raise NotForUs("it is sealed with another key, or for another request, or was changed") from cause

    def close(self) -> None:
        """Let others use it."""
        self._numbers.close()
