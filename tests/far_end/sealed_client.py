"""A modem's sealed CoAP messages by hand, from RFC 7252 and RFC 8613 alone: a judge of what the far end says."""

import hashlib
import hmac
import itertools
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from tests.coap_datagram import ACK, CON, NON, Seen, put_together, taken_apart

OSCORE, URI_PATH, MAX_AGE, BLOCK1, ECHO, FIRST, COMMAND = 9, 11, 14, 27, 252, 65000, 65004
POST = 2
AES_CCM_16_64_128 = 10

__all__ = ["CON", "NON", "Client", "Said", "Sent"]


@dataclass(frozen=True, slots=True)
class Said:
    """What was in a sealed answer; ``code`` as 2.04 is (2, 4), ``kind`` and ``id`` are the datagram's."""

    code: tuple[int, int]
    options: dict[int, bytes]
    payload: bytes
    kind: int
    id: int

    def number(self, option: int) -> int | None:
        """Return an option that is a number; None if it is not there."""
        return int.from_bytes(self.options[option], "big") if option in self.options else None


@dataclass(frozen=True, slots=True)
class Sent:
    """A sealed request: its datagram, and what its answer is opened with."""

    datagram: bytes
    id: int
    token: bytes
    piv: bytes

    @property
    def number(self) -> int:
        """The number under which it was sealed."""
        return int.from_bytes(self.piv, "big")


@dataclass
class Client:
    """One end of one key; its numbers begin as a clock's do, and may be set to any."""

    secret: bytes = bytes(range(16))
    salt: bytes = b""
    ours: bytes = b"\x01"
    theirs: bytes = b""
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(10**9))
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))

    def post(
        self,
        payload: bytes,
        *path: str,
        kind: int = CON,
        code: int = POST,
        first: int | None = None,
        command: int | None = None,
        echo: bytes = b"",
        more: tuple[tuple[int, bytes], ...] = (),
    ) -> Sent:
        """Return a request that was sealed under the next number."""
        options = [(URI_PATH, part.encode()) for part in path or ("t",)]
        options += [(ECHO, echo)] if echo else []
        options += [(FIRST, _uint(first))] if first is not None else []
        options += [(COMMAND, _uint(command))] if command is not None else []
        inner = bytes([code]) + _options(sorted([*options, *more], key=lambda each: each[0]))
        inner += b"\xff" + payload if payload else b""
        piv, number = _uint(next(self.numbers)) or b"\0", next(self.ids) & 0xFFFF
        sealed = AESCCM(self._key(self.ours), tag_length=8).encrypt(
            self._nonce(self.ours, piv), inner, _aad(self.ours, piv)
        )
        option = bytes([0x08 | len(piv)]) + piv + self.ours
        token = bytes([number & 0xFF, 0x55])
        datagram = put_together(Seen(kind, (0, POST), number, token, ((OSCORE, option),), sealed))
        return Sent(datagram, number, token, piv)

    def open(self, datagram: bytes, request: Sent) -> Said:
        """Return what an answer says; it fails if it is not sealed, or not for this request."""
        seen = taken_apart(datagram)
        assert seen.token == request.token
        assert seen.kind != ACK or seen.id == request.id
        [option] = seen.has(OSCORE)
        if option:
            assert option[0] & 0xF8 == 0
            nonce = self._nonce(self.theirs, option[1:])
        else:
            nonce = self._nonce(self.ours, request.piv)
        plain = AESCCM(self._key(self.theirs), tag_length=8).decrypt(nonce, seen.payload, _aad(self.ours, request.piv))
        # what is sealed is as a datagram is behind its token, after the code
        inner = taken_apart(bytes([0x40, plain[0], 0, 0]) + plain[1:])
        return Said(inner.code, dict(inner.options), inner.payload, seen.kind, seen.id)

    def _key(self, end: bytes) -> bytes:
        return self._derive(end, "Key", 16)

    def _derive(self, end: bytes, kind: str, size: int) -> bytes:
        info = cbor2.dumps([end, None, AES_CCM_16_64_128, kind, size])
        drawn = hmac.digest(self.salt or bytes(32), self.secret, "sha256")
        return hmac.digest(drawn, info + b"\x01", hashlib.sha256)[:size]

    def _nonce(self, end: bytes, piv: bytes) -> bytes:
        plain = bytes([len(end)]) + end.rjust(7, b"\0") + piv.rjust(5, b"\0")
        return bytes(one ^ other for one, other in zip(plain, self._derive(b"", "IV", 13), strict=True))


def _aad(kid: bytes, piv: bytes) -> bytes:
    external = cbor2.dumps([1, [AES_CCM_16_64_128], kid, piv, b""])
    return bytes(cbor2.dumps(["Encrypt0", b"", external]))


def _uint(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _options(options: list[tuple[int, bytes]]) -> bytes:
    data, last = b"", 0
    for number, value in options:
        delta, size = _written(number - last), _written(len(value))
        data += bytes([delta[0] << 4 | size[0]]) + delta[1] + size[1] + value
        last = number
    return data


def _written(value: int) -> tuple[int, bytes]:
    if value < 13:
        return value, b""
    return (13, bytes([value - 13])) if value < 269 else (14, (value - 269).to_bytes(2, "big"))
