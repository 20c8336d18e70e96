"""Release assistance: whom it is said for, and whether the network takes it, on virtual time."""

import asyncio

import pytest

from sim7020_bridge.commands.registration import Registration, RegistrationStatus
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.errors import CommandRefused
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.power_saving import Sleep
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing
from tests.bridge.modem.bench import TCP, UDP, Bench, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

SAVING = PowerSavingSettings(release_assistance=True)


def _uplinks(module: ScriptedModule) -> list[str]:
    return [line.partition("=")[0] for line in module.heard if "RAI" in line or "CSOSEND=" in line]


def _releases(bench: Bench) -> bool | None:
    return bench.modem.store.state.releases


async def _send(bench: Bench, seconds: float) -> None:
    """Send a message, and let the network release the connection after so long."""
    await bench.socket("udp").send(b"m")
    await asyncio.sleep(seconds)
    bench.module.say("+CSCON: 0")
    await asyncio.sleep(1)


@on_virtual_time
async def test_two_sockets_at_once() -> None:
    """What is said goes with its own message, and not with one behind which another already waits for the line."""
    async with running(UDP, TCP, power_saving=SAVING) as bench:
        udp, tcp = await bench.opened("udp"), await bench.opened("tcp")
        await asyncio.gather(udp.send(b"one"), tcp.send(b"two"), udp.send(b"three"))
        assert _uplinks(bench.module) == [
            *("AT+CNBIOTRAI", "AT+CSOSEND"),
            "AT+CSOSEND",
            *("AT+CNBIOTRAI", "AT+CSOSEND"),
        ]


@on_virtual_time
async def test_refused_send_says_nothing_of_the_next() -> None:
    """What was said is taken back, so that a handshake or a message that another follows does not go with it."""
    async with running(UDP, power_saving=SAVING) as bench:
        udp = await bench.opened("udp")
        bench.module.answer_once("AT+CSOSEND", "ERROR")
        with pytest.raises(SocketLost, match="ERROR"):
            await udp.send(b"m")
        said = [line.partition(",")[0] for line in bench.module.heard if "RAI" in line or "CSOSEND=" in line]
        assert said == ["AT+CNBIOTRAI=1", "AT+CSOSEND=0", "AT+CNBIOTRAI=0"]


@on_virtual_time
async def test_send_that_is_held_back_says_nothing_of_the_next() -> None:
    """The network may be lost between what was said and the message, which then does not go."""
    async with running(UDP, power_saving=SAVING) as bench:
        udp = await bench.opened("udp")
        bench.module.answer_once("AT+CNBIOTRAI=1", *SILENCE)
        sending = asyncio.create_task(udp.send(b"m"))
        await bench.module.hears("AT+CNBIOTRAI=1")
        bench.module.say("+CEREG: 2")
        await bench.until(lambda state: not state.online)
        bench.module.say("OK")
        with pytest.raises(SocketLost, match="was not sent"):
            await sending
        assert [line for line in bench.module.heard if "RAI" in line or "CSOSEND=" in line] == [
            "AT+CNBIOTRAI=1",
            "AT+CNBIOTRAI=0",
        ]


@on_virtual_time
async def test_refused_send_stays_refused_without_the_port() -> None:
    """A port that goes away before it is taken back leaves no doubt whether the message went."""
    async with running(UDP, power_saving=SAVING) as bench:
        udp = await bench.opened("udp")
        bench.module.answer_once("AT+CSOSEND", "ERROR")
        bench.module.answer_once("AT+CNBIOTRAI=0", *SILENCE)
        sending = asyncio.create_task(udp.send(b"m"))
        await bench.module.hears("AT+CNBIOTRAI=0")
        bench.module.unplug()
        with pytest.raises(CommandRefused):
            await sending


@on_virtual_time
async def test_network_that_releases_at_once() -> None:
    """Three connections that were released soon say that release assistance works, and a late one says nothing."""
    async with running(UDP, power_saving=SAVING) as bench:
        await bench.opened("udp")
        assert "AT+CSCON=1" in bench.module.heard
        for _ in range(2):
            await _send(bench, 4)
        assert _releases(bench) is None
        await _send(bench, 14)
        assert _releases(bench) is True
        await _send(bench, 21)
        assert _releases(bench) is True


