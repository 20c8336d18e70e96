"""What a TCP peer has acknowledged, by reports that may be lost or come twice, and by asking."""

import asyncio
from collections.abc import Sequence
from unittest.mock import patch

import pytest

from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.acknowledgements import SocketLost, Unacknowledged
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.timing import Timing
from tests.bridge.modem.bench import TCP, UDP, Bench, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

TIMES = Timing()


@on_virtual_time
async def test_a_report_that_comes_twice() -> None:
    """What a peer is said to have twice acknowledges nothing of the next message."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        first, second = [await socket.send(data) for data in (b"12345", b"67890")]
        module.answer("AT+CSOACK", "+CSOACK: 0,10,5,5", "OK")
        module.say("SEND: 0,5", "SEND: 0,5")
        await asyncio.sleep(600)
        assert (first.done(), second.done()) == (True, False)
        module.answer("AT+CSOACK", "+CSOACK: 0,10,10,0", "OK")
        module.say("SEND: 0,5")
        await asyncio.wait_for(second, 1)


@on_virtual_time
async def test_a_report_that_is_lost() -> None:
    """A message is acknowledged soon after its peer has it, also without a word, and so are those that follow."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        module.answer("AT+CSOACK", "+CSOACK: 0,5,0,5", "OK")
        lost = await socket.send(b"12345")
        await asyncio.sleep(2 * TIMES.report_within)
        assert not lost.done()
        module.answer("AT+CSOACK", "+CSOACK: 0,5,5,0", "OK")
        await asyncio.wait_for(lost, TIMES.report_within + 1)
        following = await socket.send(b"678")
        module.answer("AT+CSOACK", "+CSOACK: 0,8,8,0", "OK")
        module.say("SEND: 0,3")
        await asyncio.wait_for(following, 1)


@on_virtual_time
async def test_reports_in_a_row_are_asked_after_once() -> None:
    """Nothing is asked where nothing waits, and not once for each of many reports; two answers are enough."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        sent = [await socket.send(b"x") for _ in range(20)]
        for acknowledged in range(1, 21):
            module.answer("AT+CSOACK", f"+CSOACK: 0,20,{acknowledged},{20 - acknowledged}", "OK")
            module.say("SEND: 0,1")
            await asyncio.sleep(0.005)
        await asyncio.wait_for(asyncio.gather(*sent), 1)
        module.say("SEND: 0,1")
        await asyncio.sleep(3600)
        assert module.times("AT+CSOACK") == 2


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("+CSOACK: 0,20,20,10", id="acknowledged"),
        pytest.param("+CSOACK: 0,90,10,10", id="given"),
        pytest.param("+CSOACK: 4,20,10,10", id="id"),
        pytest.param("+CSOA?K: 0,20,10,10", id="name"),
    ],
)
@on_virtual_time
async def test_a_spoilt_answer(spoilt: str) -> None:
    """A digit that the line has changed acknowledges nothing, and what is true is known soon all the same."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        first = await socket.send(bytes(10))
        module.answer("AT+CSOACK", "+CSOACK: 0,10,10,0", "OK")
        module.say("SEND: 0,10")
        await asyncio.wait_for(first, 1)
        second, third = [await socket.send(bytes(5)) for _ in range(2)]
        module.answer("AT+CSOACK", "+CSOACK: 0,20,15,5", "OK")
        module.answer_once("AT+CSOACK", spoilt, "OK")
        # one report comes twice
        module.say("SEND: 0,5", "SEND: 0,5")
        await asyncio.wait_for(second, 1)
        await asyncio.sleep(1)
        assert not third.done()
        module.say("+CSOERR: 0,3")
        with pytest.raises(SocketLost):
            await third


@on_virtual_time
async def test_a_report_that_comes_after_the_answer() -> None:
    """What an answer has counted and a report tells once more, as the connection breaks, is not counted twice."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        first, second = [await socket.send(b"12345") for _ in range(2)]
        module.answer("AT+CSOACK", "+CSOACK: 0,10,10,0", "OK")
        module.say("SEND: 0,5")
        await asyncio.wait_for(asyncio.gather(first, second), 1)
        third = await socket.send(b"12345")
        module.say("SEND: 0,5", "+CSOERR: 0,3")
        with pytest.raises(SocketLost):
            await third


async def acknowledged_once(bench: Bench) -> ModemSocket:
    """Return a socket whose peer has acknowledged the five bytes that it was sent."""
    socket = await bench.opened("tcp")
    first = await socket.send(b"12345")
    bench.module.answer("AT+CSOACK", "+CSOACK: 0,5,5,0", "OK")
    bench.module.say("SEND: 0,5")
    await asyncio.wait_for(first, 1)
    return socket


@pytest.mark.parametrize(("reported", "acknowledged"), [(5, 1), (7, 0), (10, 2), (95, 0)])
@on_virtual_time
async def test_a_report_as_the_connection_ends(reported: int, acknowledged: int) -> None:
    """A peer that has all and hangs up leaves no time to ask: its report counts if it can be right."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await acknowledged_once(bench)
        sent = [await socket.send(b"12345") for _ in range(2)]
        module.say(f"SEND: 0,{reported}", "+CSOERR: 0,4")
        found = await asyncio.gather(*sent, return_exceptions=True)
        assert [each is None for each in found].count(True) == acknowledged


