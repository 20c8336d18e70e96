"""A PDN context that is on and of no use."""

import asyncio

import pytest

from sim7020_bridge.commands.packet import ContextAddress, ContextParameters, ContextState
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.pdn import IPV6_ONLY, NO_ADDRESS, Contexts, Pdn
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import Phase
from sim7020_bridge.modem.state import Layer
from tests.bridge.modem.bench import UDP, becomes, current, now, running, steps
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
