"""Bringing a module up, against the note's flow chart."""

import asyncio
from itertools import pairwise

import pytest

from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.pdn import DEFAULT_CID
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import Layer, PdnWanted
from sim7020_bridge.modem.timing import Timing
from tests.bridge.modem.bench import as_heard, now, running
from tests.bridge.scripted_module import ATTACHED, SILENCE, ScriptedModule, on_virtual_time

REGISTERED = ATTACHED["AT+CEREG?"]
SEARCHING = ("+CEREG: 5,2", "OK")
OPTIONAL = (
    "ATE0",
    "AT+CMEE",
    "AT+IPR",
    "AT+CSCLK",
    "AT+CPSMS",
    "AT+CGEREP",
    "AT+CPSMSTATUS",
    "AT+CSORCVFLAG",
    "AT+CSORXGET",
    "AT+CSOSENDFLAG",
)


@on_virtual_time
async def test_model_in_which_a_letter_is_wrong_is_read_again() -> None:
    """It is read once in the module's life, and a line that was spoilt then must not look like another device."""
    module = ScriptedModule()
    module.answer_once("AT+CGMM", "SIM7O20E", "OK")
    async with running(module=module) as bench:
        await bench.online()
        assert bench.modem.store.state.identity.model == "SIM7020E"
        assert not any(alerts(state) for state in bench.states)


@on_virtual_time
async def test_steps_in_the_note_s_order() -> None:
    """A module that is attached is taken from the first AT to an active context, in the order of the flow chart."""
    async with running() as bench:
        await bench.online()
        order = ("AT", "ATE0", "ATV1", "AT+CMEE=1", "AT+CFUN?", "AT+CPIN?", "AT+CSQ", "AT+CEREG?", "AT+CGACT?")
        assert as_heard(bench.module, *reversed(order)) == list(order)
        assert bench.layers() == [
            Layer.AT,
            Layer.SIM,
            Layer.RADIO,
            Layer.REGISTRATION,
            Layer.PDN,
            Layer.ONLINE,
        ]
        assert now() < 1
        assert "AT+CFUN=0" not in bench.module.heard
        state = bench.modem.store.state
        assert (state.identity.imei, state.identity.imsi) == ("869951030000019", "901405100000019")
        await bench.until(lambda state: state.pdn.address is not None)
        assert bench.modem.store.state.pdn.apn == "shnbiot"


@on_virtual_time
async def test_optional_settings_may_be_refused() -> None:
    """A firmware that refuses every optional setting, or never answers one, is brought up all the same."""
    async with running() as bench:
        for command in OPTIONAL:
            bench.module.answer(command, "ERROR")
        bench.module.answer("AT+CSCLK", *SILENCE)
        bench.module.answer_once("AT+CEREG=5", "+CME ERROR: 50")
        await bench.online()
        assert "AT+CEREG=2" in bench.module.heard
        assert bench.module.opened == 1


@pytest.mark.parametrize(
    ("name", "wanted", "other"),
    [("AT+IPR", 115200, 0), ("AT+CSCLK", 0, 2), ("AT+CSORCVFLAG", 0, 1), ("AT+CSOSENDFLAG", 1, 0)],
)
@on_virtual_time
async def test_flash_is_written_only_where_it_differs(name: str, wanted: int, other: int) -> None:
    """What the module writes to its flash at once is left alone where it is right, in every session."""
    async with running() as bench:
        bench.module.answer(f"{name}?", f"{name.removeprefix('AT')}: {other}", "OK")
        await bench.online()
        assert bench.module.heard.count(f"{name}={wanted}") == 1
        bench.module.answer(f"{name}?", f"{name.removeprefix('AT')}: {wanted}", "OK")
        bench.module.say("RDY")
        await bench.module.hears("ATE0", times=2)
        await bench.online()
        assert bench.module.times(name) == 1


@pytest.mark.parametrize(
    ("port", "heard"),
    [("/dev/ttyS7", True), ("rfc2217://[::1]:2217", True), ("socket://[::1]:2000", False)],
)
@on_virtual_time
async def test_rate_that_a_server_sets_is_not_the_module_s_to_change(port: str, *, heard: bool) -> None:
    """A module at another rate than its serial server's is understood by nobody, and keeps it."""
    async with running(port=port) as bench:
        await bench.online()
        assert ("AT+IPR=115200" in bench.module.heard) == heard


