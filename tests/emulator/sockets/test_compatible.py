"""The SIM800-compatible stack: connecting and sending, one link and six, on real sockets of the host."""

import asyncio

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.schedule import Timing
from sim7020_emulator.sockets.internet import FailurePoint
from tests.emulator.bench import Bench
from tests.emulator.links import ADDRESS, EVERY_BYTE, bring_up, connect, send
from tests.emulator.peers import Peer
from tests.ports import free_port


async def _states(bench: Bench) -> list[str]:
    assert await bench.ask("AT+CIPSTATUS") == ["OK"]
    return [line for line in (await bench.until(b"\r\nC: 5")).decode().split("\r\n") if line]


async def test_one_link(bench: Bench, peer: Peer) -> None:
    """The one link connects by itself, sends until the peer has it, receives bare bytes, and closes."""
    await connect(bench, peer)
    assert await send(bench, EVERY_BYTE) == "SEND OK"
    await peer.wait_for(EVERY_BYTE)
    await peer.send(EVERY_BYTE)
    assert await bench.until(EVERY_BYTE) == EVERY_BYTE
    bench.type(b"AT+CIPCLOSE\r")
    assert await bench.line() == "CLOSE OK"
    await connect(bench, peer)
    bench.type(b"AT+CIPSHUT\r")
    assert await bench.line() == "SHUT OK"


async def test_name_and_quoted_port(bench: Bench, peer: Peer) -> None:
    """A host may be a name, whose address is shown, and a port stand in quotes."""
    bench.module.internet.names["echo.example"] = (ADDRESS,)
    bench.module.internet.routes[ADDRESS, peer.port] = ("127.0.0.1", peer.port)
    await bring_up(bench)
    assert await bench.ask(f'AT+CIPSTART=0,"TCP","echo.example","{peer.port}"') == ["OK"]
    assert await bench.line() == "0, CONNECT OK"
    shown = f'+CIPSTATUS: 0,0,"TCP","{ADDRESS}","{peer.port}","CONNECTED"'
    assert await bench.ask("AT+CIPSTATUS=0") == [shown, "OK"]


async def test_data_until_control_z(bench: Bench, peer: Peer) -> None:
    """Without a length Ctrl-Z ends the data, and ESC gives it up."""
    await connect(bench, peer)
    bench.type(b"AT+CIPSEND\r")
    await bench.until(b"> ")
    bench.type(b"hello\x1a")
    assert await bench.line() == "SEND OK"
    await peer.wait_for(b"hello")
    bench.type(b"AT+CIPSEND\r")
    await bench.until(b"> ")
    bench.type(b"never\x1b")
    assert await bench.line() == "OK"
    assert await send(bench, b"then") == "SEND OK"
    await peer.wait_for(b"then")


async def test_data_until_a_time_is_over(bench: Bench, peer: Peer) -> None:
    """+CIPATS ends the data after its seconds."""
    await connect(bench, peer)
    assert await bench.ask("AT+CIPATS=1,1") == ["OK"]
    assert await bench.ask("AT+CIPATS?") == ["+CIPATS: 1,1", "OK"]
    bench.type(b"AT+CIPSEND\r")
    await bench.until(b"> ")
    bench.type(b"hello")
    assert await bench.line() == "SEND OK"
    await peer.wait_for(b"hello")


async def test_nothing_to_send(bench: Bench, peer: Peer) -> None:
    """Ctrl-Z alone and more than a send may have fail; a length out of range is refused at once."""
    await connect(bench, peer)
    for data in (b"", b"x" * 1461):
        bench.type(b"AT+CIPSEND\r")
        await bench.until(b"> ")
        bench.type(data + b"\x1a")
        assert await bench.line() == "SEND FAIL"
    assert await bench.ask("AT+CIPSEND=1461") == ["ERROR"]
    assert peer.received == b""


