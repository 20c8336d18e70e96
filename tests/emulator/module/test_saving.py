"""PSM, eDRX and light sleep, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sim7020_emulator.emulator import Setup
from sim7020_emulator.module.power import Power
from sim7020_emulator.module.saving import active_time, periodic_tau
from sim7020_emulator.sockets.module_socket import Transport
from tests.emulator.bench import Bench
from tests.emulator.peers import Peer
from tests.virtual_time import run

ENTER = '+CPSMSTATUS: "ENTER PSM"'
EXIT = '+CPSMSTATUS: "EXIT PSM"'


def _on_bench(play: Callable[[Bench], Awaitable[None]], setup: Setup | None = None) -> None:
    async def whole() -> None:
        async with Bench(setup or Setup()) as bench:
            await play(bench)

    run(whole())


async def _sleep(bench: Bench) -> float:
    """Enter PSM; return how long that took."""
    start = asyncio.get_running_loop().time()
    assert await bench.ask('AT+CPSMS=1,,,"01011111","00000001"') == ["OK"]
    assert await bench.line() == ENTER
    return asyncio.get_running_loop().time() - start


def test_psm_comes_after_release_and_active_time() -> None:
    """PSM is entered 20 s after the last traffic with T3324 = 2 s; then the UART is dead until PWRKEY."""

    async def play(bench: Bench) -> None:
        assert await _sleep(bench) == pytest.approx(20, abs=0.1)
        bench.type(b"AT\r")
        await asyncio.sleep(3)
        assert not bench.heard
        bench.module.press_pwrkey()
        assert [await bench.line(), await bench.line()] == ["+CPIN: READY", EXIT]
        assert await bench.command("AT+CEREG?") == b"AT+CEREG?\r\r\n+CEREG: 0,1\r\n\r\nOK\r\n"

    _on_bench(play)


@pytest.mark.parametrize("wakes", ["by PWRKEY", "by its timer"])
def test_what_the_network_does_keeps_no_module_from_waking(wakes: str) -> None:
    """A detach in the moment in which the module wakes is found afterwards, not slept over for ever."""

    async def play(bench: Bench) -> None:
        await _sleep(bench)
        if wakes == "by PWRKEY":
            bench.module.press_pwrkey()
        else:
            await asyncio.sleep(600.1)
        bench.module.lose_network()
        assert await bench.line() == "+CPIN: READY"
        assert bench.module.power is Power.ON

    setup = Setup()
    setup.facts.set("granted_tau", "00000001")
    _on_bench(play, setup)


def test_detached_asleep() -> None:
    """A module in PSM learns that the network has detached it when it wakes, and attaches again then."""

    async def play(bench: Bench) -> None:
        await _sleep(bench)
        bench.module.lose_network()
        await asyncio.sleep(600)
        assert bench.module.packet.activations == 1
        bench.module.press_pwrkey()
        assert [await bench.line(), await bench.line()] == ["+CPIN: READY", EXIT]
        assert not bench.module.radio.registered
        await asyncio.sleep(60)
        assert bench.module.online
        assert bench.module.packet.activations == 2

    _on_bench(play)


def test_psm_returns_after_an_idle_wake() -> None:
    """Without traffic PSM comes back after 5 s, and each command restarts those."""

    async def play(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        await _sleep(bench)
        bench.module.press_pwrkey()
        await bench.line()
        await bench.line()
        await asyncio.sleep(3)
        await bench.command("AT")
        asked = loop.time()
        assert await bench.line() == ENTER
        assert loop.time() - asked == pytest.approx(5, abs=0.1)

    _on_bench(play)


def test_tau_wakes_the_module() -> None:
    """When the periodic TAU expires the module wakes by itself."""

    async def play(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        await _sleep(bench)
        slept = loop.time()
        assert await bench.line() == "+CPIN: READY"
        assert loop.time() - slept == pytest.approx(3600, rel=0.01)

    setup = Setup()
    setup.facts.set("granted_tau", "00100001")
    _on_bench(play, setup)


def test_tcp_socket_keeps_the_module_awake() -> None:
    """An open TCP socket forbids PSM; closing it lets the module sleep."""

    async def play(bench: Bench) -> None:
        peer = await Peer("tcp").open()
        await bench.ask("AT+CSOC=1,1,1")
        assert await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1") == ["OK"]
        await bench.ask('AT+CPSMS=1,,,"01011111","00000001"')
        await asyncio.sleep(100)
        assert bench.module.power is Power.ON
        await bench.ask("AT+CSOCL=0")
        assert await bench.line() == ENTER
        peer.close()

    _on_bench(play)


@pytest.mark.parametrize("retained", [False, True])
def test_retention_keeps_a_udp_socket(*, retained: bool) -> None:
    """A UDP socket outlives PSM with +RETENTION=1 only."""

    async def play(bench: Bench) -> None:
        peer = await Peer("udp").open()
        await bench.ask(f"AT+RETENTION={int(retained)}")
        await bench.ask("AT+CSOC=1,2,1")
        assert await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1") == ["OK"]
        await _sleep(bench)
        bench.module.press_pwrkey()
        await bench.line()
        await bench.line()
        await bench.ask("ATE0")
        assert await bench.ask('AT+CSOSEND=0,0,"again"') == (["OK"] if retained else ["ERROR"])
        if retained:
            await peer.wait_for(b"again")
        peer.close()

    _on_bench(play)


@pytest.mark.parametrize(("variant", "flag"), [("kept", 1), ("reset", 0)])
def test_receive_flag_after_psm(variant: str, flag: int) -> None:
    """+CSORCVFLAG survives PSM, or not."""

    async def play(bench: Bench) -> None:
        await bench.ask("AT+CSORCVFLAG=1")
        await _sleep(bench)
        bench.module.press_pwrkey()
        await bench.line()
        await bench.line()
        assert f"+CSORCVFLAG: {flag}" in await bench.ask("AT+CSORCVFLAG?")

    setup = Setup()
    setup.variants.set("csorcvflag_after_psm", variant)
    _on_bench(play, setup)


def test_psm_off_is_off() -> None:
    """+CPSMS=0 before the timers expire keeps the module awake."""

    async def play(bench: Bench) -> None:
        await bench.ask('AT+CPSMS=1,,,"01011111","00000001"')
        await bench.ask("AT+CPSMS=0")
        await asyncio.sleep(1000)
        assert bench.module.power is Power.ON
        assert await bench.ask("AT+CPSMS=2") == ["OK"]
        assert await bench.ask("AT+CPSMS?") == ["+CPSMS: 0", "OK"]

    _on_bench(play)


@pytest.mark.parametrize(
    ("bits", "seconds"), [("00000001", 2), ("00100010", 120), ("01000001", 360), ("11100000", None), ("01100001", None)]
)
def test_active_time_units(bits: str, seconds: float | None) -> None:
    """T3324 has units of 2 s, 1 min and 6 min."""
    assert active_time(bits) == seconds


@pytest.mark.parametrize(
    ("bits", "seconds"),
    [("00000001", 600), ("00100010", 7200), ("01000001", 36000), ("01100101", 10), ("10000001", 30), ("10100001", 60),
     ("11000001", 1152000), ("11100000", None)],
)  # fmt: skip
def test_periodic_tau_units(bits: str, seconds: float | None) -> None:
    """T3412 extended has seven units."""
    assert periodic_tau(bits) == seconds


def test_light_sleep_swallows_until_a_gap() -> None:
    """With +CSCLK=2 an idle module loses all characters until 100 ms of silence; a report wakes it."""

    async def play(bench: Bench) -> None:
        await bench.ask("AT+CSCLK=2")
        await asyncio.sleep(6)
        for _ in range(5):
            bench.type(b"AT\r")
            await asyncio.sleep(0.05)
        assert not bench.heard
        await asyncio.sleep(0.1)
        assert await bench.ask("AT") == ["OK"]
        await asyncio.sleep(3)
        assert await bench.ask("AT") == ["OK"]
        await asyncio.sleep(4)
        bench.module.emit_urc("+CSQN: 5,0")
        await bench.line()
        await asyncio.sleep(4)
        assert await bench.ask("AT") == ["OK"]

    _on_bench(play)


def _asleep(bench: Bench) -> bool:
    return bench.module.power is Power.ASLEEP


async def _with_edrx(bench: Bench, cycle: str) -> None:
    assert await bench.ask(f'AT+CEDRXS=1,5,"{cycle}"') == ["OK"]


def test_long_edrx_cycle_is_a_deep_sleep() -> None:
    """From 163.84 s on the module is deaf without a word but for its window, after which a command holds it off 5 s."""

    async def play(bench: Bench) -> None:
        await _with_edrx(bench, "1001")
        bench.module.sockets.create(1, Transport.UDP, 1)
        await asyncio.sleep(17.9)
        assert not _asleep(bench)
        await asyncio.sleep(0.2)
        assert _asleep(bench)
        bench.type(b"AT\r")
        await asyncio.sleep(160)
        assert _asleep(bench)
        await asyncio.sleep(5)
        assert not _asleep(bench)
        assert not bench.heard
        assert bench.module.sockets.all() == [], "they were not to be retained"
        await asyncio.sleep(7)
        assert (await bench.ask("ATE0"))[-1] == "OK"
        await asyncio.sleep(4.9)
        assert not _asleep(bench)
        await asyncio.sleep(0.2)
        assert _asleep(bench)
        bench.module.press_pwrkey()
        await asyncio.sleep(1)
        assert not _asleep(bench)
        assert not bench.heard

    _on_bench(play)


@pytest.mark.parametrize("cycle", ["0101", "0000"])
def test_short_edrx_cycle_leaves_the_module_awake(cycle: str) -> None:
    """Below 163.84 s nothing is lost, and neither is where eDRX is switched off again."""

    async def play(bench: Bench) -> None:
        await _with_edrx(bench, "1001")
        await _with_edrx(bench, cycle)
        await asyncio.sleep(1000)
        assert not _asleep(bench)
        await _with_edrx(bench, "1001")
        assert await bench.ask("AT+CEDRXS=0") == ["OK"]
        await asyncio.sleep(1000)
        assert not _asleep(bench)

    _on_bench(play)


def test_tcp_connection_keeps_edrx_awake() -> None:
    """As with PSM."""

    async def play(bench: Bench) -> None:
        peer = await Peer("tcp").open()
        await bench.ask("AT+CSOC=1,1,1")
        assert await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1") == ["OK"]
        await _with_edrx(bench, "1001")
        await asyncio.sleep(100)
        assert not _asleep(bench)
        await bench.ask("AT+CSOCL=0")
        await asyncio.sleep(30)
        assert _asleep(bench)
        peer.close()

    _on_bench(play)


def test_psm_beside_edrx_tells_of_itself() -> None:
    """With both granted sleep is PSM's, and ends with the window."""

    async def play(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        await _with_edrx(bench, "1001")
        await _sleep(bench)
        slept = loop.time()
        assert await bench.line() == "+CPIN: READY"
        assert loop.time() - slept == pytest.approx(164.2, abs=0.1)

    _on_bench(play)
