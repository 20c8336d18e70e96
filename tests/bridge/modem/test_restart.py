"""How a restart of the module is noticed, and what is none."""

import asyncio

import pytest

from sim7020_bridge.config.model import DEFAULT_ATTACH_CEILING
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import ECHO, HOUR, UDP, Bench, becomes, current, restarted, running
from tests.bridge.scripted_module import on_virtual_time


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


async def restarting_once_online(bench: Bench, after: float) -> None:
    """Let a module restart a while after each time that it is online, as one does that a send takes the supply from."""
    while True:
        await bench.online()
        await asyncio.sleep(after)
        bench.module.sockets.clear()
        bench.module.say("RDY")
        await bench.until(lambda state: not state.answering)


@pytest.mark.parametrize("after", [3, 10, 60])
@on_virtual_time
async def test_module_that_restarts_again_and_again(after: float) -> None:
    """It is left alone for longer and longer, with an alert that stays until there was no restart for a while."""
    async with running(UDP) as bench:
        restarts = asyncio.create_task(restarting_once_online(bench, after))
        await becomes(lambda: current(bench) == {AlertId.MODULE_RESTARTS})
        assert bench.module.opened <= 5
        await asyncio.sleep(24 * HOUR)
        assert current(bench) == {AlertId.MODULE_RESTARTS}
        assert bench.module.opened < 1.5 * DEFAULT_ATTACH_CEILING
        restarts.cancel()
        await bench.online()
        await asyncio.sleep(1000)
        assert current(bench) == set()


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


@pytest.mark.parametrize(("set_up", "read", "times"), [("OK", 0, 2), ("OK", 5, 1), ("ERROR", 0, 1)])
@on_virtual_time
async def test_restart_that_neither_a_word_nor_an_echo_tells(set_up: str, read: int, times: int) -> None:
    """A module that no longer reports its registration, as it was told to, has restarted."""
    async with running() as bench:
        for n in (2, 5):
            bench.module.answer(f"AT+CEREG={n}", set_up)
        await bench.online()
        bench.module.answer_once("AT+CEREG?", f"+CEREG: {read},1", "OK")
        await asyncio.sleep(1000)
        await bench.online()
        assert bench.module.times("ATE0") == times
        assert bench.modem.store.state.counters.reboots == times - 1


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
