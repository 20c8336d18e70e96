"""A PDN context that is on and of no use."""

import asyncio
from contextlib import suppress
from itertools import groupby, pairwise

import pytest

from sim7020_bridge.commands.packet import ContextAddress, ContextParameters, ContextState
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.acknowledgements import SocketLost
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.modem.pdn import IPV6_ONLY, NO_ADDRESS, Contexts, Pdn
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer, PdnWanted
from tests.bridge.modem.bench import (
    ACTIVATE,
    HOUR,
    TCP,
    UDP,
    Bench,
    becomes,
    current,
    dropping,
    now,
    register,
    running,
    steps,
)
from tests.bridge.scripted_module import ScriptedModule, on_virtual_time

ON = (ContextState(1, active=True),)
IPV4 = "10.0.0.7"
IPV6 = "fe80::1"
ZEROS = "0.0.0.0"  # noqa: S104 - what a network gave


def parameters(*addresses: str | None) -> tuple[ContextParameters, ...]:
    """Return one line for each address."""
    return tuple(ContextParameters(1, 5, "iot", address) for address in addresses)


@pytest.mark.parametrize(
    ("answers", "address", "lacks"),
    [
        pytest.param((parameters(IPV4),), IPV4, None, id="IPv4"),
        pytest.param((parameters(IPV6, IPV4),), IPV4, None, id="both, IPv6 first"),
        pytest.param((parameters(IPV4, IPV6),), IPV4, None, id="both, IPv4 first"),
        pytest.param(((ContextAddress(1, IPV4, IPV6),),), IPV4, None, id="both in one line"),
        pytest.param(((ContextAddress(1, IPV6, IPV4),),), IPV4, None, id="both the other way round"),
        pytest.param((parameters(IPV6),), None, IPV6_ONLY, id="IPv6 only"),
        pytest.param(((ContextAddress(1, IPV6),),), None, IPV6_ONLY, id="an IPv6 address only"),
        pytest.param((parameters(ZEROS),), None, NO_ADDRESS, id="zeros"),
        pytest.param(((ContextAddress(1, ZEROS, "::"),),), None, IPV6_ONLY, id="zeros of both"),
        pytest.param(((ContextAddress(1, None),),), None, NO_ADDRESS, id="none"),
        pytest.param((parameters("10.0.0.7.8"),), None, NO_ADDRESS, id="no address at all"),
        pytest.param((parameters(None),), None, None, id="not told"),
        pytest.param((parameters(IPV4), parameters(None)), IPV4, None, id="not told again"),
        pytest.param(((ContextAddress(1, None),), parameters(IPV4)), IPV4, None, id="later"),
        pytest.param((parameters(IPV4), (ContextAddress(1, None),)), None, NO_ADDRESS, id="no longer"),
        pytest.param(((ContextAddress(2, None),), parameters(IPV4)), IPV4, None, id="another context"),
    ],
)
def test_address_that_sockets_can_use(answers: tuple[Contexts, ...], address: str | None, lacks: str | None) -> None:
    """The module's sockets know IPv4 alone; what is not told is no lack."""
    pdn = Pdn().told(ON)
    for answer in answers:
        pdn = pdn.told(answer)
    assert (pdn.address, pdn.lacks, pdn.usable) == (address, lacks, lacks is None)
    off = pdn.told((ContextState(1, active=False),))
    assert (off.address, off.lacks, off.usable) == (None, None, False)


NO_USE = {
    "its own link": (
        '+CGCONTRDP: 1,5,"iot","169.254.7.7.255.255.0.0"',
        '+CGPADDR: 1,"169.254.7.7"',
        NO_ADDRESS,
    ),
    "zeros": ('+CGCONTRDP: 1,5,"iot","0.0.0.0.0.0.0.0"', '+CGPADDR: 1,"0.0.0.0"', NO_ADDRESS),
    "none": ('+CGCONTRDP: 1,5,"iot"', "+CGPADDR: 1", NO_ADDRESS),
    "IPv6": ('+CGCONTRDP: 1,5,"iot","fe80::1"', '+CGPADDR: 1,"fe80::1"', IPV6_ONLY),
}


@pytest.mark.parametrize("given", NO_USE)
@on_virtual_time
async def test_context_without_a_usable_address(given: str) -> None:
    """It is no data connection: the link says what it lacks, an alert too, and the module is made to attach anew."""
    told, address, words = NO_USE[given]
    module = ScriptedModule()
    module.answer("AT+CGCONTRDP", told, "OK")
    module.answer("AT+CGPADDR", address, "OK")
    async with running(UDP, module=module) as bench:
        await bench.until(lambda state: state.link.layer is Layer.PDN and state.link.reason == words)
        await module.hears("AT+CGACT=0,1")
        await module.hears("AT+CGACT=1,1")
        await asyncio.sleep(3600)
        # a step may be under way just then
        async with asyncio.timeout(60):
            await becomes(
                lambda: bench.modem.store.state.link.reason == words and current(bench) == {AlertId.APN_REJECTED}
            )
        assert steps(bench)[RecoveryStep.REATTACH] >= 1
        assert not module.times("AT+CSOC")
        module.answer("AT+CGCONTRDP", '+CGCONTRDP: 1,5,"iot","fe80::1"', '+CGCONTRDP: 1,5,"iot","10.0.0.7"', "OK")
        await bench.opened("udp")
        assert bench.modem.store.state.pdn.address == IPV4
        assert current(bench) == set()


