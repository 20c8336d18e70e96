"""A socket kept open, against a scripted module on virtual time."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import Transport
from sim7020_bridge.errors import LineError, ModuleSilent
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import HOUR, NAMED, TCP, UDP, now, running
from tests.bridge.scripted_module import SILENCE, on_virtual_time


@on_virtual_time
async def test_open_send_receive() -> None:
    """A socket is opened once the link is online, takes payload as hex and hands on what comes."""
    async with running(UDP) as bench:
        socket = await bench.opened("udp")
        assert 'AT+CSOCON=0,5005,"198.51.100.7"' in bench.module.heard
        acknowledged = await socket.send(b"12345")
        assert acknowledged.done()
        assert 'AT+CSOSEND=0,10,"3132333435"' in bench.module.heard
        bench.module.say("+CSONMI: 0,6,313233", "+CSONMI: 4,2,31")
        await asyncio.sleep(1)
        assert bench.data == [("udp", b"123")]
        assert bench.phases("udp") == [Phase.OPENING, Phase.OPEN]
        assert (socket.state.sent.bytes, socket.state.received.messages) == (5, 1)
    assert bench.phases("udp")[-1] is Phase.CLOSED


@on_virtual_time
async def test_error_report_reopens() -> None:
    """A socket that fails is closed, waits, and is opened again with a new id; later waits are longer."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        waits = []
        for failure in range(1, 6):
            bench.module.say("+CSOERR: 0,2")
            await bench.module.hears("AT+CSOCL", times=failure)
            began = now()
            await bench.opened("udp")
            waits.append(now() - began)
        assert bench.phases("udp") == [Phase.OPENING, Phase.OPEN] + 5 * [
            Phase.CLOSED,
            Phase.BACKOFF,
            Phase.OPENING,
            Phase.OPEN,
        ]
        for index, wait in enumerate(waits):
            longest = 0.25 * 2**index
            assert 0.75 * longest <= wait <= longest + 0.01
        failure_now = bench.socket("udp").state.failure
        assert failure_now is not None
        assert (failure_now.code, failure_now.name) == (2, "connection_aborted")
        since = bench.socket("udp").state.since
        assert since is not None
        assert (failure_now.at - since).total_seconds() == pytest.approx(sum(waits[:-1]), abs=0.1)


