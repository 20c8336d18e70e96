"""The ids of the module's sockets: those left behind, those it does not tell, and those it gives twice."""

import asyncio
from unittest.mock import patch

import pytest

from sim7020_bridge.modem.socket import Phase
from tests.bridge.modem.bench import NAMED, TCP, UDP, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time


@on_virtual_time
async def test_silent_creation_is_swept() -> None:
    """A socket that the module may have made without saying so is found and closed: there are only five."""
    async with running(UDP, TCP) as bench:
        await bench.opened("udp")
        await bench.opened("tcp")
        bench.module.answer_once("AT+CSOC", *SILENCE)
        bench.module.sockets.add(3)
        bench.module.say("+CSOERR: 1,2")
        await bench.module.hears("AT+CSOC", times=3)
        bench.module.sockets.add(2)
        await bench.opened("tcp")
        assert bench.module.sockets == {0, 1}


@on_virtual_time
async def test_sockets_left_behind_are_swept() -> None:
    """Sockets that an earlier run left in the module are closed before any is opened; refusals don't matter."""
    async with running(UDP) as bench:
        bench.module.sockets |= {0, 1, 4}
        bench.module.answer_once("AT+CSOCL=1", "ERROR")
        await bench.opened("udp")
        closed = [line for line in bench.module.heard if "CSOCL" in line]
        assert closed == ["AT+CSOCL=0", "AT+CSOCL=1", "AT+CSOCL=4"]


@pytest.mark.parametrize("lines", [("ERROR",), ("+CSOC: ?", "OK"), SILENCE], ids=str)
@on_virtual_time
async def test_sockets_that_cannot_be_listed(lines: tuple[str, ...]) -> None:
    """A firmware that does not list its sockets works without."""
    async with running(UDP) as bench:
        bench.module.answer("AT+CSOC?", *lines)
        await bench.opened("udp")
        assert bench.module.opened == 1


@pytest.mark.parametrize("told", [(0, 0, 2), (0, 1, 0), (2, 1, 2), (0, 2, 2), (4, 1, 4)], ids=str)
@on_virtual_time
async def test_id_that_another_socket_has(told: tuple[int, ...]) -> None:
    """An id in which a digit was changed never leaves two sockets with one id, nor the module with one too many."""
    others = (UDP, TCP, NAMED)
    module = ScriptedModule()
    module.answer("AT+CDNSGIP", '+CDNSGIP: 1,"example.org","203.0.113.2"', "OK")
    given = iter(told)
    reply = module._reply

    def misheard(line: str) -> tuple[str, ...]:
        said = reply(line)
        if line.startswith("AT+CSOC=") and (digit := next(given, None)) is not None:
            return (f"+CSOC: {digit}", "OK")
        return said

    with patch.object(module, "_reply", misheard):
        async with running(*others, module=module) as bench:
            await asyncio.sleep(60)
            ids = {bench.socket(each.name).id for each in others}
            assert len(ids) == len(others)
            assert ids == module.sockets
            assert {bench.socket(each.name).state.phase for each in others} == {Phase.OPEN}


@pytest.mark.parametrize("lines", [("+CSOC: 7", "OK"), ("OK",), ("ERROR",)], ids=str)
@on_virtual_time
async def test_no_usable_socket(lines: tuple[str, ...]) -> None:
    """An id that no socket has, or none at all, is a failure of that socket and of nothing else."""
    async with running(UDP) as bench:
        bench.module.answer_once("AT+CSOC", *lines)
        socket = await bench.opened("udp")
        assert socket.state.failure is not None
        assert bench.module.opened == 1
