"""A module in PSM that is woken by its power hook for what waits; on virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.delivery.waking import LAST_WAIT, wake_for_messages
from sim7020_bridge.modem.power_hook import PowerHook
from sim7020_bridge.modem.recovery import RecoveryStep
from tests.bridge.desk import Desk, named, staffed
from tests.bridge.modem.bench import HOUR, UDP, by_topic, now, steps
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time

PSM = PowerSavingSettings(active_time=10, periodic_update=36_000)
ENTERS, EXITS = '+CPSMSTATUS: "ENTER PSM"', '+CPSMSTATUS: "EXIT PSM"'


@dataclass(slots=True)
class Sleeper:
    """A module that sleeps 10 s after each time that its PWRKEY woke it, of which some presses are lost.

    It takes ``dark`` seconds to wake, and says so unless it is ``mute``.
    """

    module: ScriptedModule = field(default_factory=ScriptedModule)
    lost: int = 0
    dark: float = 1.0
    mute: bool = False
    presses: list[float] = field(default_factory=list)
    switched_off: int = 0

    def press(self, text: str) -> None:
        """Be pressed; a module that is on switches itself off."""
        if text != "ON":
            return
        self.presses.append(now())
        if not self.module.deaf:
            self.switched_off += 1
            self.module.deaf = True
        elif len(self.presses) > self.lost:
            loop = asyncio.get_running_loop()
            loop.call_later(self.dark, self.wake)
            loop.call_later(self.dark + 10, self.sleep)

    def wake(self) -> None:
        """Be awake."""
        self.module.deaf = False
        if not self.mute:
            self.module.say("+CPIN: READY", EXITS)

    def sleep(self) -> None:
        """Say that it falls asleep, and do, if it is on."""
        if not self.module.deaf:
            self.module.say(ENTERS)
            self.module.deaf = True


@asynccontextmanager
async def asleep(sleeper: Sleeper) -> AsyncIterator[Desk]:
    """Wake a modem for messages whose module was set up and sleeps now."""
    hook = by_topic(sleeper.press, wakes=True)
    module = sleeper.module
    module.answer("AT+CEREG?", '+CEREG: 5,1,"00A0","0002920C",9', "OK")
    module.answer("AT+CCLK?", '+CCLK: "26/11/29,12:00:00+04"', "OK")
    async with staffed(UDP, module=module, power=hook, power_saving=PSM) as desk:
        await desk.bench.opened("udp")
        await asyncio.sleep(10)
        sleeper.sleep()
        await desk.bench.until(lambda state: bool(state.sleeping))
        waking = asyncio.create_task(wake_for_messages(desk.bench.modem, desk.router))
        try:
            yield desk
        finally:
            waking.cancel()
            with suppress(asyncio.CancelledError):
                await waking


@on_virtual_time
async def test_a_press_that_is_lost() -> None:
    """It is made up for half a minute later; each message after that wakes the module at once."""
    sleeper = Sleeper(lost=1)
    async with asleep(sleeper) as desk:
        desk.send("udp", b"a", **named("a"))
        assert (await desk.final("udp", "a", within=45))["state"] == "accepted"
        assert len(sleeper.presses) == 2
        await asyncio.sleep(100)
        desk.send("udp", b"b", **named("b"))
        await desk.final("udp", "b", within=10)
        assert len(sleeper.presses) == 3


@on_virtual_time
async def test_presses_that_are_all_lost() -> None:
    """They become rare, and the message goes out with the first that is not lost."""
    sleeper = Sleeper(lost=10)
    async with asleep(sleeper) as desk:
        desk.send("udp", b"a", **named("a"))
        await desk.final("udp", "a", within=3 * HOUR)
        gaps = [later - before for before, later in zip(sleeper.presses, sleeper.presses[1:], strict=False)]
        assert len(gaps) == 10
        assert gaps[0] < 40
        assert LAST_WAIT / 2 < gaps[-1] < LAST_WAIT + 10


@on_virtual_time
async def test_a_press_that_is_lost_long_after_others() -> None:
    """Once a message went out, it is made up for as soon as the first."""
    sleeper = Sleeper(lost=6)
    async with asleep(sleeper) as desk:
        desk.send("udp", b"a", **named("a"))
        await desk.final("udp", "a", within=HOUR)
        await asyncio.sleep(100)
        sleeper.lost = len(sleeper.presses) + 1
        desk.send("udp", b"b", **named("b"))
        await desk.final("udp", "b", within=45)


@on_virtual_time
async def test_a_hook_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried as rarely: it may have got as far as to press."""
    sleeper, tried = Sleeper(lost=1000), []

    async def fail(_hook: PowerHook) -> bool:
        tried.append(now())
        return False

    async with asleep(sleeper) as desk:
        monkeypatch.setattr(PowerHook, "press", fail)
        desk.send("udp", b"a", **named("a"))
        await asyncio.sleep(HOUR)
        assert 2 <= len(tried) < 10


@on_virtual_time
async def test_a_module_that_wakes_late_and_without_a_word() -> None:
    """It is asked before PWRKEY is pressed again, which would switch it off."""
    sleeper = Sleeper(dark=20, mute=True)
    async with asleep(sleeper) as desk:
        desk.send("udp", b"a", **named("a"))
        await desk.final("udp", "a", within=45)
        assert len(sleeper.presses) == 1
        assert sleeper.switched_off == 0


@on_virtual_time
async def test_nothing_waits_any_more() -> None:
    """A press that failed is not repeated for a message that has expired."""
    sleeper = Sleeper(lost=1000)
    async with asleep(sleeper) as desk:
        desk.send("udp", b"a", message_expiry=10, **named("a"))
        assert (await desk.final("udp", "a"))["state"] == "expired"
        await asyncio.sleep(2 * HOUR)
        assert len(sleeper.presses) == 1


@on_virtual_time
async def test_a_module_that_wakes_and_refuses_its_sockets() -> None:
    """It is woken now and then, reset step by step although it sleeps in between, until the message goes out."""
    sleeper = Sleeper()
    async with asleep(sleeper) as desk:
        sleeper.module.answer("AT+CSOC", "ERROR")
        desk.send("udp", b"a", **named("a"))
        await asyncio.sleep(24 * HOUR)
        assert len(sleeper.presses) < 70
        taken = steps(desk.bench)
        assert taken[RecoveryStep.CONTEXT] >= 1
        assert taken[RecoveryStep.REATTACH] >= 3
        assert taken[RecoveryStep.REBOOT] >= 1
        assert sleeper.switched_off <= taken[RecoveryStep.POWER] <= 8
        assert sum(taken.get(step, 0) for step in RecoveryStep if step is not RecoveryStep.SOCKETS) < 20
        sleeper.module.answer("AT+CSOC", "+CSOC: 0", "OK")
        assert (await desk.final("udp", "a", within=HOUR))["state"] == "accepted"
