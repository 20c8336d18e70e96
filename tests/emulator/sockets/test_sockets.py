"""The module's sockets are real sockets of the host."""

import asyncio
import errno
import os
import random
import socket
from collections.abc import AsyncIterator

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.schedule import Timing
from sim7020_emulator.sockets.errors import error_code
from sim7020_emulator.sockets.internet import FailurePoint
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer

EVERY_BYTE = bytes(range(256))
ADDRESS = "203.0.113.9"


@pytest.fixture(params=["tcp", "udp"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    """A loopback server."""
    opened = await Peer(request.param).open()
    yield opened
    opened.close()


@pytest.fixture
async def tcp_peer() -> AsyncIterator[Peer]:
    """A loopback TCP server."""
    opened = await Peer("tcp").open()
    yield opened
    opened.close()


async def _connect(bench: Bench, peer: Peer, number: int = 0) -> None:
    kind = 1 if peer.protocol == "tcp" else 2
    assert await bench.ask(f"AT+CSOC=1,{kind},1") == [f"+CSOC: {number}", "OK"]
    bench.module.internet.routes[ADDRESS, peer.port] = ("127.0.0.1", peer.port)
    assert await bench.ask(f'AT+CSOCON={number},{peer.port},"{ADDRESS}"') == ["OK"]


async def test_every_byte_value_both_ways(bench: Bench, peer: Peer) -> None:
    """All 256 byte values go out as hex and come back as upper-case hex."""
    await _connect(bench, peer)
    assert await bench.ask(f'AT+CSOSEND=0,512,"{EVERY_BYTE.hex()}"') == ["OK"]
    await peer.wait_for(EVERY_BYTE)
    await peer.send(EVERY_BYTE)
    assert await bench.line() == f"+CSONMI: 0,512,{EVERY_BYTE.hex().upper()}"


async def test_every_byte_value_in_data_mode(bench: Bench, peer: Peer) -> None:
    """+CSODSEND with a length takes any byte, CR, LF, Ctrl-Z and ESC included, and echoes none."""
    await _connect(bench, peer)
    await bench.ask("ATE1")
    bench.type(b"AT+CSODSEND=0,256\r\n")
    assert (await bench.until(b"> ")).endswith(b"\r\r\n> ")
    bench.type(EVERY_BYTE[:100])
    bench.type(EVERY_BYTE[100:])
    assert await bench.until(b"256\r\n") == b"\r\nDATA ACCEPT: 256\r\n"
    await peer.wait_for(EVERY_BYTE)


async def test_every_byte_value_pushed_raw(bench: Bench, peer: Peer) -> None:
    """With +CSORCVFLAG=1 received bytes are printed as they are, counted in bytes."""
    await _connect(bench, peer)
    await bench.ask("AT+CSORCVFLAG=1")
    await bench.ask("AT+CSOSEND=0,2,00")
    await peer.wait_for(b"\0")
    await peer.send(EVERY_BYTE)
    await bench.until(b"+CSONMI: 0,256,")
    assert await bench.until(EVERY_BYTE + b"\r\n")


async def test_data_mode_is_cancelled_by_escape(bench: Bench, peer: Peer) -> None:
    """ESC ends data mode with nothing sent."""
    await _connect(bench, peer)
    bench.type(b"AT+CSODSEND=0\r")
    await bench.until(b"> ")
    bench.type(b"abc\x1b")
    assert await bench.until(b"OK\r\n") == b"\r\nOK\r\n"
    assert not peer.received


async def test_five_sockets_at_once() -> None:
    """Five sockets in a mix exchange random payloads in any order, none mixed up."""
    random_source = random.Random(7020)  # noqa: S311 (a seed, not a secret)
    peers = [await Peer(protocol).open() for protocol in ("tcp", "udp", "udp", "tcp", "udp")]
    expected: list[bytes] = [b""] * 5
    async with Bench() as bench:
        for number, peer in enumerate(peers):
            await _connect(bench, peer, number)
        assert await bench.ask("AT+CSOC=1,1,1") == ["ERROR"]
        for _ in range(200):
            number = random_source.randrange(5)
            data = random_source.randbytes(random_source.randint(1, 512))
            assert await bench.ask(f"AT+CSOSEND={number},{2 * len(data)},{data.hex()}") == ["OK"]
            expected[number] += data
        for peer, data in zip(peers, expected, strict=True):
            await peer.wait_for(data)
    for peer in peers:
        peer.close()


async def test_datagrams_stay_whole() -> None:
    """One URC per datagram, in order, the empty one left out."""
    peer = await Peer("udp").open()
    async with Bench() as bench:
        await _connect(bench, peer)
        await bench.ask("AT+CSOSEND=0,2,00")
        await peer.wait_for(b"\0")
        for size in (1, 1400, 3):
            await peer.send(bytes([size % 256]) * size)
        assert (await bench.line()) == "+CSONMI: 0,2,01"
        assert (await bench.line()).startswith("+CSONMI: 0,2800,")
        assert (await bench.line()) == "+CSONMI: 0,6,030303"
    peer.close()


async def test_stream_is_reported_in_pieces_of_512(bench: Bench, tcp_peer: Peer) -> None:
    """A long TCP stream comes as pieces of at most 512 bytes that add up."""
    await _connect(bench, tcp_peer)
    sent = bytes(number * 7 % 251 for number in range(5000))
    await tcp_peer.send(sent)
    got = b""
    while len(got) < len(sent):
        _, count, data = (await bench.line()).split(",")
        assert int(count) == len(data) <= 1024
        got += bytes.fromhex(data)
    assert got == sent


@pytest.mark.parametrize(
    "command",
    [
        "AT+CSOSEND=0,3,313", "AT+CSOSEND=0,4,313", "AT+CSOSEND=0,2,3G", "AT+CSOSEND=0,0,text", 'AT+CSOSEND=0,0,""',
        'AT+CSOSEND=1,2,"31"', 'AT+CSOSEND=5,2,"31"', "AT+CSOSEND=0,1026," + "00" * 513,
        'AT+CSOSEND=0,0,"' + "x" * 513 + '"', "AT+CSOSEND=0", "AT+CSOSEND=0,-2,31", 'AT+CSOCON=0,1,"1.2.3.4"',
        "AT+CSOCON=4,1,1.2.3.4", "AT+CSODSEND=0,769", "AT+CSOCL=3",
    ],
)  # fmt: skip
async def test_refused_socket_commands(bench: Bench, peer: Peer, command: str) -> None:
    """What the rules don't allow is ERROR and sends nothing."""
    await _connect(bench, peer)
    assert await bench.ask(command) == ["ERROR"]
    assert not peer.received


async def test_text_of_512_bytes(bench: Bench, peer: Peer) -> None:
    """512 characters of text are the most."""
    await _connect(bench, peer)
    text = "t;,A" * 128
    assert await bench.ask(f'AT+CSOSEND=0,0,"{text}"') == ["OK"]
    await peer.wait_for(text.encode())


async def test_acknowledgement_report_waits_for_the_peer() -> None:
    """SEND: comes only when the peer's kernel has acknowledged the bytes."""
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        silent.setblocking(False)
        async with Bench() as bench:
            await bench.ask("AT+CSOSENDFLAG=1")
            await bench.ask("AT+CSOC=1,1,1")
            assert await bench.ask(f"AT+CSOCON=0,{silent.getsockname()[1]},127.0.0.1") == ["OK"]
            accepted, _ = await asyncio.get_running_loop().sock_accept(silent)
            real = bench.module.sockets.get(0).real
            assert real is not None
            real._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # soon full
            chunk = "00" * 512
            reported = accepted_bytes = 0
            while (answer := await bench.ask(f"AT+CSOSEND=0,1024,{chunk}"))[-1] == "OK":
                reported += 512 * (len(answer) - 1)
                accepted_bytes += 512
            assert answer[-1] == "ERROR"
            assert reported < accepted_bytes
            _, sent, acked, waiting = (await bench.ask("AT+CSOACK=0"))[-2].split(": ")[1].split(",")
            assert int(sent) == int(acked) + int(waiting)
            assert int(waiting) > 0
            accepted.close()


async def test_data_survives_an_immediate_close() -> None:
    """What was accepted before +CSOCL still reaches the peer, after the uplink's delay."""
    peer = await Peer("tcp").open()
    setup = Setup(speed=20, timing=Timing(uplink=1.0))
    async with Bench(setup) as bench:
        await _connect(bench, peer)
        await bench.ask('AT+CSOSEND=0,0,"last words"')
        await bench.ask("AT+CSOCL=0")
        await peer.wait_for(b"last words")
    peer.close()


async def test_a_dead_socket_s_count_stays() -> None:
    """What had not left when a connection broke is not counted as acknowledged afterwards, and never will be."""
    peer = await Peer("tcp").open()
    setup = Setup(speed=20, timing=Timing(uplink=5.0))
    async with Bench(setup) as bench:
        await _connect(bench, peer)
        await bench.ask('AT+CSOSEND=0,0,"never"')
        bench.module.sockets.fail(bench.module.sockets.get(0), 3)
        assert await bench.line() == "+CSOERR: 0,3"
        await asyncio.sleep(0)
        assert await bench.ask("AT+CSOACK=0") == ["+CSOACK: 0,5,0,5", "OK"]
    peer.close()


async def test_orderly_close_and_reset(bench: Bench, tcp_peer: Peer) -> None:
    """A FIN and an RST of the peer are reported; the id stays taken until +CSOCL."""
    await _connect(bench, tcp_peer, 0)
    await tcp_peer.hang_up()
    assert await bench.line() == "+CSOERR: 0,4"
    assert await bench.ask('AT+CSOSEND=0,0,"x"') == ["ERROR"]
    assert await bench.ask("AT+CSOSTATUS=0") == ["+CSOSTATUS: 0,1", "OK"]
    await _connect(bench, tcp_peer, 1)
    await tcp_peer.connected(2)
    await tcp_peer.reset()
    assert await bench.line() == "+CSOERR: 1,3"
    assert await bench.ask("AT+CSOCL=0") == ["OK"]
    assert await bench.ask("AT+CSOC=1,1,1") == ["+CSOC: 0", "OK"]


async def test_refused_connections(bench: Bench) -> None:
    """A closed TCP port is ERROR and code 3; a closed UDP port is code 3 after the first datagram, where it is told."""
    bench.module.variants.set("unreachable_port", "reset")
    with socket.socket() as taken, socket.socket(type=socket.SOCK_DGRAM) as taken_udp:
        taken.bind(("127.0.0.1", 0))
        taken_udp.bind(("127.0.0.1", 0))
        udp_port = taken_udp.getsockname()[1]
        taken_udp.close()
        await bench.ask("AT+CSOC=1,1,1")
        assert await bench.ask(f"AT+CSOCON=0,{taken.getsockname()[1]},127.0.0.1") == ["ERROR"]
        assert await bench.line() == "+CSOERR: 0,3"
        assert await bench.ask("AT+CSOACK=0") == ["+CSOACK: 0,0,0,0", "OK"]
        await bench.ask("AT+CSOC=1,2,1")
        assert await bench.ask(f"AT+CSOCON=1,{udp_port},127.0.0.1") == ["OK"]
        assert await bench.ask("AT+CSOSEND=1,2,00") == ["OK"]
        assert await bench.line() == "+CSOERR: 1,3"


@pytest.mark.parametrize("code", [-1, *range(1, 13)])
@pytest.mark.parametrize("point", list(FailurePoint))
async def test_every_code_at_every_moment(code: int, point: FailurePoint) -> None:
    """Each +CSOERR code can be had at connecting, at sending and later."""
    peer = await Peer("udp").open()
    setup = Setup(speed=0, timing=Timing(fail_later=0.02))
    setup.internet.failures[ADDRESS, peer.port] = (code, point)
    setup.internet.routes[ADDRESS, None] = ("127.0.0.1", None)
    async with Bench(setup) as bench:
        await bench.ask("AT+CSOC=1,2,1")
        connected = await bench.ask(f"AT+CSOCON=0,{peer.port},{ADDRESS}")
        assert connected == (["ERROR"] if point is FailurePoint.CONNECT else ["OK"])
        if point is FailurePoint.SEND:
            assert await bench.ask("AT+CSOSEND=0,2,00") == ["ERROR"]
        assert await bench.line() == f"+CSOERR: 0,{code}"
        assert await bench.ask("AT+CSOSEND=0,2,00") == ["ERROR"]
        assert await bench.ask("AT+CSOCL=0") == ["OK"]
    peer.close()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EHOSTUNREACH, 1), (errno.ENETUNREACH, 1), (errno.ECONNABORTED, 2), (errno.ETIMEDOUT, 2),
        (errno.ECONNRESET, 3), (errno.ECONNREFUSED, 3), (errno.ENOTCONN, 4), (errno.EPIPE, 4), (errno.EINVAL, 5),
        (errno.ENOBUFS, 6), (errno.EMSGSIZE, 6), (errno.EAGAIN, 7), (errno.EADDRINUSE, 8), (errno.EALREADY, 9),
        (errno.EISCONN, 10), (errno.ENETDOWN, 11), (errno.EDESTADDRREQ, 12), (errno.EPERM, -1),
    ],
)  # fmt: skip
def test_codes_of_the_hosts_errors(number: int, code: int) -> None:
    """The host's errors become the module's codes."""
    assert error_code(OSError(number, os.strerror(number))) == code
    assert error_code(TimeoutError()) == 2


