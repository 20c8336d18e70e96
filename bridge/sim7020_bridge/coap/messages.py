"""CoAP datagrams (RFC 7252 section 3): values into bytes, and bytes into values or nothing."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import aiocoap
from aiocoap.error import UnparsableMessage
from aiocoap.numbers.codes import Code
from aiocoap.numbers.optionnumbers import OptionNumber
from aiocoap.optiontypes import UintOption

from sim7020_bridge.config.model import CoapSettings

DEFAULT_MAX_AGE: Final = 60
"""Seconds that an answer holds for if it does not say (RFC 7252 section 5.10.5)."""

_LONGEST_TOKEN: Final = 8
_LONGEST_WORDS: Final = 100
_PAYLOAD_MARK: Final = b"\xff"
_HEAD: Final = 4
_UNDERSTOOD: Final = frozenset({23, 27})
"""Critical options of answers that are understood: Block2 and Block1 (RFC 7959)."""


class Kind(IntEnum):
    """The type of a message (RFC 7252 section 3)."""

    CONFIRMABLE = 0
    NON_CONFIRMABLE = 1
    ACKNOWLEDGEMENT = 2
    RESET = 3


class Of(IntEnum):
    """What a message is by the class of its code; successes and errors are answers."""

    REQUEST = 0
    SUCCESS = 2
    CLIENT_ERROR = 4
    SERVER_ERROR = 5


_CLASSES: Final = frozenset(int(each) for each in Of)

FIRST: Final = OptionNumber(65000)
"""An option of sealed requests (elective, for experiments): the number that the message was sealed with first."""

COMMAND: Final = OptionNumber(65004)
"""The same of sealed answers: which command the payload is; and of requests: the last that was taken."""

UNAUTHORIZED: Final = "4.01"
TOO_MANY_REQUESTS: Final = "4.29"
UNAVAILABLE: Final = "5.03"


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came from a server.

    Args:
        kind: Its type.
        id: Its message id.
        token: Its token; empty where there is none.
        of: What it is; None if it is empty, of a class that nobody knows, or has an option that must not be ignored.
        code: As people write it, such as ``4.04``.
        words: The code in words, with what the server adds to an error; printable, and not long.
        payload: What it carries.
        max_age: Seconds for which it holds.
        whole: Whether that is all of the payload; otherwise it is the first block of more.
        empty: Whether it has no code: an acknowledgement, a reset or a ping alone.
        echo: What the next request must bring back (RFC 9175), if the server wants to know that it is fresh.
        command: Which command of the server's the payload is, if it is one.
    """

    kind: Kind
    id: int
    token: bytes
    of: Of | None
    code: str
    words: str
    payload: bytes
    max_age: int
    whole: bool
    empty: bool
    echo: bytes | None = None
    command: int | None = None


def post(
    resource: CoapSettings,
    payload: bytes,
    *,
    id: int,  # noqa: A002 - RFC 7252's word
    token: bytes,
    echo: bytes | None = None,
    first: int | None = None,
    heard: int | None = None,
) -> aiocoap.Message:
    """Return a request that posts a payload to a resource.

    Args:
        resource: The resource.
        payload: The payload.
        id: The message id.
        token: The token.
        echo: What the server wants back.
        first: The number that the message was first sealed with.
        heard: The last command of the server's that was taken.
    """
    kind = Kind.CONFIRMABLE if resource.confirmable else Kind.NON_CONFIRMABLE
    message = aiocoap.Message(code=aiocoap.POST, payload=payload, _mtype=kind, _mid=id, _token=token)
    message.opt.uri_path = resource.path
    message.opt.uri_query = resource.query
    if echo is not None:
        message.opt.echo = echo
    for option, value in ((FIRST, first), (COMMAND, heard)):
        if value is not None:
            message.opt.add_option(UintOption(option, value))
    return message


def empty(kind: Kind, id: int) -> bytes:  # noqa: A002 - RFC 7252's word
    """Return an acknowledgement or a reset alone."""
    return bytes(aiocoap.Message(code=aiocoap.EMPTY, _mtype=kind, _mid=id).encode())


def read(data: bytes) -> Datagram | None:
    """Read a datagram; None if it is none of CoAP, whatever it is."""
    message = decode(data)
    try:
        return None if message is None else told(message)
    except (ValueError, LookupError, OverflowError):
        return None


def decode(data: bytes) -> aiocoap.Message | None:
    """Read a datagram as aiocoap does, and as strictly as RFC 7252 wants it; None if it is none of CoAP."""
    try:
        message = aiocoap.Message.decode(data)
        options = [bytes(option.encode()) for option in message.opt.option_list()]
    except (UnparsableMessage, ValueError, LookupError, OverflowError):
        return None
    length = data[0] & 0x0F
    if length > _LONGEST_TOKEN or len(message.token) < length or (int(message.code) == 0 and len(data) > _HEAD):
        return None
    rest = data[_HEAD + length :]
    if not message.payload and rest.endswith(_PAYLOAD_MARK) and not (options and options[-1].endswith(rest[-1:])):
        return None  # a mark with nothing behind it, and not the end of an option
    return message


def told(message: aiocoap.Message) -> Datagram:
    """Return what a message says."""
    block, max_age, code = message.opt.block2, message.opt.max_age, int(message.code)
    foreign = any(int(each.number) % 2 and int(each.number) not in _UNDERSTOOD for each in message.opt.option_list())
    command = message.opt.get_option(COMMAND)
    return Datagram(
        Kind(int(message.mtype)),
        int(message.mid),
        bytes(message.token),
        None if code == 0 or foreign or code >> 5 not in _CLASSES else Of(code >> 5),
        f"{code >> 5}.{code & 31:02d}",
        _words(code, bytes(message.payload)),
        bytes(message.payload),
        DEFAULT_MAX_AGE if max_age is None else int(max_age),
        block is None or not (block.more or block.block_number),
        code == 0,
        message.opt.echo,
        int.from_bytes(command[0].encode(), "big") if command else None,
    )


def _words(code: int, payload: bytes) -> str:
    dotted = f"{code >> 5}.{code & 31:02d}"
    known = str(Code(code))
    words = known if known.startswith(dotted) and "UNKNOWN" not in known.upper() else dotted
    if code >> 5 not in (Of.CLIENT_ERROR, Of.SERVER_ERROR):
        return words
    said = "".join(character for character in payload.decode(errors="replace") if character.isprintable())
    return f"{words}: {said[:_LONGEST_WORDS]}" if said else words
