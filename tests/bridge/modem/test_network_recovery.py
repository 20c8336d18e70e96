"""A network that is not there, or says no, against a scripted module on virtual time."""

import asyncio

import pytest

from sim7020_bridge.config.model import RecoverySettings
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.bring_up import cycle_radio
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer, PdnWanted
from tests.bridge.modem.bench import (
    HOUR,
    REATTACH,
    REBOOT,
    becomes,
    current,
    now,
    pressing,
    register,
    running,
    steps,
    unregistered,
)
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


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
        taken = steps(bench)
        assert sum(taken.values()) <= 6
        told = [AlertId.RADIO_REFUSED in alerts(state) for state in bench.states]
        assert told == sorted(told)
        assert "operation not allowed" in alerts(bench.modem.store.state)[AlertId.RADIO_REFUSED].message
        module.answer("AT+CFUN=1", "OK")
        module.answer("AT+CFUN?", "+CFUN: 1", "OK")
        await bench.online()
        assert steps(bench) == taken, "it is tried without a step in between"
        assert current(bench) == set()


@pytest.mark.parametrize("off", [("OK",), SILENCE], ids=["switched off", "not switched off either"])
@on_virtual_time
async def test_radio_command_that_is_never_answered(off: tuple[str, ...]) -> None:
    """A module that says nothing to it and answers all else has refused it: it is rebooted, and an alert is up."""
    module = ScriptedModule()
    module.answer("AT+CFUN?", "+CFUN: 0", "OK")
    module.answer(REATTACH, *off)
    module.answer("AT+CFUN=1", *SILENCE)
    async with running(module=module) as bench:
        await module.hears(REBOOT, times=2, within=HOUR)
        assert module.opened <= 2
        message = alerts(bench.modem.store.state)[AlertId.RADIO_REFUSED].message
        assert "the module does not answer AT+CFUN=1" in message
        module.answer("AT+CFUN=1", "OK")
        module.answer("AT+CFUN?", "+CFUN: 1", "OK")
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_radio_that_is_on_though_nobody_said_so() -> None:
    """The lost answer to the command that switches the radio on is no trouble: the radio is looked at again."""
    module = ScriptedModule()
    module.answer_once("AT+CFUN?", "+CFUN: 0", "OK")
    module.answer_once("AT+CFUN=1", *SILENCE)
    async with running(module=module) as bench:
        await bench.online()
        assert module.opened == 1
        assert not any(AlertId.RADIO_REFUSED in alerts(state) for state in bench.states)


@on_virtual_time
async def test_network_that_comes_while_a_step_waits() -> None:
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
        await asyncio.sleep(HOUR / 3)
        assert current(bench) == {AlertId.ATTACH_CEILING}
        await asyncio.sleep(HOUR / 3)
        assert current(bench) == set()


@on_virtual_time
async def test_ceiling_is_told_once_of_a_modem_that_comes_and_goes() -> None:
    """What is used up is so for each loss of the network, however often the module is registered in between."""
    module = unregistered()
    async with running(module=module, recovery=RecoverySettings(attach_ceiling=4)) as bench:
        await bench.until(lambda state: state.held is not None)
        bench.states.clear()
        for _ in range(10):
            register(module)
            await bench.online()
            await asyncio.sleep(600)
            module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
            module.say("+CEREG: 2")
            await asyncio.sleep(400)
        assert all(state.held for state in bench.states)
        assert module.heard.count(REATTACH) + module.heard.count(REBOOT) == 4


@on_virtual_time
async def test_module_that_finds_its_way_back_is_left_to_it(caplog: pytest.LogCaptureFixture) -> None:
    """Detached again and again for moments, it is soon given more time than it needs, and spends no attach attempt."""
    module = ScriptedModule()
    async with running(module=module) as bench:
        await bench.online()
        for _ in range(200):
            await asyncio.sleep(155)
            module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
            module.say("+CEREG: 0")
            await asyncio.sleep(25)
            register(module)
        assert 2 <= module.heard.count(REATTACH) <= 4
        assert caplog.text.count("neither registered nor searching") <= 4
        assert AlertId.ATTACH_CEILING not in current(bench)
        module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        module.say("+CEREG: 0")
        lost, before = now(), module.heard.count(REATTACH)
        await becomes(lambda: module.heard.count(REATTACH) > before)
        assert now() - lost < 60


