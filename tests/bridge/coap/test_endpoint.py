"""What an endpoint remembers of its exchanges."""

from types import SimpleNamespace
from typing import cast

import pytest

from sim7020_bridge.coap.endpoint import REMEMBERED, Endpoint
from sim7020_bridge.errors import CommandRefused
from sim7020_bridge.modem.socket import ModemSocket
from tests.bridge.coap_server import COAP


async def test_what_ended_without_an_answer_is_bounded() -> None:
    """A module that refuses whatever it is given makes the bridge remember no more than a few."""

    async def refuse(_datagram: bytes, **_more: bool) -> None:
        raise CommandRefused("AT+CSOSEND", "ERROR")

    store = SimpleNamespace(state=SimpleNamespace(cell=None))
    endpoint = Endpoint(cast(ModemSocket, SimpleNamespace(settings=COAP, store=store, send=refuse)), free=lambda: None)
    for number in range(REMEMBERED + 5):
        with pytest.raises(CommandRefused):
            await endpoint.send(b"x", message=f"m{number}", more=False)
    assert list(endpoint._unanswered) == [f"m{number}" for number in range(5, REMEMBERED + 5)]