@on_virtual_time
async def test_stable_socket_starts_with_short_wait() -> None:
    """A socket that was open for a minute waits as after its first failure."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        for failure in range(1, 5):
            bench.module.say("+CSOERR: 0,2")
            await bench.module.hears("AT+CSOCL", times=failure)
            await bench.opened("udp")
        await asyncio.sleep(61)
        bench.module.say("+CSOERR: 0,2")
        await bench.module.hears("AT+CSOCL", times=5)
        began = now()
        await bench.opened("udp")
        assert now() - began <= 0.26
        state = bench.socket("udp").state
        assert state.failure is not None
        assert state.since == state.failure.at


@pytest.mark.parametrize(
    ("lines", "code", "name"),
    [
        pytest.param(("ERROR", "+CSOERR: 0,3"), 3, "connection_reset", id="code after the refusal"),
        pytest.param(("+CSOERR: 0,3", "ERROR"), 3, "connection_reset", id="code before the refusal"),
        pytest.param(("ERROR",), None, "module_refused", id="no code"),
    ],
)
@on_virtual_time
async def test_refused_connection(lines: tuple[str, ...], code: int | None, name: str) -> None:
    """A refused connection tells the cause if the module does, is closed, and tried again."""
    async with running(TCP) as bench:
        bench.module.answer_once("AT+CSOCON", *lines)
        socket = await bench.opened("tcp")
        assert socket.state.failure is not None
        assert (socket.state.failure.code, socket.state.failure.name) == (code, name)
        assert bench.module.times("AT+CSOCL") == 1
        assert bench.phases("tcp") == [Phase.OPENING, Phase.CLOSED, Phase.BACKOFF, Phase.OPENING, Phase.OPEN]


@on_virtual_time
async def test_error_right_after_connecting() -> None:
    """A socket that fails in the moment it connects is never called open."""
    async with running(TCP) as bench:
        bench.module.answer_once("AT+CSOCON", "OK", "+CSOERR: 0,3")
        await bench.opened("tcp")
        assert bench.phases("tcp") == [Phase.OPENING, Phase.CLOSED, Phase.BACKOFF, Phase.OPENING, Phase.OPEN]


@on_virtual_time
async def test_name_is_resolved_each_time() -> None:
    """A name is resolved before every opening, and its address is the peer's."""
    async with running(NAMED) as bench:
        bench.module.answer_once("AT+CDNSGIP", "OK", '+CDNSGIP: 1,"example.org","203.0.113.1"')
        bench.module.answer_once("AT+CDNSGIP", "+CDNSGIP: 203.0.113.2", "OK")
        socket = await bench.opened("named")
        assert socket.state.address == "203.0.113.1"
        bench.module.say("+CSOERR: 0,2")
        await bench.module.hears("AT+CSOCL")
        await bench.opened("named")
        assert socket.state.address == "203.0.113.2"
        assert bench.module.heard.count('AT+CSOCON=0,5007,"203.0.113.2"') == 1


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(("OK", "+CDNSGIP: 0,8"), "DNS common error", id="DNS error"),
        pytest.param(("+CDNSGIP: 0,10", "ERROR"), "DNS error 10", id="error and refused"),
        pytest.param(("OK",), "no DNS answer", id="no answer"),
        pytest.param(("ERROR",), "ERROR", id="refused"),
        pytest.param(("OK", '+CDNSGIP: 1,"example.org","2001:db8::1"'), "no IPv4 address", id="IPv6"),
        pytest.param(("OK", '+CDNSGIP: 1,"example.org","0.0.0.0"'), "no IPv4 address", id="blocked name"),
        pytest.param(
            ("OK", '+CDNSGIP: 1,"example.org","203.0.\x00.1","2001:db8::1"'), "no IPv4 address", id="noise and IPv6"
        ),
    ],
)
@on_virtual_time
async def test_name_without_address(lines: tuple[str, ...], words: str) -> None:
    """A name that can't be resolved is a failure of the socket, which tries again and leaves no socket behind."""
    async with running(NAMED) as bench:
        bench.module.answer_once("AT+CDNSGIP", *lines)
        bench.module.answer("AT+CDNSGIP", "OK", '+CDNSGIP: 1,"EXAMPLE.ORG","203.0.113.1"')
        socket = await bench.opened("named")
        assert socket.state.failure is not None
        assert words in socket.state.failure.words
        assert bench.module.sockets == {0}


@on_virtual_time
async def test_acknowledgement_before_ok() -> None:
    """The peer's acknowledgement counts also when it is reported before the module's OK."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", "SEND: 0,5", "OK")
        await asyncio.wait_for(await socket.send(b"12345"), 1)


@on_virtual_time
async def test_acknowledgement_of_more_than_was_given() -> None:
    """A digit too many in a report acknowledges nothing of what is given afterwards."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        await socket.send(b"12345")
        bench.module.say("SEND: 0,5000")
        await asyncio.sleep(1)
        acknowledged = await socket.send(b"67890")
        await asyncio.sleep(600)
        assert not acknowledged.done()
        bench.module.say("SEND: 0,5")
        await acknowledged


