"""A network that is not there, or says no, against a scripted module on virtual time."""

import asyncio

import pytest

from sim7020_bridge.config.model import DEFAULT_ATTACH_CEILING, PowerSavingSettings
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.recovery import RecoveryStep
from tests.bridge.modem.bench import (
    HOUR,
    REATTACH,
    REBOOT,
    Bench,
    becomes,
    current,
    now,
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
async def test_a_fault_of_two_hours_does_not_cost_the_day() -> None:
    """A network that detaches the module soon after each attach leaves enough of the day's attempts to come back."""
    module = ScriptedModule()
    async with running(module=module) as bench:
        while now() < 2 * HOUR:
            await bench.online()
            await asyncio.sleep(20)
            module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
            module.say("+CEREG: 0")
            before = module.heard.count("AT+CFUN=1")
            await becomes(lambda: module.heard.count("AT+CFUN=1") > before)  # noqa: B023 - waited for at once
            register(module)
        await bench.until(lambda state: state.online, within=HOUR)
        assert AlertId.ATTACH_CEILING not in current(bench)
        assert module.heard.count(REATTACH) < DEFAULT_ATTACH_CEILING * 0.7


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
    assert spent[-16] == spent[-1] <= 32


@on_virtual_time
async def test_commands_to_attach_count() -> None:
    """A module that waits for the command each time that the network detaches it is told no more often than others."""
    module = ScriptedModule()
    commands: list[float] = []
    async with running(module=module) as bench:
        while now() < 4 * HOUR:
            await bench.until(lambda state: state.online, within=HOUR)
            await asyncio.sleep(15)
            module.answer("AT+CEREG?", "+CEREG: 5,100", "OK")
            module.say("+CEREG: 100")
            before = module.heard.count("AT+CGATT=1")
            await becomes(lambda: module.heard.count("AT+CGATT=1") > before)  # noqa: B023 - waited for at once
            commands.append(now())
            register(module)
        assert DEFAULT_ATTACH_CEILING / 2 < len(commands) < DEFAULT_ATTACH_CEILING * 0.7
        assert AlertId.ATTACH_CEILING not in current(bench)


def _is_told(bench: Bench, times: int) -> bool:
    return bench.module.heard.count("AT+CGATT=1") > times or bench.modem.store.state.held is not None


@on_virtual_time
async def test_commands_to_attach_count_over_the_sleep() -> None:
    """A module that waits for the command whenever it wakes is told no more often than the ceiling allows."""
    saving = PowerSavingSettings(active_time=10, periodic_update=600)
    module = ScriptedModule()
    async with running(module=module, power_saving=saving) as bench:
        for _ in range(144):
            await bench.until(lambda state: state.online or state.held is not None, within=24 * HOUR)
            if bench.modem.store.state.held is not None:
                break
            await asyncio.sleep(10)
            module.answer("AT+CEREG?", "+CEREG: 5,100", "OK")
            module.answer_once("AT+CGATT=1", "OK")
            module.say('+CPSMSTATUS: "ENTER PSM"')
            await bench.until(lambda state: bool(state.sleeping))
            await asyncio.sleep(550)
            told = module.heard.count("AT+CGATT=1")
            module.say('+CPSMSTATUS: "EXIT PSM"')
            await becomes(lambda: _is_told(bench, told))  # noqa: B023 - waited for at once
            register(module)
        assert module.heard.count("AT+CGATT=1") <= DEFAULT_ATTACH_CEILING + 1


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
