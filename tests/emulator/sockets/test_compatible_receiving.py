"""The SIM800-compatible stack: what its links and its server receive."""

import asyncio

import pytest

from tests.emulator.bench import Bench
from tests.emulator.links import ADDRESS, EVERY_BYTE, bring_up, connect, send
from tests.emulator.peers import Peer
from tests.ports import free_port


async def test_fetching_by_hand(bench: Bench, peer: Peer) -> None:
    """Data wait, announced once; they come raw and in hex, in pieces, and outlive the connection."""
    await bench.ask("AT+CIPRXGET=1")
    await connect(bench, peer)
    await peer.send(EVERY_BYTE)
    assert await bench.line() == "+CIPRXGET: 1"
    await peer.hang_up()
    assert await bench.line() == "CLOSED"
    assert await bench.ask("AT+CIPRXGET=4") == ["+CIPRXGET: 4,256", "OK"]
    said = await bench.command("AT+CIPRXGET=2,100")
    assert said == b"\r\n+CIPRXGET: 2,100,156\r\n" + EVERY_BYTE[:100] + b"\r\n\r\nOK\r\n"
    rest = EVERY_BYTE[100:].hex().upper()
    assert await bench.ask("AT+CIPRXGET=3,730") == ["+CIPRXGET: 3,156,0", rest, "OK"]
    assert await bench.ask("AT+CIPRXGET=2,1460") == ["+CIPRXGET: 2,0,0", "OK"]
    assert await bench.ask("AT+CIPRXGET=3,731") == ["ERROR"]
    await connect(bench, peer)
    await peer.send(b"old")
    assert await bench.line() == "+CIPRXGET: 1"
    await peer.hang_up()
    assert await bench.line() == "CLOSED"
    await connect(bench, peer)
    assert await bench.ask("AT+CIPRXGET=4") == ["+CIPRXGET: 4,0", "OK"]
    await peer.send(b"late")
    assert await bench.line() == "+CIPRXGET: 1"
    bench.type(b"AT+CIPCLOSE\r")
    assert await bench.line() == "CLOSE OK"
    assert await bench.ask("AT+CIPRXGET=4") == ["+CIPRXGET: 4,0", "OK"]


async def test_fetching_from_several_links(bench: Bench, peer: Peer, udp_peer: Peer) -> None:
    """Each link's data wait for themselves; a link that was never opened has none."""
    await bring_up(bench)
    await bench.ask("AT+CIPRXGET=1")
    await connect(bench, peer, 0)
    await connect(bench, udp_peer, 4)
    assert await send(bench, b"?", 4) == "4, SEND OK"
    await udp_peer.wait_for(b"?")
    await udp_peer.send(b"datagram")
    assert await bench.line() == "+CIPRXGET: 1,4"
    await peer.send(b"stream")
    assert await bench.line() == "+CIPRXGET: 1,0"
    assert await bench.ask("AT+CIPRXGET=4,0") == ["+CIPRXGET: 4,0,6", "OK"]
    assert await bench.ask("AT+CIPRXGET=2,4,1460") == ["+CIPRXGET: 2,4,8,0", "datagram", "OK"]
    assert await bench.ask("AT+CIPRXGET=2,0,2") == ["+CIPRXGET: 2,0,2,4", "st", "OK"]
    assert await bench.ask("AT+CIPRXGET=4,5") == ["+CIPRXGET: 4,5,0", "OK"]
    assert await bench.ask("AT+CIPRXGET=2,5,10") == ["+CIPRXGET: 2,5,0,0", "OK"]


async def test_a_stream_waits_for_who_does_not_fetch(bench: Bench, peer: Peer) -> None:
    """Of more than the module keeps nothing is lost: the stream stops until there is room."""
    await bench.ask("AT+CIPRXGET=1")
    await connect(bench, peer)
    sent = EVERY_BYTE * 1024
    sending = asyncio.create_task(peer.send(sent))
    got, most, left = b"", 0, 0
    while len(got) < len(sent):
        if not left:
            await bench.until(b"+CIPRXGET: 1\r\n")
        said = await bench.command("AT+CIPRXGET=2,1460")
        head, _, rest = said.partition(b"+CIPRXGET: 2,")[2].partition(b"\r\n")
        size, left = (int(number) for number in head.split(b","))
        got += rest[:size]
        most = max(most, left)
    await sending
    assert got == sent
    assert most <= 65536


