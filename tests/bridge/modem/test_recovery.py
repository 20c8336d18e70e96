"""Each layer breaks and comes back, against a scripted module on virtual time."""

import asyncio
from collections.abc import Callable

import pytest

from sim7020_bridge.config.model import PowerHookSettings, RecoverySettings
from sim7020_bridge.errors import CommandRefused, RequestRefused
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.bring_up import cycle_radio
from sim7020_bridge.modem.hook import PowerHook
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import Bench, now, running
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time

HOUR = 3600.0
REATTACH = "AT+CFUN=0"
REBOOT = "AT+CFUN=1,1"


def steps(bench: Bench) -> dict[RecoveryStep, int]:
    """Return the steps of recovery that were taken."""
    return dict(bench.modem.store.state.counters.steps)


def current(bench: Bench) -> set[AlertId]:
    """Return the alerts that hold."""
    return set(alerts(bench.modem.store.state))


async def becomes(holds: Callable[[], bool]) -> None:
    """Return once a condition holds, within a day."""
    for _ in range(240_000):
        if holds():
            return
        await asyncio.sleep(0.36)
    raise TimeoutError


def unregistered(stat: str = "2") -> ScriptedModule:
    """Return a module without a network."""
    module = ScriptedModule()
    module.answer("AT+CEREG?", f"+CEREG: 5,{stat}", "OK")
    module.answer("AT+CGREG?", f"+CGREG: 0,{stat[0]}", "OK")
    return module


def register(module: ScriptedModule) -> None:
    """Give it the network."""
    module.answer("AT+CEREG?", "+CEREG: 5,1", "OK")
    module.say('+CEREG: 1,"00A0","0002920C",9')


def pressing() -> tuple[PowerHook, list[str]]:
    """Return a power hook that publishes, and what it published."""
    told: list[str] = []
    return PowerHook(PowerHookSettings(topic="plug", wakes=True), publish=lambda _, text: told.append(text)), told


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


