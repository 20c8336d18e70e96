"""A module that was told not to register, or with which operator, by an earlier owner."""

import asyncio

import pytest

from sim7020_bridge.config.model import RecoverySettings
from sim7020_bridge.modem.alerts import AlertId, alerts
from tests.bridge.modem.bench import HOUR, REATTACH, current, now, register, running, steps, unregistered
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


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


def unheard(module: ScriptedModule) -> ScriptedModule:
    """Have a module find no cell: one that does not register need not look for any."""
    module.answer("AT+CSQ", "+CSQ: 99,99", "OK")
    return module


@on_virtual_time
async def test_module_without_a_signal_that_was_told_not_to_register_is_told_to() -> None:
    """It is asked as soon as one with a signal, and not again in the time that it is given to find the network."""
    module = unheard(left("2"))
    async with running(module=module) as bench:
        await module.hears("AT+COPS=0")
        assert now() < 20
        module.answer("AT+COPS?", "+COPS: 0", "OK")
        await asyncio.sleep(240)
        assert (module.times("AT+COPS?"), module.times("AT+COPS"), steps(bench)) == (2, 1, {})
        register(module)
        await bench.online()
        assert not any(alerts(state) for state in bench.states)


@on_virtual_time
async def test_module_without_a_signal_that_may_register_has_its_time() -> None:
    """Out of coverage it is asked once, and otherwise left alone for the minutes that finding a network may take."""
    module = unheard(left("0"))
    async with running(module=module) as bench:
        await asyncio.sleep(290)
        assert (module.times("AT+COPS?"), module.times("AT+COPS"), module.times(REATTACH)) == (1, 0, 0)
        assert not current(bench)


@on_virtual_time
async def test_module_without_a_signal_that_refuses_to_register() -> None:
    """A person is told soon: nothing is gained by waiting for a network that it does not look for."""
    module = unheard(left("2"))
    module.answer("AT+COPS=0", "ERROR")
    async with running(module=module) as bench:
        await bench.until(lambda state: AlertId.NOT_REGISTERING in alerts(state))
        assert now() < 40


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
