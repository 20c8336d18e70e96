"""Messages that share a datagram to a CoAP server: they end together, and go again as they went."""

from dataclasses import replace

from sim7020_bridge.coap.endpoint import REPEATS
from sim7020_bridge.config.model import BatchFormat
from tests.bridge.coap_server import CHANGED, COAP, saying, serving, silent
from tests.bridge.desk import named, staffed
from tests.bridge.scripted_module import on_virtual_time
from tests.coap_datagram import ACK, Seen, put_together


@on_virtual_time
async def test_batch() -> None:
    """Messages that share a datagram are acknowledged together, and go together again."""
    socket = replace(COAP, batch=BatchFormat.NEWLINE, batch_wait=5.0)
    async with staffed(socket) as desk, serving(desk, silent, saying((5, 0))) as server:
        for number in range(3):
            desk.send("coap", b"%d" % number, **named(f"m{number}"))
        for number in range(3):
            assert (await desk.final("coap", f"m{number}"))["state"] == "acknowledged"
        assert [seen.payload for seen in server.got] == 3 * [b"0\n1\n2\n"]


@on_virtual_time
async def test_what_a_server_may_have_goes_again_as_it_was() -> None:
    """Nothing joins a batch that was not answered, so that the server knows it again; a late answer ends just that."""
    socket = replace(COAP, batch=BatchFormat.NEWLINE, batch_wait=5.0)
    async with staffed(socket) as desk, serving(desk, then=silent) as server:
        # at a good place, so that the server still knows what is sent again
        await desk.bench.until(lambda state: state.cell is not None)
        for name in ("m0", "m1"):
            desk.send("coap", name.encode(), **named(name))
        await desk.module.hears("AT+CSOSEND")
        desk.send("coap", b"m2", **named("m2"))
        await desk.module.hears("AT+CSOSEND", times=REPEATS + 2)
        server.then = CHANGED
        server.say(put_together(Seen(ACK, (2, 4), server.got[0].id, server.got[0].token)))
        for name in ("m0", "m1", "m2"):
            assert (await desk.final("coap", name))["state"] == "acknowledged"
        assert {seen.payload for seen in server.got[:-1]} == {b"m0\nm1\n"}
        assert len(set(server.raw[:-1])) == 1
        assert server.got[-1].payload == b"m2\n"


@on_virtual_time
async def test_a_batch_without_one_of_it_is_another_message() -> None:
    """What is sent again without a message that was cancelled is not taken for what the server had."""
    socket = replace(COAP, batch=BatchFormat.NEWLINE, batch_wait=5.0)
    async with staffed(socket) as desk, serving(desk, then=silent) as server:
        # at a good place, so that the server still knows what is sent again
        await desk.bench.until(lambda state: state.cell is not None)
        for name in ("m0", "m1", "m2"):
            desk.send("coap", name.encode(), **named(name))
        await desk.module.hears("AT+CSOSEND", times=REPEATS + 1)
        await desk.outbox.queue.until_any()
        await desk.outbox.cancel([2])
        server.then = CHANGED
        assert (await desk.final("coap", "m2"))["state"] == "acknowledged"
        assert server.got[-1].payload == b"m0\nm2\n"
        assert server.got[-1].id != server.got[0].id
