"""The module's HTTP client, against a real server on loopback."""

import asyncio

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.sockets.http_response import Content, Head, HttpResponse
from sim7020_emulator.sockets.internet import FailurePoint
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.ports import free_port

ADDRESS = "198.51.100.7"
BODY = b'{"app": "Hello World!"}'
NONE = "(null)"


async def _connect(bench: Bench, peer: Peer, login: str = "") -> str:
    bench.module.internet.names["server.example"] = (ADDRESS,)
    bench.module.internet.routes[ADDRESS, 8080] = ("127.0.0.1", peer.port)
    url = "http://server.example:8080/"
    assert await bench.ask(f'AT+CHTTPCREATE="{url}"{login}') == ["+CHTTPCREATE: 0", "OK"]
    assert await bench.ask("AT+CHTTPCON=0") == ["OK"]
    return url


async def _states(bench: Bench, name: str) -> list[str]:
    *states, final = await bench.ask(f"AT+{name}?")
    assert final == "OK"
    return [state.removeprefix(f"+{name}: ") for state in states]


def _response(*headers: bytes, body: bytes = BODY) -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 200 OK", *(headers or (length,)), b"", body])


async def test_get(bench: Bench, peer: Peer) -> None:
    """A request goes out with its host; status, header lines and content come back, sizes in bytes."""
    await _connect(bench, peer)
    assert await bench.ask('AT+CHTTPSEND=0,0,"/ip"') == ["OK"]
    await peer.wait_for(b"GET /ip HTTP/1.1\r\nHost: server.example:8080\r\n\r\n")
    headers = b"Content-Length: 23\r\nServer: here\r\n"
    await peer.send(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + BODY)
    content = f"+CHTTPNMIC: 0,0,23,23,{BODY.hex().upper()}\r\n".encode()
    said = await bench.until(content)
    assert said == b"\r\n+CHTTPNMIH: 0,200,%d,%s\r\n\r\n%s" % (len(headers), headers, content)
    assert await bench.ask("AT+CHTTPDISCON=0") == ["OK"]
    assert await bench.ask("AT+CHTTPDESTROY=0") == ["OK"]


async def test_post(bench: Bench, peer: Peer) -> None:
    """Headers and body are hex; type, length and login are added."""
    await _connect(bench, peer, login=',"user","word"')
    headers = b"Accept: */*\nhost: other"
    command = f'AT+CHTTPSEND=0,1,"/x",{headers.hex()},"application/json",{BODY.hex()}'
    assert await bench.ask(command) == ["OK"]
    await peer.wait_for(
        b"POST /x HTTP/1.1\r\nAuthorization: Basic dXNlcjp3b3Jk\r\nContent-Type: application/json\r\n"
        b"Content-Length: 23\r\nAccept: */*\nhost: other\r\n\r\n" + BODY
    )


@pytest.mark.parametrize("rest", ["", ",", ',,"",', ',"","",""', ',0,"",'])
async def test_ways_to_send_no_more(bench: Bench, peer: Peer, rest: str) -> None:
    """What is left out may be empty, in quotes or not; an official driver sends 0 for no headers."""
    await _connect(bench, peer)
    assert await bench.ask(f'AT+CHTTPSEND=0,3,"/x"{rest}') == ["OK"]
    await peer.wait_for(b"DELETE /x HTTP/1.1\r\nHost: server.example:8080\r\n\r\n")


async def test_several_requests_on_one_connection(bench: Bench, peer: Peer) -> None:
    """The next request waits for the answer to the one before."""
    await _connect(bench, peer)
    for number in range(2):
        assert await bench.ask(f'AT+CHTTPSEND=0,0,"/{number}"') == ["OK"]
        assert await bench.ask('AT+CHTTPSEND=0,0,"/early"') == ["ERROR"]
        await peer.connected()
        await peer.send(_response())
        await bench.until(b"+CHTTPNMIC: 0,0,23,23," + BODY.hex().upper().encode())


