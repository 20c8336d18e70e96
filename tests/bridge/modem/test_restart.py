"""How a restart of the module is noticed, and what is none."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sim7020_bridge.config.model import DEFAULT_ATTACH_CEILING, RecoverySettings, SocketSettings
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.modem.alerts import AGAIN_AND_AGAIN, AlertId, alerts
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.modem.timing import Timing
from tests.bridge.modem.bench import (
    ECHO,
    HOUR,
    TCP,
    UDP,
    Bench,
    becomes,
    current,
    now,
    restarted,
    running,
    virtual_clock,
)
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time


@pytest.mark.parametrize(
    "evidence", ["RDY", "*MATREADY: 1", "NORMAL POWER DOWN", ECHO], ids=["RDY", "MATREADY", "power down", "echo"]
)
@on_virtual_time
async def test_restart_is_noticed(evidence: str) -> None:
    """Greetings, an echo or a farewell mean that all settings and sockets are gone: everything is done again."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await asyncio.sleep(60)
        bench.module.sockets.clear()
        await restarted(bench, evidence)
        await bench.until(lambda state: state.counters.reboots == 1)
        assert bench.modem.store.state.link.reason is not None
        await bench.opened("udp")
        assert bench.module.times("ATE0") == 2
        assert bench.modem.store.state.counters.steps == {}


async def restarting_once_online(bench: Bench, after: float, restarts: list[float]) -> None:
    """Let a module restart a while after each time that it is online."""
    while True:
        await bench.until(lambda state: state.online, within=48 * HOUR)
        await asyncio.sleep(after)
        await restarts_now(bench, restarts)


async def restarts_now(bench: Bench, restarts: list[float]) -> None:
    """Let a module restart, and wait until that is noticed."""
    restarts.append(now())
    bench.module.sockets.clear()
    bench.module.say("RDY")
    await bench.until(lambda state: not state.answering)


async def sending(bench: Bench, every: float) -> None:
    """Send a message every so many seconds, each again until the module has taken it, as the router does."""
    while True:
        await asyncio.sleep(every)
        taken = False
        while not taken:
            socket = await bench.opened("udp", within=48 * HOUR)
            with suppress(BridgeError):
                await socket.send(b"x")
                taken = True


async def restarting_in_sends(bench: Bench, after: float, restarts: list[float]) -> None:
    """Let a module restart a while after each time that it has sent, as one does that a send takes the supply from."""
    while True:
        await bench.module.hears("AT+CSOSEND", times=bench.module.times("AT+CSOSEND") + 1, within=48 * HOUR)
        await asyncio.sleep(after)
        await restarts_now(bench, restarts)


def most_in_a_day(times: list[float]) -> int:
    """Return how many there were at most within any 24 hours."""
    return max(sum(0 <= later - first < 24 * HOUR for later in times) for first in times)


@pytest.mark.parametrize("after", [3, 10, 60])
@on_virtual_time
async def test_module_that_restarts_again_and_again(after: float) -> None:
    """It is left alone for longer and longer, with an alert that stays until there was no restart for a while."""
    restarts: list[float] = []
    async with running(UDP) as bench:
        restarting = asyncio.create_task(restarting_once_online(bench, after, restarts))
        await becomes(lambda: current(bench) == {AlertId.MODULE_RESTARTS})
        assert bench.module.opened <= 5
        await asyncio.sleep(24 * HOUR)
        assert current(bench) == {AlertId.MODULE_RESTARTS}
        assert bench.module.opened < 1.5 * DEFAULT_ATTACH_CEILING
        restarting.cancel()
        await bench.until(lambda state: state.online, within=24 * HOUR)
        await asyncio.sleep(1000)
        assert current(bench) == set()


