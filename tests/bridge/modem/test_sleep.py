"""A module that is silent because it saves power, against one that is silent because it is gone; on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sim7020_bridge.commands.registration import Registration, RegistrationStatus
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.pdn import PdnDrops
from sim7020_bridge.modem.power_saving import LONGEST_T3412, Sleep
from sim7020_bridge.modem.problems import Held
from sim7020_bridge.modem.state import Layer, ModuleAnswered, PortLost, PortOpened
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.timing import Timing
from tests.bridge.modem.bench import UDP, Bench, by_topic, now, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

HOUR = 3600.0
CYCLE = 655.36
EDRX = PowerSavingSettings(edrx_cycle=CYCLE, paging_window=10.24)
PSM = PowerSavingSettings(active_time=60, periodic_update=7200)
GARBLED_TIMERS = '+CEREG: 1,"00A0","0002920C",9,"00",0,0,"00?00010","00010010"'
TELLS_NO_TIMERS = ('+CEREG: 5,1,"00A0","0002920C",9', "OK")


@asynccontextmanager
async def saving_power(
    saving: PowerSavingSettings | None, *, wakes: bool = False
) -> AsyncIterator[tuple[Bench, list[float]]]:
    """Keep a modem attached that saves power, and note when its power hook is pressed."""
    module, pressed = ScriptedModule(), list[float]()
    module.answer("AT+CEREG?", *TELLS_NO_TIMERS)

    def press(text: str) -> None:
        if text == "ON":
            pressed.append(now())

    hook = by_topic(press, wakes=wakes)
    async with running(UDP, module=module, power=hook, power_saving=saving) as bench:
        await bench.opened("udp")
        yield bench, pressed


async def hears_now_and_then(module: ScriptedModule, *, awake: float, deaf: float, last_words: str = "") -> None:
    """Let a module be deaf most of the time, without a word or with one."""
    while True:
        module.deaf = False
        await asyncio.sleep(awake)
        if last_words:
            module.say(last_words)
            await asyncio.sleep(0.1)
        module.deaf = True
        await asyncio.sleep(deaf)


def fault(bench: Bench) -> bool:
    """Whether anything was taken for a fault."""
    return (
        any(alerts(state) for state in bench.states)
        or bench.modem.store.state.counters.steps != {}
        or bench.module.opened != 1
    )


@pytest.mark.parametrize("said", ["", '+CPSMSTATUS: "ENTER PSM"'], ids=["unsaid", "said"])
@pytest.mark.parametrize("asked", [1800, 7200, None])
@on_virtual_time
async def test_periodic_update_that_was_not_granted(asked: int | None, said: str) -> None:
    """The module then wakes when the network's own T3412 is over, and not when it was asked to."""
    async with saving_power(PowerSavingSettings(active_time=10, periodic_update=asked)) as (bench, pressed):
        bench.module.answer("AT+CEREG?", '+CEREG: 5,1,"00A0","0002920C",9,"00",0,0,"00000101","11100000"', "OK")
        await bench.until(lambda state: state.registration is not None and state.registration.periodic_tau is not None)
        if said:
            bench.module.say(said)
            await bench.until(lambda state: bool(state.sleeping))
        bench.module.deaf = True
        await asyncio.sleep(LONGEST_T3412)
        assert pressed == []
        assert not fault(bench)


@pytest.mark.parametrize(
    ("saving", "awake", "deaf", "last_words"),
    [
        pytest.param(EDRX, 30, 645, "", id="eDRX of 655.36 s"),
        pytest.param(PowerSavingSettings(edrx_cycle=163.84), 5, 158.84, "", id="eDRX of 163.84 s, a short window"),
        pytest.param(PSM, 120, 7000, '+CPSMST?TUS: "ENTER PSM"', id="PSM whose beginning was garbled"),
        pytest.param(PSM, 120, 7000, "", id="PSM whose beginning was lost"),
        pytest.param(EDRX, 30, 645, '+CEDRXP: 5,"1011","1?11","0011"', id="eDRX whose grant was garbled"),
        pytest.param(PSM, 120, 7000, GARBLED_TIMERS, id="PSM whose timers were garbled"),
    ],
)
@on_virtual_time
async def test_silence_that_was_agreed(saving: PowerSavingSettings, awake: float, deaf: float, last_words: str) -> None:
    """However the module falls silent, as long as it may: no step, no alert, no power hook, and the port stays open."""
    async with saving_power(saving) as (bench, pressed):
        life = asyncio.create_task(hears_now_and_then(bench.module, awake=awake, deaf=deaf, last_words=last_words))
        await asyncio.sleep(6 * HOUR)
        life.cancel()
        assert not fault(bench)
        assert pressed == []
        assert {Layer.SLEEPING, Layer.ONLINE} <= set(bench.layers())


