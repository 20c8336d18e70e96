"""Whoever has no key gets nothing done, learns nothing, and costs nothing."""

import gc
import itertools
import logging
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from sim7020_bridge.config.model import OscoreSettings
from sim7020_bridge.logs import Sparing
from sim7020_far_end import datagrams
from sim7020_far_end.modem import FarModem
from sim7020_far_end.server import Server
from sim7020_far_end.settings import ModemSettings
from sim7020_far_end.topics import Topics
from tests.coap_datagram import ACK, CON, NON, Seen, put_together, taken_apart
from tests.far_end.sealed_client import OSCORE, Client
from tests.far_end.world import a_world

CHANGED, UNAUTHORIZED = (2, 4), (4, 1)


class Sent:
    """A transport that keeps what is sent by it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def is_closing(self) -> bool:
        """Be open."""
        return False

    def sendto(self, data: bytes, _address: object) -> None:
        """Keep a datagram."""
        self.sent.append(data)


def never(*_: object, **__: object) -> None:
    """Be called by nothing that was not opened."""
    raise AssertionError("a stranger's datagram was believed")


async def a_server() -> tuple[Server, Sent]:
    """Return a server for one modem that nothing ever reaches, and what it sends."""
    material = OscoreSettings(secret=bytes(range(16)), sender_id=b"", recipient_id=b"\x01")
    nobody: Any = None
    modem = FarModem(ModemSettings("shed", material), Topics("far-end"), nobody, nobody, nobody, lambda: 0.0, never)
    server, sent = Server([modem], never), Sent()
    server._transport = cast("Any", sent)
    return server, sent


def garbage(chance: random.Random) -> bytes:
    """Return what somebody might send: noise, CoAP of any kind, and what looks like the modem's."""
    kind, number, token = chance.choice([CON, NON]), chance.getrandbits(16), chance.randbytes(chance.randint(0, 8))
    match chance.randint(0, 4):
        case 0:
            return chance.randbytes(chance.randint(0, 60))
        case 1:
            return put_together(Seen(kind, (0, 2), number, token, ((chance.randint(1, 268), b"x"),), b"x"))
        case 2:
            numbers = sorted(chance.sample(range(1, 250), 3))
            far = tuple((option, chance.randbytes(3)) for option in numbers if option - numbers[0] < 200)
            return put_together(Seen(kind, (0, 2), number, token, far[:1], chance.randbytes(20)))[:-10]
    kid = chance.choice([b"\x01", chance.randbytes(2)])
    option = bytes([0x08 | 2]) + chance.randbytes(2) + kid
    return put_together(Seen(kind, (0, 2), number, token, ((OSCORE, option),), chance.randbytes(chance.randint(0, 40))))


class SaysNothing(Sparing):
    """The log as it is written, which remembers what it has said, without a place to write to."""

    def say(self, record: logging.LogRecord) -> None:
        """Have it said."""


@contextmanager
def written() -> Iterator[None]:
    """Have the far end's log go the way of a program's, and not be kept line by line for the test."""
    log, handler = logging.getLogger("sim7020_far_end"), SaysNothing()
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.propagate = True
        log.removeHandler(handler)


async def test_garbage_costs_no_memory_and_is_never_answered_with_more() -> None:
    """From thousands of addresses, thousands of datagrams, by ids that are known and unknown."""
    server, sent = await a_server()
    chance = random.Random(7)  # noqa: S311 - the same each time

    def flood(count: int) -> int:
        for _ in range(count):
            data = garbage(chance)
            server.datagram_received(data, (f"192.0.2.{chance.randint(0, 255)}", chance.getrandbits(16)))
            for answer in sent.sent:
                assert len(answer) <= len(data)
            sent.sent.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        with written():
            flood(500)
            before = flood(500)
            assert flood(3000) - before < 20_000
    finally:
        tracemalloc.stop()
    assert not server._answered


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", None),
        (b"\x40", None),
        (b"\x40\x00\x12\x34", b"\x70\x00\x12\x34"),
        (b"\x40\x00\x12\x34\x00", None),
        (b"\x50\x00\x12\x34", None),
        (b"\x70\x00\x12\x34", None),
        (b"\x40\x01\x12\x34", None),
        (b"\x4f\x02\x12\x34", None),
        (b"\x48\x02\x12\x34\x00", None),
        (b"\x40\x02\x12\x34\xff", None),
        (b"\x40\x02\x12\x34\xf0", None),
        (b"\x40\x02\x12\x34\xd0", None),
        (b"\x40\x02\x12\x34\x15", None),
        (b"\x40\x02\x12\x34", b"\x60\x81\x12\x34"),
        (b"\x50\x02\x12\x34", None),
        (b"\x42\x02\x12\x34ab\xb1t\xffx", b"\x62\x81\x12\x34ab"),
    ],
    ids=[
        *("nothing", "a byte", "ping", "ping with more", "unconfirmable ping", "reset", "get", "reserved token length"),
        *("token cut", "mark alone", "reserved delta", "delta cut", "option cut", "post without a seal"),
        *("unconfirmable without a seal", "with token, path and payload"),
    ],
)
async def test_what_strangers_are_answered(data: bytes, answer: bytes | None) -> None:
    """Nothing, or a code of which nothing can be learnt, as long as what came or shorter."""
    server, sent = await a_server()
    server.datagram_received(data, ("192.0.2.1", 5683))
    assert sent.sent == ([] if answer is None else [answer])
    assert answer is None or len(answer) <= len(data)


