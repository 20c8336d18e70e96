"""A port or a module that fails comes back, against a scripted module on virtual time."""

import asyncio
import logging
from collections.abc import Callable
from unittest.mock import patch

import pytest

from sim7020_bridge.config.model import PowerHookSettings, PowerSavingSettings
from sim7020_bridge.errors import PortClosed
from sim7020_bridge.modem import modem
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.port.holders import Holder
from tests.bridge.modem.bench import (
    ECHO,
    HOUR,
    REATTACH,
    Switch,
    becomes,
    current,
    now,
    pressing,
    restarted,
    running,
    steps,
    unregistered,
)
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time


@pytest.mark.parametrize(
    ("reason", "alert"),
    [
        ("missing", AlertId.PORT_MISSING),
        ("refused", AlertId.PORT_MISSING),
        ("busy", AlertId.PORT_BUSY),
        ("not_permitted", AlertId.PORT_NOT_PERMITTED),
        ("unusable", AlertId.PORT_UNUSABLE),
    ],
)
@on_virtual_time
async def test_port_that_cannot_be_opened(reason: str, alert: AlertId) -> None:
    """A port that can't be opened is an alert with what to do, and is taken as soon as it can be."""
    async with running(absent=5000) as bench:
        bench.why_absent = reason
        await asyncio.sleep(600)
        assert current(bench) == {alert}
        assert steps(bench) == {RecoveryStep.REOPEN: 3}
        bench.absent = 0
        free = now()
        await bench.online()
        assert now() - free < 4
        await asyncio.sleep(1)
        assert current(bench) == set()
        assert bench.modem.store.state.recovered is RecoveryStep.REOPEN


@on_virtual_time
async def test_module_that_another_program_listens_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else listens to a silent module is named until it answers; the steps are those of any silent one."""
    readers: list[Holder] = []
    monkeypatch.setattr(modem, "other_holders", lambda _port: tuple(readers))
    async with running() as bench:
        await bench.online()
        readers.append(Holder("minicom", 4711))
        bench.module.deaf = True
        await becomes(lambda: current(bench) == {AlertId.PORT_BUSY})
        told = alerts(bench.modem.store.state)[AlertId.PORT_BUSY]
        assert "minicom (process 4711) has" in told.message
        await asyncio.sleep(300)
        assert current(bench) == {AlertId.PORT_BUSY}
        assert steps(bench).keys() == {RecoveryStep.RESYNC, RecoveryStep.REOPEN}
        bench.module.deaf = False
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_module_that_never_spoke_while_another_program_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong rate or a device that is no modem is the likely cause, not who has its port open."""
    monkeypatch.setattr(modem, "other_holders", lambda _port: (Holder("minicom", 4711),))
    module = ScriptedModule()
    module.deaf = True
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        assert current(bench) == {AlertId.MODULE_SILENT}


@on_virtual_time
async def test_unplugged_and_plugged_in_again() -> None:
    """A port that goes and returns is picked up within two seconds and the module's own time."""
    async with running() as bench:
        await bench.online()
        bench.absent = 30
        bench.module.unplug()
        await bench.until(lambda state: state.link.layer is Layer.PORT)
        assert current(bench) == {AlertId.PORT_MISSING}
        await becomes(lambda: bench.absent == 0)
        back = now()
        await bench.online()
        assert now() - back < 3
        await asyncio.sleep(1)
        assert bench.modem.store.state.counters.recoveries == 1


@on_virtual_time
async def test_module_that_says_nothing() -> None:
    """Silence is an alert for as long as it lasts, however often the port is opened again."""
    module = ScriptedModule()
    module.deaf = True
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        heard = [AlertId.MODULE_SILENT in alerts(state) for state in bench.states]
        await asyncio.sleep(HOUR)
        assert all(AlertId.MODULE_SILENT in alerts(state) for state in bench.states[len(heard) :])
        assert module.opened > 100
        assert steps(bench) == {RecoveryStep.REOPEN: 3}
        module.deaf = False
        spoken = now()
        await bench.online()
        assert now() - spoken < 4
        assert current(bench) == set()


@on_virtual_time
async def test_wrong_baud_rate() -> None:
    """Garbage and nothing else is the mark of a wrong baud rate."""
    module = ScriptedModule()
    module.noise = b"\xf8\x80\xfe\r\n"
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        assert current(bench) == {AlertId.BAUD_RATE}
        module.noise = b""
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_module_that_goes_deaf_while_online() -> None:
    """A module that stops answering is noticed, and back as soon as it hears again."""
    async with running() as bench:
        await bench.online()
        bench.module.deaf = True
        await bench.until(lambda state: state.link.layer is Layer.AT)
        bench.module.deaf = False
        heard = now()
        await bench.online()
        assert now() - heard < 4
        assert steps(bench) == {RecoveryStep.RESYNC: 1, RecoveryStep.REOPEN: 1}


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


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (b"\r\nPassword: \r\n\r\nLogin incorrect\r\nhost login: \r\n", "Password:"),
        (b"$GPRMC,120000,V,,,,,,,,,,N*53\r\n", "$GPRMC,120000,V"),
        (b"\r\nOK\r\n", "it says OK, and not in time"),
    ],
    ids=["console", "GPS", "OK"],
)
@on_virtual_time
async def test_something_else_that_talks(noise: bytes, words: str) -> None:
    """What answers and is no module is told in its own words, with what to do."""
    module = ScriptedModule()
    module.noise = noise
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        await asyncio.sleep(100)
        alert = alerts(bench.modem.store.state)[AlertId.MODULE_SILENT]
        assert words in alert.message
        assert "115200" in alert.message
        assert "sim7020-bridge ports" in alert.advice
        assert "sim7020-bridge probe" in alert.advice
        asked, opened = module.times("AT"), module.opened
        await asyncio.sleep(HOUR)
        assert module.opened - opened > 100
        assert module.times("AT") - asked < HOUR / 5 + module.opened - opened


