"""One message on its way to a CoAP server, and what is known of it."""

import asyncio
from dataclasses import dataclass, field

from sim7020_bridge.coap.messages import Datagram
from sim7020_bridge.coap.requests import Request


@dataclass(eq=False, slots=True)
class Exchange:
    """One message on its way: the same datagram each time, so that the server knows it again.

    ``due`` is when something must be done by the loop's clock, None while the module is being given it; ``first`` is
    when it had taken it the first time. ``proved`` is whether the server was shown that it is fresh,
    ``opening`` the opening of the socket that a sealed one goes over, ``unsealed`` what came that is not believed.
    """

    message: str
    payload: bytes
    mark: str | None
    request: Request
    timeout: float
    began: float
    first: float | None = None
    due: float | None = None
    sent: int = 0
    acknowledged: bool = False
    answer: Datagram | None = None
    proved: bool = False
    opening: object = None
    unsealed: str = ""
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
