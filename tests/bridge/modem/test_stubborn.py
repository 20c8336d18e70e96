"""Every command of bring-up that is refused for good, never answered, or silences the module until it is reopened.

Whatever it is, the modem comes online without it, or the ladder is climbed with its waits and one alert says what is
wrong; what the module writes to its flash is not written again and again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from sim7020_bridge.config.model import DEFAULT_ATTACH_CEILING
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import HOUR, REATTACH, REBOOT, TCP, UDP, Bench, by_topic, current, now, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

SET_UP = (
    "ATE0", "ATV1", "AT+CMEE=1", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+IPR?", "AT+CPSMS?", "AT+CEDRXS?",
    "AT+CSCLK?", "AT+CEREG=5", "AT+CEREG", "AT+CGEREP", "AT+CPSMSTATUS", "AT+CSORCVFLAG?", "AT+CSORXGET",
    "AT+CSOSENDFLAG?", "AT+CTZU?", "AT+CLTS?", "AT*MCGDEFCONT?",
)  # fmt: skip
"""What the modem is online without."""
WRITTEN = ("AT+IPR", "AT+CPSMS", "AT+CSCLK", "AT+CSORCVFLAG", "AT+CSOSENDFLAG", "AT+CTZU", "AT+CLTS")
"""What the module writes to its flash at once, or at its next start."""
STORED = ("AT*MCGDEFCONT=", *(f"{name}=" for name in WRITTEN))


class Stubborn(ScriptedModule):
    """A module with another APN than the configured one, and one command that it does not carry out."""

    def __init__(self, command: str, how: str) -> None:
        super().__init__()
        self.command = command
        self.how = how
        self.on = True
        self.apn = "other"
        self.attaches: list[float] = []
        self.hangs = False

    def plug(self) -> "ScriptedModule":
        """Give the port to whoever opens it."""
        self.hangs = False
        return super().plug()

    def _reply(self, line: str) -> tuple[str, ...]:
        if self.hangs:
            return SILENCE
        name, equals, _ = line.partition("=")
        if self.command in {line, name, name + equals}:
            self.hangs = self.how == "hangs"
            return ("ERROR",) if self.how == "refuses" else SILENCE
        match line:
            case "AT+CFUN=0":
                self.on = False
            case "AT+CFUN=1" | "AT+CFUN=1,1":
                self.on = True
                self.attaches.append(now())
                if line == REBOOT:
                    asyncio.get_running_loop().call_later(2, self.say, "RDY")
            case "AT+CFUN?":
                return (f"+CFUN: {self.on:d}", "OK")
            case "AT*MCGDEFCONT?":
                return (f'*MCGDEFCONT: "IP","{self.apn}"', "OK")
            case _ if line.startswith("AT*MCGDEFCONT="):
                self.apn = "iot.example"
            case _:
                return super()._reply(line)
        return ("OK",)


def _radio_is_off(module: Stubborn) -> None:
    module.on = False


def _searches(module: Stubborn) -> None:
    module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")


def _withholds(module: Stubborn) -> None:
    module.answer("AT+CEREG?", "+CEREG: 5,100", "OK")


def _context_is_off(module: Stubborn) -> None:
    module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    module.answer("AT+CGCONTRDP", "OK")


def _wants_its_pin(module: Stubborn) -> None:
    module.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
    module.answer("AT+CPINR", '+CPINR: "SIM PIN",3,3', "OK")


def _has_other_values(module: Stubborn) -> None:
    for name in WRITTEN:
        module.answer(f"{name}?", f"{name[2:]}: 9", "OK")


def _nothing(_: Stubborn) -> None:
    pass


@pytest.mark.parametrize("how", ["refuses", "silent", "hangs"])
@pytest.mark.parametrize(
    ("command", "where", "alert"),
    [
        *((command, _nothing, None) for command in SET_UP),
        *((f"{name}=", _has_other_values, None) for name in WRITTEN),
        ("AT*MCGDEFCONT=", _nothing, AlertId.APN_REJECTED),
        (REATTACH, _nothing, AlertId.APN_REJECTED),
        ("AT+CFUN=1", _nothing, None),
        ("AT+CFUN=1", _radio_is_off, None),
        ("AT+CFUN?", _nothing, None),
        ("AT+CPIN?", _nothing, AlertId.SIM_FAILED),
        ("AT+CPIN=", _wants_its_pin, AlertId.SIM_PIN),
        ("AT+CSQ", _nothing, None),
        ("AT+CEREG?", _nothing, None),
        ("AT+CGACT?", _nothing, AlertId.APN_REJECTED),
        ("AT+CGATT=1", _withholds, AlertId.NOT_REGISTERING),
        ("AT+CGACT=1,1", _context_is_off, AlertId.APN_REJECTED),
        ("AT*MCGDEFCONT=", _searches, AlertId.APN_REJECTED),
        (REATTACH, _searches, AlertId.APN_REJECTED),
        ("AT+CFUN=1", _searches, AlertId.RADIO_REFUSED),
    ],
)
@on_virtual_time
async def test_command(command: str, where: Callable[[Stubborn], None], alert: AlertId | None, how: str) -> None:
    """Few attach attempts, few changes of the link, each APN written once, and the modem online or the one alert."""
    module = Stubborn(command, how)
    where(module)
    async with running(UDP, TCP, module=module, apn="iot.example", pin="1234") as bench:
        await asyncio.sleep(2 * HOUR)
        assert len(module.attaches) <= 16
        assert _links(bench) <= 120
        assert module.opened <= 24
        written = Counter(line for line in module.heard if line.startswith(STORED))
        assert all(times <= 24 for times in written.values())
        assert written['AT*MCGDEFCONT="IP","iot.example"'] <= 1
        if how == "hangs":  # nothing is told for as long as the module is asked once more
            await bench.until(lambda _: bool(current(bench)))
        state = bench.modem.store.state
        wrong = current(bench)
        if how == "hangs" and alert is not AlertId.APN_REJECTED:
            assert wrong == {AlertId.MODULE_SILENT}
            assert "it says OK" in alerts(state)[AlertId.MODULE_SILENT].message
        elif how == "hangs":
            assert wrong in ({alert}, {AlertId.MODULE_SILENT})
        else:
            assert wrong == ({alert} if alert else set())
            assert alert is not None or state.link.layer is Layer.ONLINE


def _links(bench: Bench) -> int:
    links = [(state.link.layer, state.link.reason, state.held) for state in bench.states]
    return sum(before != after for before, after in pairwise(links))


@on_virtual_time
async def test_apn_that_was_not_taken_is_tried_again_hours_later() -> None:
    """A module that starts anew is given the APN that it did not take, not at each start; then the alert ends."""
    module = Stubborn(REATTACH, "silent")
    async with running(module=module, apn="iot.example") as bench:
        await bench.online()
        assert "no answer to AT+CFUN=0" in alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message
        assert not module.attaches
        module.command = ""
        for hours, apn in ((1, "other"), (4, "iot.example")):
            await asyncio.sleep(hours * HOUR)
            sessions = module.times("ATE0")
            module.say("RDY")
            await module.hears("ATE0", times=sessions + 1)
            await bench.online()
            assert module.apn == apn
            assert (AlertId.APN_REJECTED in current(bench)) == (apn == "other")


@on_virtual_time
async def test_apn_that_is_forgotten_at_each_start_is_set_within_the_ceiling() -> None:
    """A module that restarts without its APN is not made to attach more often than the ceiling allows."""
    module = Stubborn("", "refuses")
    async with running(module=module, apn="iot.example") as bench:
        for session in range(1, 62):
            await module.hears("ATE0", times=session)
            await bench.online()
            await asyncio.sleep(1200)
            module.apn = "other"
            module.say("RDY")
        assert len(module.attaches) == 48
        assert "48 attach attempts" in alerts(bench.modem.store.state)[AlertId.APN_REJECTED].message


@on_virtual_time
async def test_radio_that_goes_off_by_itself_is_switched_on_within_the_ceiling() -> None:
    """Each time that it is switched on asks the network, and counts."""
    module = Stubborn("", "refuses")
    async with running(module=module) as bench:
        for _ in range(80):
            await bench.until(lambda state: state.online or state.held is not None)
            if bench.modem.store.state.held is not None:
                break
            module.on = False
            module.say("+CFUN: 0")
            await asyncio.sleep(400)
        await asyncio.sleep(6 * HOUR)
        assert len(module.attaches) == 48
        assert current(bench) == {AlertId.ATTACH_CEILING}


@on_virtual_time
async def test_radio_that_goes_off_by_itself_for_two_hours_does_not_cost_the_day() -> None:
    """Once half of the day's attempts are used up, it is switched on each half an hour."""
    module = Stubborn("", "refuses")
    async with running(module=module) as bench:
        while now() < 2 * HOUR:
            await bench.until(lambda state: state.online)
            await asyncio.sleep(20)
            module.on = False
            module.say("+CFUN: 0")
            await bench.until(lambda state: not state.online)
        await bench.until(lambda state: state.online, within=HOUR)
        assert len(module.attaches) < DEFAULT_ATTACH_CEILING * 0.7
        assert current(bench) == set()


@on_virtual_time
async def test_reattach_that_could_not_begin_is_no_attach_attempt() -> None:
    """Only a radio that was really switched counts against the ceiling."""
    module = Stubborn(REATTACH, "silent")
    _searches(module)
    async with running(module=module) as bench:
        await module.hears(REATTACH, times=3)
        await module.hears(REBOOT)
        await asyncio.sleep(1)
        assert [bench.modem._recovery.attempts(now=now())] == [tuple(module.attaches)]


@on_virtual_time
async def test_power_hook_for_a_module_that_is_of_no_use_each_time() -> None:
    """One that answers AT and hangs at the same command for ever is switched off and on, though each time lasts."""
    module, presses = Stubborn("AT+CGACT=", "hangs"), list[str]()
    _context_is_off(module)
    async with running(module=module, power=by_topic(presses.append)):
        await asyncio.sleep(HOUR)
        assert "ON" in presses
