"""The life of a module in the field: nothing is forgotten, and the sums add up."""

import asyncio

import pytest

from tests.emulator.field.stage import Outdoors


async def live(place: Outdoors, hours: float, every: float = 300.0) -> None:
    """Send a datagram every few minutes, each third with release assistance; a module in PSM is woken for it."""
    bench = place.bench
    await bench.ask("AT+CSOSENDFLAG=0")
    await bench.ask('AT+CPSMS=1,,,"00100001","00000101"')
    began, sent = place.now(), 0
    async with place.echo() as peer:
        while place.now() - began < hours * 3600:
            await asyncio.sleep(every)
            if place.module.power == "asleep":
                place.module.press_pwrkey()
                await bench.until(b"EXIT PSM")
                bench.heard.clear()
                await bench.ask("AT+CSOC=1,2,1")
                await bench.ask(f"AT+CSOCON=0,{peer.port},127.0.0.1")
            if sent % 3 == 0:
                await bench.ask("AT+CNBIOTRAI=1")
            await bench.ask("AT+CSOSEND=0,40," + "55" * 20)
            sent += 1
        await asyncio.sleep(250)
    figures = place.module.field.figures()
    assert float(figures["up"]) == sent
    assert float(figures["up_bytes"]) == 48 * sent
    assert len(peer.datagrams) == sent - int(figures["up_lost"])
    seconds = sum(float(figure) for name, figure in figures.items() if name.endswith("_s"))
    assert seconds == pytest.approx(place.now(), abs=0.1)
    assert int(figures["connections"]) <= sent + int(figures["updates"]) + int(figures["down"])
    assert int(figures["rai"]) == (sent + 2) // 3
    assert float(figures["psm_s"]) > 0.3 * hours * 3600
