"""Which of several ports has a modem behind it, and at which rate: no more is asked than AT and a model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sim7020_bridge.commands.identity import ReadModel
from sim7020_bridge.config.model import DEFAULT_BAUDRATE
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.kit.probe.line import BETWEEN_RATES, answers, listening, rates
from sim7020_bridge.port.listing import SerialPort


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether a port answered AT, and with which model; ``problem`` says why it could not be asked."""

    at: bool
    model: str | None = None
    problem: str | None = None

    @property
    def words(self) -> str:
        """The same as a phrase for people."""
        if self.at:
            return f"answers AT: {self.model or 'an unknown model'}"
        return self.problem or "does not answer AT at this rate"


async def ask_all(found: Sequence[SerialPort], baud: int = DEFAULT_BAUDRATE) -> dict[str, Asked]:
    """Write AT to ports, all at once; return what came of it by device."""
    asked = await asyncio.gather(*(ask(port.device, baud) for port in found))
    return {port.device: answer for port, answer in zip(found, asked, strict=True)}


async def ask(port: str, baud: int = DEFAULT_BAUDRATE) -> Asked:
    """Write AT to a port."""
    try:
        async with listening(port, baud, lambda _: None) as channel:
            if not await answers(channel, first=False):
                return Asked(at=False)
            return Asked(at=True, model=await channel.execute(ReadModel()))
    except BridgeError as error:
        return Asked(at=False, problem=str(error))


async def rate_of(port: str) -> tuple[int | None, str]:
    """Return the rate at which a module answers at a port, None if none does, and what was found in words."""
    try:
        for tried, rate in enumerate(rates(port, None)):
            async with listening(port, rate, lambda _: None) as channel:
                if await answers(channel, first=tried == 0):
                    model = await channel.execute(ReadModel())
                    return rate, f"{port}: {model or 'a module of an unknown model'} answers at {rate} bit/s"
            await asyncio.sleep(BETWEEN_RATES)
    except BridgeError as error:
        return None, str(error)
    return None, f"{port}: nothing answers AT there; sim7020-bridge probe finds out why"
