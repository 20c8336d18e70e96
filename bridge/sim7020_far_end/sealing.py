"""Requests opened and answers sealed with one modem's keys (RFC 8613): it alone knows aiocoap's OSCORE."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import aiocoap
from aiocoap import oscore

from sim7020_bridge.config.model import OscoreSettings
from sim7020_far_end import datagrams
from sim7020_far_end.datagrams import Answer, Arrived, Request

_DIGEST: Final = 8

logging.getLogger("aiocoap.cryptography").setLevel(logging.WARNING)  # below, it writes what was sealed


@dataclass(frozen=True, slots=True)
class Opened:
    """A request whose seal was right, whether or not it was there before.

    Args:
        number: Its Partial IV: the number under which it was sealed.
        seal: What tells this number's content from any other.
        request: What was in it.
        identifiers: By which its answer is sealed.
    """

    number: int
    seal: bytes
    request: Request
    identifiers: Any


class NotSealed(ValueError):
    """A datagram can't be opened with these keys: nothing of it is to be believed."""


class Keys(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):  # type: ignore[misc] # has no types
    """One modem's keys, as its server has them: AES-CCM-16-64-128 and HKDF SHA-256.

    It opens what was there before as well: whoever asks decides by the number. **An ordinary answer is sealed under the
    number of its request, so that of the answers to one number only one may ever leave this machine.**

    Args:
        material: The material.
        new_number: Returns a number for an answer that must not use its request's; never one twice.
    """

    echo_recovery = None

    def __init__(self, material: OscoreSettings, new_number: Callable[[], int]) -> None:
        self.alg_aead = oscore.algorithms[oscore.DEFAULT_ALGORITHM]
        self.hashfun = oscore.hashfunctions[oscore.DEFAULT_HASHFUNCTION]
        self.id_context = material.id_context
        self.sender_id, self.recipient_id = material.sender_id, material.recipient_id
        self.derive_keys(material.salt, material.secret)
        self.recipient_replay_window = _Open()
        self._new_number = new_number
        self.name = sha256(self.recipient_key + self.common_iv).hexdigest()[:32]
        """What the keys are known by, of which they can't be told."""

    def open(self, arrived: Arrived) -> Opened:
        """Return what a datagram says.

        Raises:
            NotSealed: It was not sealed with these keys, or is not what they sealed.
        """
        try:
            message, identifiers = self.unprotect(arrived.message)
            request = datagrams.request_of(message)
        except (aiocoap.error.Error, ValueError, LookupError, OverflowError) as error:
            raise NotSealed(str(error) or type(error).__name__) from error
        number = int.from_bytes(identifiers.partial_iv, "big")
        seal = sha256(arrived.option + arrived.payload).digest()[:_DIGEST]
        return Opened(number, seal, request, identifiers)

    def seal(self, answer: Answer, opened: Opened, *, anew: bool = False) -> aiocoap.Message:
        """Return a sealed answer; ``anew`` under a number of its own, which it then carries."""
        opened.identifiers.can_reuse_nonce = not anew
        sealed, _ = self.protect(datagrams.message_of(answer), opened.identifiers)
        return sealed

    def new_sequence_number(self) -> int:
        """Return a number that was never used."""
        return self._new_number()

    def post_seqnoincrease(self) -> None:
        """Do nothing: whoever gives out the numbers has them on disk."""


class _Open:
    """A replay window that lets everything through: the store has the real one."""

    def is_initialized(self) -> bool:
        return True

    def is_valid(self, number: int) -> bool:  # noqa: ARG002 - the library's signature
        return True

    def strike_out(self, number: int) -> None:
        pass