@pytest.mark.parametrize(
    ("every", "after", "ceiling"),
    [
        pytest.param(1, 0, DEFAULT_ATTACH_CEILING, id="each send is lost, and made again at once"),
        pytest.param(1, 5, DEFAULT_ATTACH_CEILING, id="a message goes out before each restart"),
        pytest.param(300, 5, DEFAULT_ATTACH_CEILING, id="minutes apart"),
        pytest.param(1200, 20, DEFAULT_ATTACH_CEILING, id="a third of an hour apart"),
        pytest.param(1, 0, 6, id="a lower ceiling"),
    ],
)
@on_virtual_time
async def test_module_that_restarts_in_each_send(every: float, after: float, ceiling: int) -> None:
    """Each restart is an attach that a send brought about: no more than the ceiling in any day; messages wait."""
    restarts: list[float] = []
    async with running(UDP, recovery=RecoverySettings(attach_ceiling=ceiling)) as bench:
        sender = asyncio.create_task(sending(bench, every))
        if not after:
            bench.module.answer("AT+CSOSEND")
        restarting = asyncio.create_task(restarting_in_sends(bench, after, restarts))
        await becomes(lambda: len(restarts) == AGAIN_AND_AGAIN)
        await asyncio.sleep(1)
        assert current(bench) == {AlertId.MODULE_RESTARTS}
        for _ in range(36):
            await asyncio.sleep(HOUR)
            assert AlertId.MODULE_RESTARTS in current(bench)
        assert ceiling - 2 <= most_in_a_day(restarts) <= ceiling
        kept = json.loads((bench.state_dir / "shed.attaches").read_text())
        assert len(kept["attempts"]) >= ceiling // 2
        restarting.cancel()
        bench.module.answer("AT+CSOSEND", "OK")
        sent = bench.module.times("AT+CSOSEND")
        await bench.module.hears("AT+CSOSEND", times=sent + 2, within=24 * HOUR)
        await asyncio.sleep(300)
        assert AlertId.MODULE_RESTARTS not in current(bench)
        sender.cancel()


@pytest.mark.parametrize(
    "sockets", [(replace(UDP, host="example.org"),), (TCP, UDP)], ids=["the DNS was asked", "another socket was opened"]
)
@on_virtual_time
async def test_module_that_restarts_in_sends_of_one_kind_only(sockets: tuple[SocketSettings, ...]) -> None:
    """That it has transmitted something else minutes before, and gone on, shows nothing of what a datagram does."""
    restarts: list[float] = []
    module = ScriptedModule()
    module.answer("AT+CDNSGIP", "OK", '+CDNSGIP: 1,"example.org","203.0.113.1"')
    async with running(*sockets, module=module) as bench:
        sender = asyncio.create_task(sending(bench, 300))
        restarting = asyncio.create_task(restarting_in_sends(bench, 1, restarts))
        await asyncio.sleep(24 * HOUR)
        assert most_in_a_day(restarts) <= DEFAULT_ATTACH_CEILING
        assert AlertId.MODULE_RESTARTS in current(bench)
        restarting.cancel()
        await asyncio.sleep(24 * HOUR)
        assert AlertId.MODULE_RESTARTS not in current(bench)
        sender.cancel()


@on_virtual_time
async def test_kind_that_is_sent_no_more_is_forgotten() -> None:
    """A module that goes on for a day is well, whatever it was that it once restarted in."""
    restarts: list[float] = []
    async with running(UDP) as bench:
        for _ in range(AGAIN_AND_AGAIN):
            await bench.online()
            ping = asyncio.create_task(bench.modem.module.ping("192.0.2.1", 1))
            await asyncio.sleep(1)
            await restarts_now(bench, restarts)
            await asyncio.wait({ping})
            ping.exception()
        await bench.online()
        assert AlertId.MODULE_RESTARTS in current(bench)
        sender = asyncio.create_task(sending(bench, 300))
        await asyncio.sleep(23 * HOUR)
        assert AlertId.MODULE_RESTARTS in current(bench)
        await asyncio.sleep(2 * HOUR)
        assert AlertId.MODULE_RESTARTS not in current(bench)
        sender.cancel()


