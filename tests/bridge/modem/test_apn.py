"""A configured APN: set where the module has another, and only there."""

import pytest

from sim7020_bridge.commands.packet import SetDefaultApn
from sim7020_bridge.config.model import RecoverySettings
from tests.bridge.modem.bench import as_heard, running
from tests.bridge.scripted_module import on_virtual_time


@pytest.mark.parametrize(
    ("apn", "sets"),
    [
        pytest.param(None, 0, id="none configured"),
        pytest.param("shnbiot", 0, id="the same"),
        pytest.param("iot.1nce.net", 1, id="another"),
    ],
)
@on_virtual_time
async def test_apn_is_set_only_if_it_differs(apn: str | None, sets: int) -> None:
    """The radio goes off for an APN only if the module has another one; then off, set, on."""
    async with running(apn=apn) as bench:
        await bench.online()
        assert bench.module.times("AT*MCGDEFCONT") == sets
        assert bench.modem.store.state.pdn.requested_apn == apn
        if sets:
            setting = '*MCGDEFCONT="IP","iot.1nce.net"'
            order = ("AT+CFUN=0", f"AT{setting}", "AT+CFUN=1", "AT+CPIN?")
            assert as_heard(bench.module, *reversed(order)) == list(order)


@pytest.mark.parametrize(("kept", "sets"), [('"user","new"', 0), ('"user","old"', 1), ('"other","new"', 1)])
@on_virtual_time
async def test_apn_is_set_if_its_login_differs(kept: str, sets: int) -> None:
    """A user name or password that was changed in the configuration reaches the module, though the APN is the same."""
    async with running(apn="shnbiot", apn_username="user", apn_password="new") as bench:  # noqa: S106 - made up
        bench.module.answer("AT*MCGDEFCONT?", f'*MCGDEFCONT: "IP","shnbiot",{kept}', "OK")
        await bench.online()
        assert bench.module.times("AT*MCGDEFCONT") == sets


@on_virtual_time
async def test_apn_that_cannot_be_read_is_set() -> None:
    """A module that does not tell its APN gets the configured one."""
    async with running(apn="shnbiot") as bench:
        bench.module.answer("AT*MCGDEFCONT?", "ERROR")
        await bench.online()
        assert bench.module.times("AT*MCGDEFCONT") == 1


@pytest.mark.parametrize(
    ("kept", "sets"),
    [
        pytest.param('"IP","IOT.Example","user","secret"', 0, id="in other case"),
        pytest.param('"IP","iot.example","user","******"', 1, id="with its password masked"),
        pytest.param('"IP","iot.example","user",""', 1, id="without its password"),
        pytest.param('"IP","iot.example.mnc001.mcc001.gprs","user","secret"', 1, id="as the network calls it"),
        pytest.param('"', 1, id="unreadable"),
    ],
)
@on_virtual_time
async def test_apn_that_reads_back_otherwise(kept: str, sets: int) -> None:
    """An APN that was set is not set again, whatever the module makes of it; setting it counts as an attach."""
    async with running(
        apn="iot.example",
        apn_username="user",
        apn_password="secret",  # noqa: S106 - made up
        recovery=RecoverySettings(attach_ceiling=1),
    ) as bench:
        bench.module.answer("AT*MCGDEFCONT?", f"*MCGDEFCONT: {kept}", "OK")
        for session in (1, 2, 3):
            await bench.module.hears("ATE0", times=session)
            await bench.online()
            assert bench.module.times("AT*MCGDEFCONT") == sets
            bench.module.say("RDY")
        assert (bench.modem.over_ceiling() is not None) == (sets == 1)


@pytest.mark.parametrize("apn", ["wrong.example", None])
@on_virtual_time
async def test_apn_that_a_user_sets(apn: str | None) -> None:
    """It counts for as long as the bridge runs, whatever becomes of the module and of what it keeps."""
    async with running(apn=apn) as bench:
        await bench.online()
        await bench.modem.set_apn(SetDefaultApn("right.example", "user", "secret"))
        await bench.online()
        setting = 'AT*MCGDEFCONT="IP","right.example","user","secret"'
        for session, read in ((2, '"IP","right.example","user","secret"'), (3, '"IP","other.example"')):
            times = bench.module.times("AT*MCGDEFCONT")
            bench.module.answer("AT*MCGDEFCONT?", f"*MCGDEFCONT: {read}", "OK")
            bench.module.say("RDY")
            await bench.module.hears("ATE0", times=session)
            await bench.online()
            assert bench.module.times("AT*MCGDEFCONT") == times + (session == 3)
        assert [line for line in bench.module.heard if line.startswith("AT*MCGDEFCONT=")][-1] == setting


@on_virtual_time
async def test_apn_that_was_set_and_is_another_now() -> None:
    """An APN that somebody changed since is set again, and one garbled answer is no reason for that."""
    async with running(apn="iot.example") as bench:
        bench.module.answer_once("AT*MCGDEFCONT?", '*MCGDEFCONT: "IP","old"', "OK")
        bench.module.answer("AT*MCGDEFCONT?", '*MCGDEFCONT: "IP","iot.example.gprs"', "OK")
        await bench.online()
        rows = (("MCGDEFC", 1), ('*MCGDEFCONT: "IP","iot.example.gprs"', 1), ('*MCGDEFCONT: "IP","other"', 2))
        for session, (kept, sets) in enumerate(rows, start=2):
            bench.module.answer("AT*MCGDEFCONT?", kept, "OK")
            bench.module.say("RDY")
            await bench.module.hears("ATE0", times=session)
            await bench.online()
            assert bench.module.times("AT*MCGDEFCONT") == sets


@on_virtual_time
async def test_refused_apn_leaves_the_radio_on() -> None:
    """A module that refuses the APN has its radio switched on again, and is used with the APN that it has."""
    async with running(apn="other") as bench:
        bench.module.answer_once("AT*MCGDEFCONT", "+CME ERROR: 50")
        await bench.module.hears("AT*MCGDEFCONT")
        await bench.until(lambda state: state.apn_unset is not None)
        assert as_heard(bench.module, "AT+CFUN=1", "AT+CFUN=0") == ["AT+CFUN=0", "AT+CFUN=1"]
        await bench.online()
        assert bench.module.opened == 1
