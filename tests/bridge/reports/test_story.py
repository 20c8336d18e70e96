"""What a reader of the log at level info learns of a modem."""

import asyncio

import pytest

from sim7020_bridge.commands.registration import Registration
from sim7020_bridge.modem.state import ModuleAnswered, ModuleLost, PortLost, PortOpened
from sim7020_bridge.reports.story import FLAPS, LASTS, OF_LATE, OFTEN
from tests.bridge.desk import staffed, wired
from tests.bridge.modem.bench import register, running, unregistered
from tests.bridge.scripted_module import on_virtual_time

STORY = "sim7020_bridge.reports.story"
HOW = "46000, registered at home, address 10.250.0.213, APN shnbiot, signal -69 dBm"


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return the lines of the story with their levels."""
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == STORY]


@on_virtual_time
async def test_online_lost_and_online_again(caplog: pytest.LogCaptureFixture) -> None:
    """Each change that lasts is a line: how the modem is attached, why it no longer is, and that it is again."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(60)
        assert told(caplog) == [("INFO", f"online: {HOW}")]
        desk.module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
        desk.module.say("+CEREG: 2")
        await asyncio.sleep(LASTS + 1)
        assert told(caplog)[1:] == [("WARNING", "no longer online: searching for a network")]
        register(desk.module)
        await asyncio.sleep(60)
        assert told(caplog)[2:] == [("INFO", f"online again: {HOW}")]


@on_virtual_time
async def test_blip(caplog: pytest.LogCaptureFixture) -> None:
    """What is over at once is no line."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(60)
        before = len(told(caplog))
        for _ in range(10):
            desk.bench.modem.store.apply(Registration(2), Registration(1))
        await asyncio.sleep(60)
        assert told(caplog)[before:] == []


@on_virtual_time
async def test_link_that_comes_and_goes(caplog: pytest.LogCaptureFixture) -> None:
    """Its first changes are told each, later ones by their number, in the end how it is then, and hours later each."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(60)
        before = len(told(caplog))
        for _ in range(120):
            desk.module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
            desk.module.say("+CEREG: 2")
            await asyncio.sleep(60)
            register(desk.module)
            await asyncio.sleep(60)
        lines = told(caplog)[before:]
        assert lines[:2] == [("WARNING", "no longer online: searching for a network"), ("INFO", f"online again: {HOW}")]
        assert OFTEN < len(lines) < 50
        await asyncio.sleep(FLAPS)
        assert told(caplog)[-1][1].startswith(f"online again: {HOW}")
        assert any(line.endswith(" (10 changes in 10 minutes)") for _, line in lines)
        count = len(told(caplog))
        await asyncio.sleep(OF_LATE)
        assert told(caplog)[count:] == []
        desk.module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
        desk.module.say("+CEREG: 2")
        await asyncio.sleep(LASTS + 1)
        assert told(caplog)[count:] == [("WARNING", "no longer online: searching for a network")]


@on_virtual_time
async def test_alert_with_its_advice(caplog: pytest.LogCaptureFixture) -> None:
    """An alert is told as it comes, once, with what to do, and as it goes; so is how the link stands meanwhile."""
    async with running(absent=1000) as bench, wired(bench):
        caplog.clear()
        for _ in range(3):
            bench.modem.store.apply(PortLost("there is no such device; is the modem plugged in?", "missing"))
        advice = "Plug the modem in, and check the configured port against the names in /dev/serial/by-id."
        assert told(caplog) == [("WARNING", f"there is no such device; is the modem plugged in? {advice}")]
        bench.modem.store.apply(PortOpened())
        assert told(caplog)[1:] == [("INFO", "resolved: there is no such device; is the modem plugged in?")]


@on_virtual_time
async def test_alert_that_flaps(caplog: pytest.LogCaptureFixture) -> None:
    """One that comes and goes is told twice, and is over once it stayed away for half a minute."""
    async with running(absent=1000) as bench, wired(bench):
        caplog.clear()
        for _ in range(100):
            bench.modem.store.apply(PortOpened(), ModuleLost("silent", silent=True))
            bench.modem.store.apply(ModuleAnswered())
        what = "Nothing answers at the port"
        starts = [what, f"resolved: {what}", f"again: {what}"]
        assert [line.partition(". ")[0] for _, line in told(caplog)] == starts
        await asyncio.sleep(40)
        assert told(caplog)[-1] == ("INFO", f"resolved again: {what}")


@on_virtual_time
async def test_never_online(caplog: pytest.LogCaptureFixture) -> None:
    """Within seconds it is told what the modem waits for."""
    async with staffed(module=unregistered()):
        await asyncio.sleep(2 * LASTS)
        assert told(caplog) == [("INFO", "not online: searching for a network")]