@on_virtual_time
async def test_ceiling_of_restarts_is_told_and_does_not_hold_up_who_starts_the_bridge(tmp_path: Path) -> None:
    """The alert says why nothing is sent; a person who starts the bridge anew gets one attempt at once."""
    for _ in range(2):
        restarts: list[float] = []
        async with running(UDP, recovery=RecoverySettings(attach_ceiling=3), state_dir=tmp_path) as bench:
            sender = asyncio.create_task(sending(bench, 1))
            restarting = asyncio.create_task(restarting_in_sends(bench, 1, restarts))
            await becomes(lambda: AlertId.ATTACH_CEILING in current(bench))
            await asyncio.sleep(HOUR)
            assert AlertId.ATTACH_CEILING in current(bench)
            assert len(restarts) == 3
            bench.modem.ended_by_a_person()
            sender.cancel()
            restarting.cancel()


@on_virtual_time
async def test_accidents_cost_no_day_where_the_attempts_are_used_up(tmp_path: Path) -> None:
    """Two restarts in a row that sends seem to provoke hold a module up for half an hour at most."""
    restarts: list[float] = []
    used = {"attempts": [virtual_clock().timestamp()] * DEFAULT_ATTACH_CEILING, "ended": False}
    (tmp_path / "shed.attaches").write_text(json.dumps(used))
    async with running(UDP, state_dir=tmp_path) as bench:
        sender = asyncio.create_task(sending(bench, 1))
        for _ in range(2):
            await bench.module.hears("AT+CSOSEND", times=bench.module.times("AT+CSOSEND") + 1, within=HOUR)
            await restarts_now(bench, restarts)
        began = now()
        await bench.opened("udp", within=HOUR)
        assert now() - began <= Timing().restart_last + 10
        sender.cancel()


@on_virtual_time
async def test_restarts_of_a_module_that_sends_all_the_time_are_no_attempts() -> None:
    """One that has sent before and gone on restarts for another reason, also where something was just sent."""
    restarts: list[float] = []
    async with running(UDP, recovery=RecoverySettings(attach_ceiling=4)) as bench:
        sender = asyncio.create_task(sending(bench, 10))
        for _ in range(100):
            await bench.opened("udp")
            await asyncio.sleep(500)
            await restarts_now(bench, restarts)
            await asyncio.sleep(5)
            assert current(bench) == set()
        assert not (bench.state_dir / "shed.attaches").exists()
        sender.cancel()