@pytest.mark.parametrize(("seconds", "releases"), [(16.5, True), (17.5, False)])
@on_virtual_time
async def test_limit(seconds: float, *, releases: bool) -> None:
    """At once is within 17 s: 99 in 100 take 14 s at level 0 when it is followed, and 20 s or more when not."""
    async with running(UDP, power_saving=SAVING) as bench:
        await bench.opened("udp")
        for _ in range(3):
            await _send(bench, seconds)
        assert _releases(bench) is releases


@on_virtual_time
async def test_network_that_takes_no_notice() -> None:
    """It is told when the network stops to take notice, and forgotten with release assistance itself."""
    async with running(UDP, power_saving=SAVING) as bench:
        await bench.opened("udp")
        for seconds in (4, 4, 4, *11 * (21,)):
            await _send(bench, seconds)
        assert _releases(bench) is True, "less than four of five say nothing, as with long round trips"
        await _send(bench, 21)
        assert _releases(bench) is False
        await bench.modem.save_power(None)
        assert _releases(bench) is None
        await bench.socket("udp").send(b"m")
        bench.module.say("+CSCON: 0")
        await asyncio.sleep(1)
        assert _releases(bench) is None


@on_virtual_time
async def test_network_that_is_divided() -> None:
    """One half of whose cells take notice, and the other half do not, has no verdict."""
    async with running(UDP, power_saving=SAVING) as bench:
        await bench.opened("udp")
        for seconds in (4, 4, 4, 21, 21, 21, 21, 21, 4):
            await _send(bench, seconds)
        assert _releases(bench) is True, "nine are too few"
        await _send(bench, 4)
        assert _releases(bench) is None


@on_virtual_time
async def test_answer_counts() -> None:
    """A network counts anew from what comes after the message."""
    async with running(UDP, power_saving=SAVING) as bench:
        await bench.opened("udp")
        for _ in range(3):
            await bench.socket("udp").send(b"m")
            await asyncio.sleep(10)
            bench.module.say("+CSONMI: 0,2,6D")
            await asyncio.sleep(10)
            bench.module.say("+CSCON: 0")
            await asyncio.sleep(1)
        assert _releases(bench) is True


@pytest.mark.parametrize(("seconds", "releases"), [(24.0, True), (31.0, False)])
@on_virtual_time
async def test_sleep_tells(seconds: float, *, releases: bool) -> None:
    """A module that reports no connection tells by the moment in which it enters PSM, an active time after it."""
    store = StateStore()
    sleep = Sleep(store, SAVING, Timing())
    store.apply(SAVING, Registration(RegistrationStatus.HOME, active_time="00000101"))
    for _ in range(3):
        sleep.release.sent(last=True)
        await asyncio.sleep(seconds)
        sleep.begin(reported=True)
    assert store.state.releases is releases


@on_virtual_time
async def test_sleep_that_says_nothing() -> None:
    """What was sent before it is not taken for what the next sleep ends."""
    store = StateStore()
    sleep = Sleep(store, SAVING, Timing())
    for _ in range(3):
        store.apply(SAVING, Registration(RegistrationStatus.HOME))
        sleep.release.sent(last=True)
        sleep.begin(reported=True)
        await asyncio.sleep(600)
        store.apply(SAVING, Registration(RegistrationStatus.HOME, active_time="00000101"))
        sleep.begin(reported=True)
    assert store.state.releases is None


@on_virtual_time
async def test_sleep_after_a_time_that_nobody_knows() -> None:
    """A module that does not tell its active time may have been released at once, and sleeps as late as others."""
    store = StateStore()
    sleep = Sleep(store, SAVING, Timing())
    store.apply(SAVING, Registration(RegistrationStatus.HOME))
    for _ in range(3):
        sleep.release.sent(last=True)
        await asyncio.sleep(31)
        sleep.begin(reported=True)
    assert store.state.releases is None
