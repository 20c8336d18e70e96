"""A radio that will not go on, or takes its time to go off, against a scripted module on virtual time."""

import asyncio

import pytest

from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.bring_up import cycle_radio
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import HOUR, REATTACH, REBOOT, current, now, running, steps, unregistered
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


def switched_off(on: tuple[str, ...]) -> ScriptedModule:
    """Return a module whose radio is off; ``on`` is what it answers to AT+CFUN=1."""
    module = ScriptedModule()
    module.answer("AT+CFUN?", "+CFUN: 0", "OK")
    module.answer("AT+CFUN=1", *on)
    return module


def switch_on(module: ScriptedModule) -> None:
    """Have its radio on, and let it be switched on."""
    module.answer("AT+CFUN=1", "OK")
    module.answer("AT+CFUN?", "+CFUN: 1", "OK")


@on_virtual_time
async def test_radio_that_can_t_be_switched_on() -> None:
    """A module that refuses to switch its radio on is rebooted, more and more rarely, and its port left open."""
    module = switched_off(("+CME ERROR: 3",))
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
        switch_on(module)
        await bench.online()
        assert steps(bench) == taken, "it is tried without a step in between"
        assert current(bench) == set()


@pytest.mark.parametrize("off", [("OK",), SILENCE], ids=["switched off", "not switched off either"])
@on_virtual_time
async def test_radio_command_that_is_never_answered(off: tuple[str, ...]) -> None:
    """A module that says nothing to it and answers all else has refused it: it is rebooted, and an alert is up."""
    module = switched_off(SILENCE)
    module.answer(REATTACH, *off)
    async with running(module=module) as bench:
        await module.hears(REBOOT, times=2, within=HOUR)
        assert module.opened <= 2
        message = alerts(bench.modem.store.state)[AlertId.RADIO_REFUSED].message
        assert "the module does not answer AT+CFUN=1" in message
        switch_on(module)
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