@pytest.mark.parametrize("evidence", ["RDY", "*MATREADY: 1", "AT+CSQ", "NORMAL POWER DOWN"])
@on_virtual_time
async def test_module_that_restarts_by_itself(evidence: str) -> None:
    """A greeting or an echo gives a restart away; the module is set up again at once, and nobody is alarmed."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(60)
        before, raised = now(), len(bench.states)
        bench.module.say(evidence)
        await bench.module.hears("ATE0", times=2)
        await bench.online()
        assert now() - before < 3
        counters = bench.modem.store.state.counters
        assert (counters.reboots, counters.steps, counters.recoveries) == (1, {}, 0)
        assert not any(alerts(state) for state in bench.states[raised:])


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
async def test_no_network_takes_every_step() -> None:
    """Without a network the radio is cycled, then the module rebooted, then the port opened afresh."""
    async with running(module=unregistered()) as bench:
        await bench.module.hears(REATTACH, times=3, within=2 * HOUR)
        assert bench.module.times(REBOOT) == 0
        await becomes(lambda: bench.module.heard.count(REBOOT) == 2)
        assert steps(bench) == {RecoveryStep.REATTACH: 3, RecoveryStep.REBOOT: 2}
        await becomes(lambda: bench.module.opened == 4)
        register(bench.module)
        await bench.online()
        await asyncio.sleep(1)
        state = bench.modem.store.state
        assert state.counters.recoveries == 1
        assert state.counters.reboots == 0


@on_virtual_time
async def test_radio_that_can_t_be_switched_on() -> None:
    """A module that refuses to switch its radio on is rebooted, more and more rarely, and its port left open."""
    module = ScriptedModule()
    module.answer("AT+CFUN?", "+CFUN: 0", "OK")
    module.answer("AT+CFUN=1", "+CME ERROR: 3")
    async with running(module=module) as bench:
        await bench.until(lambda state: state.link.layer is Layer.RADIO)
        await module.hears(REBOOT, times=2, within=HOUR)
        assert module.opened <= 2
        await asyncio.sleep(HOUR)
        assert module.opened < 20
        module.answer("AT+CFUN=1", "OK")
        module.answer("AT+CFUN?", "+CFUN: 1", "OK")
        await bench.online()


@on_virtual_time
async def test_network_that_comes_while_the_ladder_waits() -> None:
    """A link that gets better while a step waits makes the step needless: it is neither taken nor counted."""
    module = unregistered()
    module.answer("AT+CTRJ?", "+CTRJ: 600", "OK")
    async with running(module=module) as bench:
        await module.hears("AT+CTRJ?")
        await asyncio.sleep(60)
        register(module)
        came = now()
        await bench.online()
        assert now() - came < 2
        assert steps(bench) == {}
        assert bench.modem.store.state.counters.recoveries == 0
        assert bench.modem.store.state.recovered is None
        assert not module.times(REATTACH)


@on_virtual_time
async def test_context_is_activated_once_the_network_is_back() -> None:
    """A registration that returns while a step waits is built on, without a radio cycle."""
    module = unregistered()
    module.answer("AT+CTRJ?", "+CTRJ: 3000", "OK")
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    async with running(module=module) as bench:
        await module.hears("AT+CTRJ?")
        await asyncio.sleep(1)
        register(module)
        await module.hears("AT+CGACT=1,1", within=60)
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.online()
        assert not module.times(REATTACH)


@on_virtual_time
async def test_denied_modem_cycles_rarely() -> None:
    """Asking a network that says no again and again gets a SIM barred."""
    async with running(module=unregistered('3,"00A0","0002920C",9,0,11')) as bench:
        await asyncio.sleep(HOUR)
        assert current(bench) == {AlertId.REGISTRATION_DENIED}
        assert 1 <= bench.module.heard.count(REATTACH) <= 8
        assert not bench.module.times(REBOOT)
        assert bench.module.opened == 1


@on_virtual_time
async def test_ceiling_holds_and_is_told() -> None:
    """No more attach attempts than configured within 24 hours, whatever the step; the wait is an alert."""
    recovery = RecoverySettings(attach_ceiling=4)
    async with running(module=unregistered(), recovery=recovery) as bench:
        await asyncio.sleep(20 * HOUR)
        attempts = bench.module.heard.count(REATTACH) + bench.module.heard.count(REBOOT)
        assert attempts == 4
        assert AlertId.ATTACH_CEILING in current(bench)
        register(bench.module)
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_network_asks_to_be_left_alone() -> None:
    """While T3346 runs nothing makes the module ask again, and the wait is an alert."""
    module = unregistered()
    module.answer("AT+CTRJ?", "+CTRJ: 1800", "OK")
    async with running(module=module) as bench:
        await module.hears("AT+CTRJ?")
        asked = now()
        await asyncio.sleep(1)
        assert current(bench) == {AlertId.ATTACH_CEILING}
        await becomes(lambda: module.heard.count(REATTACH) == 1)
        assert now() - asked > 1799


@on_virtual_time
async def test_network_can_t_ask_to_be_left_alone_for_ever() -> None:
    """A T3346 longer than any that there is holds nothing up for longer than the longest."""
    module = unregistered()
    module.answer("AT+CTRJ?", "+CTRJ: 4294967295", "OK")
    async with running(module=module):
        await module.hears("AT+CTRJ?")
        await module.hears(REATTACH, within=186 * 60 + 1)


@on_virtual_time
async def test_apn_that_the_module_refuses() -> None:
    """An APN that can't be set is no reason to do without the network that there is."""
    module = ScriptedModule()
    module.answer("AT*MCGDEFCONT", "ERROR")
    async with running(module=module, apn="other") as bench:
        await bench.online()
        assert module.opened == 1
        assert module.heard.index("AT+CFUN=0") < module.heard.index("AT+CFUN=1")


@on_virtual_time
async def test_apn_that_the_network_rejects() -> None:
    """A context that can't be activated is an alert with the module's words, until it can be."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGACT=1,1", "+CME ERROR: 607")
    async with running(module=module) as bench:
        await bench.until(lambda state: state.apn_problem is not None)
        assert current(bench) == {AlertId.APN_REJECTED}
        assert "APN" in alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        module.answer("AT+CGACT=1,1", "OK")
        await bench.online()
        assert current(bench) == set()


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


@pytest.mark.parametrize("reason", ["missing", "busy", "not_permitted", "refused", "unusable"])
@on_virtual_time
async def test_power_hook_for_a_port_that_stays_away(reason: str) -> None:
    """A port that is missing for minutes may be a module whose USB hangs; anything else has other remedies."""
    hook, told = pressing()
    async with running(absent=100_000, power=hook) as bench:
        bench.why_absent = reason
        await asyncio.sleep(225)
        assert told == []
        await asyncio.sleep(2 * HOUR)
        assert 2 <= told.count("ON") <= 8 if reason == "missing" else told == []
        bench.absent = 0
        await bench.online()


@on_virtual_time
async def test_power_hook_is_the_last_resort_for_a_network() -> None:
    """A module that finds no network has its power switched after all else failed."""
    hook, told = pressing()
    async with running(module=unregistered(), power=hook) as bench:
        await becomes(lambda: bool(told))
        await asyncio.sleep(10)
        assert steps(bench) == {
            RecoveryStep.REATTACH: 3,
            RecoveryStep.REBOOT: 2,
            RecoveryStep.REOPEN: 3,
            RecoveryStep.POWER: 1,
        }
        assert current(bench) == set()


@on_virtual_time
async def test_reset_on_request() -> None:
    """A module that is told to reboot is not asked until it greets; the restart is nobody's fault."""
    async with running() as bench:
        with pytest.raises(RequestRefused):
            await bench.modem.reset()
        await bench.online()
        await asyncio.sleep(1)
        await bench.modem.reset()
        await asyncio.sleep(3)
        assert bench.module.heard[-1] == REBOOT
        bench.module.say("RDY")
        await bench.module.hears("ATE0", times=2, within=2)
        await bench.online()
        assert bench.modem.store.state.counters.reboots == 0


