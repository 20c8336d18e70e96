"""The transparent mode of the SIM800-compatible stack: a line that is a connection, and the way out of it."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from sim7020_emulator.emulator import Setup
from tests.emulator.bench import Bench
from tests.emulator.links import ADDRESS, EVERY_BYTE
from tests.emulator.peers import Peer


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """An attached module that lives ten times as fast as its host."""
    async with Bench(Setup(baud=0, speed=10)) as started:
        yield started


@pytest.fixture(params=["tcp", "udp"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    """A loopback server."""
    opened = await Peer(request.param).open()
    yield opened
    opened.close()


async def _connect(bench: Bench, peer: Peer) -> None:
    bench.module.internet.routes[ADDRESS, peer.port] = ("127.0.0.1", peer.port)
    assert await bench.ask("AT+CIPMODE=1") == ["OK"]
    assert await bench.ask(f'AT+CIPSTART="{peer.protocol.upper()}","{ADDRESS}",{peer.port}') == ["OK"]
    assert await bench.line() == "CONNECT"


async def _leave(bench: Bench) -> None:
    await bench.module.schedule.wait(1)
    bench.type(b"+++")
    assert await bench.line() == "OK"


async def test_data_pass_both_ways(bench: Bench, peer: Peer) -> None:
    """Every byte passes, with no head and no line end, and commands are none."""
    await _connect(bench, peer)
    bench.type(EVERY_BYTE + b"AT\r\n")
    await peer.wait_for(EVERY_BYTE + b"AT\r\n")
    await peer.send(EVERY_BYTE)
    assert await bench.until(EVERY_BYTE) == EVERY_BYTE


async def test_out_and_in_again(bench: Bench, peer: Peer) -> None:
    """Behind the sequence commands are commands; what comes meanwhile is printed when data pass again."""
    await _connect(bench, peer)
    bench.type(b"hello")
    await peer.wait_for(b"hello")
    for back in (b"ATO\r", b"AT+CIPCHAN\r"):
        await _leave(bench)
        assert await bench.ask("AT+CSQ") == ["+CSQ: 20,0", "OK"]
        assert await bench.ask("AT+CIPSEND=1") == ["ERROR"]
        assert await bench.ask("AT+CIPMODE=0") == ["ERROR"]
        await peer.send(b"meanwhile")
        await bench.module.schedule.wait(1)
        assert bench.heard == b""
        bench.type(back)
        assert await bench.until(b"meanwhile") == b"\r\nCONNECT\r\nmeanwhile"
    await _leave(bench)
    bench.type(b"AT+CIPCLOSE\r")
    assert await bench.line() == "CLOSE OK"
    assert await bench.ask("ATO") == ["ERROR"]


async def test_a_stream_waits_for_data_to_pass_again(bench: Bench) -> None:
    """Of what comes while commands are typed nothing is lost: the stream stops until data pass again."""
    peer = await Peer("tcp").open()
    await _connect(bench, peer)
    await _leave(bench)
    sent = bytes(0x80 | at % 0x7F for at in range(300_000))
    sending = asyncio.create_task(peer.send(sent))
    while not bench.module.compatible.transparent.full():
        await bench.module.schedule.wait(1)
    await bench.module.schedule.wait(1)
    assert bench.module.bearer.traffic.down_bytes < 90_000
    bench.type(b"ATO\r")
    said = await bench.until(re.compile(rb"\r\nCONNECT\r\n.{%d}" % len(sent), re.DOTALL))
    await sending
    assert said == b"\r\nCONNECT\r\n" + sent
    peer.close()


@pytest.mark.parametrize("pieces", [[b"+", b"+", b"+"], [b"++", b"+"]])
async def test_sequence_in_pieces(bench: Bench, peer: Peer, pieces: list[bytes]) -> None:
    """The plus signs may come one after the other, with less than a second between them."""
    await _connect(bench, peer)
    await bench.module.schedule.wait(1)
    for piece in pieces:
        bench.type(piece)
        await bench.module.schedule.wait(0.5)
    assert await bench.line() == "OK"


async def test_what_is_no_sequence(bench: Bench, peer: Peer) -> None:
    """Plus signs with something typed shortly before or after them, too many or too few are data."""
    await _connect(bench, peer)
    bench.type(b"a+++")
    await peer.wait_for(b"a+++")
    for data in (b"+++b", b"++++", b"++"):
        await bench.module.schedule.wait(1)
        bench.type(data)
        await peer.wait_for(data)
    await bench.module.schedule.wait(1)
    bench.type(b"+++")
    await bench.module.schedule.wait(0.5)
    bench.type(b"c")
    await peer.wait_for(b"+++c")
    bench.type(b"d")
    await bench.module.schedule.wait(0.5)
    bench.type(b"+++")
    await peer.wait_for(b"d+++")
    assert bench.heard == b""


async def test_sends_are_gathered(bench: Bench) -> None:
    """What is typed without a pause is one datagram, of 1024 bytes at most."""
    peer = await Peer("udp").open()
    await _connect(bench, peer)
    for byte in b"hello":
        bench.type(bytes([byte]))
        await bench.module.schedule.wait(0.1)
    await peer.wait_for(b"hello")
    bench.type(b"x" * 1500)
    await peer.wait_for(b"x" * 1500)
    assert [len(datagram) for datagram in peer.datagrams] == [5, 1024, 476]
    peer.close()


async def test_peer_closes(bench: Bench) -> None:
    """The end of the link ends the mode: what is typed then are commands, and the next link is transparent again."""
    peer = await Peer("tcp").open()
    for _ in range(2):
        await _connect(bench, peer)
        await peer.hang_up()
        assert await bench.line() == "CLOSED"
        assert await bench.ask("AT") == ["OK"]
        assert await bench.ask("ATO") == ["ERROR"]
    peer.close()


async def test_no_reports_between_data(bench: Bench, peer: Peer) -> None:
    """Nothing is said by itself while data pass; the loss of the PDN is."""
    await bench.ask("AT+CEREG=1")
    await _connect(bench, peer)
    bench.module.emit_urc("+CSQN: 1,0")
    assert bench.heard == b""
    bench.module.deactivate(1, by_network=True)
    assert await bench.line() == "+PDP: DEACT"
    assert await bench.ask("AT") == ["OK"]


async def test_one_link_only(bench: Bench) -> None:
    """Several links, or a server, are not transparent."""
    assert await bench.ask("AT+CIPMODE=1") == ["OK"]
    assert await bench.ask("AT+CIPMUX=1") == ["ERROR"]
    assert await bench.ask("AT+CIPSERVER=1,7") == ["ERROR"]
    assert await bench.ask("AT+CIPMODE=0;+CIPMUX=1") == ["OK"]
    assert await bench.ask("AT+CIPMODE=1") == ["ERROR"]


async def test_reset_ends_it() -> None:
    """A module that restarts greets, and takes commands."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, speed=100)) as bench:
        await _connect(bench, peer)
        bench.module.restart()
        await bench.until(b"SMS Ready\r\n")
        await bench.ask("ATE0")
        assert await bench.ask("AT+CIPMODE?") == ["+CIPMODE: 0", "OK"]
    peer.close()