@on_virtual_time
async def test_counts_that_can_t_be_brought_together() -> None:
    """A module that counts other bytes than it was given has not taken some: the connection is opened anew."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await acknowledged_once(bench)
        second = await socket.send(b"12345")
        module.say("SEND: 0,5")
        with pytest.raises(SocketLost):
            await asyncio.wait_for(second, 2)
        await bench.opened("tcp")
        assert module.times("AT+CSOC=1,1,1") == 2


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("ERROR",), id="refused"),
        pytest.param(("OK",), id="no line"),
        pytest.param(("+CSOACK: 1,10,10,0", "OK"), id="of another socket"),
        pytest.param(("+CSOACK: 0,2,2,0", "OK"), id="segments, no bytes"),
        pytest.param(("+CSOACK: 0,10,0,10", "OK"), id="never anything"),
        pytest.param(("+CSOACK: 0,1000,1000,0", "OK"), id="more than was given"),
        pytest.param(("+CSOACK: 0,10,50,0", "OK"), id="more than that"),
        pytest.param(SILENCE, id="silence"),
    ],
)
@on_virtual_time
async def test_reports_count_where_no_answer_does(lines: Sequence[str]) -> None:
    """Where the module does not tell how much is acknowledged, or tells something else, its reports are added up."""
    module = ScriptedModule()
    module.answer("AT+CSOACK", *lines)
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        first, second = [await socket.send(data) for data in (b"12345", b"67890")]
        module.say("SEND: 0,5")
        await asyncio.wait_for(first, 10)
        assert not second.done()
        module.say("SEND: 0,5")
        await asyncio.wait_for(second, 10)


@on_virtual_time
async def test_what_the_module_has_not_taken_yet_is_no_contradiction() -> None:
    """A payload on its way while the module is asked is not yet among what it says it was given."""
    module = ScriptedModule()
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        first = await socket.send(b"12345")
        module.answer_once("AT+CSOSEND", *SILENCE)
        second = asyncio.create_task(socket.send(b"67890"))
        await module.hears("AT+CSOSEND", times=2)
        module.answer("AT+CSOACK", "+CSOACK: 0,10,5,5", "OK")
        module.say("SEND: 0,5", "SEND: 0,5")
        await asyncio.sleep(5)
        module.say("OK")
        await asyncio.wait_for(first, 1)
        assert not (await second).done()


@on_virtual_time
async def test_firmware_that_is_only_to_be_asked() -> None:
    """One that will not report what is acknowledged is asked for it."""
    module = ScriptedModule()
    module.answer("AT+CSOSENDFLAG", "ERROR")
    module.answer("AT+CSOACK", "+CSOACK: 0,0,0,0", "OK")
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        assert socket.acknowledges
        sent = await socket.send(b"12345")
        module.answer("AT+CSOACK", "+CSOACK: 0,5,5,0", "OK")
        await asyncio.wait_for(sent, TIMES.report_within + 1)


@on_virtual_time
async def test_firmware_that_tells_of_no_acknowledgement() -> None:
    """One that neither reports nor tells it is done with a payload once it took it, as with a datagram."""
    module = ScriptedModule()
    module.answer("AT+CSOSENDFLAG", "ERROR")
    async with running(TCP, module=module) as bench:
        socket = await bench.opened("tcp")
        assert not socket.acknowledges
        assert (await socket.send(bytes(600))).done()
        assert not socket.takes_ahead
        assert module.heard.count("AT+CSOC=1,1,1") == 1


@on_virtual_time
async def test_a_lost_report_keeps_no_socket_open() -> None:
    """Under PSM a connection is closed once all is acknowledged, whether or not that was reported."""
    module = ScriptedModule()
    module.answer("AT+CSOACK", "+CSOACK: 0,5,5,0", "OK")
    async with running(TCP, module=module, power_saving=PowerSavingSettings(active_time=60)) as bench:
        socket = await bench.opened("tcp")
        await socket.send(b"12345")
        await module.hears("AT+CSOCL", within=TIMES.report_within + TIMES.socket_idle + 1)


@on_virtual_time
async def test_datagrams_are_not_counted() -> None:
    """What nobody ever acknowledges is not remembered either, in months of an open socket."""
    with patch.object(Unacknowledged, "give") as give:
        async with running(UDP, TCP) as bench:
            await (await bench.opened("udp")).send(b"12345")
            assert not give.called
            await (await bench.opened("tcp")).send(b"12345")
            assert give.called
