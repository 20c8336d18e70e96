"""A bridge with the keys of a whole configuration, and what is asked of it from the shell."""

import asyncio
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.world import Modem, Settings, World, run
from tests.ports import free_port


class Configured:
    """A configuration file of one modem called shed that can be changed while the bridge runs."""

    def __init__(self, world: World, port: str, sockets: Mapping[str, Settings], **root: object) -> None:
        self.world = world
        self.http_port = free_port()
        self.tree: dict[str, Any] = {
            "mqtt": {"host": world.broker.host, "port": world.broker.port},
            "modems": {"shed": {"port": port, "sockets": dict(sockets)}},
            "state_dir": str(world.directory / "state"),
            "http": {"port": self.http_port},
            **root,
        }
        self.file = world.directory / "service.yaml"
        self.bridge = BridgeProcess(self.file)

    @property
    def sockets(self) -> dict[str, Any]:
        """The modem's sockets, to be changed."""
        sockets: dict[str, Any] = self.tree["modems"]["shed"]["sockets"]
        return sockets

    def write(self) -> None:
        """Write the file."""
        self.file.write_text(json.dumps(self.tree))

    async def start(self) -> Modem:
        """Start the bridge and return its modem once it is online and its sockets are open."""
        self.write()
        await self.world.add(self.bridge, "shed")
        shed = self.world.modem("shed")
        await shed.online()
        await shed.open(*self.sockets)
        return shed

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status and the body of a page."""
        return await asyncio.to_thread(_get, f"http://127.0.0.1:{self.http_port}{path}")


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def shell(*arguments: str | Path) -> tuple[int, str, str]:
    """Run a subcommand to its end; return exit status, standard output and standard error."""
    return await run(sys.executable, "-W", "default", "-m", "sim7020_bridge", *map(str, arguments))


async def logged(bridge: BridgeProcess, text: str, *, times: int = 1) -> None:
    """Return once a text stands in the log so often."""
    await until(lambda: bridge.log.count(text) >= times)