@on_virtual_time
async def test_message_goes_out_in_the_paging_window() -> None:
    """A message is not sent to a module that is deaf, and goes out once it listens for a moment."""
    async with saving_power(EDRX) as (bench, _):
        life = asyncio.create_task(hears_now_and_then(bench.module, awake=10, deaf=645))
        await asyncio.sleep(100)
        with pytest.raises(Exception, match="not answer AT"):
            await bench.socket("udp").send(b"1")
        assert bench.module.times("AT+CSOSEND") == 0
        await bench.until(lambda state: bool(state.sleeping))
        socket = await bench.opened("udp", within=560)
        await socket.send(b"1")
        assert bench.module.times("AT+CSOSEND") == 1
        life.cancel()


@pytest.mark.parametrize("after", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5])
@on_virtual_time
async def test_no_press_in_a_paging_window(after: float) -> None:
    """A module that has just woken without a word is asked before PWRKEY is pressed, which would switch it off."""
    async with saving_power(EDRX, wakes=True) as (bench, pressed):
        bench.module.deaf = True
        await bench.until(lambda state: bool(state.sleeping))
        await asyncio.sleep(300 + after)
        assert bench.modem.store.state.sleeping
        bench.module.deaf = False
        assert not await bench.modem.wake()
        assert pressed == []
        await bench.online()
        bench.module.deaf = True
        await bench.until(lambda state: bool(state.sleeping))
        assert await bench.modem.wake()
        assert len(pressed) == 1


@on_virtual_time
async def test_press_in_announced_sleep() -> None:
    """A module that said that it enters PSM says so as well when it wakes, so PWRKEY is pressed at once."""
    async with saving_power(PSM, wakes=True) as (bench, pressed):
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        bench.module.deaf = True
        await bench.until(lambda state: bool(state.sleeping))
        began = now()
        assert await bench.modem.wake()
        assert pressed == [began]


@pytest.mark.parametrize(
    ("saving", "slept", "missed"),
    [
        pytest.param(EDRX, 2 * CYCLE, 2 * CYCLE, id="eDRX, and one window missed"),
        pytest.param(PSM, 7200 + 1200, 7200 + 1200, id="PSM"),
        pytest.param(PowerSavingSettings(active_time=60), 11160 + 1200, 11160 + 1200, id="PSM of unknown length"),
    ],
)
@on_virtual_time
async def test_silence_beyond_what_was_agreed(saving: PowerSavingSettings, slept: float, missed: float) -> None:
    """A module that dies is taken to sleep for as long as it may, and is then recovered as any other."""
    async with saving_power(saving) as (bench, pressed):
        bench.module.deaf = True
        died = now()
        await asyncio.sleep(slept)
        assert not fault(bench)
        await bench.until(lambda state: AlertId.MODULE_SILENT in alerts(state), within=2 * HOUR)
        assert now() - died < missed + 700
        await asyncio.sleep(300)
        assert pressed


@on_virtual_time
async def test_sleep_that_nobody_asked_for_ends() -> None:
    """A module that entered PSM by itself, for nobody knows how long, wakes within the longest T3412."""
    async with saving_power(None) as (bench, pressed):
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        await asyncio.sleep(1)
        bench.module.deaf = True
        await asyncio.sleep(3 * HOUR)
        assert not fault(bench)
        await asyncio.sleep(HOUR)
        assert pressed


