"""OSCORE: the vectors of RFC 8613, and answers that are not believed."""

from pathlib import Path

import aiocoap
import pytest
from aiocoap import oscore

from sim7020_bridge.coap import messages
from sim7020_bridge.coap.sealing import Key, NotForUs
from sim7020_bridge.config.model import CoapSettings, KeyMaterial

SECRET = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")
SALT = bytes.fromhex("9e7ca92223786340")
CONTEXT = bytes.fromhex("37cbf3210017a2d3")
# RFC 8613, appendices C.1.1, C.2.1, C.3.1 and C.4, C.5, C.6
ROWS = [
    (
        KeyMaterial(SECRET, b"", b"\x01", SALT),
        None,
        "f0910ed7295e6ad4b54fc793154302ff",
        "44015d1f00003974396c6f63616c686f737483747631",
        "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e",
    ),
    (
        KeyMaterial(SECRET, b"\x00", b"\x01"),
        None,
        "321b26943253c7ffb6003b0b64d74041",
        "440171c30000b932396c6f63616c686f737483747631",
        "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
    ),
    (
        KeyMaterial(SECRET, b"", b"\x01", SALT),
        CONTEXT,
        "af2a1300a5e95788b356336eeecd2b92",
        "44012f8eef9bbf7a396c6f63616c686f737483747631",
        "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3",
    ),
]


def key(material: KeyMaterial, folder: Path, at: int = 20, id_context: bytes | None = None) -> Key:
    """Return a key whose next number is the given one."""
    made = Key(material, folder, id_context=id_context)
    made._numbers._next, made._numbers._reserved = at, at + 10
    return made


@pytest.mark.parametrize("row", ROWS)
def test_rfc_8613_requests(row: tuple[KeyMaterial, bytes | None, str, str, str], tmp_path: Path) -> None:
    """Requests are sealed as the RFC's are, byte for byte."""
    material, id_context, sender_key, plain, sealed = row
    ours = key(material, tmp_path, id_context=id_context)
    assert ours.sender_key.hex() == sender_key
    request = ours.seal(aiocoap.Message.decode(bytes.fromhex(plain)))
    assert (request.datagram.hex(), request.number) == (sealed, 20)


def test_rfc_8613_answer(tmp_path: Path) -> None:
    """Appendix C.7: an answer without a number of its own; with any bit changed, or for another request, it is none."""
    ours = key(ROWS[0][0], tmp_path)
    plain = aiocoap.Message.decode(bytes.fromhex(ROWS[0][3]))
    request = ours.seal(plain)
    answer = bytes.fromhex("64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106")
    opened = ours.open(answer, request.opener)
    assert (opened.of, opened.code, opened.payload) == (messages.Of.SUCCESS, "2.05", b"Hello World!")
    assert (opened.kind, opened.id, opened.token) == (messages.Kind.ACKNOWLEDGEMENT, 0x5D1F, bytes.fromhex("00003974"))
    for bit in range(8 * 10, 8 * len(answer)):
        wrong = bytearray(answer)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NotForUs):
            ours.open(bytes(wrong), request.opener)
    other = ours.seal(aiocoap.Message.decode(bytes.fromhex(ROWS[0][3])))
    with pytest.raises(NotForUs):
        ours.open(answer, other.opener)
    with pytest.raises(NotForUs, match="not sealed"):
        ours.open(bytes.fromhex("64455d1f00003974ff41"), request.opener)


def test_what_is_said_besides_is_sealed(tmp_path: Path) -> None:
    """The path, the number of the first sealing and the command's number are nothing for others to read."""
    material = KeyMaterial(SECRET, b"\x01", b"")
    theirs = key(KeyMaterial(SECRET, b"", b"\x01"), tmp_path)
    numbers = {messages.FIRST: 0x123456, messages.COMMAND: 0x789ABC}
    plain = messages.request(CoapSettings(("secretly",)), b"here", id=7, token=b"tk", numbers=numbers, echo=b"fresh")
    request = key(material, tmp_path).seal(plain)
    for shown in (b"secretly", b"here", b"\x12\x34\x56", b"\x78\x9a\xbc", b"fresh"):
        assert shown in bytes(plain.encode())
        assert shown not in request.datagram
    came = aiocoap.Message.decode(request.datagram)
    came.direction = aiocoap.message.Direction.INCOMING
    opened, _ = theirs.unprotect(came)
    options = {int(option.number): option.encode() for option in opened.opt.option_list()}
    assert options == {11: b"secretly", 252: b"fresh", 65000: b"\x12\x34\x56", 65004: b"\x78\x9a\xbc"}
    assert opened.payload == b"here"


def test_the_secret_is_shown_nowhere() -> None:
    """Neither a log nor a traceback has it."""
    shown = repr(KeyMaterial(SECRET, b"", b"\x01", SALT))
    assert shown == "KeyMaterial(sender_id='', recipient_id='01')"
    assert oscore.DEFAULT_ALGORITHM == "AES-CCM-16-64-128"