@on_virtual_time
async def test_acknowledgements_add_up() -> None:
    """Reports may cover parts of a message or several at once."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        first, second, third = [await socket.send(data) for data in (b"12345", b"678", b"9")]
        bench.module.say("SEND: 0,4")
        await asyncio.sleep(1)
        assert not first.done()
        bench.module.say("SEND: 0,4")
        await asyncio.sleep(1)
        assert (first.done(), second.done(), third.done()) == (True, True, False)
        third.cancel()
        bench.module.say("SEND: 0,1")
        await asyncio.sleep(1)


@on_virtual_time
async def test_long_payload_is_split() -> None:
    """A long TCP payload goes in pieces of 512 bytes and is acknowledged when all of it is."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        done = await socket.send(bytes(1025))
        assert [line.split(",")[1] for line in bench.module.heard if "CSOSEND=" in line] == ["1024", "1024", "2"]
        bench.module.say("SEND: 0,1024")
        await asyncio.sleep(1)
        assert not done.done()
        bench.module.say("SEND: 0,1")
        await asyncio.wait_for(done, 1)


@on_virtual_time
async def test_firmware_that_takes_half() -> None:
    """A firmware that refuses 512 bytes gets 256 at a time, and no byte is sent or counted twice."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", "ERROR")
        done = await socket.send(bytes(600))
        assert [line.split(",")[1] for line in bench.module.heard if "CSOSEND=" in line] == [
            "1024",
            "512",
            "512",
            "176",
        ]
        bench.module.say("SEND: 0,256", "SEND: 0,256", "SEND: 0,88")
        await asyncio.wait_for(done, 1)
        assert bench.module.times("AT+CSOC") == 1


@on_virtual_time
async def test_broken_with_unacknowledged() -> None:
    """What was not acknowledged when the socket broke is lost, and says so."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        done = await socket.send(b"12345")
        bench.module.say("+CSOERR: 0,3")
        with pytest.raises(SocketLost):
            await done
        await bench.opened("tcp")
        again = await socket.send(b"678")
        bench.module.say("SEND: 0,3")
        await asyncio.wait_for(again, 1)


@on_virtual_time
async def test_broken_while_sending_is_not_acknowledged() -> None:
    """A TCP socket that fails between a payload and its OK has not delivered it."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", *SILENCE)
        sending = asyncio.create_task(socket.send(b"12345"))
        await bench.module.hears("AT+CSOSEND")
        bench.module.say("+CSOERR: 0,3")
        await asyncio.sleep(0.1)
        bench.module.say("OK")
        done = await sending
        with pytest.raises(SocketLost):
            await done


@on_virtual_time
async def test_refused_payload_reopens() -> None:
    """A payload that the module refuses breaks the socket, which is opened afresh."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", "ERROR")
        with pytest.raises(SocketLost, match="ERROR"):
            await socket.send(b"1")
        with pytest.raises(SocketLost, match="not open"):
            await socket.send(b"1")
        await bench.opened("tcp")
        assert bench.module.times("AT+CSOCL") == 1


@on_virtual_time
async def test_silence_while_sending_reopens() -> None:
    """A payload that the module never answers breaks the socket, not the session."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", *SILENCE)
        with pytest.raises(ModuleSilent):
            await socket.send(b"1")
        await bench.opened("tcp")
        assert bench.module.opened == 1
        assert bench.modem.store.state.counters.steps == {RecoveryStep.RESYNC: 1, RecoveryStep.SOCKETS: 1}


@on_virtual_time
async def test_port_lost_while_sending() -> None:
    """When the port goes away under a payload, the socket is not open from that moment."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", *SILENCE)
        sending = asyncio.create_task(socket.send(b"1"))
        await bench.module.hears("AT+CSOSEND")
        bench.module.unplug()
        with pytest.raises(LineError):
            await sending
        with pytest.raises(SocketLost):
            await socket.send(b"1")
        await bench.opened("tcp")
        assert bench.module.opened == 2


