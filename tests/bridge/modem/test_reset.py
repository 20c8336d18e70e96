"""A reset on request, against a scripted module on virtual time."""

import asyncio

import pytest

from sim7020_bridge.errors import CommandRefused, RequestRefused
from tests.bridge.modem.bench import REBOOT, running
from tests.bridge.scripted_module import on_virtual_time


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