@pytest.mark.parametrize("lines", [("ERROR",), ("+CME ERROR: 100",), ("nonsense", "OK"), SILENCE], ids=str)
@on_virtual_time
async def test_readings_may_be_missing(lines: tuple[str, ...]) -> None:
    """What a firmware does not tell stays unknown, and the modem comes online without it."""
    async with running() as bench:
        for command in ("AT+CGMI", "AT+CGSN", "AT+CIMI", "AT+CSQ", "AT+CGCONTRDP", "AT+COPS?", "AT+CENG?", "AT+CBC"):
            bench.module.answer(command, *lines)
        await bench.online()
        await asyncio.sleep(120)
        state = bench.modem.store.state
        assert state.link.layer is Layer.ONLINE
        assert (state.identity.imsi, state.signal, state.supply, state.operator) == (None, None, None, None)
        assert bench.module.opened == 1
        if lines != SILENCE:
            assert state.pdn.address == "10.250.0.213"


@on_virtual_time
async def test_gprs_registration_where_there_is_no_other() -> None:
    """Firmware without +CEREG is asked with +CGREG, as the note does."""
    async with running() as bench:
        bench.module.answer("AT+CEREG", "ERROR")
        bench.module.answer("AT+CEREG?", "ERROR")
        await bench.online()
        assert "AT+CGREG?" in bench.module.heard


@on_virtual_time
async def test_withheld_attach_is_asked_for() -> None:
    """A module that found its cell and waits for the command to attach is told so, once."""
    async with running() as bench:
        bench.module.answer_once("AT+CEREG?", '+CEREG: 5,100,"00A0","0002920C",9', "OK")
        await bench.online()
        assert bench.module.heard.count("AT+CGATT=1") == 1
        assert "AT+CFUN=0" not in bench.module.heard


@pytest.mark.parametrize("lines", [("ERROR",), ("+CME ERROR: 30",)], ids=str)
@on_virtual_time
async def test_withheld_attach_that_is_refused(lines: tuple[str, ...]) -> None:
    """A module that will not attach when told to may still do so by itself; nobody is called for the first time."""
    told: set[AlertId] = set()
    async with running() as bench:
        bench.modem.store.listen(lambda _, state: told.update(alerts(state)))
        bench.module.answer("AT+CGATT=1", *lines)
        bench.module.answer_once("AT+CEREG?", '+CEREG: 5,100,"00A0","0002920C",9', "OK")
        await bench.online()
    assert AlertId.NOT_REGISTERING not in told


@on_virtual_time
async def test_waits_for_the_fact_and_not_for_a_time() -> None:
    """A URC ends each wait at once."""
    async with running() as bench:
        bench.module.answer("AT+CPIN?", "+CME ERROR: 14")
        bench.module.answer("AT+CEREG?", *SEARCHING)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        await bench.module.hears("AT+CPIN?")
        await asyncio.sleep(0.5)
        began = now()
        bench.module.say("+CPIN: READY")
        await bench.module.hears("AT+CEREG?")
        await asyncio.sleep(0.1)
        bench.module.say('+CEREG: 1,"00A0","0002920C",9')
        await bench.module.hears("AT+CGACT?")
        await asyncio.sleep(0.1)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        bench.module.say("+CGEV: ME PDN ACT 1")
        await bench.online()
        assert now() - began < 0.5


@on_virtual_time
async def test_polls_where_no_urc_comes() -> None:
    """Without any URC, readings in their intervals bring the modem online."""
    async with running() as bench:
        for _ in range(3):
            bench.module.answer_once("AT+CPIN?", "ERROR")
            bench.module.answer_once("AT+CEREG?", *SEARCHING)
        bench.module.answer_once("AT+CGACT?", "+CGACT: 1,0", "OK")
        await bench.online()
        assert 3 * 2 + 3 * 5 <= now() <= 3 * 2 + 3 * 5 + 11
        assert "AT+CFUN=0" not in bench.module.heard