@on_virtual_time
async def test_context_lost_closes() -> None:
    """A socket is closed with its PDN context and opened when that is back, with no wait for a failure."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.module.hears("AT+CSOCL")
        assert bench.modem.store.state.link.layer is Layer.PDN
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        bench.module.say("+CGEV: ME PDN ACT 1")
        await bench.opened("udp")
        assert Phase.BACKOFF not in bench.phases("udp")
        assert bench.module.sockets == {0}


@on_virtual_time
async def test_context_lost_while_opening() -> None:
    """A socket whose context goes away while it connects ends up open on the new context, and only once."""
    async with running(TCP) as bench:
        bench.module.answer_once("AT+CSOCON", *SILENCE)
        await bench.module.hears("AT+CSOCON")
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await asyncio.sleep(0.1)
        bench.module.say("ERROR", "+CSOERR: 0,11")
        await bench.opened("tcp")
        assert bench.module.sockets == {0}


@on_virtual_time
async def test_five_sockets_fail_together() -> None:
    """Sockets that fail at once are all opened again, and none holds another's id."""
    names = ("udp", "tcp")
    async with running(UDP, TCP) as bench:
        for name in names:
            await bench.opened(name)
        bench.module.say("+CSOERR: 0,11", "+CSOERR: 1,11")
        await bench.module.hears("AT+CSOCL", times=2)
        for name in names:
            await bench.opened(name)
        assert {bench.socket(name).id for name in names} == {0, 1}
        assert bench.module.sockets == {0, 1}


@pytest.mark.parametrize("size", [1, 480])
@on_virtual_time
async def test_refusal_after_the_connection_was_given_up_counts_for_no_other(size: int) -> None:
    """A refusal that comes when the context is gone is none, and takes nothing from what the next connection counts."""
    async with running(TCP) as bench:
        socket = await bench.opened("tcp")
        bench.module.answer_once("AT+CSOSEND", *SILENCE)
        refused = asyncio.create_task(socket.send(bytes(size)))
        await bench.module.hears("AT+CSOSEND")
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.until(lambda state: not state.pdn.active)
        await asyncio.sleep(0)
        bench.module.say("ERROR")
        with pytest.raises(SocketLost):
            await refused
        await bench.opened("tcp")
        done = await socket.send(bytes(size))
        assert not done.done()
        bench.module.say(f"SEND: 0,{size}")
        await done


@on_virtual_time
async def test_nothing_is_opened_that_costs_too_much() -> None:
    """A connection, or a name to resolve, waits until a message is worth it; a datagram's socket costs nothing."""
    allowed: set[str | None] = set()
    named = replace(NAMED, transport=Transport.UDP)
    async with running(UDP, TCP, named, time_server="pool.ntp.org") as bench:
        bench.modem.store.affordable = allowed.__contains__
        bench.module.answer("AT+CDNSGIP", "OK", '+CDNSGIP: 1,"example.org","203.0.113.1"')
        await bench.opened("udp")
        await asyncio.sleep(HOUR)
        assert [bench.phases(name) for name in ("tcp", "named")] == [[], []]
        assert not bench.module.times("AT+CDNSGIP")
        assert not bench.module.times("AT+CSNTPSTART")
        allowed.add("tcp")
        bench.modem.store.apply()
        await bench.opened("tcp")
        allowed.remove("tcp")
        bench.module.say("+CSOERR: 1,2")
        await bench.module.hears("AT+CSOCL=1")
        await asyncio.sleep(HOUR)
        assert bench.module.times("AT+CSOCON") == 2
        allowed.update({"tcp", "named", None})
        bench.modem.store.apply()
        await bench.opened("tcp")
        await bench.opened("named")
        await bench.module.hears("AT+CSNTPSTART")


@on_virtual_time
async def test_refusals_go_with_their_socket() -> None:
    """What the module refused a socket that is gone from the configuration is no trouble any more."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        bench.module.answer("AT+CSOC", "ERROR")
        bench.module.say("+CSOERR: 0,1")
        await bench.until(lambda state: state.refused.what is not None, within=3600)
        await bench.modem.sockets.change(())
        assert bench.modem.store.state.refused.what is None
