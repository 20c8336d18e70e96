"""What an endpoint remembers of its exchanges, and whom it believes of one."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from sim7020_bridge.coap.endpoint import REMEMBERED, Endpoint
from sim7020_bridge.coap.ends import NotNow
from sim7020_bridge.errors import CommandRefused, ModuleSilent
from sim7020_bridge.modem.socket import ModemSocket
from tests.bridge.coap_server import CHANGED, COAP, saying
from tests.bridge.scripted_module import on_virtual_time
from tests.coap_datagram import Seen, taken_apart

Given = Callable[[Seen], None]


def endpoint_with(send: Given) -> Endpoint:
    """Return an endpoint of a module that does so with each datagram."""

    async def take(datagram: bytes, **_more: bool) -> None:
        await asyncio.sleep(0)
        send(taken_apart(datagram))

    store = SimpleNamespace(state=SimpleNamespace(cell=None))
    return Endpoint(
        cast(ModemSocket, SimpleNamespace(settings=COAP, store=store, send=take)),
        folder=Path("/nonexistent"),
        free=lambda: None,
    )


async def test_what_ended_without_an_answer_is_bounded() -> None:
    """A module that refuses whatever it is given makes the bridge remember no more than a few."""

    def refuse(_seen: Seen) -> None:
        raise CommandRefused("AT+CSOSEND", "ERROR")

    endpoint = endpoint_with(refuse)
    for number in range(REMEMBERED + 5):
        with pytest.raises(CommandRefused):
            await endpoint.send(b"x", message=f"m{number}", more=False)
    assert list(endpoint._unanswered) == [f"m{number}" for number in range(5, REMEMBERED + 5)]


async def test_the_server_knows_better_than_the_module() -> None:
    """A message that the server says it has has arrived, also if the module never said that it took it."""

    def answered(seen: Seen) -> None:
        endpoint.received(CHANGED(seen)[0][1])
        raise ModuleSilent("AT+CSOSEND", 10)

    endpoint = endpoint_with(answered)
    done = await endpoint.send(b"x", message="m1", more=False)
    assert done.result() is None


@on_virtual_time
async def test_an_answer_counts_once() -> None:
    """A server that answers while the module fails at a repeat is asked anew, and not taken at its word of before."""
    got: list[Seen] = []

    def busy_at_the_repeat(seen: Seen) -> None:
        got.append(seen)
        if len(got) == 2:
            endpoint.received(saying((5, 3))(seen)[0][1])
            raise ModuleSilent("AT+CSOSEND", 10)

    endpoint = endpoint_with(busy_at_the_repeat)
    running = asyncio.create_task(endpoint.run())
    with pytest.raises(NotNow, match=r"5\.03"):
        await (await endpoint.send(b"x", message="m1", more=False))
    await asyncio.sleep(1)
    done = await endpoint.send(b"x", message="m1", more=False)
    assert (len(got), done.done()) == (3, False)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
