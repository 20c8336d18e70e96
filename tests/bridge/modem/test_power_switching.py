"""When the module's power is switched: for its silence, a port that stays away or a network that is not found."""

import asyncio
import logging
from unittest.mock import patch

import pytest

from sim7020_bridge.config.model import PowerHookSettings, PowerSavingSettings
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.recovery import RecoveryStep
from tests.bridge.modem.bench import HOUR, Switch, becomes, current, now, pressing, running, steps, unregistered
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time


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
        assert caplog.text.count("the power hook can't be used now") == 1
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