@pytest.mark.parametrize(
    ("saving", "command", "answer"),
    [
        pytest.param(None, "", "", id="nothing asked for"),
        pytest.param(PowerSavingSettings(edrx_cycle=81.92), "", "", id="eDRX too short for deep sleep"),
        pytest.param(EDRX, "AT+CEDRXRDP", '+CEDRXRDP: 5,"1011","0101","0011"', id="a shorter cycle granted"),
        pytest.param(
            PSM,
            "AT+CEREG?",
            '+CEREG: 5,1,"00A0","0002920C",9,"00",0,0,"11100000","00010010"',
            id="PSM that the network refused",
        ),
        pytest.param(PSM, "AT+CEREG?", "+CEREG: 5,2", id="not registered"),
    ],
)
@on_virtual_time
async def test_silence_that_was_not_agreed(saving: PowerSavingSettings | None, command: str, answer: str) -> None:
    """A module that may not sleep now is missed at once."""
    async with saving_power(saving) as (bench, pressed):
        if command:
            bench.module.answer(command, answer, "OK")
        await asyncio.sleep(310)
        bench.module.deaf = True
        await asyncio.sleep(600)
        assert Layer.SLEEPING not in bench.layers()
        assert pressed


@on_virtual_time
async def test_module_that_fell_asleep_without_a_word_is_asked_rarely() -> None:
    """Soon at first, then about once in the time for which it stays awake."""
    async with saving_power(PSM) as (bench, _):
        bench.module.deaf = True
        await asyncio.sleep(600)
        before = bench.module.times("AT")
        await asyncio.sleep(HOUR)
        awake = HOUR / 60
        assert awake <= bench.module.times("AT") - before < 5 * awake


@pytest.mark.parametrize("answers", [True, False], ids=["answers AT", "is heard"])
@on_virtual_time
async def test_wake_that_is_too_short(*, answers: bool) -> None:
    """A module that was heard, and slept again before it was set up, has all the time of a new sleep."""
    async with saving_power(PSM) as (bench, pressed):
        bench.module.deaf = True
        await asyncio.sleep(7100)
        bench.module.deaf = not answers
        before = bench.module.times("ATE0")
        if not answers:
            bench.module.say('+CPSMSTATUS: "EXIT PSM"')
        else:
            await bench.module.hears("ATE0", times=before + 1)
            bench.module.deaf = True
        await asyncio.sleep(7100)
        assert not fault(bench)
        await asyncio.sleep(2 * HOUR)
        assert pressed


@on_virtual_time
async def test_silence_after_a_restart() -> None:
    """A module that has just booted does not sleep, whatever it is asked for and however long it might have slept."""
    async with saving_power(PSM) as (bench, pressed):
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        await bench.until(lambda state: bool(state.sleeping))
        bench.module.say('+CPSMSTATUS: "EXIT PSM"')
        await bench.online()
        before = len(bench.states)
        bench.module.say("RDY")
        bench.module.deaf = True
        await asyncio.sleep(1)
        bench.module.say("+CPIN: READY")
        await asyncio.sleep(300)
        assert Layer.SLEEPING not in {state.link.layer for state in bench.states[before:]}
        assert pressed


@on_virtual_time
async def test_silence_at_the_start() -> None:
    """A module that this bridge has never heard may wait for its PWRKEY: it is not taken to sleep."""
    module, pressed = ScriptedModule(), list[str]()
    module.deaf = True
    hook = by_topic(pressed.append)
    async with running(module=module, power=hook, power_saving=PSM):
        await asyncio.sleep(300)
        assert pressed


@on_virtual_time
async def test_port_that_goes_away_while_the_module_sleeps() -> None:
    """A module may sleep on behind a port that comes back; the time that it has does not begin anew."""
    async with saving_power(EDRX) as (bench, pressed):
        bench.module.deaf = True
        await asyncio.sleep(60)
        bench.module.unplug()
        await asyncio.sleep(CYCLE - 60)
        assert bench.modem.store.state.link.layer is Layer.SLEEPING
        assert pressed == []
        await asyncio.sleep(CYCLE + 300)
        assert pressed


@on_virtual_time
async def test_sleep_before_anything_is_known_again() -> None:
    """A module that falls silent after it woke, before it told of the network, sleeps again; one that restarted not."""
    store = StateStore()
    sleep = Sleep(store, EDRX, Timing())
    store.apply(PortOpened(), ModuleAnswered(), Registration(RegistrationStatus.HOME))
    sleep.begin()
    store.apply(PortLost("it went away"), PortOpened(), ModuleAnswered())
    await asyncio.sleep(2 * CYCLE)
    sleep.begin()
    assert sleep.lasts
    sleep.end()
    sleep.begin()
    assert not sleep.lasts


@on_virtual_time
async def test_window_that_passes_while_the_port_is_away() -> None:
    """What nobody could hear is not missed: two cycles are counted from the port's return."""
    async with saving_power(EDRX) as (bench, pressed):
        bench.module.deaf = True
        await asyncio.sleep(1000)
        bench.module.unplug()
        await asyncio.sleep(1000)
        assert pressed == []
        bench.module.deaf = False
        await bench.online()


