"""The serial ports of this machine on the page, and what answers at one of them."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
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
        return {"ports": await in_a_thread(lambda: [self._told(port) for port in serial_ports()])}

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
        places = await in_a_thread(partial(_places, port))
        user = await in_a_thread(partial(self._modem_at, port))
        if user is not None:
            raise _in_use(f"the modem {user} of this bridge has {port}")
        if not self._taken.isdisjoint(places):
            raise _in_use(f"{port} is being asked already")
        self._taken |= places
        try:
            holders = await in_a_thread(partial(other_holders, port))
            if holders:
                raise _in_use(f"{port} is held by {', '.join(holder.words for holder in holders)}")
            yield
        finally:
            self._taken -= places

    def _modem_at(self, port: str) -> str | None:
        places, is_url = _places(port), "://" in port
        # no server's name is asked for where it can't be the same
        others = ((name, other) for name, other in self._modems().items() if ("://" in other) is is_url)
        return next((name for name, other in others if not places.isdisjoint(_places(other))), None)

    def _told(self, port: SerialPort) -> dict[str, Any]:
        modem = self._modem_at(port.device)
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


def _places(port: str) -> frozenset[str]:
    """Return what has something in common for two names of one port; asks for the addresses of a server's name."""
    if "://" not in port:
        return frozenset({os.path.realpath(port)})
    url = urlsplit(port)
    hosts = {url.hostname or ""}
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(url.hostname, url.port, type=socket.SOCK_STREAM)
        hosts |= {_host(str(address[0])) for *_, address in found}
    return frozenset(f"{host}:{url.port}" for host in hosts)


def _host(address: str) -> str:
    """Return an address, and the same one for all that lead to this machine."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return "localhost" if found.is_loopback or found.is_unspecified else str(found)


def _in_use(words: str) -> Refusal:
    return Refusal(HTTPStatus.CONFLICT, "in_use", words)
