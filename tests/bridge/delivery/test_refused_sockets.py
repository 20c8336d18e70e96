"""A day of a modem that is attached and whose sockets are refused for good: by the module, or by the peer."""

import asyncio
import logging

import pytest

from sim7020_bridge.commands.sockets import SOCKETS
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.refusals import AGAIN_AND_AGAIN
from sim7020_bridge.modem.timing import Timing
from sim7020_bridge.outbox.message import Place
from tests.bridge.desk import TOPICS, Desk, named, staffed
from tests.bridge.modem.bench import TCP, UDP, becomes, by_topic
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

DAY = 86400.0
CEILING = 48
ALERT = TOPICS.alert(AlertId.SOCKETS_REFUSED)
PEERS = {"udp": '5005,"198.51.100.7"', "tcp": '5006,"198.51.100.8"'}
ARGUMENTS = {"AT+CSOCON": tuple(PEERS.values()), "AT+CSOSEND": ('2,"78"',)}
"""Of the commands that name a socket: its peer, and what is sent."""


def answer(module: ScriptedModule, command: str, *, code: int | None = None, final: str = "ERROR") -> None:
    """Have a command of every socket answered so from now on, with the code of a +CSOERR after it."""
    for number in range(SOCKETS):
        cause = () if code is None else (f"+CSOERR: {number},{code}",)
        for arguments in ARGUMENTS.get(command, ()):
            module.answer(f"{command}={number},{arguments}", final, *cause)
        if command not in ARGUMENTS:
            module.answer(command, final)


def attaches(desk: Desk) -> int:
    """Return how often the module was made to attach."""
    steps = desk.bench.modem.store.state.counters.steps
    return sum(steps.get(step, 0) for step in (RecoveryStep.REATTACH, RecoveryStep.REBOOT, RecoveryStep.POWER))


def alerts_raised(desk: Desk) -> list[tuple[str, bool]]:
    """Return the alerts that were raised and emptied, in order."""
    told = [(each.topic, bool(each.payload)) for each in desk.published if "/alert/" in each.topic]
    return [each for number, each in enumerate(told) if number == 0 or each != told[number - 1]]