@on_virtual_time
async def test_restart_that_nothing_was_sent_before_is_no_attempt(tmp_path: Path) -> None:
    """A module that somebody resets now and then is not held up."""
    restarts: list[float] = []
    async with running(UDP, recovery=RecoverySettings(attach_ceiling=3), state_dir=tmp_path) as bench:
        for _ in range(20):
            await bench.online()
            await asyncio.sleep(600)
            await restarts_now(bench, restarts)
            await asyncio.sleep(30)
            assert current(bench) == set()
            assert bench.modem.store.state.online
        assert list(bench.state_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("echo", "shown"),
    [('AT+CSOSEND=0,10,"6162636465"', 'AT+CSOSEND=0,10,"***"'), ('AT+CPIN="1234"', 'AT+CPIN="***"')],
)
@on_virtual_time
async def test_restart_that_an_echo_gives_away_tells_no_secret(
    echo: str, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What the module repeats is payload or a PIN at times: neither the state nor the log has it."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await restarted(bench, echo)
        await bench.until(lambda state: state.counters.reboots == 1)
        await bench.opened("udp")
        reasons = {str(state.link.reason) for state in bench.states}
        assert any(shown in reason for reason in reasons)
        secret = echo.partition('"')[2]
        assert not any(secret in told for told in (*reasons, *caplog.messages))


@pytest.mark.parametrize(("read", "times"), [(0, 2), (5, 1)])
@on_virtual_time
async def test_restart_that_neither_a_word_nor_an_echo_tells(read: int, times: int) -> None:
    """A module that no longer reports its registration, as it said that it does, has restarted."""
    async with running() as bench:
        await bench.online()
        bench.module.answer_once("AT+CEREG?", f"+CEREG: {read},1", "OK")
        await asyncio.sleep(1000)
        await bench.online()
        assert bench.module.times("ATE0") == times
        assert bench.modem.store.state.counters.reboots == times - 1


@pytest.mark.parametrize("set_up", ["OK", "ERROR"])
@on_virtual_time
async def test_module_that_never_says_that_it_reports_its_registration(set_up: str) -> None:
    """It has nothing to forget: it is of use all the same, and its registration is read."""
    module = ScriptedModule()
    for n in (2, 5):
        module.answer(f"AT+CEREG={n}", set_up)
    module.answer("AT+CEREG?", "+CEREG: 0,1", "OK")
    async with running(module=module) as bench:
        await bench.online()
        await asyncio.sleep(1000)
        assert bench.modem.store.state.online
        assert (module.opened, bench.modem.store.state.counters.reboots) == (1, 0)


@on_virtual_time
async def test_other_domain_that_reports_nothing_is_no_restart() -> None:
    """What answers for the EPS registration once was never told to report anything."""
    async with running() as bench:
        await bench.online()
        bench.module.answer("AT+CGREG?", "+CGREG: 0,1", "OK")
        bench.module.answer_once("AT+CEREG?", "ERROR")
        await asyncio.sleep(1000)
        assert (bench.module.times("ATE0"), bench.modem.store.state.counters.reboots) == (1, 0)


@pytest.mark.parametrize("text", ["AT", "ATTACH REJECT", "at+csq", "AT+CFUN=1"])
@on_virtual_time
async def test_text_that_begins_like_a_command_is_no_restart(text: str) -> None:
    """An echo is what was sent: the module's words, or another program's, end no session and close no socket."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        await asyncio.sleep(60)
        before = len(bench.module.heard)
        bench.module.say(text)
        await asyncio.sleep(60)
        assert bench.modem.store.state.counters.reboots == 0
        assert bench.module.heard[before:] == []
        assert bench.socket("udp").state.phase is Phase.OPEN


@on_virtual_time
async def test_late_greeting_is_no_restart() -> None:
    """SMS Ready comes seconds after the others, and so may +CPIN."""
    async with running() as bench:
        bench.module.say("RDY", "+CFUN: 1")
        await bench.online()
        await asyncio.sleep(5)
        bench.module.say("+CPIN: READY", "SMS Ready", "+CSQN: 21,0", "+CLTS: 18/06/22,09:27:49+32")
        await asyncio.sleep(1)
        state = bench.modem.store.state
        assert state.link.layer is Layer.ONLINE
        assert state.counters.reboots == 0
        assert state.signal is not None
        assert state.signal.rssi_index == 21


@pytest.mark.parametrize("evidence", ["RDY", "*MATREADY: 1", ECHO, "NORMAL POWER DOWN"])
@on_virtual_time
async def test_module_that_restarts_by_itself(evidence: str) -> None:
    """A greeting or an echo gives a restart away; the module is set up again at once, and nobody is alarmed."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(60)
        before, raised = now(), len(bench.states)
        await restarted(bench, evidence)
        await bench.module.hears("ATE0", times=2)
        await bench.online()
        assert now() - before < 3
        counters = bench.modem.store.state.counters
        assert (counters.reboots, counters.steps, counters.recoveries) == (1, {}, 0)
        assert not any(alerts(state) for state in bench.states[raised:])


@on_virtual_time
async def test_module_that_restarts_in_a_loop() -> None:
    """It is not run after without a pause."""
    async with running() as bench:
        await bench.online()
        for restart in range(2, 22):
            bench.module.say("RDY")
            await bench.module.hears("ATE0", times=restart)
            await asyncio.sleep(0.5)
        assert now() > 15
        await bench.online()


@on_virtual_time
async def test_greeting_that_comes_long_after_the_start_is_no_restart() -> None:
    """SMS Ready comes long after the start and says nothing."""
    async with running() as bench:
        await bench.online()
        bench.module.say("SMS Ready")
        await asyncio.sleep(60)
        assert bench.module.opened == 1


@on_virtual_time
async def test_module_that_never_stops_echoing() -> None:
    """A module that ignores ATE0 is brought up all the same, and its echo is no sign of a restart; a greeting is."""
    module = ScriptedModule()
    module.echo = True
    async with running(module=module) as bench:
        await bench.online()
        await asyncio.sleep(HOUR)
        assert module.opened == 1
        module.say("RDY")
        await module.hears("ATE0", times=2)
        await bench.online()
        assert bench.modem.store.state.counters.reboots == 1
