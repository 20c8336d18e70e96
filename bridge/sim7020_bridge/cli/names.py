"""Whether there is the modem, and the socket, that a subcommand names; those that there are, in words."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from sim7020_bridge.cli.broker import connected
from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, EXIT_NO_ANSWER, fail
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.watch.heard import Modems
from sim7020_bridge.logs import printable

_WITHIN: Final = 0.8
"""Seconds in which what is retained has come."""


async def there(
    mqtt: MqttSettings, modem: str, socket: str | None = None, *, limit: float, online: bool = True
) -> None:
    """Return once a modem is known to be there; else end the process, with the names that are.

    ``socket`` must be one of its, if it is given, and its bridge must run, unless ``online`` is false; ``limit`` is for
    the broker to accept, in seconds.
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
    if online and not found.available:
        fail(f"the bridge of {modem} is offline: nothing was sent", EXIT_NO_ANSWER)
    sockets = [each.name for each in found.messages.sockets]
    if socket is not None and found.info and socket not in sockets:
        fail(no_socket(modem, socket, sockets), EXIT_CONFIGURATION)


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
    return no_modem(modem, f"under {place}", names)


def no_modem(modem: str, where: str, names: Iterable[str]) -> str:
    """Say that there is no such modem somewhere, and which ones there are."""
    return f"there is no modem {printable(modem)} {where}; there are: {_listed(names)}"


def no_socket(modem: str, socket: str, names: Iterable[str]) -> str:
    """Say that a modem has no such socket, and which ones it has."""
    return f"{printable(modem)} has no socket {printable(socket)}; it has: {_listed(names)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(printable, names)) or "none"
