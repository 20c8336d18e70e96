"""What a probe has to set in passing, and sets back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands.identity import ReportErrorsByNumber
from sim7020_bridge.commands.raw import RawCommand
from sim7020_bridge.commands.registration import ReportRegistration
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.modem.module import Module
from sim7020_bridge.modem.readings import read_registration


@asynccontextmanager
async def error_numbers(module: Module) -> AsyncIterator[None]:
    """Have the module say why it refuses something, as long as this lasts."""
    before = await _first_number(module, "AT+CMEE?")
    await module.try_setting(ReportErrorsByNumber())
    try:
        yield
    finally:
        if before is not None and before != 1:
            with suppress(BridgeError):
                await module.execute(RawCommand(f"AT+CMEE={before}"))


async def read_cause(module: Module) -> None:
    """Read the registration with the network's cause, which the module tells in some modes only."""
    before = await _first_number(module, "AT+CEREG?")
    if not await module.try_setting(ReportRegistration(_WITH_CAUSE)):
        return
    try:
        await read_registration(module)
    finally:
        if before is not None:
            await module.try_setting(ReportRegistration(before))


_WITH_CAUSE = 5


async def _first_number(module: Module, question: str) -> int | None:
    with suppress(BridgeError, ValueError):
        lines = await module.execute(RawCommand(question))
        return Cursor(Line.of(lines[-1])).integer() if lines else None
    return None