@on_virtual_time
async def test_module_that_only_attaching_brings_back_does_not_wait_for_long() -> None:
    """Where a longer wait was in vain and attaching helped, the module is soon attached again the next time."""
    module = ScriptedModule()
    waits = []
    async with running(module=module) as bench:
        await bench.online()
        for _ in range(36):
            await asyncio.sleep(2400)
            module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
            lost, before = now(), module.heard.count("AT+CFUN=1")
            module.say("+CEREG: 0")
            await becomes(lambda: module.heard.count("AT+CFUN=1") > before)  # noqa: B023 - waited for at once
            waits.append(now() - lost)
            register(module)
            await bench.online()
    assert sum(wait > 40 for wait in waits) <= 4
    assert sum(waits) < 36 * 30 + 320


@on_virtual_time
async def test_module_that_finds_its_way_back_after_a_minute_is_left_to_it() -> None:
    """A longer wait is tried again, and longer, until it helps; from then on no attach attempt is spent."""
    module = ScriptedModule()
    spent = []
    async with running(module=module) as bench:
        await bench.online()
        for _ in range(40):
            await asyncio.sleep(600)
            module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
            module.say("+CEREG: 0")
            await asyncio.sleep(60)
            spent.append(module.heard.count(REATTACH))
            register(module)
            await bench.online()
    assert spent[-20] == spent[-1] <= 32


@on_virtual_time
async def test_context_is_tried_while_the_ceiling_holds() -> None:
    """A context that the network refused comes back without an attach, as soon as the network has one to give."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGACT=1,1", "+CME ERROR: 148")
    async with running(module=module, recovery=RecoverySettings(attach_ceiling=2)) as bench:
        await bench.until(lambda state: state.held is not None)
        tried = module.heard.count("AT+CGACT=1,1")
        await asyncio.sleep(2 * HOUR)
        assert 7 <= module.heard.count("AT+CGACT=1,1") - tried <= 8
        assert current(bench) == {AlertId.ATTACH_CEILING, AlertId.APN_REJECTED}
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        module.answer("AT+CGACT=1,1", "OK")
        await bench.until(lambda state: state.online, within=HOUR / 4 + 1)
        assert module.heard.count(REATTACH) == 2
        assert current(bench) == {AlertId.ATTACH_CEILING}


@on_virtual_time
async def test_context_that_a_user_switches_off_is_not_tried() -> None:
    """What a user wants off stays off, also while the ceiling holds."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGACT=1,1", "+CME ERROR: 148")
    async with running(module=module, recovery=RecoverySettings(attach_ceiling=2)) as bench:
        await bench.until(lambda state: state.held is not None)
        tried = module.heard.count("AT+CGACT=1,1")
        bench.modem.store.apply(PdnWanted(wanted=False))
        await asyncio.sleep(2 * HOUR)
        assert module.heard.count("AT+CGACT=1,1") == tried
        assert AlertId.ATTACH_CEILING not in current(bench)


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


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        pytest.param([("+CTRJ: 0", "OK")], 300, id="it was a misreading"),
        pytest.param([(f"+CTRJ: {left}", "OK") for left in (900, 600, 300, 0)], 1200, id="it is less"),
        pytest.param([("ERROR",)], 11160, id="it is not told any more"),
        pytest.param([SILENCE, ("+CTRJ: 0", "OK")], 606, id="no answer once"),
    ],
)
@on_virtual_time
async def test_what_the_network_asked_for_is_read_again(told: list[tuple[str, ...]], seconds: float) -> None:
    """A T3346 that was misread, or has changed, holds nothing up for longer than until the next reading."""
    module = unregistered()
    module.answer("AT+CTRJ?", "+CTRJ: 4294967295", "OK")
    async with running(module=module) as bench:
        await becomes(lambda: current(bench) == {AlertId.ATTACH_CEILING})
        held = now()
        for lines in told[:-1]:
            module.answer_once("AT+CTRJ?", *lines)
        module.answer("AT+CTRJ?", *told[-1])
        await module.hears(REATTACH, within=12000)
        assert now() - held == pytest.approx(seconds, abs=2)
        assert current(bench) == set()


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
async def test_activation_that_is_never_answered() -> None:
    """A module that says nothing to it and answers all else has refused it: every step is taken, and an alert is up."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGACT=1,1", *SILENCE)
    async with running(module=module) as bench:
        await module.hears(REBOOT, within=HOUR)
        assert module.heard.count(REATTACH) == 3
        assert current(bench) == {AlertId.APN_REJECTED}
        message = alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        assert "the module does not answer AT+CGACT=1,1" in message
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        module.answer("AT+CGACT=1,1", "OK")
        await bench.until(lambda state: state.online, within=HOUR)
        assert current(bench) == set()


@on_virtual_time
async def test_activation_whose_answer_is_lost() -> None:
    """A context that is on though nobody said so is used, in the same session and without an alert."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGACT=1,1", *SILENCE)
    async with running(module=module) as bench:
        await module.hears("AT+CGACT=1,1")
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.until(lambda state: state.online, within=HOUR)
        assert module.opened == 1
        assert steps(bench) == {RecoveryStep.RESYNC: 1}
        assert not any(alerts(state) for state in bench.states if state.answering)


