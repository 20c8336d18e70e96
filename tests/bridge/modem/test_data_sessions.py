"""When a data session is another one, against a scripted module on virtual time; and for what the bridge spares one."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sim7020_bridge.config.model import Billing, DataBudgetSettings
from sim7020_bridge.modem.bring_up import cycle_radio
from sim7020_bridge.modem.data_sessions import DataSessions
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.modem.usage import DataSession, DayUsage, Usage
from tests.bridge.modem.bench import (
    HOUR,
    REATTACH,
    REBOOT,
    Bench,
    give_context,
    now,
    register,
    running,
    virtual_clock,
)
from tests.bridge.scripted_module import on_virtual_time

ADDRESS = "10.250.0.213"
"""What the scripted module tells."""

NOTHING: tuple[list[DayUsage], DataSession | None] = ([], None)


def counted(bench: Bench, kept: tuple[list[DayUsage], DataSession | None] = NOTHING) -> Usage:
    """Count a modem's sessions, on from what was kept."""
    usage = Usage(DataBudgetSettings(), changed=lambda *_: None, clock=virtual_clock)
    usage.restore(*kept)
    DataSessions(bench.modem.store, usage, changed=lambda: None)
    return usage


async def back_online(bench: Bench) -> None:
    """Return once the modem was offline and is online again."""
    await bench.until(lambda state: state.link.layer is not Layer.ONLINE)
    await bench.online()
    await asyncio.sleep(10)


def unplugged(bench: Bench) -> None:
    """Have the port go away and come back, and the module with its context behind it."""
    bench.module.unplug()


def out_of_coverage(bench: Bench) -> None:
    """Have the module lose its network for a moment, and find it again with its context."""
    bench.module.say("+CEREG: 2")
    asyncio.get_running_loop().call_later(60, register, bench.module)


def released(bench: Bench) -> None:
    """Have the network take the context back, which is activated again."""
    bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
    bench.module.say("+CGEV: NW PDN DEACT 1")
    asyncio.get_running_loop().call_later(5, give_context, bench.module)


def restarts(bench: Bench) -> None:
    """Have the module restart by itself."""
    bench.module.say("RDY")


@pytest.mark.parametrize(("happens", "sessions"), [(unplugged, 1), (out_of_coverage, 1), (released, 2), (restarts, 2)])
@on_virtual_time
async def test_what_ends_a_session(happens: Callable[[Bench], None], sessions: int) -> None:
    """The network's word and a restart do; a cable that was pulled, or a cell that was lost for a moment, does not."""
    async with running() as bench:
        usage = counted(bench)
        await bench.online()
        await asyncio.sleep(100)
        assert usage.today.sessions == 1
        happens(bench)
        await back_online(bench)
        assert usage.today.sessions == sessions
        assert usage.session.begun


@on_virtual_time
async def test_an_address_that_changes() -> None:
    """Another address is another session, though nobody told that the context was off."""
    async with running() as bench:
        usage = counted(bench)
        await bench.until(lambda state: state.pdn.address == ADDRESS)
        bench.module.answer("AT+CGPADDR", '+CGPADDR: 1,"10.250.0.214"', "OK")
        bench.module.answer("AT+CGCONTRDP", '+CGCONTRDP: 1,5,"shnbiot","10.250.0.214.255.255.255.0"', "OK")
        await bench.until(lambda state: state.pdn.address == "10.250.0.214")
        assert usage.today.sessions == 2


@pytest.mark.parametrize("command", [REATTACH, REBOOT])
@on_virtual_time
async def test_what_the_bridge_ends(command: str) -> None:
    """Radio off and on, and a reboot that it asks for, begin another session, each one."""
    async with running() as bench:
        usage = counted(bench)
        await bench.online()
        await asyncio.sleep(100)
        if command == REATTACH:
            await cycle_radio(bench.modem.module)
        else:
            await bench.modem.reset()
            await bench.module.hears(REBOOT)
            await asyncio.sleep(2)
            bench.module.say("RDY")
        await asyncio.sleep(200)
        await bench.online()
        await asyncio.sleep(10)
        assert usage.today.sessions == 2


@pytest.mark.parametrize(("address", "sessions"), [(ADDRESS, 1), (None, 1), ("10.0.0.7", 2)])
@on_virtual_time
async def test_a_session_goes_on_over_a_restart_of_the_bridge(address: str | None, sessions: int) -> None:
    """A module that is found with its context and the address of before had them all the time, as far as is known."""
    async with running() as bench:
        today = virtual_clock().date()
        day = DayUsage(today, up=92, padding=932, sessions=1)
        usage = counted(bench, ([day], DataSession(today, 92, begun=True, address=address)))
        await bench.until(lambda state: state.pdn.address == ADDRESS)
        usage.count(up=92)
        assert usage.today.sessions == sessions
        assert usage.today.billed(Billing.SESSIONS) == sessions * 1024


@pytest.mark.parametrize(
    ("billing", "context", "denied", "after"),
    [
        (Billing.BYTES, True, False, 300),
        (Billing.PACKETS, True, False, 300),
        (Billing.SESSIONS, True, False, 900),
        (Billing.SESSIONS, False, False, 300),
        (Billing.SESSIONS, True, True, 300),
    ],
)
@on_virtual_time
async def test_a_session_that_costs_is_worth_waiting_for(
    billing: Billing,
    context: bool,  # noqa: FBT001 - a parameter
    denied: bool,  # noqa: FBT001 - a parameter
    after: int,
    tmp_path: Path,
) -> None:
    """A module that searches with its context up has 15 minutes where sessions are billed, and 5 anywhere else."""
    async with running(data_budget=DataBudgetSettings(billing=billing), state_dir=tmp_path) as bench:
        await bench.online()
        await asyncio.sleep(100)
        bench.module.answer("AT+CEREG?", "+CEREG: 5,3" if denied else "+CEREG: 5,2", "OK")
        bench.module.answer("AT+CGREG?", "+CGREG: 0,3" if denied else "+CGREG: 0,2", "OK")
        if not context:
            bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
            bench.module.say("+CGEV: NW PDN DEACT 1")
        bench.module.say("+CEREG: 3" if denied else "+CEREG: 2")
        lost = now()
        await bench.module.hears(REATTACH, within=HOUR)
        assert after <= now() - lost <= after + 20
