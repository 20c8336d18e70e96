"""How often the module may attach, by the bridge's ceiling and the network's T3346, and what is done meanwhile."""

import asyncio

import pytest

from sim7020_bridge.config.model import RecoverySettings
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.state import PdnWanted
from tests.bridge.modem.bench import (
    HOUR,
    REATTACH,
    REBOOT,
    becomes,
    current,
    give_context,
    now,
    register,
    running,
    unregistered,
    without_context,
)
from tests.bridge.scripted_module import SILENCE, on_virtual_time


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
async def test_context_is_tried_while_the_ceiling_holds() -> None:
    """A context that the network refused comes back without an attach, as soon as the network has one to give."""
    module = without_context(("+CME ERROR: 148",))
    async with running(module=module, recovery=RecoverySettings(attach_ceiling=2)) as bench:
        await bench.until(lambda state: state.held is not None)
        tried = module.heard.count("AT+CGACT=1,1")
        await asyncio.sleep(2 * HOUR)
        assert 7 <= module.heard.count("AT+CGACT=1,1") - tried <= 8
        assert current(bench) == {AlertId.ATTACH_CEILING, AlertId.APN_REJECTED}
        give_context(module)
        await bench.until(lambda state: state.online, within=HOUR / 4 + 1)
        assert module.heard.count(REATTACH) == 2
        assert current(bench) == {AlertId.ATTACH_CEILING}


@on_virtual_time
async def test_context_that_a_user_switches_off_is_not_tried() -> None:
    """What a user wants off stays off, also while the ceiling holds."""
    module = without_context(("+CME ERROR: 148",))
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