async def test_address_in_use(bench: Bench) -> None:
    """Two sockets on one local port: the second fails with code 8."""
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        await bench.ask("AT+CSOC=1,2,1")
        assert await bench.ask(f"AT+CSOB=0,{taken.getsockname()[1]}") == ["OK"]
        assert await bench.ask("AT+CSOCON=0,9,127.0.0.1") == ["ERROR"]
        assert await bench.line() == "+CSOERR: 0,8"


async def test_lost_bearer(bench: Bench, peer: Peer) -> None:
    """With the PDN gone open sockets report code 11, and connecting fails with it."""
    await _connect(bench, peer)
    assert await bench.ask("AT+CGACT=0,1") == ["OK"]
    assert await bench.line() == "+CSOERR: 0,11"
    await bench.ask("AT+CSOC=1,2,1")
    assert await bench.ask("AT+CSOCON=1,9,127.0.0.1") == ["ERROR"]
    assert await bench.line() == "+CSOERR: 1,11"


async def test_ipv6(bench: Bench) -> None:
    """Domain 2 is IPv6, and wants an address of its kind."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.bind(("::1", 0))
        server.setblocking(False)
        await bench.ask("AT+CSOC=2,2,1")
        assert await bench.ask(f'AT+CSOCON=0,{server.getsockname()[1]},"::1"') == ["ERROR"]
        await bench.ask("AT+CSOCL=0")
        bench.module.change_fact("address", "10.250.0.213+2001:db8::2")
        await bench.ask("AT+CGACT=0,1")
        await bench.ask("AT+CGACT=1,1")
        await bench.ask("AT+CSOC=2,2,1")
        assert await bench.ask(f'AT+CSOCON=0,{server.getsockname()[1]},"::1"') == ["OK"]
        await bench.ask("AT+CSOSEND=0,2,36")
        assert await loop.sock_recv(server, 10) == b"6"


async def test_send_that_is_told_of_nobody(bench: Bench) -> None:
    """Where nobody listens the host may tell the next send of it; that leaves all the same, and nothing is said."""
    peer = await Peer("udp").open()
    peer.close()
    bench.module.bearer.congested = lambda: True
    await _connect(bench, peer)
    for digits in ("31", "32", "33"):
        assert await bench.ask(f"AT+CSOSEND=0,2,{digits}") == ["OK"]
    assert await bench.ask("AT+CSOACK") == ["+CSOACK: 0,3,3,0", "OK"]
    assert bench.heard == b""


async def test_a_stream_waits_for_who_does_not_fetch(bench: Bench, tcp_peer: Peer) -> None:
    """Of more than the module keeps for its host nothing is lost: the stream stops until there is room."""
    await bench.ask("AT+CSORXGET=1")
    await _connect(bench, tcp_peer)
    sent = EVERY_BYTE * 1024
    sending = asyncio.create_task(tcp_peer.send(sent))
    got, most, left = b"", 0, 0
    while len(got) < len(sent):
        if not left:
            await bench.until(b"+CSORXGET: 1,0\r\n")
        said = await bench.command("AT+CSORXGET=2,0,1460")
        head, _, rest = said.partition(b"+CSORXGET: 2,0,")[2].partition(b"\r\n")
        size, left = (int(number) for number in head.split(b","))
        got += rest[:size]
        most = max(most, left)
    await sending
    assert got == sent
    assert most <= 65536


async def test_fetching_by_hand(bench: Bench, peer: Peer) -> None:
    """With +CSORXGET=1 data waits until it is fetched, announced once while it waits."""
    await bench.ask("AT+CSORXGET=1")
    await _connect(bench, peer)
    await bench.ask("AT+CSOSEND=0,2,00")
    await peer.wait_for(b"\0")
    await peer.send(b"0123456789")
    assert await bench.line() == "+CSORXGET: 1,0"
    assert await bench.ask("AT+CSORXGET=4,0") == ["+CSORXGET: 4,0,10", "OK"]
    assert await bench.command("AT+CSORXGET=2,0,4") == b"\r\n+CSORXGET: 2,0,4,6\r\n0123\r\n\r\nOK\r\n"
    assert await bench.ask("AT+CSORXGET=3,0,100") == ["+CSORXGET: 3,0,6,0", "343536373839", "OK"]
    assert await bench.ask("AT+CSORXGET=2,0,1461") == ["ERROR"]
    assert await bench.ask("AT+CSORXGET=2,0,10") == ["+CSORXGET: 2,0,0,0", "OK"]


async def test_keep_alive_reaches_the_host(bench: Bench, tcp_peer: Peer) -> None:
    """+CSOALIVE before or after connecting is read back, and mode 0 prints no times."""
    await _connect(bench, tcp_peer)
    assert await bench.ask("AT+CSOALIVE=0,1,60,30,3") == ["OK"]
    assert await bench.ask("AT+CSOALIVE?") == ["+CSOALIVE: 0,1,60,30,3", "OK"]
    assert await bench.ask("AT+CSOALIVE=0,0") == ["OK"]
    assert await bench.ask("AT+CSOALIVE?") == ["+CSOALIVE: 0,0", "OK"]