async def a_day(desk: Desk) -> None:
    """Let a day pass, with a message for each socket every hour."""
    for hour in range(24):
        for socket in ("udp", "tcp"):
            desk.send(socket, b"x", **named(f"m{hour}"))
        await asyncio.sleep(DAY / 24)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param("AT+CSOC", None, id="no socket is made"),
        pytest.param("AT+CSOCON", None, id="none is connected"),
        pytest.param("AT+CSOCON", 11, id="none has a bearer"),
        pytest.param("AT+CSOSEND", None, id="nothing is taken"),
        pytest.param("AT+CSOSEND", 11, id="nothing is taken without a bearer"),
    ],
)
@on_virtual_time
async def test_the_module_refuses(command: str, code: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """It is reset step by step within the ceiling, one alert and few lines say so, and no message is lost."""
    pressed: list[str] = []
    hook = by_topic(pressed.append)
    caplog.set_level(logging.INFO, logger="sim7020_bridge")
    async with staffed(UDP, TCP, power=hook) as desk:
        module = desk.module
        module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
        module.answer("AT+CSOSTATUS", "ERROR")
        await desk.bench.opened("udp")
        await desk.bench.opened("tcp")
        answer(module, command, code=code)
        module.say("+CSOERR: 0,2", "+CSOERR: 1,2")
        caplog.clear()
        await a_day(desk)
        assert alerts_raised(desk) == [(ALERT, True)]
        assert not [receipt for receipt in desk.documents(TOPICS.receipt("udp")) if receipt["final"]]
        steps = desk.bench.modem.store.state.counters.steps
        assert 1 <= steps[RecoveryStep.CONTEXT] == module.heard.count("AT+CGACT=0,1")
        assert 3 <= steps[RecoveryStep.REATTACH] <= 6
        assert steps[RecoveryStep.REBOOT] >= 2
        assert 2 <= steps[RecoveryStep.POWER] == pressed.count("ON")
        assert attaches(desk) <= CEILING / 3
        assert len(caplog.records) < 100, [record.getMessage() for record in caplog.records]

        answer(module, command, final="OK")
        module.answer("AT+CSOC=1,2,1", "+CSOC: 0", "OK")
        module.answer("AT+CSOC=1,1,1", "+CSOC: 1", "OK")
        for hour in range(24):
            assert (await desk.final("udp", f"m{hour}"))["state"] == "accepted"
        # the other socket may be waiting yet
        await asyncio.sleep(Timing().socket_last + 60)
        assert alerts_raised(desk)[-1] == (ALERT, False)
        assert desk.bench.modem.store.state.recovered is not None


@pytest.mark.parametrize("left", ["udp", "tcp", None])
@on_virtual_time
async def test_what_was_refused_waits_no_more(left: str | None) -> None:
    """With the last message that was not taken goes the alert, and no step is taken any more: nothing could prove it.

    As long as another socket's waits, it does.
    """
    async with staffed(UDP, TCP) as desk:
        desk.module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
        answer(desk.module, "AT+CSOSEND")
        for socket in ("udp", "tcp"):
            desk.send(socket, b"x", **named("m1"))
        await becomes(lambda: alerts_raised(desk) == [(ALERT, True)])
        for socket in {"udp", "tcp"} - {left}:
            await becomes(lambda: all(entry.place is Place.WAITING for entry in desk.outbox))
            answered = await desk.ask("outbox", action="cancel", socket=socket, id="m1")
            assert answered["data"] == {"cancelled": 1, "sending": 0}
        await asyncio.sleep(2 * Timing().socket_last)
        assert alerts_raised(desk) == [(ALERT, True), (ALERT, False)][: 1 if left else 2]
        taken = attaches(desk)
        await asyncio.sleep(DAY)
        assert (attaches(desk) > taken) == (left is not None)
        answer(desk.module, "AT+CSOSEND", final="OK")
        desk.send("udp", b"x", **named("m2"))
        assert (await desk.final("udp", "m2", within=DAY))["state"] == "accepted"


@pytest.mark.parametrize("lines", [("ERROR", "+CSOERR: {},3"), ("ERROR", "+CSOERR: {},2"), SILENCE], ids=str)
@on_virtual_time
async def test_the_peer_refuses(lines: tuple[str, ...]) -> None:
    """What the peer does is no reason to touch the modem, however long it lasts; what is for it waits."""
    async with staffed(UDP, TCP) as desk:
        desk.module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
        for number in range(SOCKETS):
            desk.module.answer(f"AT+CSOCON={number},{PEERS['tcp']}", *[line.format(number) for line in lines])
        await desk.bench.opened("udp")
        await a_day(desk)
        assert attaches(desk) == 0
        assert alerts_raised(desk) == []
        assert not [receipt for receipt in desk.documents(TOPICS.receipt("tcp")) if receipt["final"]]
        assert (await desk.final("udp", "m23"))["state"] == "accepted"


@pytest.mark.parametrize("code", [2, 3, 4, 7])
@on_virtual_time
async def test_the_peer_refuses_what_is_sent(code: int) -> None:
    """A cause that is not the module's is no reason to touch it either: each message fails after a few times."""
    async with staffed(UDP, TCP) as desk:
        desk.module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
        answer(desk.module, "AT+CSOSEND", code=code)
        await a_day(desk)
        assert attaches(desk) == 0
        assert alerts_raised(desk) == []
        for socket in ("udp", "tcp"):
            failed = await desk.final(socket, "m23")
            assert (failed["error"]["code"], failed["attempts"]) == ("module_refused", 3)


@on_virtual_time
async def test_a_large_piece_that_ends_its_connection() -> None:
    """A stream is cut where the module refuses a piece of it; where that ends the connection it fails as any other."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        for number in range(SOCKETS):
            desk.module.answer(f'AT+CSOSEND={number},800,"{"00" * 400}"', "ERROR", f"+CSOERR: {number},2")
        desk.send("tcp", bytes(400), **named("m1"))
        failed = await desk.final("tcp", "m1")
        assert (failed["error"]["code"], failed["attempts"]) == ("module_refused", 3)


def sizes_sent(desk: Desk) -> list[int]:
    """Return the bytes of each piece that the module was given."""
    return [int(line.split(",")[1]) // 2 for line in desk.module.heard if line.startswith("AT+CSOSEND=")]


@pytest.mark.parametrize("before", [True, False], ids=["cause first", "cause last"])
@on_virtual_time
async def test_a_module_that_has_no_buffer_for_a_large_piece(*, before: bool) -> None:
    """A stream is sent in smaller pieces where that ends its connection, too, and from then on at once."""
    async with staffed(TCP) as desk:
        await desk.bench.opened("tcp")
        for number in range(SOCKETS):
            lines = [f"+CSOERR: {number},6", "ERROR"]
            desk.module.answer(f'AT+CSOSEND={number},800,"{"00" * 400}"', *(lines if before else reversed(lines)))
        desk.send("tcp", bytes(400), **named("m1"))
        await becomes(lambda: sizes_sent(desk) == [400, 256, 144])
        desk.module.say("SEND: 0,400")
        assert (await desk.final("tcp", "m1"))["attempts"] == 2
        desk.send("tcp", bytes(400), **named("m2"))
        await becomes(lambda: sizes_sent(desk) == [400, 256, 144, 256, 144])


@on_virtual_time
async def test_a_large_message_that_no_buffer_is_there_for() -> None:
    """A TCP message is never too large: it waits for the module to have room, which is reset meanwhile."""
    async with staffed(TCP) as desk:
        desk.module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
        await desk.bench.opened("tcp")
        for number in range(SOCKETS):
            for size in (256, 400):
                code = f"+CSOERR: {number},6"
                desk.module.answer(f'AT+CSOSEND={number},{size * 2},"{"00" * size}"', code, "ERROR")
        desk.send("tcp", bytes(400), **named("m1"))
        await asyncio.sleep(DAY / 24)
        assert attaches(desk) >= 1
        assert alerts_raised(desk) == [(ALERT, True)]
        assert not [receipt for receipt in desk.documents(TOPICS.receipt("tcp")) if receipt["final"]]
        assert sizes_sent(desk).count(400) == 1


@on_virtual_time
async def test_a_module_that_has_no_room_for_all_of_a_message() -> None:
    """One that takes a part, and whose peer may be slow to acknowledge it, is left alone; the message fails."""
    async with staffed(TCP) as desk:
        desk.module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
        for number in range(SOCKETS):
            desk.module.answer(f'AT+CSOSEND={number},176,"{"00" * 88}"', "ERROR", f"+CSOERR: {number},6")
        for hour in range(24):
            desk.send("tcp", bytes(600), **named(f"m{hour}"))
            failed = await desk.final("tcp", f"m{hour}")
            assert (failed["error"]["code"], failed["attempts"]) == ("module_refused", 3)
            await asyncio.sleep(DAY / 24)
        assert attaches(desk) == 0
        assert alerts_raised(desk) == []


@on_virtual_time
async def test_a_message_that_is_refused_while_others_are_taken() -> None:
    """What the module refuses of one socket, while it takes what another has, fails after a few times."""
    async with staffed(UDP, TCP) as desk:
        await desk.bench.opened("tcp")
        for number in range(SOCKETS):
            desk.module.answer(f'AT+CSOSEND={number},2,"78"', "ERROR")
        desk.send("udp", b"x", **named("m1"))
        taking = asyncio.create_task(keep_sending(desk))
        assert (await desk.final("udp", "m1"))["error"]["code"] == "module_refused"
        taking.cancel()
        await asyncio.sleep(DAY / 24)
        assert attaches(desk) == 0
        desk.send("udp", b"y", **named("m2"))
        assert (await desk.final("udp", "m2"))["state"] == "accepted"


async def keep_sending(desk: Desk) -> None:
    """Send something through the other socket all the time."""
    socket = desk.bench.socket("tcp")
    while True:
        await socket.send(b"y")
        await asyncio.sleep(0.1)


@on_virtual_time
async def test_a_large_message_is_kept_where_such_were_taken_before() -> None:
    """The size of a datagram is no reason for a refusal to a firmware that took one as large."""
    async with staffed(UDP) as desk:
        desk.send("udp", bytes(400), **named("m1"))
        assert (await desk.final("udp", "m1"))["state"] == "accepted"
        desk.module.answer("AT+CSOSEND", "ERROR")
        desk.send("udp", bytes(400), **named("m2"))
        await asyncio.sleep(DAY / 24)
        desk.module.answer("AT+CSOSEND", "OK")
        assert (await desk.final("udp", "m2"))["state"] == "accepted"


@on_virtual_time
async def test_one_socket_that_the_module_will_not_connect() -> None:
    """While others are connected anew, an address that the module refuses is nobody's trouble but that socket's."""
    async with staffed(UDP, TCP) as desk:
        for number in range(SOCKETS):
            desk.module.answer(f"AT+CSOCON={number},{PEERS['udp']}", "ERROR")
        await desk.bench.opened("tcp")
        await asyncio.sleep(DAY)
        assert attaches(desk) <= 1
        assert desk.bench.socket("tcp").state.failure is None


@on_virtual_time
async def test_a_context_that_is_switched_off_on_request_is_no_trouble_of_sockets() -> None:
    """While a user keeps the context off, no step is taken for sockets that were refused before, and taken out now."""
    async with staffed(UDP, TCP) as desk:
        await desk.bench.opened("udp")
        desk.module.answer("AT+CSOC", "ERROR")
        desk.module.say("+CSOERR: 0,2", "+CSOERR: 1,2")
        await desk.bench.until(lambda state: state.refused.times > AGAIN_AND_AGAIN * 4)
        desk.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        await desk.ask("deactivate")
        taken = attaches(desk)
        await asyncio.sleep(1)
        await desk.bench.modem.sockets.change([UDP])
        await asyncio.sleep(DAY)
        assert attaches(desk) == taken