async def test_six_links_at_once(bench: Bench, peer: Peer) -> None:
    """Each link has its own connection, and says its number."""
    await bring_up(bench)
    for link in range(6):
        await connect(bench, peer, link)
    assert await bench.ask(f'AT+CIPSTART=6,"TCP","{ADDRESS}",{peer.port}') == ["ERROR"]
    for link in range(6):
        assert await send(bench, b"%d" % link, link) == f"{link}, SEND OK"
        await peer.wait_for(b"%d" % link)
    await peer.send(b"to the last")
    assert await bench.until(b"last") == b"\r\n+RECEIVE,5,11:\r\nto the last"
    states = [f'C: {link},0,"TCP","{ADDRESS}","{peer.port}","CONNECTED"' for link in range(5)]
    assert await _states(bench) == ["STATE: IP PROCESSING", *states, "C: 5"]
    bench.type(b"AT+CIPSHUT\r")
    await bench.until(b"SHUT OK\r\n")
    unused = [f'C: {link},,"","","","INITIAL"' for link in range(5)]
    assert await _states(bench) == ["STATE: IP INITIAL", *unused, "C: 5"]


async def test_status_of_one_link(bench: Bench, peer: Peer) -> None:
    """A link is unused, connected, and closed by its peer; closing it then is refused, and it can be opened again."""
    await bring_up(bench)
    assert await bench.ask("AT+CIPSTATUS=1") == ['+CIPSTATUS: 1,,"","","","INITIAL"', "OK"]
    for _ in range(2):
        await connect(bench, peer, 1)
        place = f'"TCP","{ADDRESS}","{peer.port}"'
        assert await bench.ask("AT+CIPSTATUS=1") == [f'+CIPSTATUS: 1,0,{place},"CONNECTED"', "OK"]
        await peer.hang_up()
        assert await bench.line() == "1, CLOSED"
        assert await bench.ask("AT+CIPSTATUS=1") == [f'+CIPSTATUS: 1,0,{place},"CLOSED"', "OK"]
        assert await bench.ask("AT+CIPCLOSE=1,1") == ["ERROR"]


async def test_close_of_one_link(bench: Bench, peer: Peer) -> None:
    """Closing a link leaves the others, in both modes of closing."""
    await bring_up(bench)
    await connect(bench, peer, 0)
    await connect(bench, peer, 3)
    bench.type(b"AT+CIPCLOSE=0,1\r")
    assert await bench.line() == "0, CLOSE OK"
    assert await send(bench, b"still", 3) == "3, SEND OK"
    bench.type(b"AT+CIPCLOSE=3\r")
    assert await bench.line() == "3, CLOSE OK"
    assert await bench.ask("AT+CIPSEND=3,1") == ["ERROR"]


async def test_states_of_one_link(bench: Bench, peer: Peer) -> None:
    """+CIPSTATUS follows the bring-up and the link."""
    seen = []

    async def look() -> None:
        await bench.ask("AT+CIPSTATUS")
        seen.append((await bench.line()).removeprefix("STATE: "))

    await look()
    for command in ("AT+CSTT", "AT+CIICR", "AT+CIFSR;E0"):
        await bench.ask(command)
        await look()
    await connect(bench, peer)
    await look()
    await peer.hang_up()
    assert await bench.line() == "CLOSED"
    await look()
    bench.type(b"AT+CIPSHUT\r")
    await bench.until(b"SHUT OK\r\n")
    await look()
    ready = ["IP INITIAL", "IP START", "IP GPRSACT", "IP STATUS"]
    assert seen == [*ready, "CONNECT OK", "TCP CLOSED", "IP INITIAL"]


async def test_order_of_the_bring_up(bench: Bench) -> None:
    """A step out of its order is refused, and so is a change of +CIPMUX in the middle."""
    assert await bench.ask("AT+CIICR") == ["ERROR"]
    assert await bench.ask("AT+CIPMUX=1") == ["OK"]
    assert await bench.ask('AT+CIPSTART=0,"TCP","192.0.2.1",1') == ["ERROR"]
    await bring_up(bench)
    assert await bench.ask("AT+CSTT") == ["ERROR"]
    assert await bench.ask("AT+CIPMUX=0") == ["ERROR"]
    assert await bench.ask("AT+CIPMUX=1") == ["OK"]


