"""CoAP datagrams (RFC 7252 section 3) as the far end takes and gives them: requests in, answers out."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import aiocoap
from aiocoap.message import Direction
from aiocoap.numbers.codes import Code
from aiocoap.numbers.optionnumbers import OptionNumber

FIRST: Final = 65000
"""Elective: the Partial IV under which a request was first sealed."""

COMMAND: Final = 65004
"""Elective: the number of a command; in an answer that which it carries, in a request the last that the modem has."""

_LONGEST_TOKEN: Final = 8
_HEAD: Final = 4
_PAYLOAD_MARK: Final = 0xFF
_RESERVED: Final = 15
_EXTENDED: Final = {13: (1, 13), 14: (2, 269)}
"""What a nibble stands for that is no number itself: bytes that follow, and what is added to them."""

_LONGEST_NUMBER: Final = 5
"""Bytes of a Partial IV (RFC 8613 section 6.1), and of the options that hold numbers."""

_OF_REQUESTS: Final = frozenset({OptionNumber.URI_HOST, OptionNumber.URI_PORT, OptionNumber.OSCORE})
"""Critical options outside of the seal that are understood."""

_SEALED: Final = frozenset({OptionNumber.URI_PATH, OptionNumber.URI_QUERY, OptionNumber.BLOCK1, OptionNumber.BLOCK2})
"""Those inside of it."""


class Kind(IntEnum):
    """The type of a message (RFC 7252 section 3)."""

    CONFIRMABLE = 0
    NON_CONFIRMABLE = 1
    ACKNOWLEDGEMENT = 2
    RESET = 3


@dataclass(frozen=True, slots=True)
class Arrived:
    """A datagram that may be a sealed request.

    Args:
        kind: Whether it asks to be confirmed.
        id: Its message id.
        token: Its token.
        option: The value of its OSCORE option (RFC 8613 section 6.1).
        payload: What is sealed.
        kid: The id of who sealed it; None if it is not sealed at all, or in a way that nobody reads.
        size: How long it is.
    """

    kind: Kind
    id: int
    token: bytes
    option: bytes
    payload: bytes
    kid: bytes | None
    size: int

    @property
    def message(self) -> aiocoap.Message:
        """What the library opens."""
        message = aiocoap.Message(code=aiocoap.POST, payload=self.payload)
        message.opt.oscore = self.option
        message.direction = Direction.INCOMING
        return message


@dataclass(frozen=True, slots=True)
class Request:
    """What was in the seal.

    Args:
        is_post: Whether it is a POST.
        understood: Whether it has no critical option that nobody knows here.
        path: The segments of its Uri-Path, with slashes between them; None if one of them has a slash itself.
        payload: What it carries.
        is_block: Whether that is a part of something longer.
        first: What it says of its first sealing; None if nothing.
        command: The last command that the modem has; None if it doesn't say.
        echo: What it gives back; empty if nothing.
    """

    is_post: bool
    understood: bool
    path: str | None
    payload: bytes
    is_block: bool
    first: int | None
    command: int | None
    echo: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered, before it is sealed.

    Args:
        code: The code.
        payload: What it carries.
        command: The number of the command that this is; None if it is none.
        max_age: Seconds after which it is worth to ask again; None to say nothing of it.
        echo: What the request is to give back; empty for nothing.
    """

    code: Code
    payload: bytes = b""
    command: int | None = None
    max_age: int | None = None
    echo: bytes = b""


def read(data: bytes) -> Arrived | None:
    """Read a datagram; None if it is no request that could be answered.

    The library keeps in memory each option number that it ever met, so it is shown nothing that a stranger sent but the
    option and the payload that are sealed.
    """
    if len(data) < _HEAD or data[0] >> 6 != 1 or data[0] >> 4 & 3 > Kind.NON_CONFIRMABLE or data[1] != aiocoap.POST:
        return None
    length = data[0] & 0x0F
    taken = None if length > _LONGEST_TOKEN else _taken_apart(data[_HEAD + length :])
    if taken is None or len(data) < _HEAD + length:
        return None
    options, payload = taken
    kind, number = Kind(data[0] >> 4 & 3), int.from_bytes(data[2:4], "big")
    sealed = [value for option, value in options if option == OptionNumber.OSCORE]
    foreign = any(option % 2 and option not in _OF_REQUESTS for option, _ in options)
    kid = None if foreign or len(sealed) != 1 or not payload else _kid(sealed[0])
    return Arrived(
        kind, number, data[_HEAD : _HEAD + length], sealed[0] if kid is not None else b"", payload, kid, len(data)
    )