@on_virtual_time
async def test_reset_whose_greeting_comes_before_its_ok() -> None:
    """A module that boots faster than its OK is read has done what it was told: that is no restart of its own."""
    async with running() as bench:
        await bench.online()
        bench.module.answer_once(REBOOT, "RDY", "OK")
        await bench.modem.reset()
        await bench.module.hears("ATE0", times=2, within=2)
        await bench.online()
        assert bench.modem.store.state.counters.reboots == 0


@on_virtual_time
async def test_reset_without_a_greeting() -> None:
    """With automatic baud rate no greeting comes, and the module is asked after a while."""
    async with running() as bench:
        await bench.online()
        await bench.modem.reset()
        await bench.module.hears("ATE0", times=2, within=12)
        await bench.online()


@on_virtual_time
async def test_reset_that_is_refused() -> None:
    """A module that won't reboot goes on as it is, and a later restart of its own is noticed."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(60)
        bench.module.answer(REBOOT, "ERROR")
        with pytest.raises(CommandRefused):
            await bench.modem.reset()
        bench.module.say("RDY")
        await bench.module.hears("ATE0", times=2, within=2)
        assert bench.modem.store.state.counters.reboots == 1


@pytest.mark.parametrize(
    ("answers", "time"),
    [
        pytest.param(("OK", "+CSNTP: 26/11/23,10:15:00:135"), "2026-11-23T10:15:00.135000+00:00", id="answers"),
        pytest.param(("OK",), None, id="no answer"),
        pytest.param(("ERROR",), None, id="refused"),
        pytest.param(("OK", "+CSNTP: later"), None, id="makes no sense"),
    ],
)
@on_virtual_time
async def test_time_server(answers: tuple[str, ...], time: str | None) -> None:
    """A time server is asked once a session and the client stopped; that it fails is no fault of the link."""
    module = ScriptedModule()
    module.answer("AT+CSNTPSTART", *answers)
    async with running(module=module, time_server="pool.ntp.org") as bench:
        await module.hears("AT+CSNTPSTOP")
        assert 'AT+CSNTPSTART="pool.ntp.org"' in module.heard
        known = bench.modem.store.state.time
        assert (known.moment.isoformat() if known is not None and known.moment is not None else None) == time
        await asyncio.sleep(HOUR)
        assert (module.times("AT+CSNTPSTART"), module.times("AT+CSNTPSTOP"), module.opened) == (1, 1, 1)
        module.unplug()
        await module.hears("AT+CSNTPSTOP", times=2)


@on_virtual_time
async def test_reattaching_has_the_radio_to_itself() -> None:
    """The radio stays off for its pause while somebody cycles it, though the link is down."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(5)
        off = now()
        cycling = asyncio.create_task(cycle_radio(bench.modem.module))
        await asyncio.sleep(4.5)
        assert bench.module.heard[-1] == REATTACH
        await cycling
        assert now() - off > 4.99
        await bench.online()
        await asyncio.sleep(1)
        assert bench.module.heard.count("AT+CFUN=1") == 1


@on_virtual_time
async def test_command_that_takes_too_long_is_no_silence() -> None:
    """A module that answers AT is not silent, though one command had no answer in its time."""
    module = unregistered()
    module.answer("AT+CFUN=0")
    async with running(module=module) as bench:
        await module.hears(REATTACH)
        await asyncio.sleep(HOUR)
        assert not any(AlertId.MODULE_SILENT in alerts(state) for state in bench.states)
