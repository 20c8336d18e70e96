"""From a port to a module that answers: tries baud rates, and tells a wrong one from silence and other devices."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from sim7020_bridge.at.channel import Channel, Pacing
from sim7020_bridge.at.command import Urc
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.errors import LineError, ModuleSilent
from sim7020_bridge.port.port import has_own_rate, open_port

log: Final = logging.getLogger(__name__)

USUAL_RATES: Final = (115200, 9600, 57600, 38400, 19200, 230400, 460800, 921600, 4800)
"""Rates to try, the likely ones first."""

BETWEEN_RATES: Final = 0.3
"""Seconds for which the line is left alone before another rate is tried."""

_AT_EVERY: Final = 0.5
_FIRST_PATIENCE: Final = 4.0
"""Seconds for a module that has just been switched on, or sleeps lightly."""
_PATIENCE: Final = 1.2
"""Seconds for an answer at each further rate."""


def rates(port: str, wanted: int | None) -> tuple[int, ...]:
    """Return the rates to try at a port, in order; behind a socket there is nothing to choose."""
    first = wanted or USUAL_RATES[0]
    if has_own_rate(port):
        return (first,)
    return (first, *(rate for rate in USUAL_RATES if rate != first))


@asynccontextmanager
async def listening(port: str, rate: int, on_urc: Callable[[Urc], None]) -> AsyncIterator[Channel]:
    """Open a port at a rate and run a channel on it.

    Raises:
        PortUnavailable: It can't be opened.
    """
    opened = await open_port(port, rate)
    channel = Channel(opened, urcs=URCS, on_urc=on_urc, mask=mask, pacing=Pacing())
    running = asyncio.create_task(channel.run(), name="probe: own the line")
    try:
        yield channel
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, LineError):
            await running
        await opened.aclose()


async def answers(channel: Channel, *, first: bool) -> bool:
    """Whether a module answers AT.

    Raises:
        LineError: The port went away.
    """
    try:
        await channel.probe(every=_AT_EVERY, within=_FIRST_PATIENCE if first else _PATIENCE)
    except ModuleSilent:
        return False
    return True