@on_virtual_time
async def test_address_that_comes_late() -> None:
    """A network that takes some seconds for it is given them, and nothing is switched off."""
    module = ScriptedModule()
    module.answer("AT+CGCONTRDP", '+CGCONTRDP: 1,5,"iot"', "OK")
    module.answer("AT+CGPADDR", "+CGPADDR: 1", "OK")
    module.answer_once("AT+CEREG?", "+CEREG: 5,2", "OK")
    async with running(module=module) as bench:
        await module.hears("AT+CGPADDR")
        module.answer("AT+CGPADDR", '+CGPADDR: 1,"10.0.0.7"', "OK")
        await bench.online()
        assert now() < 15
        assert not module.times("AT+CGACT")


@pytest.mark.parametrize("parameters", [("ERROR",), ("OK",), ('+CGCONTRDP: 1,5,"iot","1?.250.0.213"', "OK")], ids=str)
@on_virtual_time
async def test_address_that_one_answer_does_not_tell(parameters: tuple[str, ...]) -> None:
    """One of two answers that is spoilt, or missing, is no reason to close anything."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        bench.module.answer("AT+CGCONTRDP", *parameters)
        await asyncio.sleep(1000)
        assert bench.phases("udp") == [Phase.OPENING, Phase.OPEN]
        assert bench.modem.store.state.pdn.address == "10.250.0.213"


@on_virtual_time
async def test_firmware_that_tells_no_address() -> None:
    """One that refuses both questions is of use all the same."""
    module = ScriptedModule()
    module.answer("AT+CGCONTRDP", "ERROR")
    module.answer("AT+CGPADDR", "ERROR")
    async with running(UDP, module=module) as bench:
        await bench.opened("udp")
        assert bench.modem.store.state.pdn.address is None


@on_virtual_time
async def test_address_that_is_lost() -> None:
    """An address that is gone at a later reading takes the sockets with it, and they come back with the next."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        bench.module.answer("AT+CGCONTRDP", '+CGCONTRDP: 1,5,"iot","0.0.0.0.0.0.0.0"', "OK")
        bench.module.answer("AT+CGPADDR", '+CGPADDR: 1,"0.0.0.0"', "OK")
        await bench.until(lambda state: state.link.layer is Layer.PDN)
        await asyncio.sleep(1)
        assert bench.phases("udp")[-1] is Phase.CLOSED
        bench.module.answer("AT+CGPADDR", '+CGPADDR: 1,"10.0.0.8"', "OK")
        await bench.opened("udp")
        assert bench.modem.store.state.pdn.address == "10.0.0.8"


@pytest.mark.parametrize("after", [1, 10, 30])
@on_virtual_time
async def test_context_that_is_lost_soon_each_time(after: float) -> None:
    """It is activated after waits that grow, with one alert, until it has lasted for a while."""
    ups: list[float] = []
    told: list[object] = []
    async with running(UDP) as bench:
        bench.modem.store.listen(lambda _, state: told.append(alerts(state).get(AlertId.APN_REJECTED)))
        drops = asyncio.create_task(dropping(bench, after, ups))
        await becomes(lambda: len(ups) == 2)
        assert ups[1] - ups[0] < after + 1
        await asyncio.sleep(24 * HOUR)
        assert 80 < len(ups) < 140
        assert all(later - earlier > 600 for earlier, later in pairwise(ups[12:]))
        assert current(bench) == {AlertId.APN_REJECTED}
        drops.cancel()
        await asyncio.sleep(0)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.online()
        await asyncio.sleep(200)
        assert current(bench) == set()
        assert [alert is not None for alert, _ in groupby(told)] == [False, True, False]
        assert steps(bench).get(RecoveryStep.REATTACH) is None
        # it begins anew
        for _ in range(2):
            began = now()
            bench.module.say("+CGEV: NW PDN DEACT 1")
            await bench.until(lambda state: not state.online)
            await bench.online()
            assert now() - began < 1
            await asyncio.sleep(200)


