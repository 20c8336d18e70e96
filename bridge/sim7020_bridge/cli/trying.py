"""What ``init`` tries of the answers that it is given: is a modem at the port, does the broker accept the bridge?"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sim7020_bridge import logs
from sim7020_bridge.cli.broker import client_of
from sim7020_bridge.cli.ports import ask_all
from sim7020_bridge.commands.identity import ReadModel
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.errors import BridgeError
from sim7020_bridge.kit.probe.line import BETWEEN_RATES, answers, listening, rates
from sim7020_bridge.port.listing import SerialPort

_PATIENCE: Final = 3.0
"""Seconds for a broker to accept a client."""


def modems(found: Sequence[SerialPort]) -> dict[str, str]:
    """Write AT to each port that is free; return the best names of those where something answers, with its model."""
    asked = asyncio.run(ask_all([port for port in found if port.usable and not port.held_by]))
    return {
        port.best_name: asked[port.device].model or "an unknown model"
        for port in found
        if port.device in asked and asked[port.device].at
    }


def port(name: str) -> tuple[int | None, str]:
    """Return the rate at which a module answers at a port, None if none does, and what was found in words."""
    return asyncio.run(_port(name))


async def _port(name: str) -> tuple[int | None, str]:
    logs.keep_quiet()
    try:
        for tried, rate in enumerate(rates(name, None)):
            async with listening(name, rate, lambda _: None) as channel:
                if await answers(channel, first=tried == 0):
                    model = await channel.execute(ReadModel())
                    return rate, f"{name}: {model or 'a module of an unknown model'} answers at {rate} bit/s"
            await asyncio.sleep(BETWEEN_RATES)
    except BridgeError as error:
        return None, str(error)
    return None, f"{name}: nothing answers AT there; sim7020-bridge probe finds out why"


def broker(mqtt: MqttSettings) -> str:
    """Return whether a broker accepts the bridge's user, in words."""
    return asyncio.run(_broker(mqtt))


async def _broker(mqtt: MqttSettings) -> str:
    logs.keep_quiet()
    client = client_of(mqtt, within=_PATIENCE)
    talking = asyncio.create_task(client.run(), name="mqtt")
    try:
        async with asyncio.timeout(_PATIENCE):
            await client.wait_connected()
    except TimeoutError:
        return client.problem
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking
    user = "without a user name" if mqtt.username is None else f"as user {mqtt.username}"
    return f"the MQTT broker at {mqtt.place} accepts the bridge {user}"
