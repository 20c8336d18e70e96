"""OSCORE: the vectors of RFC 8613, and answers that are not believed."""

from pathlib import Path

import aiocoap
import pytest
from aiocoap import oscore

from sim7020_bridge.coap.sealing import Sealed
from sim7020_bridge.config.model import OscoreSettings

SECRET = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")
SALT = bytes.fromhex("9e7ca92223786340")
# RFC 8613, appendices C.1.1, C.2.1, C.3.1 and C.4, C.5, C.6
ROWS = [
    (
        OscoreSettings(SECRET, b"", b"\x01", SALT),
        20,
        "f0910ed7295e6ad4b54fc793154302ff",
        "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e",
    ),
    (
        OscoreSettings(SECRET, b"\x00", b"\x01"),
        20,
        "321b26943253c7ffb6003b0b64d74041",
        "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0",
    ),
    (
        OscoreSettings(SECRET, b"", b"\x01", SALT, bytes.fromhex("37cbf3210017a2d3")),
        20,
        "af2a1300a5e95788b356336eeecd2b92",
        "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3",
    ),
]
PLAIN = [
    "44015d1f00003974396c6f63616c686f737483747631",
    "440171c30000b932396c6f63616c686f737483747631",
    "44012f8eef9bbf7a396c6f63616c686f737483747631",
]


def context(keys: OscoreSettings, folder: Path) -> Sealed:
    """Return a context."""
    folder.mkdir(exist_ok=True)
    return Sealed(keys, folder)


@pytest.mark.parametrize(("row", "plain"), [*zip(ROWS, PLAIN, strict=True)])
def test_rfc_8613_requests(row: tuple[OscoreSettings, int, str, str], plain: str, tmp_path: Path) -> None:
    """Requests are sealed as the RFC's are, byte for byte."""
    keys, number, sender_key, sealed = row
    ours = context(keys, tmp_path)
    assert ours.sender_key.hex() == sender_key
    datagram, _ = ours.seal(aiocoap.Message.decode(bytes.fromhex(plain)), number)
    assert datagram.hex() == sealed
    ours.close()


def test_rfc_8613_answer(tmp_path: Path) -> None:
    """Appendix C.7: an answer without a number of its own. A bit of it changed, or another request, and it is none."""
    keys, number, _, _ = ROWS[0]
    ours = context(keys, tmp_path)
    _, request = ours.seal(aiocoap.Message.decode(bytes.fromhex(PLAIN[0])), number)
    answer = bytes.fromhex("64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106")
    opened = ours.open(answer, request)
    assert opened is not None
    assert (opened.code, opened.payload, opened.id, opened.token) == (
        "2.05",
        b"Hello World!",
        0x5D1F,
        b"\x00\x00\x39\x74",
    )
    for bit in range(8 * 8, 8 * len(answer)):
        wrong = bytearray(answer)
        wrong[bit // 8] ^= 1 << bit % 8
        assert ours.open(bytes(wrong), request) is None
    assert all(ours.open(answer[:length], request) is None for length in range(len(answer)))
    _, other = ours.seal(aiocoap.Message.decode(bytes.fromhex(PLAIN[0])), number + 1)
    assert ours.open(answer, other) is None
    ours.close()


def test_the_secret_is_shown_nowhere() -> None:
    """Neither a log nor a traceback has it."""
    shown = repr(OscoreSettings(SECRET, b"", b"\x01", SALT))
    assert repr(SECRET) not in shown
    assert repr(SALT) not in shown
    assert oscore.DEFAULT_ALGORITHM == "AES-CCM-16-64-128"