@pytest.mark.parametrize(
    "option",
    [bytes.fromhex(each) for each in ("", "00", "09", "0900", "0801", "0e0001", "1900ff01", "1900", "890001")],
)
async def test_an_option_that_nobody_reads_is_no_seal(option: bytes) -> None:
    """A damaged OSCORE option reaches no key."""
    server, sent = await a_server()
    server.datagram_received(put_together(Seen(CON, (0, 2), 7, b"", ((OSCORE, option),), bytes(20))), ("192.0.2.1", 1))
    assert [taken_apart(each).code for each in sent.sent] == [UNAUTHORIZED]


async def test_each_bit_counts(tmp_path: Path) -> None:
    """A datagram with any bit changed behind its head, or cut anywhere, is published by nobody."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        whole = world.client.post(b"1").datagram
        start = 4 + (whole[0] & 0x0F)
        wrong = [whole[:size] for size in range(len(whole))]
        for bit in range(8 * start, 8 * len(whole)):
            changed = bytearray(whole)
            changed[bit // 8] ^= 1 << bit % 8
            wrong.append(bytes(changed))
        for index, data in enumerate(wrong):
            world.line.send(data)
            if index % 50 == 0:
                await world.settled()
        await world.settled()
        while not world.line.came.empty():
            answer = taken_apart(world.line.came.get_nowait())
            assert (answer.kind, answer.code, answer.options) == (ACK, UNAUTHORIZED, ())
        world.line.send(whole)
        assert taken_apart(await world.line.answered()).code == CHANGED
        await world.post(b"2")
        assert await world.published(3) == [b"0", b"1", b"2"]
        assert not world.peer.all("far-end/shed/event")


@pytest.mark.parametrize(
    "stranger",
    [
        Client(secret=bytes(16)),
        Client(salt=b"\x01"),
        Client(ours=b"\x02"),
        Client(theirs=b"\x01", ours=b""),
    ],
    ids=["secret", "salt", "id", "ends exchanged"],
)
async def test_other_keys_open_nothing(tmp_path: Path, stranger: Client) -> None:
    """A code, unsealed, is all that they are told."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        for _ in range(3):
            request = stranger.post(b"mine")
            world.line.send(request.datagram)
            answer = taken_apart(await world.line.answered())
            assert (answer.code, answer.payload, answer.options) == (UNAUTHORIZED, b"", ())
        await world.post(b"1")
        assert await world.published(2) == [b"0", b"1"]


async def test_what_was_recorded_is_nothing_new(tmp_path: Path) -> None:
    """Played again in any order, from another address, under another message id or token: silence."""
    async with a_world(tmp_path) as world:
        await world.post(b"0")
        recorded = []
        for number in range(1, 6):
            request = world.client.post(b"%d" % number)
            recorded.append(request.datagram)
            assert (await world.said(request)).code == CHANGED
        for data in itertools.chain(reversed(recorded), recorded):
            changed = bytearray(data)
            changed[2:4] = b"\xff\xff"
            world.line.send(bytes(changed))
            await world.settled()
        assert world.line.came.empty()
        await world.post(b"6")
        assert await world.published(7) == [b"%d" % number for number in range(7)]
        assert not world.peer.all("far-end/shed/event")


async def test_a_key_that_two_use_is_told(tmp_path: Path) -> None:
    """A number with something else in it: an event, and an answer that says no more than that."""
    async with a_world(tmp_path) as world:
        twin = Client()
        await world.post(b"0")
        await world.post(b"1")
        next(twin.numbers)
        next(twin.ids)
        twice = twin.post(b"another")
        world.line.send(twice.datagram)
        answer = taken_apart(await world.line.answered())
        assert (answer.code, answer.options) == (UNAUTHORIZED, ())
        assert (await world.event("key_used_twice")).json()["number"] == twice.number
        await world.post(b"2")
        assert await world.published(3) == [b"0", b"1", b"2"]


async def test_a_recording_is_asked_for_proof_in_no_more_than_it_has(tmp_path: Path) -> None:
    """While nothing is known of its numbers, somebody may send it in another's name."""
    async with a_world(tmp_path) as world:
        requests = [world.client.post(size * b"x", "t") for size in range(4)]
        world.client.numbers = itertools.count()
        requests += [world.client.post(size * b"x", "t") for size in range(8)]
        for request in requests:
            world.line.send(request.datagram)
            await world.settled()
            while not world.line.came.empty():
                answer = world.line.came.get_nowait()
                assert len(answer) <= len(request.datagram)
                assert world.client.open(answer, request).code == UNAUTHORIZED
        world.client.numbers = itertools.count(2 * 10**9)
        assert (await world.post(b"1")).code == CHANGED


async def test_no_number_seals_two_answers(tmp_path: Path) -> None:
    """Under one number of a modem's there is one answer, or the nonce would be used twice."""
    async with a_world(tmp_path) as world:
        request = world.client.post(b"0")
        world.line.send(request.datagram)
        asked = taken_apart(await world.line.answered())
        # of its own: the request's may have been used before this far end knew of it
        assert asked.has(OSCORE) != [b""]
        said = world.client.open(put_together(asked), request)
        again = world.client.post(b"0", echo=said.options[252])
        world.line.send(again.datagram)
        assert taken_apart(await world.line.answered()).has(OSCORE) == [b""]
        other = bytearray(again.datagram)
        other[2:4] = b"\x00\x01"
        world.line.send(bytes(other))
        await world.settled()
        assert world.line.came.empty()


def test_the_library_is_shown_nothing_that_it_would_keep() -> None:
    """It remembers each option number that it meets: a stranger could fill the memory with them."""
    from aiocoap.numbers.optionnumbers import OptionNumber  # noqa: PLC0415 - what the test is about

    known = len(OptionNumber._value2member_map_)
    for number in range(1000, 1200):
        far = b"\xe0" + (number - 269).to_bytes(2, "big")
        datagrams.read(b"\x40\x02\x00\x01" + far + b"\xff\x00")
    assert len(OptionNumber._value2member_map_) == known