@on_virtual_time
async def test_attaching_that_is_never_answered() -> None:
    """A module that withholds the attach, and says nothing to the command to attach, is helped step by step."""
    module = unregistered("100")
    module.answer("AT+CGATT=1", *SILENCE)
    async with running(module=module) as bench:
        await module.hears(REBOOT, within=2 * HOUR)
        assert module.heard.count(REATTACH) == 3
        register(module)
        await bench.until(lambda state: state.online, within=HOUR)


@on_virtual_time
async def test_context_that_never_comes_up() -> None:
    """Nobody refuses anything, and no address comes: that is an alert too, through every step, until one does."""
    module = ScriptedModule()
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    async with running(module=module) as bench:
        await bench.until(lambda state: state.apn_problem is not None, within=HOUR)
        assert "the PDN context is off" in alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.until(lambda state: state.online, within=HOUR)
        assert current(bench) == set()


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


def left(*mode: str) -> ScriptedModule:
    """Return a module that an earlier owner left so, and that says that it neither is registered nor searches."""
    module = unregistered("0")
    module.answer("AT+COPS?", f"+COPS: {','.join(mode)}", "OK")
    return module


@on_virtual_time
async def test_module_that_was_told_not_to_register_is_told_to() -> None:
    """+COPS=2 outlasts a restart; it is undone once, before any step of recovery, and counts as an attach attempt."""
    module = left("2")
    async with running(module=module, recovery=RecoverySettings(attach_ceiling=1)) as bench:
        await module.hears("AT+COPS=0")
        assert now() < 20
        module.answer("AT+COPS?", "+COPS: 0", "OK")
        register(module)
        await bench.online()
        assert (module.times("AT+COPS"), steps(bench), module.heard.count(REATTACH)) == (1, {}, 0)
        assert not any(alerts(state) for state in bench.states)
        assert bench.modem.over_ceiling() is not None


@on_virtual_time
async def test_module_that_may_not_be_told_to_register_yet() -> None:
    """What waits for the attach ceiling is not told of as tried."""
    module = left("2")
    async with running(module=module, recovery=RecoverySettings(attach_ceiling=1)) as bench:
        bench.modem._recovery.attach(now=now())
        await bench.until(lambda state: state.register_problem is not None)
        assert module.times("AT+COPS=0") == 0
        assert "AT+COPS=0 waits: 1 attach" in alerts(bench.modem.store.state)[AlertId.NOT_REGISTERING].message


@pytest.mark.parametrize("answer", [("ERROR",), ("OK",), SILENCE], ids=str)
@on_virtual_time
async def test_module_that_will_not_be_told_to_register(answer: tuple[str, ...]) -> None:
    """It is told once in each session, and an alert says what is wrong until it is registered."""
    module = left("2")
    module.answer("AT+COPS=0", *answer)
    async with running(module=module) as bench:
        await asyncio.sleep(2 * HOUR)
        assert module.times("AT+COPS") <= module.opened
        assert current(bench) == {AlertId.NOT_REGISTERING}
        assert "AT+COPS=2" in alerts(bench.modem.store.state)[AlertId.NOT_REGISTERING].message
        register(module)
        await bench.online()
        assert not current(bench)


@on_virtual_time
async def test_operator_that_was_chosen_stays() -> None:
    """Whoever chose it may have had a reason: an alert names it, and nothing is changed."""
    module = left("1", "2", '"24001"')
    async with running(module=module) as bench:
        await asyncio.sleep(HOUR)
        assert not module.times("AT+COPS")
        assert current(bench) == {AlertId.NOT_REGISTERING}
        assert "AT+COPS=1" in alerts(bench.modem.store.state)[AlertId.NOT_REGISTERING].message