@on_virtual_time
async def test_context_is_activated_if_it_does_not_come_by_itself() -> None:
    """A context that stays off after registration is asked for, once; a refusal does not end the session."""
    async with running() as bench:
        bench.module.answer("AT+CGACT?", "OK")
        bench.module.answer_once("AT+CGACT=1,1", "+CME ERROR: 607")
        await bench.module.hears("AT+CGACT=1,1")
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.online()
        assert bench.module.times("AT+CGACT=1,1") == 1
        assert bench.module.opened == 1


@on_virtual_time
async def test_context_that_the_network_releases_is_activated_at_once() -> None:
    """A module that stays registered is not about to activate a context by itself."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(60)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        began = now()
        bench.module.say("+CGEV: NW PDN DEACT 1")
        await bench.module.hears("AT+CGACT=1,1")
        assert now() - began < 1
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.online()


@on_virtual_time
async def test_radio_cycles_with_growing_waits() -> None:
    """While nothing registers the module, the radio goes off and on ever more rarely, each time for its pause.

    Then the module is rebooted.
    """
    async with running() as bench:
        bench.module.answer("AT+CEREG?", *SEARCHING)
        off: list[float] = []
        for cycle in range(1, 4):
            await bench.module.hears("AT+CFUN=0", times=cycle, within=3600)
            off.append(now())
            await bench.module.hears("AT+CFUN=1", times=cycle)
            assert 5 <= now() - off[-1] < 6
        gaps = [after - before for before, after in pairwise(off)]
        for cycle, gap in enumerate(gaps, start=1):
            wait = 10 * 2**cycle
            assert 0.75 * wait <= gap - 300 - 5 <= wait + 10
        assert bench.modem.store.state.counters.steps == {RecoveryStep.REATTACH: 3}
        await bench.module.hears("AT+CFUN=1,1")
        bench.module.answer("AT+CEREG?", *REGISTERED)
        await bench.online()


@on_virtual_time
async def test_sim_that_never_becomes_ready() -> None:
    """A SIM that does not become ready in half a minute has the radio cycled."""
    async with running() as bench:
        bench.module.answer("AT+CPIN?", "+CPIN: NOT READY", "OK")
        await bench.module.hears("AT+CFUN=0")
        assert 30 + 0.75 * 10 <= now() <= 30 + 10 + 1
        await bench.module.hears("AT+CFUN=0", times=3)
        assert "AT+CSQ" not in bench.module.heard


@on_virtual_time
async def test_fact_during_the_wait_saves_the_radio_cycle() -> None:
    """A module that attaches while the next start-over is waited for is left alone."""
    async with running() as bench:
        bench.module.answer("AT+CEREG?", *SEARCHING)
        await bench.module.hears("AT+CFUN=0")
        await asyncio.sleep(5 + 302)
        bench.module.answer("AT+CEREG?", *REGISTERED)
        bench.module.say('+CEREG: 1,"00A0","0002920C",9', "+CGEV: ME PDN ACT 1")
        await bench.online()
        await asyncio.sleep(600)
        assert bench.module.times("AT+CFUN=0") == 1


@on_virtual_time
async def test_radio_that_is_off_is_switched_on() -> None:
    """A module that was left in flight mode is taken out of it before anything else."""
    async with running() as bench:
        bench.module.answer_once("AT+CFUN?", "+CFUN: 4", "OK")
        await bench.online()
        assert as_heard(bench.module, "AT+CPIN?", "AT+CFUN=1") == ["AT+CFUN=1", "AT+CPIN?"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        pytest.param(("+CPIN: SIM PIN", "OK"), "the SIM wants its PIN", id="PIN"),
        pytest.param(("+CPIN: SIM PUK", "OK"), "the SIM is locked and wants its PUK", id="PUK"),
        pytest.param(("+CME ERROR: 10",), "no SIM is inserted", id="none"),
        pytest.param(("ERROR",), "the SIM is not ready", id="not ready"),
        pytest.param(("+CPIN:", "OK"), "the SIM has not been read yet", id="nothing"),
        pytest.param(SILENCE, "the SIM has not been read yet", id="silence"),
    ],
)
@on_virtual_time
async def test_sim_that_is_not_ready(lines: tuple[str, ...], reason: str) -> None:
    """What is wrong with the SIM is told; once it is ready, the modem goes on."""
    async with running() as bench:
        bench.module.answer("AT+CPIN?", *lines)
        await bench.module.hears("AT+CPIN?", times=2)
        link = bench.modem.store.state.link
        assert (link.layer, link.reason) == (Layer.SIM, reason)
        bench.module.answer("AT+CPIN?", *ATTACHED["AT+CPIN?"])
        await bench.online()
        assert bench.module.opened == 1
        assert bench.module.times("AT+CPIN") == 0


@on_virtual_time
async def test_context_that_is_off_on_request_is_left_off() -> None:
    """A context that a user switched off counts as settled, and nothing is done about it."""
    async with running() as bench:
        await bench.online()
        bench.modem.store.apply(PdnWanted(wanted=False))
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        bench.module.say("+CGEV: ME PDN DEACT 1")
        await asyncio.sleep(3600)
        assert f"AT+CGACT=1,{DEFAULT_CID}" not in bench.module.heard
        assert "AT+CFUN=0" not in bench.module.heard
        assert bench.modem.store.state.link.layer is Layer.PDN


@on_virtual_time
async def test_attaches_again_when_detached() -> None:
    """A modem that loses its context is attached again, with no start-over as long as it comes back by itself."""
    async with running() as bench:
        await bench.online()
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        bench.module.say("+CGEV: NW DETACH")
        await bench.until(lambda state: state.link.layer is Layer.PDN)
        await asyncio.sleep(1)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        bench.module.say("+CGEV: ME PDN ACT 1")
        await bench.online()
        assert "AT+CFUN=0" not in bench.module.heard


@on_virtual_time
async def test_module_that_was_detached_is_asked_to_attach_soon() -> None:
    """A module that has a signal and neither is registered nor searches is not waited for long."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(60)
        bench.module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        bench.module.answer("AT+CGREG?", "+CGREG: 0,0", "OK")
        detached = now()
        bench.module.say("+CEREG: 0")
        await bench.module.hears("AT+CFUN=0")
        assert 17 <= now() - detached <= 22


