"""Checks of how the module attaches, restarts and sleeps."""

import asyncio
import re
from contextlib import suppress
from typing import Final

from sim7020_bridge.commands.packet import ActivateContext, DeactivateContext
from sim7020_bridge.commands.power import ReportSleep, SetPowerSaving
from sim7020_bridge.commands.radio import Functionality, SetFunctionality
from sim7020_bridge.commands.registration import ReportRegistration
from sim7020_bridge.commands.timers import t3324_seconds, t3412_seconds
from sim7020_bridge.errors import CommandRefused, ModuleSilent
from sim7020_bridge.kit.accept.bench import Amiss, Bench
from sim7020_bridge.kit.probe.finding import Finding, Report, Status, Wanted
from sim7020_bridge.kit.probe.network import Network, error_numbers
from sim7020_bridge.modem.bring_up import PDN, cycle_radio, reach
from sim7020_bridge.modem.pdn import DEFAULT_CID

_GREETING: Final = 20.0
_BOOT: Final = 60.0
_TAU: Final = "10100010"
"""Two minutes."""
_ACTIVE: Final = "00000101"
"""Ten seconds."""
_LONGEST_SLEEP: Final = 600
"""Seconds of a periodic TAU that is waited for."""
_GRANT: Final = 30.0
_FALLING_ASLEEP: Final = 180.0
_WAKING: Final = 60.0
"""Seconds that waking may come late."""


async def attached(bench: Bench) -> str:
    """Climb as the probe does, up to an address; changes nothing but CMEE and CEREG for a moment."""
    found: list[Finding] = []
    module = bench.module
    report = Report(module.store, found.append, lambda *_: None)
    began = asyncio.get_running_loop().time()
    wanted = Wanted(module.settings.port, pin=bench.pin, patience=module.timing.registration_patience)
    async with error_numbers(module):
        bench.online = await Network(module, wanted, report).check()
    told = [finding for finding in found if finding.status is not Status.SKIPPED]
    words = "; ".join(f"{finding.check}: {finding.summary}" for finding in told)
    if not bench.online:
        bench.pin = None
        raise Amiss(f"{words}. {told[-1].advice or ''}".rstrip())
    return f"{words}; after {asyncio.get_running_loop().time() - began:.0f} s"


async def answers_again(bench: Bench) -> None:
    """Wait until a module that has restarted or woken answers."""
    try:
        await bench.module.channel.probe(every=0.5, within=_BOOT)
    except ModuleSilent:
        raise Amiss(f"it does not answer within {_BOOT:g} s") from None


async def cycled(bench: Bench) -> str:
    """What +CSQ says of no cell, and how long it takes to be back."""
    bench.online = False
    try:
        await cycle_radio(bench.module)
    except BaseException:
        await bench.put_back("the radio", SetFunctionality(Functionality.FULL).line())
        raise
    signal = (await bench.ask("AT+CSQ")).has(r"\+CSQ: ?(99|0),")
    bench.answer("csq_unknown", signal and signal[1])
    return await attached(bench)


async def released(bench: Bench) -> str:
    """What +CGACT=0 ends with; the context is switched on again."""
    bench.online = False
    try:
        said = await bench.ask(DeactivateContext(DEFAULT_CID).line(), DeactivateContext.timeout)
        bench.answer("cgact_off", {"OK": "ok", "NO CARRIER": "no_carrier"}.get(said.final))
    finally:
        with suppress(CommandRefused):
            await bench.module.execute(ActivateContext(DEFAULT_CID))
    await context_again(bench)
    return f"{said.final}, and on again"


async def context_again(bench: Bench) -> None:
    """Wait for a PDN context that should be on again."""
    bench.online = await reach(bench.module, PDN)
    if not bench.online:
        bench.left.append("the PDN context")
        raise Amiss("the PDN context does not come back")


async def restarted(bench: Bench) -> str:
    """What it says first, and how long it takes."""
    async with bench.kept("+CEREG"):
        return await _restart(bench)


async def _restart(bench: Bench) -> str:
    loop = asyncio.get_running_loop()
    await bench.module.execute(ReportRegistration(1))  # which a restart forgets
    began = loop.time()
    said = await bench.ask(SetFunctionality(Functionality.FULL, reset=True).line(), 15.0)
    if said.refused:
        raise Amiss(f"it does not restart: {said.final}")
    was_online, bench.online = bench.online, False
    greeting = await bench.ear.hears(r"\*MATREADY|RDY", _GREETING)
    await answers_again(bench)
    back = loop.time() - began
    if await bench.number("+CEREG") == 1:
        raise Amiss("it says that it restarts, and does not")
    bench.answer("boot", "autobaud" if greeting is None else {"RDY": "rdy"}.get(greeting[0], "matready"))
    words = f"{greeting[0] if greeting else 'no greeting'}, back after {back:.0f} s"
    return f"{words}; {await attached(bench)}" if was_online else words


async def slept(bench: Bench) -> str:
    """Whether it sleeps and wakes by itself, and what it forgets meanwhile."""
    asked = (await bench.ask("AT+CPSMS?")).has(r"\+CPSMS: ?(1,[^\r]*|\d)")
    async with bench.kept("+CPSMSTATUS", "+CEREG", "+CSORCVFLAG"):
        try:
            await bench.ask("AT+CPSMS=0")  # only a change to 1 asks the network
            await bench.ask("AT+CSORCVFLAG=1")
            await bench.module.execute(ReportSleep())
            await bench.module.execute(ReportRegistration(5))
            await bench.module.execute(SetPowerSaving(enabled=True, periodic_tau=_TAU, active_time=_ACTIVE))
            return await _sleep(bench)
        finally:
            await bench.put_back("PSM", f"AT+CPSMS={asked[1]}" if asked else None)


async def _sleep(bench: Bench) -> str:
    granted = await bench.ear.until(_granted, _GRANT)
    granted = granted or _granted((await bench.ask("AT+CEREG?")).text)
    if granted is None:
        raise Amiss("the network grants no PSM", Status.SKIPPED)
    active, tau = granted
    if tau is None or tau > _LONGEST_SLEEP:
        raise Amiss(f"granted, but for {'ever' if tau is None else f'{tau} s'}: not waited for", Status.SKIPPED)
    if await bench.ear.hears("ENTER PSM", active + _FALLING_ASLEEP) is None:
        raise Amiss(f"granted (active {active} s, TAU {tau} s), but not entered", Status.WARNING)
    if await bench.ear.hears(r"EXIT PSM|\+CPIN: ?READY", tau + _WAKING) is None:
        raise Amiss(f"asleep, and not awake {tau + _WAKING:g} s later")
    await answers_again(bench)
    kept = await bench.number("+CSORCVFLAG")
    bench.answer("csorcvflag_after_psm", None if kept is None else "kept" if kept else "reset")
    return f"active {active} s, TAU {tau} s: slept, and woke on its own"


def _granted(text: str) -> tuple[int, int | None] | None:
    """Return active time and periodic TAU as granted, in seconds; reports from before the request have none."""
    for active, tau in _TIMERS.findall(text):
        if (seconds := t3324_seconds(active)) is not None:
            return seconds, t3412_seconds(tau)
    return None


_TIMERS: Final = re.compile(r'\+CEREG:[^\r]*"([01]{8})","([01]{8})"\r')
