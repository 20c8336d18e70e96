"""The module's clock is the network's, or a time server's."""

import asyncio

import pytest

from tests.bridge.modem.bench import HOUR, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

SETTINGS = ["AT+CTZU=1", "AT+CLTS=1"]


@on_virtual_time
async def test_network_sets_the_clock() -> None:
    """A module as it leaves the factory is told to take the network's time and to report it."""
    async with running() as bench:
        bench.module.answer("AT+CTZU?", "+CTZU: 0", "OK")
        bench.module.answer("AT+CLTS?", "+CLTS: 0", "OK")
        await bench.online()
        assert [line for line in bench.module.heard if line in SETTINGS] == SETTINGS


@on_virtual_time
async def test_what_the_module_keeps_is_written_once() -> None:
    """The settings wear the module's flash: one that has them already is left alone."""
    async with running() as bench:
        await bench.online()
        assert not [line for line in bench.module.heard if line in SETTINGS]


@pytest.mark.parametrize("answer", [("ERROR",), ("OK",), ("+CTZU: on", "OK"), SILENCE], ids=str)
@on_virtual_time
async def test_firmware_that_does_not_tell(answer: tuple[str, ...]) -> None:
    """A module that does not say what it has is set, and comes online whatever it makes of that."""
    async with running() as bench:
        bench.module.answer("AT+CTZU?", *answer)
        bench.module.answer("AT+CTZU", "ERROR")
        await bench.online()
        assert "AT+CTZU=1" in bench.module.heard


@on_virtual_time
async def test_reported_time_is_no_answer() -> None:
    """The network's time may come while the setting of the same name is read, and is learnt."""
    async with running() as bench:
        bench.module.answer("AT+CLTS?", "+CLTS: 26/01/02,03:04:05+04", "+CLTS: 1", "OK")
        await bench.until(lambda state: state.time is not None)
        await bench.online()
        assert "AT+CLTS=1" not in bench.module.heard


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
