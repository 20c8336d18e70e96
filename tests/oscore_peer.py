"""The other end of a sealed socket, as aiocoap has it: it opens what the bridge sends, and seals answers."""

from typing import Any

import aiocoap
from aiocoap import oscore
from aiocoap.message import Direction

from sim7020_bridge.config.model import OscoreSettings
from tests.coap_datagram import ACK, NON, Seen, put_together

KEYS = OscoreSettings(bytes(range(16)), b"", b"\x01", b"salt")
FIRST, COMMAND, ECHO = 65000, 65004, 252


class Peer(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):  # type: ignore[misc] # aiocoap has no types
    """The other end of the key, as aiocoap has it; ``opened`` is what came, with the number of each."""

    echo_recovery = None

    def __init__(self) -> None:
        self.alg_aead = oscore.algorithms[oscore.DEFAULT_ALGORITHM]
        self.hashfun = oscore.hashfunctions[oscore.DEFAULT_HASHFUNCTION]
        self.id_context = None
        self.sender_id, self.recipient_id = KEYS.recipient_id, KEYS.sender_id
        self.derive_keys(KEYS.salt, KEYS.secret)
        self.sender_sequence_number = 0
        self.opened: list[tuple[int, aiocoap.Message]] = []
        self.numbers: set[int] = set()

    def post_seqnoincrease(self) -> None:
        """Forget everything."""

    def open(self, seen: Seen) -> tuple[aiocoap.Message, Any]:
        """Open a request, and note it; the same number twice must be the same datagram."""
        message = aiocoap.Message.decode(put_together(seen))
        message.direction = Direction.INCOMING
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()
        opened, request = self.unprotect(message)
        number = int.from_bytes(request.partial_iv, "big")
        self.opened.append((number, opened))
        return opened, request

    def answer(
        self, seen: Seen, code: aiocoap.Code, payload: bytes = b"", *options: tuple[int, bytes]
    ) -> tuple[float, bytes]:
        """Return the answer to a request, in its acknowledgement, and how many seconds it takes."""
        _, request = self.open(seen)
        message = aiocoap.Message(code=code, payload=payload)
        for number, value in options:
            message.opt.add_option(aiocoap.optiontypes.OpaqueOption(aiocoap.OptionNumber(number), value))
        message.direction = Direction.OUTGOING
        sealed, _ = self.protect(message, request)
        sealed.mtype, sealed.mid, sealed.token = (NON if seen.kind == NON else ACK), seen.id, seen.token
        return 1.0, bytes(sealed.encode())


def value(message: aiocoap.Message, option: int) -> int | None:
    """Return the number in an option of a message."""
    found = message.opt.get_option(aiocoap.OptionNumber(option))
    return int.from_bytes(found[0].encode(), "big") if found else None