@pytest.mark.parametrize("how", ["RDY", "+CGEV: ME PDN ACT 1", "unplugged"])
@on_virtual_time
async def test_context_that_is_kept_off_stays_off(how: str) -> None:
    """A module may activate it by itself whenever it attaches: nothing goes over it, and it is switched off."""
    async with running(UDP) as bench:
        await bench.opened("udp")
        bench.modem.store.apply(PdnWanted(wanted=False))
        bench.module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        bench.module.say("+CGEV: ME PDN DEACT 1")
        await bench.until(lambda state: not state.online)
        opened, states = bench.module.times("AT+CSOC"), len(bench.states)
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        if how == "unplugged":
            bench.module.unplug()
        else:
            bench.module.say(how)
        await asyncio.sleep(HOUR)
        assert not any(state.online for state in bench.states[states:])
        assert bench.module.times("AT+CSOC") == opened
        assert bench.modem.store.state.link.reason == "the PDN context was switched off on request"
        assert ("AT+CGACT=0,1" in bench.module.heard) == (how != "+CGEV: ME PDN ACT 1")
        bench.modem.store.apply(PdnWanted(wanted=True))
        await bench.opened("udp")


async def using(bench: Bench, carries: str) -> None:
    """Let something go over the context each second."""
    socket = bench.socket("udp" if carries in {"sent", "received", "nothing"} else "tcp")
    while True:
        await asyncio.sleep(1)
        if socket.state.phase is Phase.OPEN and carries not in {"nothing", "received"}:
            with suppress(SocketLost):
                await socket.send(b"1")
                if carries == "acknowledged":
                    bench.module.say("SEND: 0,1")
        elif carries == "received":
            bench.module.say("+CSONMI: 0,2,31")


@pytest.mark.parametrize(
    ("after", "carries", "of_use"),
    [
        (70, "nothing", True),
        (15, "sent", True),
        (15, "received", True),
        (5, "sent", False),
        (15, "acknowledged", True),
        (15, "sent over TCP", False),
    ],
)
@on_virtual_time
async def test_context_that_was_of_use(after: float, carries: str, of_use: bool) -> None:  # noqa: FBT001 - parametrized
    """One that lasted a minute, or 10 s and something went over it, is activated again at once each time.

    What a stream was given has gone over it once the peer has acknowledged some of it.
    """
    ups: list[float] = []
    async with running(UDP if carries in {"sent", "received", "nothing"} else TCP) as bench:
        tasks = [asyncio.create_task(dropping(bench, after, ups)), asyncio.create_task(using(bench, carries))]
        await asyncio.sleep(HOUR)
        told = any(AlertId.APN_REJECTED in alerts(state) for state in bench.states)
        assert (told, len(ups) > HOUR / (after + 2)) == (not of_use, of_use)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not [task for task in tasks if not task.cancelled()]


@on_virtual_time
async def test_context_that_is_lost_with_the_registration() -> None:
    """At a cell's edge both are lost and come back again and again, which says nothing of the APN."""
    module = ScriptedModule()
    async with running(module=module) as bench:
        for _ in range(40):
            await bench.online()
            await asyncio.sleep(30)
            module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
            module.answer(ACTIVATE, "ERROR")
            module.say("+CGEV: ME PDN DEACT 1")
            await asyncio.sleep(0.3)
            module.answer("AT+CEREG?", "+CEREG: 5,2", "OK")
            module.say("+CEREG: 2")
            await asyncio.sleep(25)
            register(module)
            module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
            module.say("+CGEV: ME PDN ACT 1")
        assert max(state.pdn.drops for state in bench.states) == 1


@pytest.mark.parametrize("words", ["+CGEV: ME PDN ACT 1", "+CEREG: 0"])
@on_virtual_time
async def test_context_that_comes_back_while_it_is_left_alone(words: str) -> None:
    """A wait ends with what it was for: it is up again, or something else is wrong."""
    async with running() as bench:
        drops = asyncio.create_task(dropping(bench, 5, []))
        await becomes(lambda: bench.modem.store.state.pdn.drops == 8)
        drops.cancel()
        assert not bench.modem.store.state.online
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        asked = bench.module.times(ACTIVATE)
        bench.module.say(words)
        await bench.until(lambda state: state.online, within=20)
        assert bench.module.times(ACTIVATE) == asked


@on_virtual_time
async def test_context_that_lasts_until_the_module_sleeps() -> None:
    """A module that sleeps soon after it did all that it was asked for has not lost its context."""
    async with running(power_saving=PowerSavingSettings(active_time=10, periodic_update=3600)) as bench:
        drops = asyncio.create_task(dropping(bench, 5, []))
        await becomes(lambda: AlertId.APN_REJECTED in current(bench))
        drops.cancel()
        bench.module.answer("AT+CGACT?", "+CGACT: 1,1", "OK")
        await bench.online()
        bench.module.say('+CPSMSTATUS: "ENTER PSM"')
        await asyncio.sleep(1)
        assert current(bench) == set()
