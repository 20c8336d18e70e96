"""A SIM that is locked, missing or slow, against a scripted module on virtual time."""

import asyncio
from pathlib import Path

import pytest

from sim7020_bridge.commands.sim import SimState
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.pin import PinMemory
from sim7020_bridge.modem.recovery import RecoveryStep
from tests.bridge.modem.bench import HOUR, REATTACH, current, now, pressing, running, steps
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


@on_virtual_time
async def test_puk_waits_for_a_person() -> None:
    """A locked SIM is looked at now and then; cycling radio, module or power would not help it."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CPIN: SIM PUK", "OK")
    hook, told = pressing()
    async with running(module=module, power=hook) as bench:
        await asyncio.sleep(24 * HOUR)
        assert current(bench) == {AlertId.SIM_PUK}
        assert not module.heard.count(REATTACH)
        assert (steps(bench), told, module.opened) == ({}, [], 1)
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        assert current(bench) == set()


def locked(answer: str) -> ScriptedModule:
    """Return a module whose SIM answers a PIN so."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
    module.answer("AT+CPIN", answer)
    return module


@on_virtual_time
async def test_bare_error_withdraws_nothing() -> None:
    """A SIM that is said to be missing is missing, though the question after it is refused without a word."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "ERROR")
    async with running(module=module) as bench:
        await module.hears("AT+CPIN?")
        module.say("+CPIN: NOT INSERTED")
        await asyncio.sleep(60)
        assert current(bench) == {AlertId.SIM_MISSING}
        assert bench.modem.store.state.link.reason == "no SIM is inserted"
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        module.answer("AT+CPIN?", "ERROR")
        await asyncio.sleep(400)
        assert bench.modem.store.state.link.reason == "the SIM is not ready"


@on_virtual_time
async def test_radio_that_is_switched_off_puts_no_sim_in() -> None:
    """A SIM that is missing stays so while the bridge has the radio off, which modules report as a SIM not ready."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CME ERROR: 10")
    module.answer("AT+CFUN=0", "+CPIN: NOT READY", "OK")
    async with running(module=module) as bench:
        await bench.until(lambda state: bool(alerts(state)))
        gone = asyncio.create_task(bench.until(lambda state: not alerts(state)))
        await asyncio.sleep(100)
        assert steps(bench).get(RecoveryStep.REATTACH)
        assert not gone.done()
        gone.cancel()
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()


@on_virtual_time
async def test_restart_puts_no_sim_in() -> None:
    """A module without a SIM that restarts is still without one; the alert goes once there is one, and not before."""
    async with running() as bench:
        bench.module.answer("AT+CPIN?", "+CME ERROR: 10")
        await bench.until(lambda state: AlertId.SIM_MISSING in alerts(state))
        first = len(bench.states)
        for restarts in (1, 2):
            bench.module.answer_once("AT+CPIN?", "+CME ERROR: 14")
            bench.module.say("RDY", "+CPIN: NOT READY")
            await bench.until(lambda state, times=restarts: state.counters.reboots == times)  # type: ignore[misc]
            await asyncio.sleep(120)
        assert {AlertId.SIM_MISSING} == set.intersection(*(set(alerts(state)) for state in bench.states[first:]))
        bench.module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_sim_that_is_busy_for_a_moment_is_as_ready_as_it_was() -> None:
    """A modem that is online stays so, and is not attached anew, because its SIM was busy when it was asked."""
    async with running() as bench:
        await bench.online()
        bench.module.answer("AT+CPIN?", "+CME ERROR: 14")
        await asyncio.sleep(HOUR)
        assert bench.modem.store.state.online
        assert steps(bench) == {}
        bench.module.answer("AT+CPIN?", "+CME ERROR: 10")
        await bench.until(lambda state: not state.online)


