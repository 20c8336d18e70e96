"""What the network bills, against the sizes that the protocols have."""

import asyncio

import pytest

from sim7020_bridge.errors import BridgeError
from sim7020_bridge.modem.data_cost import Bytes, connected, kept_alive, pinged, received, resolved, sent, time_asked
from tests.bridge.modem.bench import UDP, running
from tests.bridge.scripted_module import SILENCE, on_virtual_time


def test_datagrams() -> None:
    """28 bytes of headers for each datagram (RFC 791, RFC 768)."""
    assert sent(100, stream=False) == Bytes(up=128, packets=1)
    assert received(1, stream=False) == Bytes(down=29, packets=1)


def test_segments() -> None:
    """40 bytes of headers for each segment and as much for its acknowledgement (RFC 9293)."""
    assert sent(512, stream=True) == Bytes(up=552, down=40, packets=2)
    assert received(8, stream=True) == Bytes(up=40, down=48, packets=2)
    assert kept_alive(3) == Bytes(up=120, down=120, packets=6)
    assert connected() == Bytes(up=164, down=124, packets=7)


def test_what_the_module_asks_for() -> None:
    """A query for example.net has 28 bytes of headers and 29 of its own (RFC 1035); a ping of 32 bytes has 60."""
    assert resolved("example.net", 1) == Bytes(up=57, down=73, packets=2)
    assert pinged(32, asked=4, answered=3) == Bytes(up=240, down=180, packets=7)
    assert time_asked() == Bytes(up=76, down=76, packets=2)


@on_virtual_time
async def test_a_datagram_that_is_refused() -> None:
    """What the module did not take has not left."""
    async with running(UDP) as bench:
        socket = await bench.opened("udp")
        counted: list[Bytes] = []
        bench.modem.store.on_cost = counted.append
        bench.module.answer_once("AT+CSOSEND", "ERROR")
        with pytest.raises(BridgeError):
            await socket.send(bytes(100))
        assert [sum(each) for each in zip(*((cost.up, cost.packets) for cost in counted), strict=True)] == [0, 0]


@pytest.mark.parametrize(("after", "cost"), [(0.0, 0), (2.0, 57)], ids=["at once", "after a while"])
@on_virtual_time
async def test_a_name_that_is_not_resolved(after: float, cost: int) -> None:
    """What the module refuses at once, such as a numeric address, it has asked nobody."""
    async with running() as bench:
        await bench.online()
        await asyncio.sleep(10)
        counted: list[Bytes] = []
        bench.modem.store.on_cost = counted.append
        bench.module.answer_once("AT+CDNSGIP", *SILENCE)
        asking = asyncio.create_task(bench.modem.module.resolve("example.net"))
        await bench.module.hears("AT+CDNSGIP")
        await asyncio.sleep(after)
        bench.module.say("ERROR")
        with pytest.raises(BridgeError):
            await asking
        assert sum(each.up for each in counted) == cost