@on_virtual_time
async def test_line_that_gives_back_what_is_sent() -> None:
    """TX and RX that are joined are told from silence."""
    module = ScriptedModule()
    module.deaf = module.echo = True
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        assert "what is sent comes back" in alerts(bench.modem.store.state)[AlertId.MODULE_SILENT].message
        module.deaf = module.echo = False
        await bench.online()
        assert current(bench) == set()


@pytest.mark.parametrize(
    ("port", "words", "advice"),
    [
        ("/dev/ttyS7", "at the port at 9600 bit/s", "sim7020-bridge probe"),
        ("socket://a:1", "behind the serial server", "no other client"),
        ("rfc2217://a:1", "behind the serial server at 9600 bit/s", "no other client"),
    ],
)
@on_virtual_time
async def test_silence_names_where_and_how_fast(port: str, words: str, advice: str) -> None:
    """What was tried is told, and what to do about it: at a port of a server, that it may be the server's setting."""
    module = ScriptedModule()
    module.deaf = True
    async with running(module=module, port=port, baudrate=9600) as bench:
        await bench.until(lambda state: state.silent)
        alert = alerts(bench.modem.store.state)[AlertId.MODULE_SILENT]
        assert alert.message == f"Nothing answers {words}"
        assert "PWRKEY" in alert.advice
        assert advice in alert.advice


class HangsUp(ScriptedModule):
    """A serial server that has another client."""

    busy = True

    def listen(self, heard: Callable[[bytes], None], gone: Callable[[PortClosed], None]) -> None:
        """Say so and hang up."""
        super().listen(heard, gone)
        if self.busy:
            self.say("Port already in use")
            self.unplug()


@on_virtual_time
async def test_port_that_goes_away_at_once() -> None:
    """It is opened ever more rarely; what was said is told, in one alert that holds until the module answers."""
    module = HangsUp()
    async with running(module=module, port="socket://192.0.2.1:3000") as bench:
        await asyncio.sleep(HOUR)
        assert module.opened < 200
        told = [alerts(state) for state in bench.states]
        raised = [AlertId.PORT_MISSING in found for found in told]
        assert raised == sorted(raised)
        assert len({str(found) for found in told if found}) == 1
        alert = told[-1][AlertId.PORT_MISSING]
        assert alert.message == "socket://192.0.2.1:3000 went away: it says 'Port already in use'"
        assert "another" in alert.advice or "other one" in alert.advice
        module.busy = False
        began = now()
        await bench.online()
        assert now() - began < 40
        assert current(bench) == set()
        module.unplug()
        await bench.until(lambda state: not state.port_open)
        began = now()
        await bench.until(lambda state: state.port_open)
        assert now() - began < 1


@on_virtual_time
async def test_module_that_restarts_again_and_again() -> None:
    """A module that restarts in a loop is not run after without a pause."""
    async with running() as bench:
        await bench.online()
        for restart in range(2, 22):
            bench.module.say("RDY")
            await bench.module.hears("ATE0", times=restart)
            await asyncio.sleep(0.5)
        assert now() > 15
        await bench.online()


@on_virtual_time
async def test_late_greeting_is_no_restart() -> None:
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


@on_virtual_time
async def test_power_hook_wakes_the_dead() -> None:
    """A module that stays silent has its power switched, rarely, and is heard in between."""
    module = ScriptedModule()
    module.deaf = True
    hook, told = pressing()
    async with running(module=module, power=hook) as bench:
        await becomes(lambda: bool(told))
        assert now() > 60
        module.deaf = False
        await bench.online()
        assert told == ["ON", "OFF"]
        await asyncio.sleep(1)
        assert bench.modem.store.state.recovered is RecoveryStep.POWER


@on_virtual_time
async def test_power_hook_that_is_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    """What could not be used is no step and no attach attempt; it is used as soon as it can, if there is need of it."""
    module, told = ScriptedModule(), list[str]()
    module.deaf = True
    switch = Switch(told.append, connected=False)
    caplog.set_level(logging.INFO, logger="sim7020_bridge")
    async with running(module=module, power=PowerHook(PowerHookSettings(topic="plug"), switch=switch)) as bench:
        await asyncio.sleep(2 * HOUR)
        assert RecoveryStep.POWER not in steps(bench)
        assert not (bench.state_dir / "shed.attaches").exists()
        assert caplog.text.count("can't be used while the broker is away") == 1
        assert len(caplog.records) < 20
        switch.connect()
        back = now()
        await bench.until(lambda state: RecoveryStep.POWER in state.counters.steps)
        assert told == ["ON", "OFF"]
        assert now() - back < 24
        assert (bench.state_dir / "shed.attaches").exists()