@pytest.mark.parametrize(
    "command",
    ['AT+CIPSTART=0,"TCP","192.0.2.1",7', "AT+CIPSEND=0,5", "AT+CIPRXGET=4,0", "AT+CIPSTATUS=0", "AT+CIPCLOSE=0,1"],
)
async def test_numbers_belong_to_several_links(bench: Bench, command: str) -> None:
    """With one link a number is refused, with six its absence."""
    assert await bench.ask(command) == ["ERROR"]
    await bring_up(bench)
    for without in ('AT+CIPSTART="TCP","192.0.2.1",7', "AT+CIPSEND", "AT+CIPRXGET=4", "AT+CIPCLOSE"):
        assert await bench.ask(without) == ["ERROR"]


async def test_refused_and_unresolved(bench: Bench) -> None:
    """Who can't be reached fails, and the link may be tried again."""
    bench.module.internet.names["nobody.example"] = 8
    for host in ('"127.0.0.1"', '"nobody.example"'):
        assert await bench.ask(f'AT+CIPSTART="TCP",{host},{free_port()}') == ["OK"]
        assert await bench.line() == "CONNECT FAIL"
    assert await bench.ask('AT+CIPSTART="SCTP","127.0.0.1",1') == ["ERROR"]


async def test_peer_that_swallows() -> None:
    """Who never answers lets a link hang, and keeps its datagrams; without an address for IPv4 nothing is tried."""
    peer, udp_peer = await Peer("tcp").open(), await Peer("udp").open()
    async with Bench(Setup(baud=0, speed=100)) as bench:
        bench.module.internet.swallowed.add((ADDRESS, None))
        began = bench.module.schedule.now()
        assert await bench.ask(f'AT+CIPSTART="TCP","{ADDRESS}",{peer.port}') == ["OK"]
        assert await bench.line() == "CONNECT FAIL"
        assert bench.module.schedule.now() - began >= 75
        await connect(bench, udp_peer)
        assert await send(bench, b"lost") == "SEND OK"
        bench.module.internet.swallowed.clear()
        assert await send(bench, b"found") == "SEND OK"
        await udp_peer.wait_for(b"found")
        bench.module.facts.set("address", "2001:db8::2")
        bench.module.lose_network()
        await bench.until(b"+PDP: DEACT\r\n")
        await asyncio.sleep(1)
        assert await bench.ask(f'AT+CIPSTART="TCP","{ADDRESS}",{peer.port}') == ["OK"]
        assert await bench.line() == "CONNECT FAIL"
    peer.close()
    udp_peer.close()


async def test_already_connected(bench: Bench, peer: Peer) -> None:
    """A link that is up is not opened twice."""
    await connect(bench, peer)
    assert await bench.ask(f'AT+CIPSTART="TCP","{ADDRESS}",{peer.port}') == ["OK"]
    assert await bench.line() == "ALREADY CONNECT"
    assert await send(bench, b"x") == "SEND OK"


async def test_a_failure_that_comes_too_late() -> None:
    """An endpoint that fails later than its link was closed does not end the next."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, speed=10)) as bench:
        failures = bench.module.internet.failures
        failures[ADDRESS, peer.port] = (3, FailurePoint.LATER)
        await connect(bench, peer)
        bench.type(b"AT+CIPCLOSE\r")
        assert await bench.line() == "CLOSE OK"
        failures.clear()
        await connect(bench, peer)
        await bench.module.schedule.wait(5)
        assert bench.heard == b""
    peer.close()


async def test_while_connecting() -> None:
    """A link that is coming up is taken; once it is closed it does not come up any more."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, speed=10)) as bench:
        command = f'AT+CIPSTART="TCP","127.0.0.1",{peer.port}'
        assert await bench.ask(command) == ["OK"]
        assert await bench.ask("AT+CIPSTATUS") == ["OK"]
        assert await bench.line() == "STATE: TCP CONNECTING"
        assert await bench.ask(command) == ["OK"]
        assert await bench.line() == "ALREADY CONNECT"
        bench.type(b"AT+CIPCLOSE\r")
        assert await bench.line() == "CLOSE OK"
        await bench.module.schedule.wait(5)
        assert bench.heard == b""
    peer.close()


