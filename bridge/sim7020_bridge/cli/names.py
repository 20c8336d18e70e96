"""Whether there is the modem, and the socket, that a subcommand names, from what is retained of them."""

import asyncio
from collections.abc import Callable
from typing import Final

from sim7020_bridge.cli.broker import connected
from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, EXIT_NO_ANSWER, fail
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.watch.heard import Modems
from sim7020_bridge.logs import printable

_WITHIN: Final = 0.8
"""Seconds in which what is retained has come."""


async def there(mqtt: MqttSettings, modem: str, socket: str | None = None, *, limit: float) -> None:
    """Return once a modem is known to be there, with a bridge that runs; else end the process, with the names that are.

    ``socket`` must be one of its, if it is given; ``limit`` is for the broker to accept, in seconds.
    """
    modems = Modems(mqtt.base_topic)
    # some brokers tell what is retained of one only who names it
    topics = [f"{mqtt.base_topic}/{name}" for name in ("+/availability", f"{modem}/availability", f"{modem}/info")]

    def known() -> bool:
        return modems.modem(modem).available is not None and bool(modems.modem(modem).info)

    async with connected(mqtt, topics, modems.hear, within=limit) as client:
        if not await _came(known, modems) and not modems.by_name:
            client.publish(modems.call)
            await _came(known, modems)
    found = modems.modem(modem)
    if found.available is None:
        fail(unknown(client.settings, modem, modems), EXIT_CONFIGURATION)
    if not found.available:
        fail(f"the bridge of {modem} is offline: nothing was sent", EXIT_NO_ANSWER)
    sockets = [each.name for each in found.messages.sockets]
    if socket is not None and found.info and socket not in sockets:
        fail(f"{modem} has no socket {socket}; it has: {_listed(sockets)}", EXIT_CONFIGURATION)


async def _came(holds: Callable[[], bool], modems: Modems) -> bool:
    try:
        async with asyncio.timeout(_WITHIN):
            await modems.until(holds)
    except TimeoutError:
        return False
    return True


def unknown(mqtt: MqttSettings, modem: str, modems: Modems) -> str:
    """Say that nothing is known of a modem, and of which ones something is."""
    names = sorted(name for name, each in modems.by_name.items() if each.available is not None)
    place = f"{mqtt.base_topic}/ at {mqtt.place}"
    if not names:
        return f"no bridge has published anything under {place}; is that its base topic, and its broker?"
    return f"there is no modem {printable(modem)} under {place}; there are: {_listed(names)}"


def _listed(names: list[str]) -> str:
    return ", ".join(map(printable, names)) or "none"