def is_ping(data: bytes) -> bool:
    """Whether a datagram is a confirmable message without anything in it (RFC 7252 section 4.3)."""
    return len(data) == _HEAD and data[0] == 0x40 and data[1] == 0  # noqa: PLR2004 - version 1, type 0, no token


def reset(ping: bytes) -> bytes:
    """Return what a ping is answered."""
    return bytes([0x70, 0]) + ping[2:]


def unsealed(arrived: Arrived, code: Code) -> bytes:
    """Return an answer that is a code and nothing else, which is never longer than what it answers."""
    return bytes([0x60 | len(arrived.token), code]) + arrived.id.to_bytes(2, "big") + arrived.token


def request_of(message: aiocoap.Message) -> Request:
    """Return what a message says that was in a seal."""
    options = message.opt.option_list()
    path = [str(segment) for segment in message.opt.uri_path]
    block = message.opt.block1
    return Request(
        is_post=message.code == aiocoap.POST,
        understood=not any(each.number.is_critical() and each.number not in _SEALED for each in options),
        path=None if any("/" in segment for segment in path) else "/".join(path),
        payload=bytes(message.payload),
        is_block=block is not None and bool(block.more or block.block_number),
        first=_number(message, FIRST),
        command=_number(message, COMMAND),
        echo=bytes(message.opt.echo or b""),
    )


def message_of(answer: Answer) -> aiocoap.Message:
    """Return the message that is to be sealed."""
    message = aiocoap.Message(code=answer.code, payload=answer.payload)
    message.direction = Direction.OUTGOING
    if answer.max_age is not None:
        message.opt.max_age = answer.max_age
    if answer.echo:
        message.opt.echo = answer.echo
    if answer.command is not None:
        size = (answer.command.bit_length() + 7) // 8
        option = OptionNumber(COMMAND).create_option(decode=answer.command.to_bytes(size, "big"))
        message.opt.add_option(option)
    return message


def datagram_of(sealed: aiocoap.Message, arrived: Arrived, own_id: int) -> bytes:
    """Return the datagram of a sealed answer: in the acknowledgement, or as a message of its own that needs none."""
    confirms = arrived.kind is Kind.CONFIRMABLE
    sealed.mtype = aiocoap.ACK if confirms else aiocoap.NON
    sealed.mid, sealed.token = (arrived.id if confirms else own_id), arrived.token
    return bytes(sealed.encode())


def _taken_apart(data: bytes) -> tuple[list[tuple[int, bytes]], bytes] | None:
    """Return the options and the payload of what follows the token; None if that is not how it is made up."""
    options, number = [], 0
    while data and data[0] != _PAYLOAD_MARK:
        delta, size, data = data[0] >> 4, data[0] & 0x0F, data[1:]
        lengths = []
        for nibble in (delta, size):
            more = _EXTENDED.get(nibble, (0, 0))
            if nibble == _RESERVED or len(data) < more[0]:
                return None
            lengths.append(int.from_bytes(data[: more[0]], "big") + (more[1] if more[0] else nibble))
            data = data[more[0] :]
        number += lengths[0]
        if len(data) < lengths[1]:
            return None
        options.append((number, data[: lengths[1]]))
        data = data[lengths[1] :]
    return None if len(data) == 1 else (options, data[1:])


def _kid(option: bytes) -> bytes | None:
    """Read from its OSCORE option who sealed a request; None if it can't be told, or there is no number."""
    if not option or option[0] & 0xE0 or not option[0] & 0x08 or not 0 < option[0] & 0x07 <= _LONGEST_NUMBER:
        return None
    size = 1 + (option[0] & 0x07)
    if option[0] & 0x10:
        # the id context is behind the number, after its length
        size += 1 + (option[size] if len(option) > size else 0)
    return option[size:] if len(option) >= size else None


def _number(message: aiocoap.Message, number: int) -> int | None:
    values = [option.encode() for option in message.opt.get_option(OptionNumber(number)) or ()]
    return int.from_bytes(values[0], "big") if values and len(values[0]) <= _LONGEST_NUMBER else None