@on_virtual_time
async def test_words_of_the_sim_are_told() -> None:
    """What no table has is told as the module says it, once it is no moment's word."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CME ERROR: SIM blocked by its owner")
    async with running(module=module) as bench:
        await asyncio.sleep(25)
        assert current(bench) == set()
        await asyncio.sleep(10)
        alert = alerts(bench.modem.store.state)[AlertId.SIM_FAILED]
        assert "SIM blocked by its owner" in alert.message


@pytest.mark.parametrize("answer", ["+CPIN: RE\x80DY", "+CPIN: READI", "+CMS ERROR: 512"])
@on_virtual_time
async def test_word_of_the_sim_that_the_line_has_spoilt_raises_no_alert(answer: str) -> None:
    """It is asked again at once."""
    async with running() as bench:
        await bench.online()
        bench.module.answer_once("AT+CPIN?", answer, *([] if "ERROR" in answer else ["OK"]))
        await asyncio.sleep(HOUR)
        assert not any(alerts(state) for state in bench.states)
        assert bench.modem.store.state.online


@pytest.mark.parametrize("refusal", ["ERROR", "+CME ERROR: 14"])
@on_virtual_time
async def test_sim_that_never_gets_ready(refusal: str) -> None:
    """After half a minute a person is told, once, whatever is reset meanwhile, until the SIM is ready."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", refusal)
    async with running(module=module) as bench:
        await asyncio.sleep(25)
        assert current(bench) == set()
        await asyncio.sleep(6 * HOUR)
        assert steps(bench)[RecoveryStep.REBOOT] > 1
        told = [AlertId.SIM_FAILED in alerts(state) for state in bench.states]
        assert told == sorted(told)
        assert current(bench) == {AlertId.SIM_FAILED}
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        assert current(bench) == set()


@on_virtual_time
async def test_right_pin_unlocks() -> None:
    """A PIN that is configured is given, and nothing is kept of it."""
    module = locked("OK")
    async with running(module=module, pin="1234") as bench:
        await module.hears("AT+CPIN=1234")
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
        assert list(bench.state_dir.iterdir()) == []


@on_virtual_time
async def test_sim_that_asks_again() -> None:
    """A SIM whose radio was switched off and on while the modem registered is given its PIN again without delay."""
    module = locked("OK")
    async with running(module=module, pin="1234") as bench:
        await module.hears("AT+CPIN=1234")
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
        await module.hears("AT+CEREG?")
        module.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
        module.answer("AT+CEREG?", "+CEREG: 5,0", "OK")
        module.say("+CEREG: 0", "+CPIN: SIM PIN")
        asked = now()
        await module.hears("AT+CPIN=1234", times=2)
        assert now() - asked < 10
        assert current(bench) == set()


@on_virtual_time
async def test_wrong_pin_is_given_once() -> None:
    """A PIN that was refused is not given again: not later, not after an unplug, not after a restart."""
    module = locked("+CME ERROR: 16")
    async with running(module=module, pin="1234") as bench:
        await module.hears("AT+CPIN=1234")
        await asyncio.sleep(HOUR)
        assert current(bench) == {AlertId.SIM_PIN}
        module.unplug()
        await asyncio.sleep(HOUR)
        async with running(module=locked("OK"), pin="1234", state_dir=bench.state_dir) as restarted:
            await asyncio.sleep(HOUR)
            assert not restarted.module.heard.count("AT+CPIN=1234")
            assert "tried before" in alerts(restarted.modem.store.state)[AlertId.SIM_PIN].message
        async with running(module=locked("OK"), pin="4321", state_dir=bench.state_dir) as mended:
            await mended.module.hears("AT+CPIN=4321")
    assert module.heard.count("AT+CPIN=1234") == 1
    assert not module.heard.count(REATTACH)


@on_virtual_time
async def test_bridge_that_is_killed_before_the_answer(tmp_path: Path) -> None:
    """A PIN whose answer never came is not given again, unless the SIM turns out to have taken it."""
    module = locked("OK")
    module.answer("AT+CPIN", *SILENCE)
    async with running(module=module, pin="1234", state_dir=tmp_path):
        await module.hears("AT+CPIN=1234")
    async with running(module=locked("OK"), pin="1234", state_dir=tmp_path) as bench:
        await asyncio.sleep(HOUR)
        assert not bench.module.heard.count("AT+CPIN=1234")
        bench.module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await bench.online()
    async with running(module=locked("OK"), pin="1234", state_dir=tmp_path) as bench:
        await bench.module.hears("AT+CPIN=1234")