async def test_what_was_accepted_leaves_before_the_end() -> None:
    """Closing a link loses nothing that was accepted, however it is closed."""
    for close in ("AT+CIPCLOSE", "AT+CIPCLOSE=1"):
        peer = await Peer("tcp").open()
        async with Bench(Setup(baud=0, speed=10)) as bench:
            await bench.ask("AT+CIPQSEND=1")
            await connect(bench, peer)
            assert await send(bench, b"hello") == "DATA ACCEPT: 5"
            bench.type(f"{close}\r".encode())
            assert await bench.line() == "CLOSE OK"
            await peer.wait_for(b"hello")
        peer.close()


async def test_quick_send(bench: Bench, peer: Peer) -> None:
    """With +CIPQSEND=1 a send is accepted, with no more to come."""
    await bench.ask("AT+CIPQSEND=1")
    await connect(bench, peer)
    for size in (1, 1460):
        assert await send(bench, b"x" * size) == f"DATA ACCEPT: {size}"
        await peer.wait_for(b"x" * size)
    assert bench.heard == b""


async def test_quick_send_without_blanks() -> None:
    """Where no blank follows a colon, none does here."""
    peer = await Peer("tcp").open()
    setup = Setup(speed=0)
    setup.variants.set("spacing", "none")
    async with Bench(setup) as bench:
        await bring_up(bench)
        await bench.ask("AT+CIPQSEND=1")
        await connect(bench, peer, 0)
        assert await send(bench, b"hello", 0) == "DATA ACCEPT:0,5"
        await peer.wait_for(b"hello")
    peer.close()


async def test_sent_means_acknowledged() -> None:
    """SEND OK waits for the bytes to reach the peer; what was accepted quickly before does not count for it."""
    timing = Timing(uplink=0.5, downlink=0)
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, timing=timing)) as bench:
        await connect(bench, peer)
        await bench.ask("AT+CIPQSEND=1")
        assert await send(bench, b"quick") == "DATA ACCEPT: 5"
        await bench.ask("AT+CIPQSEND=0")
        began = bench.module.schedule.now()
        assert await send(bench, b"slow") == "SEND OK"
        assert peer.received == b"quickslow"
        assert bench.module.schedule.now() - began < timing.send_report
    peer.close()


async def test_send_that_never_arrives() -> None:
    """Without coverage a send is given up after 645 seconds, and the link with it."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, speed=2000)) as bench:
        await connect(bench, peer)
        bench.module.change_registration("searching")
        began = bench.module.schedule.now()
        assert await send(bench, b"lost") == "SEND FAIL"
        assert bench.module.schedule.now() - began >= 645
        assert await bench.line() == "CLOSED"
    peer.close()


async def test_peer_resets_while_a_send_waits() -> None:
    """A send whose link ends is a failed one."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, timing=Timing(uplink=30.0))) as bench:
        await connect(bench, peer)
        bench.type(b"AT+CIPSEND=1\r")
        await bench.until(b"> ")
        bench.type(b"x")
        await peer.reset()
        assert await bench.line() == "CLOSED"
        assert await bench.line() == "SEND FAIL"
    peer.close()


