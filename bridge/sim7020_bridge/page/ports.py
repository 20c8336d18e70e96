"""The serial ports of this machine on the page, and what answers at one of them."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config import values
from sim7020_bridge.config.model import DEFAULT_BAUDRATE
from sim7020_bridge.http.app import Call
from sim7020_bridge.http.reply import Refusal, Reply, in_json
from sim7020_bridge.kit.probe.asking import ask
from sim7020_bridge.page.administration_routes import Handlers
from sim7020_bridge.page.form import checked
from sim7020_bridge.port.holders import other_holders
from sim7020_bridge.port.listing import SerialPort, serial_ports


class Ports:
    """The ports, and who has them: no one is touched that a modem of this bridge has.

    Args:
        modems: Returns the ports of the modems that run, by the modems' names.
    """

    def __init__(self, modems: Callable[[], Mapping[str, str]]) -> None:
        self._modems = modems
        self._taken: set[str] = set()

    async def document(self) -> dict[str, Any]:
        """Return the ports as ``sim7020-bridge ports`` lists them."""
        return {"ports": [self._told(port) for port in await in_a_thread(serial_ports)]}

    async def ask(self, port: str, baudrate: int = DEFAULT_BAUDRATE) -> dict[str, Any]:
        """Write AT to a port, and return what answers.

        Raises:
            Refusal: Somebody has it.
        """
        async with self.taken(port):
            asked = await ask(port, baudrate)
        return {
            "port": port,
            "answers": asked.at,
            "model": asked.model,
            "baudrate": baudrate,
            "words": asked.words,
        }

    @asynccontextmanager
    async def taken(self, port: str) -> AsyncIterator[None]:
        """Have a port for oneself, so far as it is this program that could have it as well.

        Raises:
            Refusal: A modem of this bridge, another program, or another request has it.
        """
        place = await in_a_thread(partial(_place, port))
        user = await in_a_thread(partial(self._modem_at, place))
        if user is not None:
            raise _in_use(f"the modem {user} of this bridge has {port}")
        if place in self._taken:
            raise _in_use(f"{port} is being asked already")
        self._taken.add(place)
        try:
            holders = await in_a_thread(partial(other_holders, port))
            if holders:
                raise _in_use(f"{port} is held by {', '.join(holder.words for holder in holders)}")
            yield
        finally:
            self._taken.discard(place)

    def _modem_at(self, place: str) -> str | None:
        return next((name for name, port in self._modems().items() if _place(port) == place), None)

    def _told(self, port: SerialPort) -> dict[str, Any]:
        modem = self._modem_at(_place(port.device))
        users = [holder.words for holder in port.held_by if holder.process != os.getpid()]
        if modem is not None:
            users.insert(0, f"the modem {modem} of this bridge")
        hardware = port.attached
        said = [] if hardware is None else [hardware.manufacturer, hardware.product]
        return {
            "port": port.device,
            "name": " ".join(word for word in said if word),
            "by_id": port.names[0] if port.names else None,
            "used_by": ", ".join(users) or None,
            "usable": port.usable,
            "answers": None,
        }


def handlers(ports: Ports) -> Handlers:
    """Return what carries out ``api/ports`` and ``api/ports/ask``."""

    async def listed(_call: Call) -> Reply:
        return in_json(await ports.document())

    async def asked(call: Call) -> Reply:
        document = call.document()
        port = checked(document, "port", values.serial_port)
        rate = checked(document, "baudrate", values.baudrate) if "baudrate" in document else DEFAULT_BAUDRATE
        return in_json(await ports.ask(port, rate))

    return {"/api/ports": listed, "/api/ports/ask": asked}


def _place(port: str) -> str:
    """Return what is the same for two names of one port."""
    if "://" not in port:
        return os.path.realpath(port)
    url = urlsplit(port)
    return f"{url.hostname}:{url.port}"


def _in_use(words: str) -> Refusal:
    return Refusal(HTTPStatus.CONFLICT, "in_use", words)