class Sim(ScriptedModule):
    """A module whose SIM wants the PIN 1234, and may say something else the first times; it counts tries."""

    def __init__(self, *first: tuple[str, ...], left: int = 3, costs: bool = False, tells: bool = True) -> None:
        super().__init__()
        self.first = list(first)
        self.left = left
        self.tells = tells
        self._costs = costs
        self.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")

    @property
    def tries(self) -> int:
        """How often a PIN was entered."""
        return sum(line.startswith("AT+CPIN=") for line in self.heard)

    def _reply(self, line: str) -> tuple[str, ...]:
        if line == "AT+CPINR" and self.tells and not self._once.get(line):
            return (f'+CPINR: "SIM PIN",{self.left},3', '+CPINR: "SIM PUK",10,10', "OK")
        if not line.startswith("AT+CPIN="):
            return super()._reply(line)
        if self.first:
            self.left -= self._costs
            return self.first.pop(0)
        if line != "AT+CPIN=1234":
            self.left -= 1
            return ("+CME ERROR: 16",)
        self.answer("AT+CPIN?", "+CPIN: READY", "OK")
        return ("OK",)


NO_VERDICTS = {
    "busy": ("+CME ERROR: 14",),
    "not allowed": ("+CME ERROR: 3",),
    "failure": ("+CME ERROR: 13",),
    "no number": ("ERROR",),
    "silence": SILENCE,
}


@pytest.mark.parametrize("answer", NO_VERDICTS.values(), ids=NO_VERDICTS)
@on_virtual_time
async def test_answer_that_is_no_verdict(answer: tuple[str, ...]) -> None:
    """A right PIN that the SIM did not look at is soon given again; nobody is called, and nothing is kept."""
    module = Sim(answer, answer)
    async with running(module=module, pin="1234") as bench:
        await bench.until(lambda state: state.sim is not None and state.sim.ready, within=120)
        assert module.tries == 3
        assert not any(alerts(state) for state in bench.states)
        assert list(bench.state_dir.iterdir()) == []


@pytest.mark.parametrize("answer", NO_VERDICTS.values(), ids=NO_VERDICTS)
@on_virtual_time
async def test_sim_that_is_busy_for_long(answer: tuple[str, ...], tmp_path: Path) -> None:
    """A SIM that looks at no PIN is an alert, and gets the right one in the end, also after a restart."""
    busy = Sim(*[answer] * 500)
    async with running(module=busy, pin="1234", state_dir=tmp_path) as bench:
        await asyncio.sleep(100)
        assert current(bench) == {AlertId.SIM_PIN}
        async with running(module=Sim(), pin="1234", state_dir=tmp_path) as restarted:
            await restarted.online()
        busy.first.clear()
        await bench.until(lambda state: state.sim is not None and state.sim.ready, within=120)


@pytest.mark.parametrize("answer", [("ERROR",), SILENCE, ("+CME ERROR: 100",)], ids=str)
@pytest.mark.parametrize("tells", [True, False], ids=["counted", "not told"])
@on_virtual_time
async def test_answer_that_may_be_a_verdict(answer: tuple[str, ...], tmp_path: Path, *, tells: bool) -> None:
    """A PIN that cost a try, or of which nobody knows whether it did, is given once, also over restarts."""
    modules = [Sim(answer, answer, costs=True, tells=tells) for _ in range(2)]
    for module in modules:
        async with running(module=module, pin="9999", state_dir=tmp_path) as bench:
            await asyncio.sleep(HOUR)
            assert current(bench) == {AlertId.SIM_PIN}
            module.unplug()
            await asyncio.sleep(HOUR)
    assert [module.tries for module in modules] == [1, 0]


@pytest.mark.parametrize("left", [0, 1])
@on_virtual_time
async def test_last_try_is_a_person_s(left: int) -> None:
    """Not even a PIN that was never tried is given where it could lock the SIM; three tries may have a bridge's one."""
    module = Sim(left=left)
    async with running(module=module, pin="1234") as bench:
        await asyncio.sleep(HOUR)
        assert module.tries == 0
        assert f"only {left} try is left" in alerts(bench.modem.store.state)[AlertId.SIM_PIN].message
        module.left = 3
        await bench.online()