@on_virtual_time
async def test_dead_module_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever presses it again every half hour says so in a line, and of its silence no more than once."""
    module = ScriptedModule()
    module.deaf = True
    hook, told = pressing()
    caplog.set_level(logging.INFO, logger="sim7020_bridge")
    async with running(module=module, power=hook) as bench:
        await asyncio.sleep(HOUR)
        caplog.clear()
        pressed, reason = told.count("ON"), bench.modem.store.state.link.reason
        bench.states.clear()
        await asyncio.sleep(3 * HOUR)
        assert len(caplog.records) == told.count("ON") - pressed <= 8
        assert {state.link.reason for state in bench.states} == {reason}


@on_virtual_time
async def test_power_hook_that_fails() -> None:
    """A program that fails is no step and no attach attempt, and is run again after growing waits."""
    module = ScriptedModule()
    module.deaf = True
    hook = PowerHook(PowerHookSettings(command=("press",)), switch=Switch(pytest.fail))
    with patch.object(PowerHook, "press", return_value=False) as press:
        async with running(module=module, power=hook) as bench:
            await asyncio.sleep(5 * HOUR)
            assert RecoveryStep.POWER not in steps(bench)
            assert not (bench.state_dir / "shed.attaches").exists()
            assert 10 <= press.await_count <= 22


@pytest.mark.parametrize("reason", ["missing", "busy", "not_permitted", "refused", "unusable"])
@on_virtual_time
async def test_power_hook_for_a_port_that_stays_away(reason: str) -> None:
    """A port that is missing for minutes may be a module whose USB hangs; anything else has other remedies."""
    hook, told = pressing()
    async with running(absent=100_000, power=hook) as bench:
        bench.why_absent = reason
        await asyncio.sleep(225)
        assert told == []
        await asyncio.sleep(HOUR / 2)
        assert 2 <= told.count("ON") <= 4 if reason == "missing" else told == []
        bench.absent = 0
        await bench.online()


@on_virtual_time
async def test_power_hook_is_not_due_since_another_trouble() -> None:
    """A port that goes away has its minutes, also if it was away before and the modem was not online since."""
    hook, told = pressing()
    async with running(module=unregistered(), absent=100_000, power=hook) as bench:
        await asyncio.sleep(200)
        bench.absent = 0
        await bench.module.hears("AT+CEREG?")
        await asyncio.sleep(200)
        bench.absent = 20
        bench.module.unplug()
        await becomes(lambda: bench.absent == 0)
        await bench.module.hears("AT+CEREG?")
        assert told == []


@on_virtual_time
async def test_power_hook_leaves_a_module_that_sleeps_alone() -> None:
    """Where a port goes away now and then, each time counts for itself, though the module says nothing in between."""
    hook, told = pressing()
    async with running(power=hook, power_saving=PowerSavingSettings(active_time=60, periodic_update=43200)) as bench:
        await bench.online()
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        bench.module.deaf = True
        for _ in range(3):
            await asyncio.sleep(400)
            bench.absent = 100
            bench.module.unplug()
            await becomes(lambda: bench.absent == 0)
        await asyncio.sleep(400)
        assert told == []


@on_virtual_time
async def test_power_hook_leaves_a_module_that_sleeps_behind_a_missing_port_alone() -> None:
    """A missing port's minutes begin when the module should have woken: before, a press would only switch it off."""
    hook, told = pressing()
    async with running(power=hook, power_saving=PowerSavingSettings(active_time=60, periodic_update=4 * 3600)) as bench:
        await bench.online()
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        bench.module.deaf = True
        await asyncio.sleep(400)
        bench.absent = 1_000_000
        bench.module.unplug()
        await asyncio.sleep(3.5 * HOUR)
        assert not await bench.modem.wake()
        assert told == []
        await asyncio.sleep(1.5 * HOUR)
        assert told


@on_virtual_time
async def test_radio_that_takes_its_time_to_go_off() -> None:
    """Detaching asks the network; a module that is slow at it is waited for."""
    module = unregistered()
    module.answer("AT+CFUN=0")
    async with running(module=module) as bench:
        await module.hears(REATTACH)
        await asyncio.sleep(30)
        module.say("OK")
        await module.hears("AT+CFUN=1", within=10)
        assert (module.opened, steps(bench)) == (1, {RecoveryStep.REATTACH: 1})


@on_virtual_time
async def test_command_that_takes_too_long_is_no_silence() -> None:
    """A module that answers AT is not silent, though one command had no answer in its time."""
    module = unregistered()
    module.answer("AT+CFUN=0")
    async with running(module=module) as bench:
        await module.hears(REATTACH)
        await asyncio.sleep(HOUR)
        assert not any(AlertId.MODULE_SILENT in alerts(state) for state in bench.states)