async def test_heads_on_received_data(bench: Bench, peer: Peer) -> None:
    """+CIPHEAD, +CIPSRIP and +CIPHEXS say how much came, from where, and print it in hex."""
    await connect(bench, peer)
    await bench.ask("AT+CIPHEAD=1")
    await peer.send(b"12345")
    assert await bench.until(b"12345") == b"\r\n+IPD,5:12345"
    await bench.ask("AT+CIPSRIP=1;+CIPHEXS=2")
    await peer.send(b"12345")
    said = await bench.until(b"3132333435")
    assert said == f"\r\nRECV FROM:{ADDRESS}:{peer.port}\r\n\r\n+IPD,5:3132333435".encode()
    assert await bench.ask("AT+CIPHEXS=1") == ["ERROR"]


async def test_source_of_data_on_several_links(bench: Bench, peer: Peer) -> None:
    """With +CIPSRIP=1 the head has the peer's address."""
    await bring_up(bench)
    await bench.ask("AT+CIPSRIP=1")
    await connect(bench, peer, 0)
    await peer.send(b"x" * 14)
    said = await bench.until(b"x" * 14)
    assert said == f"\r\n+RECEIVE,0,14,{ADDRESS}:{peer.port}\r\n".encode() + b"x" * 14


async def test_udp(bench: Bench, udp_peer: Peer) -> None:
    """Datagrams keep their limits, and the network may lose them."""
    await connect(bench, udp_peer)
    for data in (b"one", b"two"):
        assert await send(bench, data) == "SEND OK"
        await udp_peer.wait_for(data)
    await udp_peer.send(b"back")
    assert await bench.until(b"back") == b"back"
    bench.module.bearer.loss = 1.0
    assert await send(bench, b"lost") == "SEND OK"
    bench.module.bearer.loss = 0.0
    assert await send(bench, b"three") == "SEND OK"
    await udp_peer.wait_for(b"three")
    assert udp_peer.datagrams == [b"one", b"two", b"three"]


async def test_traffic_is_counted(bench: Bench, peer: Peer) -> None:
    """*MGCOUNT counts what links carry, too."""
    await connect(bench, peer)
    await send(bench, b"12345")
    await peer.send(b"123")
    await bench.until(b"123")
    assert await bench.ask("AT*MGCOUNT?") == ["*MGCOUNT: 1,0,5,1,0,3,1", "OK"]


@pytest.mark.parametrize("multiple", [False, True])
async def test_server(bench: Bench, *, multiple: bool) -> None:
    """Clients that connect are links; who finds none free is turned away."""
    if multiple:
        await bring_up(bench)
    port = free_port()
    assert await bench.ask(f"AT+CIPSERVER=1,{port}") == ["OK"]
    assert await bench.line() == "SERVER OK"
    assert await bench.ask("AT+CIPSERVER?") == [f"+CIPSERVER: 1,{port}", "OK"]
    assert await bench.ask(f"AT+CIPSERVER=1,{port}") == ["ERROR"]
    assert await bench.ask("AT+CIPSTATUS") == ["OK"]
    assert await bench.line() == "STATE: SERVER LISTENING"
    assert bench.module.compatible.open_tcp()
    if multiple:
        await bench.until(b"C: 5")
        bench.heard.clear()
    links = 6 if multiple else 1
    clients = []
    for link in range(links):
        clients.append(await asyncio.open_connection("127.0.0.1", port))
        assert await bench.line() == (f"{link}, " if multiple else "") + "REMOTE IP: 127.0.0.1"
    reader, turned_away = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    reader, writer = clients[-1]
    writer.write(b"hello")
    await bench.until(b"hello")
    await send(bench, b"answer", 5 if multiple else None)
    assert await reader.readexactly(6) == b"answer"
    assert await bench.ask("AT+CIPSERVER=0") == ["OK"]
    assert await bench.line() == "SERVER CLOSE"
    assert await bench.ask("AT+CIPSERVER=0") == ["ERROR"]
    writer.write(b"still")
    await bench.until(b"still")
    for each in (*(writer for _, writer in clients), turned_away):
        each.close()


async def test_server_goes_with_the_pdn(bench: Bench) -> None:
    """A server that nobody has found ends with the PDN, and +CIPMUX changes nothing while it listens."""
    assert await bench.ask(f"AT+CIPSERVER=1,{free_port()}") == ["OK"]
    assert await bench.line() == "SERVER OK"
    assert await bench.ask("AT+CIPMUX=1") == ["ERROR"]
    bench.module.deactivate(1, by_network=True)
    assert await bench.line() == "+PDP: DEACT"
    assert await bench.ask("AT+CIPSERVER?") == ["+CIPSERVER: 0", "OK"]


async def test_server_at_a_port_in_use(bench: Bench, peer: Peer) -> None:
    """A port that is taken is refused."""
    assert await bench.ask(f"AT+CIPSERVER=1,{peer.port}") == ["ERROR"]
    assert await bench.ask("AT+CIPSERVER?") == ["+CIPSERVER: 0", "OK"]
