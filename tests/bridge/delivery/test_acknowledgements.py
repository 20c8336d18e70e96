"""Messages to TCP sockets: what the peer acknowledges, and what becomes of what it does not."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_bridge.config.model import PowerSavingSettings, WhenUnsure
from sim7020_bridge.delivery.router import TIMES_LOST
from sim7020_bridge.modem.telling import IN_VAIN, NEVER_TOLD
from sim7020_bridge.modem.timing import Timing
from tests.bridge.desk import Desk, named, sent, staffed
from tests.bridge.modem.bench import ACTIVATE, HOUR, TCP, UDP, dropping, now, register
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

WITHIN = Timing().acknowledged_within
IN_VAIN_WITHIN = 3 * HOUR
"""Time enough for the connections after which a module is taken for one that does not tell."""


async def taken_for_one_that_never_tells(desk: Desk) -> None:
    """Send m1 until the module, which tells nothing of it, is taken for one that never does."""
    desk.send("tcp", b"1", **named("m1"))
    assert (await desk.final("tcp", "m1", within=IN_VAIN_WITHIN))["state"] == "accepted"


@on_virtual_time
async def test_tcp_receipts() -> None:
    """A TCP message is done once the peer has acknowledged it."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        await asyncio.sleep(1)
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted"]
        desk.module.say("SEND: 0,5")
        assert (await desk.final("tcp", "m1"))["state"] == "acknowledged"


@on_virtual_time
async def test_tcp_acknowledged_at_once() -> None:
    """Accepted comes before acknowledged, also if the peer was faster than the module's OK."""
    async with staffed(TCP) as desk:
        desk.module.answer_once("AT+CSOSEND", "SEND: 0,5", "OK")
        desk.send("tcp", b"hello", **named("m1"))
        await desk.final("tcp", "m1")
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted", "acknowledged"]


@on_virtual_time
async def test_tcp_without_acknowledgements_is_done_once_it_is_accepted() -> None:
    """Where the firmware neither reports nor tells what the peer acknowledged, nothing is waited for in vain."""
    module = ScriptedModule()
    module.answer("AT+CSOSENDFLAG", "ERROR")
    async with staffed(TCP, module=module) as desk:
        desk.send("tcp", b"hello", **named("m1"))
        assert (await desk.final("tcp", "m1"))["state"] == "accepted"
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted"]


@on_virtual_time
async def test_unacknowledged_messages_go_again_when_the_socket_breaks() -> None:
    """What the peer had not acknowledged when the socket broke is sent again, in order, before what came later."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        for number in (1, 2, 3):
            desk.send("tcp", b"%d" % number, **named(f"m{number}"))
        await desk.module.hears("AT+CSOSEND", times=3)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,1")
        desk.module.say("+CSOERR: 0,3")
        desk.send("tcp", b"4", **named("m4"))
        await desk.module.hears("AT+CSOSEND", times=6)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,3")
        assert (await desk.final("tcp", "m4"))["state"] == "acknowledged"
        assert sent(desk) == ["1", "2", "3", "2", "3", "4"]
        assert desk.receipts("tcp", "m2") == ["queued", "sending", "accepted", "sending", "accepted", "acknowledged"]


@on_virtual_time
async def test_unacknowledged_messages_fail_where_nothing_may_go_twice() -> None:
    """With when_unsure fail, a message that may have arrived is given up."""
    async with staffed(replace(TCP, when_unsure=WhenUnsure.FAIL)) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        await asyncio.sleep(1)
        desk.module.say("+CSOERR: 0,3")
        final = await desk.final("tcp", "m1")
        assert (final["state"], final["error"]["code"]) == ("failed", "unsure")


@on_virtual_time
async def test_a_connection_that_always_breaks_ends_a_message() -> None:
    """A message that breaks every connection does not block the others for ever."""
    async with staffed(TCP) as desk:
        desk.send("tcp", b"poison", **named("m1"))
        for times in range(1, TIMES_LOST + 1):
            await desk.module.hears("AT+CSOSEND", times=times)
            await asyncio.sleep(1)
            desk.module.say("+CSOERR: 0,3")
        final = await desk.final("tcp", "m1")
        assert (final["state"], final["error"]["code"]) == ("failed", "socket_lost")


@on_virtual_time
async def test_a_module_that_always_restarts_ends_no_message() -> None:
    """A supply that gives way in each send is no fault of the message: it waits until that is mended."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"hello", **named("m1"))
        for times in range(1, TIMES_LOST + 2):
            await desk.module.hears("AT+CSOSEND", times=times)
            await asyncio.sleep(1)
            desk.module.say("RDY")
        await desk.module.hears("AT+CSOSEND", times=TIMES_LOST + 2)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,5")
        assert (await desk.final("tcp", "m1"))["state"] == "acknowledged"


