"""A module that does not answer, and what answers in its place, against a scripted module on virtual time."""

import asyncio

import pytest

from sim7020_bridge.modem import modem
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.port.holders import Holder
from tests.bridge.modem.bench import HOUR, REATTACH, becomes, current, now, running, steps, unregistered
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time


@on_virtual_time
async def test_module_that_another_program_listens_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else listens to a silent module is named until it answers; the steps are those of any silent one."""
    readers: list[Holder] = []
    monkeypatch.setattr(modem, "other_holders", lambda _port: tuple(readers))
    async with running() as bench:
        await bench.online()
        readers.append(Holder("minicom", 4711))
        bench.module.deaf = True
        await becomes(lambda: current(bench) == {AlertId.PORT_BUSY})
        told = alerts(bench.modem.store.state)[AlertId.PORT_BUSY]
        assert "minicom (process 4711) has" in told.message
        await asyncio.sleep(300)
        assert current(bench) == {AlertId.PORT_BUSY}
        assert steps(bench).keys() == {RecoveryStep.RESYNC, RecoveryStep.REOPEN}
        bench.module.deaf = False
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_module_that_never_spoke_while_another_program_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong rate or a device that is no modem is the likely cause, not who has its port open."""
    monkeypatch.setattr(modem, "other_holders", lambda _port: (Holder("minicom", 4711),))
    module = ScriptedModule()
    module.deaf = True
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        assert current(bench) == {AlertId.MODULE_SILENT}


@on_virtual_time
async def test_module_that_says_nothing() -> None:
    """Silence is an alert for as long as it lasts, however often the port is opened again."""
    module = ScriptedModule()
    module.deaf = True
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        heard = [AlertId.MODULE_SILENT in alerts(state) for state in bench.states]
        await asyncio.sleep(HOUR)
        assert all(AlertId.MODULE_SILENT in alerts(state) for state in bench.states[len(heard) :])
        assert module.opened > 100
        assert steps(bench) == {RecoveryStep.REOPEN: 3}
        module.deaf = False
        spoken = now()
        await bench.online()
        assert now() - spoken < 4
        assert current(bench) == set()


@on_virtual_time
async def test_wrong_baud_rate() -> None:
    """Garbage and nothing else is the mark of a wrong baud rate."""
    module = ScriptedModule()
    module.noise = b"\xf8\x80\xfe\r\n"
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        assert current(bench) == {AlertId.BAUD_RATE}
        module.noise = b""
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_module_that_goes_deaf_while_online() -> None:
    """A module that stops answering is noticed, and back as soon as it hears again."""
    async with running() as bench:
        await bench.online()
        bench.module.deaf = True
        await bench.until(lambda state: state.link.layer is Layer.AT)
        bench.module.deaf = False
        heard = now()
        await bench.online()
        assert now() - heard < 4
        assert steps(bench) == {RecoveryStep.RESYNC: 1, RecoveryStep.REOPEN: 1}


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (b"\r\nPassword: \r\n\r\nLogin incorrect\r\nhost login: \r\n", "Password:"),
        (b"$GPRMC,120000,V,,,,,,,,,,N*53\r\n", "$GPRMC,120000,V"),
        (b"\r\nOK\r\n", "it says OK, and not in time"),
    ],
    ids=["console", "GPS", "OK"],
)
@on_virtual_time
async def test_something_else_that_talks(noise: bytes, words: str) -> None:
    """What answers and is no module is told in its own words, with what to do."""
    module = ScriptedModule()
    module.noise = noise
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        await asyncio.sleep(100)
        alert = alerts(bench.modem.store.state)[AlertId.MODULE_SILENT]
        assert words in alert.message
        assert "115200" in alert.message
        assert "sim7020-bridge ports" in alert.advice
        assert "sim7020-bridge probe" in alert.advice
        asked, opened = module.times("AT"), module.opened
        await asyncio.sleep(HOUR)
        assert module.opened - opened > 100
        assert module.times("AT") - asked < HOUR / 5 + module.opened - opened


@on_virtual_time
async def test_line_that_gives_back_what_is_sent() -> None:
    """TX and RX that are joined are told from silence."""
    module = ScriptedModule()
    module.deaf = module.echo = True
    async with running(module=module) as bench:
        await bench.until(lambda state: state.silent)
        assert "what is sent comes back" in alerts(bench.modem.store.state)[AlertId.MODULE_SILENT].message
        module.deaf = module.echo = False
        await bench.online()
        assert current(bench) == set()


@pytest.mark.parametrize(
    ("port", "words", "advice"),
    [
        ("/dev/ttyS7", "at the port at 9600 bit/s", "sim7020-bridge probe"),
        ("socket://a:1", "behind the serial server", "no other client"),
        ("rfc2217://a:1", "behind the serial server at 9600 bit/s", "no other client"),
    ],
)
@on_virtual_time
async def test_silence_names_where_and_how_fast(port: str, words: str, advice: str) -> None:
    """What was tried is told, and what to do about it: at a port of a server, that it may be the server's setting."""
    module = ScriptedModule()
    module.deaf = True
    async with running(module=module, port=port, baudrate=9600) as bench:
        await bench.until(lambda state: state.silent)
        alert = alerts(bench.modem.store.state)[AlertId.MODULE_SILENT]
        assert alert.message == f"Nothing answers {words}"
        assert "PWRKEY" in alert.advice
        assert advice in alert.advice


@on_virtual_time
async def test_command_that_takes_too_long_is_no_silence() -> None:
    """A module that answers AT is not silent, though one command had no answer in its time."""
    module = unregistered()
    module.answer("AT+CFUN=0")
    async with running(module=module) as bench:
        await module.hears(REATTACH)
        await asyncio.sleep(HOUR)
        assert not any(AlertId.MODULE_SILENT in alerts(state) for state in bench.states)
