"""What ``init`` tries of the answers that it is given: is a modem at the port, does the broker accept the bridge?"""

import asyncio
from collections.abc import Sequence

from sim7020_bridge import logs
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.probe.asking import ask_all, rate_of
from sim7020_bridge.mqtt.onlooker import accepted
from sim7020_bridge.port.listing import SerialPort


def modems(found: Sequence[SerialPort]) -> dict[str, str]:
    """Write AT to each port that is free; return the best names of those where something answers, with its model."""
    logs.keep_quiet()
    asked = asyncio.run(ask_all([port for port in found if port.usable and not port.held_by]))
    return {
        port.best_name: asked[port.device].model or "an unknown model"
        for port in found
        if port.device in asked and asked[port.device].at
    }


def port(name: str) -> tuple[int | None, str]:
    """Return the rate at which a module answers at a port, None if none does, and what was found in words."""
    logs.keep_quiet()
    return asyncio.run(rate_of(name))


def broker(mqtt: MqttSettings) -> str:
    """Return whether a broker accepts the bridge's user, in words."""
    logs.keep_quiet()
    return asyncio.run(accepted(mqtt))[1]