async def test_content_in_pieces(bench: Bench, peer: Peer) -> None:
    """Content comes in pieces of 500 bytes at most; the flag says that more follows."""
    await _connect(bench, peer)
    assert await bench.ask('AT+CHTTPSEND=0,0,"/"') == ["OK"]
    body = bytes(range(256)) * 5
    await peer.send(_response(body=body))
    got = b""
    await bench.until(b"+CHTTPNMIH: 0,200,22,Content-Length: 1280\r\n")
    while len(got) < len(body):
        more, total, size, digits = (await bench.line()).removeprefix("+CHTTPNMIC: 0,").split(",")
        got += bytes.fromhex(digits)
        assert (int(total), int(size) <= 500, int(size) * 2) == (1280, True, len(digits))
        assert (more == "1") == (len(got) < len(body))
    assert got == body


async def test_server_closes(bench: Bench, peer: Peer) -> None:
    """An end by the server is told; the client keeps its id and may connect again."""
    url = await _connect(bench, peer)
    assert await _states(bench, "CHTTPCON") == [f"0,1,{url}", *(f"{n},0,{NONE}" for n in range(1, 5))]
    await peer.hang_up()
    assert await bench.line() == "+CHTTPERR: 0,-2"
    assert (await _states(bench, "CHTTPCON"))[0] == f"0,0,{url}"
    assert await bench.ask('AT+CHTTPSEND=0,0,"/"') == ["ERROR"]
    assert await bench.ask("AT+CHTTPCON=0") == ["OK"]


async def test_content_until_the_end(bench: Bench, peer: Peer) -> None:
    """Content of unknown size is told when the server has closed."""
    await _connect(bench, peer)
    assert await bench.ask('AT+CHTTPSEND=0,0,"/"') == ["OK"]
    await peer.send(_response(b"Server: old"))
    await peer.hang_up()
    await bench.until(b"+CHTTPNMIC: 0,0,23,23," + BODY.hex().upper().encode() + b"\r\n")
    assert await bench.line() == "+CHTTPERR: 0,-2"


async def test_no_http(bench: Bench, peer: Peer) -> None:
    """Who answers something else is hung up on."""
    await _connect(bench, peer)
    assert await bench.ask('AT+CHTTPSEND=0,0,"/"') == ["OK"]
    await peer.send(b"220 mail.example ESMTP\r\n\r\n")
    assert await bench.line() == "+CHTTPERR: 0,-2"


async def test_five_clients(bench: Bench) -> None:
    """There are five, listed with their state and address; a sketch for the E counts on 154 characters for none."""
    await bench.ask("ATE1")
    assert len(await bench.command("AT+CHTTPCREATE?")) == 154
    await bench.ask("ATE0")
    assert await _states(bench, "CHTTPCREATE") == [f"{n},0,{NONE}" for n in range(5)]
    for number in range(5):
        assert await bench.ask('AT+CHTTPCREATE="http://a/"') == [f"+CHTTPCREATE: {number}", "OK"]
    assert await bench.ask('AT+CHTTPCREATE="http://a/"') == ["ERROR"]
    assert await bench.ask("AT+CHTTPDESTROY=2") == ["OK"]
    states = await _states(bench, "CHTTPCREATE")
    assert states == [f"2,0,{NONE}" if n == 2 else f"{n},1,http://a/" for n in range(5)]


@pytest.mark.parametrize(
    "command",
    [
        'AT+CHTTPCREATE="https://server.example/"',
        'AT+CHTTPCREATE="server.example"',
        'AT+CHTTPCREATE="http://server.example:70000/"',
        "AT+CHTTPCON=0",
        'AT+CHTTPSEND=0,0,"/"',
        "AT+CHTTPDISCON=0",
        "AT+CHTTPDESTROY=4",
    ],
)
async def test_refused(bench: Bench, command: str) -> None:
    """TLS is not emulated, other addresses are none, and a client that is not there does nothing."""
    assert await bench.ask(command) == ["ERROR"]


@pytest.mark.parametrize(
    "rest", ['0,4,"/"', '0,0,""', '0,0,"/a b"', '0,1,"/",0G', '0,1,"/",000', '0,1,"/",,"t",00,1', "0,0"]
)
async def test_wrong_requests(bench: Bench, peer: Peer, rest: str) -> None:
    """A request that can't be read is refused."""
    await _connect(bench, peer)
    assert await bench.ask(f"AT+CHTTPSEND={rest}") == ["ERROR"]


