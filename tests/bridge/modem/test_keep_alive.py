"""A quiet TCP connection that is kept alive, and what that costs."""

import asyncio
from dataclasses import replace

import pytest

from sim7020_bridge.modem.data_cost import Bytes
from tests.bridge.modem.bench import TCP, UDP, Bench, running
from tests.bridge.scripted_module import SILENCE, ScriptedModule, on_virtual_time

KEPT = replace(TCP, keep_alive=600)


def costs(bench: Bench) -> list[Bytes]:
    """Collect what things cost from now on."""
    told: list[Bytes] = []
    bench.modem.store.on_cost = told.append
    return told


@on_virtual_time
async def test_connections_are_probed_where_that_is_configured() -> None:
    """The module is told before it connects, and never of a socket that nothing is configured for."""
    async with running(UDP, TCP, replace(KEPT, name="kept")) as bench:
        for name in ("udp", "tcp", "kept"):
            await bench.opened(name)
        number = bench.socket("kept").id
        told = f"AT+CSOALIVE={number},1,600,60,4"
        assert [line for line in bench.module.heard if "ALIVE" in line] == [told]
        connected = next(line for line in bench.module.heard if line.startswith(f"AT+CSOCON={number},"))
        assert bench.module.heard.index(told) < bench.module.heard.index(connected)


@pytest.mark.parametrize("lines", [("ERROR",), SILENCE], ids=str)
@on_virtual_time
async def test_firmware_that_keeps_nothing_alive(lines: tuple[str, ...]) -> None:
    """One that refuses is of use without."""
    module = ScriptedModule()
    module.answer("AT+CSOALIVE", *lines)
    async with running(KEPT, module=module) as bench:
        await bench.opened("tcp")
        assert module.times("AT+CSOC") == 1


@on_virtual_time
async def test_probes_count_as_data() -> None:
    """Each silence of the configured length costs a probe and its answer, whatever ends it, and is counted soon."""
    async with running(KEPT) as bench:
        bench.module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,2", "OK")
        await bench.opened("tcp")
        counted = costs(bench)
        await asyncio.sleep(6100)
        assert sum(each.up for each in counted) == sum(each.down for each in counted) == 10 * 40
        for _ in range(10):
            await asyncio.sleep(590)
            bench.module.say("+CSONMI: 0,2,31")
        await asyncio.sleep(1)
        acknowledgements = 10 * 40
        assert sum(each.up for each in counted) == 11 * 40 + acknowledgements


@on_virtual_time
async def test_probes_before_the_end_of_a_connection() -> None:
    """What was quiet until it broke was probed as well."""
    async with running(replace(TCP, keep_alive=30)) as bench:
        await bench.opened("tcp")
        counted = costs(bench)
        await asyncio.sleep(100)
        bench.module.say("+CSOERR: 0,2")
        await bench.module.hears("AT+CSOCL")
        assert sum(each.up for each in counted) == 3 * 40


@on_virtual_time
async def test_a_probe_between_two_pieces_of_data() -> None:
    """Silence that data ends between two looks at the connection has cost its probes all the same."""
    async with running(replace(TCP, keep_alive=30)) as bench:
        bench.module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,2", "OK")
        socket = await bench.opened("tcp")
        counted = costs(bench)
        await asyncio.sleep(100)
        await socket.send(b"x")
        assert sum(each.up for each in counted) == 3 * 40 + 41


@on_virtual_time
async def test_nothing_is_counted_where_nothing_is_kept_alive() -> None:
    """Silence costs nothing by itself."""
    async with running(TCP) as bench:
        bench.module.answer("AT+CSOSTATUS", "+CSOSTATUS: 0,2", "OK")
        await bench.opened("tcp")
        counted = costs(bench)
        await asyncio.sleep(6000)
        assert not sum(each.total for each in counted)