@on_virtual_time
async def test_a_connection_that_is_dead_without_a_word_is_replaced() -> None:
    """What a peer has acknowledged nothing of for long goes again on a new connection, ahead of what came later."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        for number in (1, 2):
            desk.send("tcp", b"%d" % number, **named(f"m{number}"))
        await desk.module.hears("AT+CSOCL", within=WITHIN + 1)
        assert now() > WITHIN
        await asyncio.sleep(0.1)
        failure = desk.bench.socket("tcp").state.failure
        assert failure is not None
        assert (failure.name, failure.words) == ("unacknowledged", "the peer acknowledged nothing within 900 s")
        desk.send("tcp", b"3", **named("m3"))
        await desk.module.hears("AT+CSOSEND", times=5)
        await asyncio.sleep(1)
        desk.module.say("SEND: 0,3")
        assert (await desk.final("tcp", "m3"))["state"] == "acknowledged"
        assert sent(desk) == ["1", "2", "1", "2", "3"]
        assert desk.receipts("tcp", "m1") == ["queued", "sending", "accepted", "sending", "accepted", "acknowledged"]


@on_virtual_time
async def test_a_peer_that_never_acknowledges_ends_a_message() -> None:
    """What nobody acknowledges on any connection does not wait for ever; each is given more time, up to an hour."""
    module = ScriptedModule()
    module.answer("AT+CSOACK", "+CSOACK: 0,5,0,5", "OK")
    async with staffed(TCP, module=module) as desk:
        desk.send("tcp", b"hello", **named("m1"))
        assert (await desk.final("tcp", "m1", within=24 * HOUR))["error"]["code"] == "socket_lost"
        assert module.times("AT+CSOSEND") == TIMES_LOST
        assert now() > 0.25 * HOUR + 0.5 * HOUR + (TIMES_LOST - 2) * HOUR


@on_virtual_time
async def test_a_peer_that_is_slow_to_acknowledge() -> None:
    """What takes 20 minutes is sent twice and no more; after an acknowledgement the first patience holds again."""
    async with staffed(TCP) as desk:
        desk.send("tcp", b"hello", **named("m1"))
        await desk.module.hears("AT+CSOSEND", times=2, within=WITHIN + 5)
        await asyncio.sleep(20 * 60)
        desk.module.say("SEND: 0,5")
        assert (await desk.final("tcp", "m1"))["state"] == "acknowledged"
        assert sent(desk) == ["hello", "hello"]
        desk.send("tcp", b"again", **named("m2"))
        await desk.module.hears("AT+CSOSEND", times=4, within=WITHIN + 5)


@on_virtual_time
async def test_a_module_that_never_tells_what_is_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    """One that said it reports acknowledgements, and never does, gets a message five times, and the next ones once."""
    async with staffed(TCP) as desk:
        await taken_for_one_that_never_tells(desk)
        assert now() > (1 + 2 + 4 + 4) * WITHIN
        desk.send("tcp", b"2", **named("m2"))
        assert (await desk.final("tcp", "m2"))["state"] == "accepted"
        desk.module.say("+CSOERR: 0,3")
        await desk.module.hears("AT+CSOCON", times=IN_VAIN + 2)
        desk.send("tcp", b"3", **named("m3"))
        assert (await desk.final("tcp", "m3"))["state"] == "accepted"
        assert sent(desk) == ["1"] * (IN_VAIN + 1) + ["2", "3"]
        assert sum(NEVER_TOLD in record.message for record in caplog.records) == 1


@on_virtual_time
async def test_a_module_that_never_tells_in_contexts_that_do_not_last() -> None:
    """What several connections have waited, each until its context ended, is as much as one that was given up."""
    async with staffed(TCP) as desk:
        drops = asyncio.create_task(dropping(desk.bench, 600, []))
        desk.send("tcp", b"1", **named("m1"))
        assert (await desk.final("tcp", "m1", within=2 * IN_VAIN_WITHIN))["state"] == "accepted"
        assert now() > (1 + 2 + 4 + 4) * WITHIN
        drops.cancel()


@on_virtual_time
async def test_time_without_a_network_shows_nothing_of_the_module() -> None:
    """Where a module is registered for moments only, what it waits for comes from a network that is not there."""
    async with staffed(TCP) as desk:
        desk.send("tcp", b"1", **named("m1"))
        for _ in range(24):
            await desk.bench.opened("tcp")
            await asyncio.sleep(20)
            desk.module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
            desk.module.say("+CEREG: 2")
            await asyncio.sleep(HOUR / 2)
            desk.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
            desk.module.sockets.clear()
            desk.module.say("+CGEV: NW PDN DEACT 1")
            await asyncio.sleep(1)
            desk.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
            register(desk.module)
        with pytest.raises(TimeoutError):
            await desk.final("tcp", "m1", within=1)


@on_virtual_time
async def test_a_module_that_tells_after_all() -> None:
    """The first report shows that the module tells: what is sent from then on waits for its acknowledgement."""
    async with staffed(TCP) as desk:
        await taken_for_one_that_never_tells(desk)
        desk.module.say("SEND: 0,1")
        await asyncio.sleep(1)
        desk.send("tcp", b"2", **named("m2"))
        await asyncio.sleep(60)
        assert desk.receipts("tcp", "m2") == ["queued", "sending", "accepted"]
        desk.module.say("SEND: 0,1")
        assert (await desk.final("tcp", "m2"))["state"] == "acknowledged"


@on_virtual_time
async def test_a_guess_that_is_wrong() -> None:
    """Dead connections are no reason to lose messages for ever: after an hour it is found out anew if it tells."""
    async with staffed(TCP) as desk:
        await taken_for_one_that_never_tells(desk)
        await desk.module.hears("AT+CSOCON", times=IN_VAIN + 2, within=2 * HOUR)
        desk.send("tcp", b"2", **named("m2"))
        await asyncio.sleep(60)
        assert desk.receipts("tcp", "m2") == ["queued", "sending", "accepted"]
        desk.module.say("SEND: 0,1")
        assert (await desk.final("tcp", "m2"))["state"] == "acknowledged"
        await asyncio.sleep(24 * HOUR)
        assert desk.module.times("AT+CSOCON") == IN_VAIN + 2


@on_virtual_time
async def test_what_a_trial_costs() -> None:
    """A module that never tells gets 15 minutes of messages twice, after an hour, two hours, and so on up to a day."""
    async with staffed(TCP) as desk:
        await taken_for_one_that_never_tells(desk)
        for trial, hours in enumerate((1, 2, 4, 8, 16, 24, 24)):
            began = now()
            opened = IN_VAIN + 2 + 2 * trial
            await desk.module.hears("AT+CSOCON", times=opened, within=25 * HOUR)
            assert now() - began == pytest.approx(hours * HOUR, abs=Timing().socket_idle + 2)
            times = desk.module.times("AT+CSOSEND")
            desk.send("tcp", b"2", **named(f"trial{trial}"))
            assert (await desk.final("tcp", f"trial{trial}", within=WITHIN + 5))["state"] == "accepted"
            assert (desk.module.times("AT+CSOCON"), desk.module.times("AT+CSOSEND")) == (opened + 1, times + 2)


@on_virtual_time
async def test_a_peer_that_answers_is_not_doubted() -> None:
    """A connection over which something comes is not dead, whatever the module tells of it."""
    async with staffed(TCP) as desk:
        await taken_for_one_that_never_tells(desk)
        for number in range(8):
            await asyncio.sleep(HOUR / 2)
            desk.module.say("+CSONMI: 0,2,41")
            desk.send("tcp", b"2", **named(f"answered{number}"))
        assert desk.module.times("AT+CSOCON") == IN_VAIN + 1


@on_virtual_time
async def test_a_connection_that_never_rests_is_doubted_too() -> None:
    """What is sent has some time to go out before its connection is closed, but there need not be any."""
    async with staffed(TCP) as desk:
        await taken_for_one_that_never_tells(desk)
        began = now()
        while desk.module.times("AT+CSOCON") == IN_VAIN + 1:
            desk.send("tcp", b"2")
            await asyncio.sleep(Timing().socket_idle / 2)
        assert now() - began == pytest.approx(2 * HOUR, abs=2 * Timing().socket_idle)


@on_virtual_time
async def test_a_module_that_tells_of_another_peer() -> None:
    """A module that has told what one peer acknowledges tells of the others, too: one that is mute is not believed."""
    other = replace(TCP, name="other", port=5010)
    async with staffed(other, TCP) as desk:
        first, second = await desk.bench.opened("other"), await desk.bench.opened("tcp")
        desk.send("other", b"1", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        desk.module.say(f"SEND: {first.id},1")
        assert (await desk.final("other", "m1"))["state"] == "acknowledged"
        desk.send("tcp", b"hello", **named("m2"))
        assert second.acknowledges
        assert (await desk.final("tcp", "m2", within=24 * HOUR))["error"]["code"] == "socket_lost"


@on_virtual_time
async def test_a_module_that_never_tells_gets_to_sleep() -> None:
    """Under PSM a connection of which nothing is told is closed soon after the last byte was taken."""
    async with staffed(TCP, power_saving=PowerSavingSettings(active_time=60)) as desk:
        for number in (1, 2):
            desk.send("tcp", b"%d" % number, **named(f"m{number}"))
            assert (await desk.final("tcp", f"m{number}", within=IN_VAIN_WITHIN))["state"] == "accepted"
            await desk.module.hears("AT+CSOCL", times=IN_VAIN + number, within=Timing().socket_idle + 1)


@on_virtual_time
async def test_a_guess_that_is_wrong_where_connections_are_short() -> None:
    """Under PSM no connection is open for an hour: what is unheard over several of them counts."""
    async with staffed(TCP, power_saving=PowerSavingSettings(active_time=60)) as desk:
        await taken_for_one_that_never_tells(desk)
        for number in range(2):
            await asyncio.sleep(HOUR / 3)
            desk.send("tcp", b"2", **named(f"guessed{number}"))
            assert (await desk.final("tcp", f"guessed{number}"))["state"] == "accepted"
        await asyncio.sleep(HOUR / 3)
        desk.send("tcp", b"3", **named("trial"))
        await desk.module.hears("AT+CSOCON", times=IN_VAIN + 4)
        await asyncio.sleep(2 * Timing().socket_idle)
        desk.module.say("SEND: 0,1")
        assert (await desk.final("tcp", "trial"))["state"] == "acknowledged"


async def datagrams(desk: Desk) -> None:
    """Send one now and then."""
    while True:
        desk.send("udp", b"2")
        await asyncio.sleep(9)


@pytest.mark.parametrize(("lasts", "hours"), [(Timing().context_of_use + 5, 1), (Timing().socket_stable + 10, 3)])
@on_virtual_time
async def test_contexts_too_short_for_any_acknowledgement(lasts: float, hours: int) -> None:
    """Where datagrams show that contexts are of use, what is lost over TCP with each goes again ever more rarely."""
    async with staffed(UDP, TCP) as desk:
        await desk.bench.opened("tcp")
        desk.send("tcp", b"1", **named("m1"))
        sending = asyncio.create_task(datagrams(desk))
        drops = asyncio.create_task(dropping(desk.bench, lasts, []))
        await asyncio.sleep(hours * HOUR)
        drops.cancel()
        sending.cancel()
        assert hours * HOUR / Timing().socket_last < sent(desk).count("1") < hours * HOUR / Timing().socket_last + 40
        assert desk.module.times(ACTIVATE) > 100
        assert "acknowledged" not in desk.receipts("tcp", "m1")


@pytest.mark.parametrize(
    ("interruption", "state"), [("unplugged", "failed"), ("silence", "failed"), ("ERROR", "accepted")]
)
@on_virtual_time
async def test_doubt_before_accepted(interruption: str, state: str) -> None:
    """With when_unsure fail, silence and a lost line end a message; a plain refusal does not."""
    async with staffed(replace(UDP, when_unsure=WhenUnsure.FAIL)) as desk:
        await desk.bench.opened("udp")
        desk.module.answer_once("AT+CSOSEND", *(("ERROR",) if interruption == "ERROR" else SILENCE))
        desk.send("udp", b"x", **named("m1"))
        await desk.module.hears("AT+CSOSEND")
        if interruption == "unplugged":
            desk.module.unplug()
        assert (await desk.final("udp", "m1"))["state"] == state


@pytest.mark.parametrize(
    ("when_unsure", "payload", "answers", "state"),
    [
        pytest.param(WhenUnsure.FAIL, 600, ("OK", "ERROR"), "failed", id="the rest is refused, nothing may go twice"),
        pytest.param(WhenUnsure.FAIL, 600, ("ERROR", "ERROR"), "acknowledged", id="all of it is refused"),
        pytest.param(WhenUnsure.RESEND, 600, ("OK", "ERROR"), "acknowledged", id="the rest is refused"),
    ],
)
@on_virtual_time
async def test_payload_of_which_a_part_has_gone(
    when_unsure: WhenUnsure, payload: int, answers: tuple[str, ...], state: str
) -> None:
    """A long TCP payload of which the module took a part goes again, unless nothing may go twice."""
    async with staffed(replace(TCP, when_unsure=when_unsure)) as desk:
        await desk.bench.opened("tcp")
        for answer in answers:
            desk.module.answer_once("AT+CSOSEND", answer)
        desk.module.answer_once("AT+CSOSEND", "ERROR")
        desk.send("tcp", bytes(payload), **named("m1"))
        if state == "acknowledged":
            await desk.module.hears("AT+CSOCL")
            await desk.bench.opened("tcp")
            await asyncio.sleep(10)
            desk.module.say(f"SEND: 0,{payload}")
        final = await desk.final("tcp", "m1")
        assert final["state"] == state
        assert state == "acknowledged" or final["error"]["code"] == "unsure"