async def test_nobody_there(bench: Bench) -> None:
    """A server that can't be reached or found is an error."""
    bench.module.internet.names["nobody.example"] = 8
    await bench.ask(f'AT+CHTTPCREATE="http://127.0.0.1:{free_port()}/"')
    await bench.ask('AT+CHTTPCREATE="http://nobody.example/"')
    assert await bench.ask("AT+CHTTPCON=0") == ["ERROR"]
    assert await bench.ask("AT+CHTTPCON=1") == ["ERROR"]


async def test_connecting_again() -> None:
    """A connected client is not connected again; a failure meant for an earlier connection spares the next."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, speed=10)) as bench:
        bench.module.internet.failures[ADDRESS, 8080] = (3, FailurePoint.LATER)
        await _connect(bench, peer)
        assert await bench.ask("AT+CHTTPCON=0") == ["ERROR"]
        assert await bench.ask("AT+CHTTPDISCON=0") == ["OK"]
        bench.module.internet.failures.clear()
        assert await bench.ask("AT+CHTTPCON=0") == ["OK"]
        await bench.module.schedule.wait(5)
        assert bench.heard == b""
    peer.close()


async def test_server_that_swallows() -> None:
    """A server that never answers is given up after the time of a TCP connection."""
    async with Bench(Setup(baud=0, speed=100)) as bench:
        bench.module.internet.swallowed.add((ADDRESS, None))
        assert await bench.ask(f'AT+CHTTPCREATE="http://{ADDRESS}/"') == ["+CHTTPCREATE: 0", "OK"]
        began = bench.module.schedule.now()
        assert await bench.ask("AT+CHTTPCON=0") == ["ERROR"]
        assert bench.module.schedule.now() - began >= 75


async def test_pdn_lost(bench: Bench, peer: Peer) -> None:
    """With the PDN every client is lost."""
    await _connect(bench, peer)
    await bench.ask('AT+CHTTPCREATE="http://a/"')
    assert not bench.module.sockets.open_tcp()
    assert bench.module.http.open_tcp()
    bench.module.deactivate(1, by_network=True)
    assert [await bench.line() for _ in range(2)] == ["+CHTTPERR: 0,-1", "+CHTTPERR: 1,-1"]
    assert await _states(bench, "CHTTPCREATE") == [f"{n},0,{NONE}" for n in range(5)]


async def test_pdn_lost_while_connecting(peer: Peer) -> None:
    """A client that is still connecting is lost, too, and does not come up any more."""
    async with Bench(Setup(baud=0)) as bench:
        await bench.ask(f'AT+CHTTPCREATE="http://127.0.0.1:{peer.port}/"')
        bench.type(b"AT+CHTTPCON=0\r")
        await asyncio.sleep(0.2)
        bench.module.deactivate(1, by_network=True)
        assert await bench.line() == "+CHTTPERR: 0,-1"
        assert await bench.line() == "ERROR"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nB\r\n, and more!\r\n0\r\n\r\n"


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize(
    ("data", "status", "content"),
    [
        (CHUNKED, 200, b"hello, and more!"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, b""),
    ],
    ids=["chunked", "interim", "no content", "empty"],
)
def test_response(data: bytes, status: int, content: bytes, step: int) -> None:
    """However its bytes come, a response is the same."""
    response = HttpResponse()
    parts = [part for at in range(0, len(data), step) for part in response.feed(data[at : at + step])]
    assert response.done
    (head,) = (part for part in parts if isinstance(part, Head))
    pieces = [part for part in parts if isinstance(part, Content)]
    assert head.status == status
    assert b"".join(piece.data for piece in pieces) == content
    assert [piece.total for piece in pieces] == [len(content)] * len(pieces)
    assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]


@pytest.mark.parametrize(
    "data", [b"x" * 70_000, b"HTTP/1.1 OK\r\n\r\n", CHUNKED.replace(b"5;", b"G;"), CHUNKED.replace(b"B", b"A")]
)
def test_no_response(data: bytes) -> None:
    """What is no response is an error, and so is a head without an end."""
    with pytest.raises(ValueError, match=r"."):
        list(HttpResponse().feed(data))
