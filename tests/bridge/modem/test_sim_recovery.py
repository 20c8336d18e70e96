"""A SIM that is locked, missing or slow, against a scripted module on virtual time."""

import asyncio
from pathlib import Path

from sim7020_bridge.commands.sim import SimState
from sim7020_bridge.modem.alerts import AlertId, alerts
from tests.bridge.modem.bench import now, running
from tests.bridge.modem.test_recovery import HOUR, REATTACH, current, pressing, steps
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


@on_virtual_time
async def test_puk_waits_for_a_person() -> None:
    """A locked SIM is looked at now and then; cycling radio, module or power would not help it."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CPIN: SIM PUK", "OK")
    hook, told = pressing()
    async with running(module=module, power=hook) as bench:
        await asyncio.sleep(24 * HOUR)
        assert current(bench) == {AlertId.SIM_PUK}
        assert not module.heard.count(REATTACH)
        assert (steps(bench), told, module.opened) == ({}, [], 1)
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        assert current(bench) == set()


def locked(answer: str) -> ScriptedModule:
    """Return a module whose SIM answers a PIN so."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
    module.answer("AT+CPIN", answer)
    return module


@on_virtual_time
async def test_right_pin_unlocks() -> None:
    """A PIN that is configured is given, and nothing is kept of it."""
    module = locked("OK")
    async with running(module=module, pin="1234") as bench:
        await module.hears("AT+CPIN=1234")
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        assert list(bench.state_dir.iterdir()) == []


@on_virtual_time
async def test_sim_that_asks_again() -> None:
    """A SIM whose radio was switched off and on while the modem registered is given its PIN again without delay."""
    module = locked("OK")
    async with running(module=module, pin="1234") as bench:
        await module.hears("AT+CPIN=1234")
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
        await module.hears("AT+CEREG?")
        module.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
        module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        module.say("+CEREG: 0", "+CPIN: SIM PIN")
        asked = now()
        await module.hears("AT+CPIN=1234", times=2)
        assert now() - asked < 10
        assert current(bench) == set()


@on_virtual_time
async def test_wrong_pin_is_given_once() -> None:
    """A PIN that was refused is not given again: not later, not after an unplug, not after a restart."""
    module = locked("+CME ERROR: 16")
    async with running(module=module, pin="1234") as bench:
        await module.hears("AT+CPIN=1234")
        await asyncio.sleep(HOUR)
        assert current(bench) == {AlertId.SIM_PIN}
        module.unplug()
        await asyncio.sleep(HOUR)
        async with running(module=locked("OK"), pin="1234", state_dir=bench.state_dir) as restarted:
            await asyncio.sleep(HOUR)
            assert not restarted.module.heard.count("AT+CPIN=1234")
            assert "tried before" in alerts(restarted.modem.facts.state)[AlertId.SIM_PIN].message
        async with running(module=locked("OK"), pin="4321", state_dir=bench.state_dir) as mended:
            await mended.module.hears("AT+CPIN=4321")
    assert module.heard.count("AT+CPIN=1234") == 1
    assert not module.heard.count(REATTACH)


@on_virtual_time
async def test_bridge_that_is_killed_before_the_answer(tmp_path: Path) -> None:
    """A PIN whose answer never came is not given again, unless the SIM turns out to have taken it."""
    module = locked("OK")
    module.answer("AT+CPIN", *SILENCE)
    async with running(module=module, pin="1234", state_dir=tmp_path):
        await module.hears("AT+CPIN=1234")
    async with running(module=locked("OK"), pin="1234", state_dir=tmp_path) as bench:
        await asyncio.sleep(HOUR)
        assert not bench.module.heard.count("AT+CPIN=1234")
        bench.module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
    async with running(module=locked("OK"), pin="1234", state_dir=tmp_path) as bench:
        await bench.module.hears("AT+CPIN=1234")


@on_virtual_time
async def test_pin_that_cannot_be_written_down_is_not_given() -> None:
    """Without a place to remember it a PIN is not tried, and the bridge stays up and says why."""
    module = locked("OK")
    async with running() as elsewhere:
        blocked = elsewhere.state_dir / "file"
        blocked.write_bytes(b"")
        async with running(module=module, pin="1234", state_dir=blocked) as bench:
            await bench.until(lambda state: state.pin_problem is not None)
            await asyncio.sleep(HOUR)
            assert not module.heard.count("AT+CPIN=1234")
            assert current(bench) == {AlertId.SIM_PIN}


@on_virtual_time
async def test_sim_that_is_put_in_later() -> None:
    """A SIM that reports itself is used at once."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CME ERROR: 10")
    async with running(module=module) as bench:
        await bench.until(lambda state: state.sim is not None and state.sim.missing)
        assert current(bench) == {AlertId.SIM_MISSING}
        await module.hears("AT+CTRJ?")
        await asyncio.sleep(1)
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        module.say(f"+CPIN: {SimState.READY}")
        await bench.online()
        assert current(bench) == set()