UNTOLD = {
    "busy": ("+CME ERROR: 14",),
    "lost": SILENCE,
    "garbled": ('+CPINR: "SIM PIN",x,3', "OK"),
}


@pytest.mark.parametrize("untold", UNTOLD.values(), ids=UNTOLD)
@on_virtual_time
async def test_last_try_that_is_not_told_for_a_moment(untold: tuple[str, ...]) -> None:
    """A module that is asked how many tries are left and can't say may have one: it is asked again, soon."""
    module = Sim(left=1)
    module.answer_once("AT+CPINR", *untold)
    async with running(module=module, pin="9999") as bench:
        await bench.until(lambda state: state.pin_problem is not None)
        assert "only 1 try is left" in alerts(bench.modem.store.state)[AlertId.SIM_PIN].message
        for lost in (*UNTOLD.values(), ("ERROR",), ("OK",)):
            asked = module.times("AT+CPINR")
            module.answer_once("AT+CPINR", *lost)
            await module.hears("AT+CPINR", times=asked + 2)
        assert module.tries == 0


@pytest.mark.parametrize("untold", UNTOLD.values(), ids=UNTOLD)
@on_virtual_time
async def test_right_pin_waits_until_the_tries_are_told(untold: tuple[str, ...]) -> None:
    """A SIM that is busy when it is asked for its tries gets the PIN a moment later; nobody is called."""
    module = Sim()
    module.answer_once("AT+CPINR", *untold)
    async with running(module=module, pin="1234") as bench:
        await bench.until(lambda state: state.sim is not None and state.sim.ready, within=60)
        assert module.tries == 1
        assert not any(alerts(state) for state in bench.states)


@on_virtual_time
async def test_pin_of_a_bridge_that_was_killed(tmp_path: Path) -> None:
    """A PIN whose answer nobody waited for is given again if it cost no try, and not if it did."""
    PinMemory(tmp_path / "shed.pin").remember("1234", left=3)
    async with running(module=Sim(left=2), pin="1234", state_dir=tmp_path) as bench:
        await asyncio.sleep(HOUR)
        assert (current(bench), bench.module.times("AT+CPIN=1234")) == ({AlertId.SIM_PIN}, 0)
    async with running(module=Sim(left=3), pin="1234", state_dir=tmp_path) as bench:
        await bench.online()


@on_virtual_time
async def test_pin_judged_wrong_is_cleared_by_deleting_the_file() -> None:
    """Whoever knows better deletes the file; the bridge needs no restart for that."""
    module = Sim(("+CME ERROR: 16",))
    async with running(module=module, pin="1234") as bench:
        await asyncio.sleep(HOUR)
        assert (module.tries, current(bench)) == (1, {AlertId.SIM_PIN})
        (bench.state_dir / "shed.pin").unlink()
        await bench.until(lambda state: state.sim is not None and state.sim.ready, within=120)


@on_virtual_time
async def test_pin_that_cannot_be_written_down_is_not_given() -> None:
    """Without a place to remember it a PIN is not tried, and the bridge stays up and says why."""
    module = locked("OK")
    async with running() as elsewhere:
        await elsewhere.online()  # its port is its own
        blocked = elsewhere.state_dir / "file"
        blocked.write_bytes(b"")
        async with running(module=module, pin="1234", state_dir=blocked) as bench:
            await bench.until(lambda state: state.pin_problem is not None)
            await asyncio.sleep(HOUR)
            assert not module.heard.count("AT+CPIN=1234")
            assert current(bench) == {AlertId.SIM_PIN}


@on_virtual_time
async def test_sim_that_is_put_in_later() -> None:
    """A SIM that reports itself is used at once."""
    module = ScriptedModule()
    module.answer("AT+CPIN?", "+CME ERROR: 10")
    async with running(module=module) as bench:
        await bench.until(lambda state: state.sim is not None and state.sim.missing)
        assert current(bench) == {AlertId.SIM_MISSING}
        await module.hears("AT+CTRJ?")
        await asyncio.sleep(1)
        module.answer("AT+CPIN?", "+CPIN: READY", "OK")
        module.say(f"+CPIN: {SimState.READY}")
        await bench.online()
        assert current(bench) == set()
