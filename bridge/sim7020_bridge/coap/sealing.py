"""CoAP requests sealed, and answers opened (RFC 8613). It alone knows aiocoap's OSCORE."""

import logging
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiocoap
from aiocoap import oscore
from aiocoap.message import Direction

from sim7020_bridge.coap import messages
from sim7020_bridge.coap.messages import Datagram
from sim7020_bridge.coap.numbers import Numbers
from sim7020_bridge.config.model import OscoreSettings

logging.getLogger("aiocoap.cryptography").setLevel(logging.WARNING)  # below, it writes what was sealed

_NOT_OURS: Final = (aiocoap.error.Error, ValueError, LookupError, OverflowError, AssertionError)
"""What aiocoap says of an answer that is not sealed, or not by the peer, or not for the request, or is broken."""


class Sealed(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):  # type: ignore[misc] # aiocoap has no types
    """One key's requests and their answers: AES-CCM-16-64-128 and HKDF SHA-256.

    Answers carry no number of their own, or one that is bound to the request: none that was recorded fits another.
    So nothing is kept of what was received.

    Args:
        keys: The material.
        folder: Where the numbers that were used are kept, in a file by the key.

    Raises:
        NoNumber: They can't be.
    """

    echo_recovery = None

    def __init__(self, keys: OscoreSettings, folder: Path) -> None:
        self.alg_aead = oscore.algorithms[oscore.DEFAULT_ALGORITHM]
        self.hashfun = oscore.hashfunctions[oscore.DEFAULT_HASHFUNCTION]
        self.id_context = keys.id_context
        self.sender_id, self.recipient_id = keys.sender_id, keys.recipient_id
        self.derive_keys(keys.salt, keys.secret)
        self.recipient_replay_window = oscore.ReplayWindow(oscore.DEFAULT_WINDOWSIZE, lambda: None)
        self.recipient_replay_window.initialize_empty()
        self.key: Final = sha256(self.sender_key).hexdigest()[:16]
        """What tells this key from others; it says nothing about what it is."""
        self._numbers = Numbers(folder / f"oscore-{self.key}")
        self._number = 0

    async def ready(self) -> None:
        """Return once the next number can be had without waiting for the disk.

        Raises:
            NoNumber: It can't be had.
        """
        await self._numbers.ready()

    def take(self) -> int:
        """Return a number that was never used.

        Raises:
            NoNumber: None can be had.
        """
        return self._numbers.take()

    def new_sequence_number(self) -> int:
        """Return the number to seal with."""
        return self._number

    def post_seqnoincrease(self) -> None:
        """Do nothing: numbers are on disk before they are given out."""

    def seal(self, message: aiocoap.Message, number: int) -> tuple[bytes, Any]:
        """Return a request sealed with a number, which nothing else may ever be, and by what its answers are opened."""
        self._number = number
        message.direction = Direction.OUTGOING
        sealed, request = self.protect(message)
        sealed.mtype, sealed.mid, sealed.token = message.mtype, message.mid, message.token
        return bytes(sealed.encode()), request

    def open(self, answer: bytes, request: Any) -> Datagram | None:  # noqa: ANN401 - aiocoap's own
        """Return what an answer says; None if it is to be believed nothing: anybody may have sent it."""
        message = messages.decode(answer)
        if message is None or not message.code.is_response():
            return None
        message.direction = Direction.INCOMING
        try:
            opened, _ = self.unprotect(message, request)
            opened.mtype, opened.mid, opened.token = message.mtype, message.mid, message.token
            return messages.told(opened)
        except _NOT_OURS:
            return None

    def close(self) -> None:
        """Let another process have the key."""
        self._numbers.close()