async def test_endpoint_that_fails(bench: Bench, peer: Peer) -> None:
    """What --fail says of an endpoint holds for links too: at connecting, at sending, and later."""
    failures = bench.module.internet.failures
    failures[ADDRESS, peer.port] = (3, FailurePoint.CONNECT)
    assert await bench.ask(f'AT+CIPSTART="TCP","{ADDRESS}",{peer.port}') == ["OK"]
    assert await bench.line() == "CONNECT FAIL"
    failures[ADDRESS, peer.port] = (3, FailurePoint.SEND)
    await connect(bench, peer)
    assert await send(bench, b"x") == "SEND FAIL"
    assert await bench.line() == "CLOSED"
    failures[ADDRESS, peer.port] = (3, FailurePoint.LATER)
    await connect(bench, peer)
    assert await bench.line() == "CLOSED"


async def test_pdn_lost(bench: Bench, peer: Peer) -> None:
    """The stack goes down with its PDN, says so once, and can be brought up again."""
    await bring_up(bench)
    bench.module.deactivate(1, by_network=True)
    assert await bench.line() == "+PDP: DEACT"
    bench.module.packet.activate(1)
    await bring_up(bench)
    await connect(bench, peer, 0)
    bench.module.deactivate(1, by_network=True)
    assert await bench.line() == "+PDP: DEACT"
    assert (await _states(bench))[0] == "STATE: PDP DEACT"
    await bench.ask("AT+CGACT=0,1")
    assert bench.heard == b'\r\n"","","","INITIAL"\r\n' or b"DEACT" not in bench.heard
    bench.heard.clear()
    await bring_up(bench)
    await connect(bench, peer, 0)


async def test_pdn_lost_while_connecting() -> None:
    """A link that is still connecting goes with the PDN, and says no more."""
    peer = await Peer("tcp").open()
    async with Bench(Setup(baud=0, speed=10)) as bench:
        assert await bench.ask(f'AT+CIPSTART="TCP","127.0.0.1",{peer.port}') == ["OK"]
        bench.module.deactivate(1, by_network=True)
        assert await bench.line() == "+PDP: DEACT"
        await bench.module.schedule.wait(5)
        assert bench.heard == b""
    peer.close()


async def test_nothing_without_a_pdn() -> None:
    """Before the module is attached nothing connects."""
    async with Bench(attached=False) as bench:
        await bench.until(b"RDY\r\n")
        bench.module.change_fact("registration", "searching")
        await bench.ask("AT+CFUN=0")
        assert await bench.ask('AT+CIPSTART="TCP","192.0.2.1",7') == ["ERROR"]
        assert await bench.ask("AT+CSTT") == ["OK"]
        assert await bench.ask("AT+CIICR") == ["ERROR"]
        assert await bench.ask("AT+CIFSR") == ["ERROR"]
        assert await bench.ask("AT+CIPSERVER=1,7") == ["ERROR"]


async def test_sleep_waits_for_links(bench: Bench, peer: Peer, udp_peer: Peer) -> None:
    """A TCP link keeps the module out of PSM, a UDP link does not and is lost by it."""
    await connect(bench, peer)
    assert bench.module.compatible.open_tcp()
    bench.type(b"AT+CIPCLOSE\r")
    await bench.until(b"CLOSE OK\r\n")
    await connect(bench, udp_peer)
    assert not bench.module.compatible.open_tcp()
    bench.module.fall_asleep()
    assert not bench.module.compatible.links[0].busy


async def test_settings_are_lost_by_a_reset(bench: Bench) -> None:
    """No setting of the stack is kept."""
    settings = ("CIPMUX", "CIPQSEND", "CIPRXGET", "CIPHEAD", "CIPSRIP")
    for name in settings:
        assert await bench.ask(f"AT+{name}=1") == ["OK"]
        assert await bench.ask(f"AT+{name}?") == [f"+{name}: 1", "OK"]
    bench.type(b"AT+CRESET\r")
    await bench.until(b"SMS Ready\r\n")
    await bench.ask("ATE0")
    for name in settings:
        assert await bench.ask(f"AT+{name}?") == [f"+{name}: 0", "OK"]