@on_virtual_time
async def test_module_that_hears_the_network_again_has_its_time_from_then_on() -> None:
    """For however long it heard nothing before."""
    async with running() as bench:
        await bench.online()
        bench.module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        bench.module.answer("AT+CGREG?", "+CGREG: 0,0", "OK")
        bench.module.answer("AT+CSQ", "+CSQ: 99,99", "OK")
        bench.module.say("+CEREG: 0")
        await asyncio.sleep(100)
        waits = bench.module.times("AT+CTRJ?")
        await bench.module.hears("AT+CSQ", times=bench.module.times("AT+CSQ") + 1)
        bench.module.answer("AT+CSQ", "+CSQ: 22,0", "OK")
        heard = now()
        await bench.module.hears("AT+CTRJ?", times=waits + 1)
        assert now() - heard > 1.5 * Timing().registration_poll


@pytest.mark.parametrize(
    ("command", "answer"),
    [("AT+CTRJ?", "+CTRJ: 250"), ("AT+CSQ", "+CSQ: 99,99"), ("AT+CEREG?", "+CEREG: 5,2")],
    ids=["T3346", "no signal", "searching"],
)
@on_virtual_time
async def test_module_that_may_come_back_by_itself_is_waited_for(command: str, answer: str) -> None:
    """One that the network told to stay away, that hears nothing, or that searches has its time."""
    async with running() as bench:
        await bench.online()
        bench.module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        bench.module.answer("AT+CGREG?", "+CGREG: 0,0", "OK")
        bench.module.answer(command, answer, "OK")
        bench.module.say("+CEREG: 0")
        await asyncio.sleep(240)
        assert bench.module.times("AT+CFUN=0") == 0


@on_virtual_time
async def test_online_after_a_sleep_only_once_set_up() -> None:
    """A module that wakes is online when all that the bridge relies on is set again, and not before."""
    async with running() as bench:
        await bench.online()
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        await bench.until(lambda state: bool(state.sleeping))
        before = bench.module.times("AT+CSOSENDFLAG")
        bench.module.say('+CPSMSTATUS: "EXIT PSM"')
        await bench.online()
        assert bench.module.times("AT+CSOSENDFLAG") == before + 1