@on_virtual_time
async def test_port_that_goes_away_before_the_sleep_was_noticed() -> None:
    """A module that was not missed yet when its port went away may have been asleep already."""
    async with saving_power(EDRX) as (bench, pressed):
        await asyncio.sleep(10)
        bench.module.deaf = True
        bench.module.unplug()
        await asyncio.sleep(CYCLE)
        assert bench.modem.store.state.link.layer is Layer.SLEEPING
        assert pressed == []
        bench.module.deaf = False
        await bench.online()


@on_virtual_time
async def test_line_that_gives_back_what_is_sent_to_a_module_that_sleeps() -> None:
    """An echo alone shows no restart: what was agreed holds, and PWRKEY, which would switch it off, is left alone."""
    async with saving_power(EDRX) as (bench, pressed):
        await asyncio.sleep(10)
        bench.module.deaf = True
        bench.module.echo = True
        await asyncio.sleep(CYCLE)
        assert bench.modem.store.state.link.layer is Layer.SLEEPING
        assert pressed == []
        bench.module.deaf = bench.module.echo = False
        await bench.online()
        assert pressed == []


@pytest.mark.parametrize("mute", [4, 7, 15])
@pytest.mark.parametrize("words", ["", "+CPIN: READY"], ids=["without a word", "with one"])
@on_virtual_time
async def test_module_that_wakes_and_answers_late(mute: float, words: str) -> None:
    """It is asked again as soon as it answers what was given up, though it is awake for some seconds only."""
    async with saving_power(PowerSavingSettings(active_time=10, periodic_update=7200)) as (bench, _):
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        bench.module.deaf = True
        # where no word tells, it wakes when it is asked as it is now and then
        await asyncio.sleep(100 if words else 1000)
        given = len(bench.module.heard)
        bench.module.say(*filter(None, [words]))
        await bench.module.hears("AT", times=bench.module.times("AT") + 1)
        woke = now()
        await asyncio.sleep(mute)
        bench.module.deaf = False
        bench.module.say(*["OK"] * (len(bench.module.heard) - given))
        await bench.until(lambda state: state.online, within=10)
        assert now() - woke < mute + 5
        await asyncio.sleep(600)
        assert not fault(bench)


@pytest.mark.parametrize("announced", [True, False])
@on_virtual_time
async def test_what_is_over_once_the_module_sleeps(*, announced: bool) -> None:
    """A modem that came back by itself, and sleeps before it was online for long, is told of as held up no more."""
    async with saving_power(PSM if announced else EDRX) as (bench, _):
        bench.modem.store.apply(Held("48 attach attempts were made within 24 hours"), PdnDrops(4))
        if announced:
            bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        bench.module.deaf = True
        await bench.until(lambda state: bool(state.sleeping))
        await asyncio.sleep(60)
        state = bench.modem.store.state
        assert (state.link.layer, state.held, state.pdn.drops) == (Layer.SLEEPING, None, 0)


@on_virtual_time
async def test_windows_that_are_too_short_are_no_stubbornness() -> None:
    """A module that sleeps again while it is set up, time after time, is met at once when its port went away."""
    async with saving_power(EDRX) as (bench, _):
        module = bench.module
        module.deaf = True
        await bench.until(lambda state: bool(state.sleeping))
        for _ in range(6):
            await asyncio.sleep(500)
            before = module.times("ATE0")
            module.answer("ATE0", *SILENCE)
            module.deaf = False
            await module.hears("ATE0", times=before + 1)
            module.deaf = True
        await asyncio.sleep(60)
        assert not fault(bench)
        assert bench.modem._unfinished == 0
        module.answer("ATE0", "OK")
        module.deaf = False
        module.unplug()
        unplugged = now()
        await bench.until(lambda state: not state.online)
        await bench.online()
        assert now() - unplugged < 60


@on_virtual_time
async def test_announced_sleep_ends_the_count_of_unfinished_sessions() -> None:
    """A session that ended in a sleep that the module announced was of use."""
    async with saving_power(PSM) as (bench, _):
        bench.modem._unfinished = 2
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        await bench.until(lambda state: bool(state.sleeping))
        await asyncio.sleep(1)
        assert bench.modem._unfinished == 0
