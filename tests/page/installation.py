"""What the page is about: a real bridge with its page on, emulated modems, a real broker, and a server they talk to."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.broker import Mosquitto, mosquitto
from tests.e2e.mqtt_peer import MqttPeer
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import UdpServer, until
from tests.e2e.world import Modem
from tests.ports import free_port

PYTHON = str(Path(__file__).parents[2] / ".venv" / "bin" / "python")
"""The interpreter that has the bridge and the emulator; the browser's driver is in another environment."""

SOCKET = "telemetry"
"""The UDP socket that every modem has, to a server that sends back what comes."""


@dataclass(frozen=True, slots=True)
class Module:
    """An emulated module, which can be made to suffer."""

    emulator: Emulator
    control: Path

    @property
    def port(self) -> str:
        """What a bridge's configuration calls its port."""
        return self.emulator.place

    async def happen(self, *words: str) -> None:
        """Have something happen to it, in the emulator's words."""
        tell = (PYTHON, "-m", "sim7020_emulator", "--tell", str(self.control), *words)
        process = await asyncio.create_subprocess_exec(*tell, stdin=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0, words


class Installation:
    """One bridge and all that is around it, in a directory of its own."""

    def __init__(self, directory: Path, broker: Mosquitto, mqtt: MqttPeer, server: UdpServer) -> None:
        self.directory = directory
        self.broker = broker
        self.mqtt = mqtt
        self.server = server
        self.config = directory / "bridge.yaml"
        self.bridge = BridgeProcess(self.config, python=PYTHON)
        self.http_port = free_port()
        self._ends = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.http_port}/"

    def modem(self, name: str) -> Modem:
        """Return a modem as its users see it over MQTT."""
        return Modem(self.mqtt, name)

    async def module(self, name: str, *arguments: str, speed: str = "0", **facts: str) -> Module:
        """Start an emulated module with these facts."""
        given = [argument for key, value in facts.items() for argument in ("--set", f"{key}={value}")]
        control = self.directory / f"{name}.control"
        options = ["--baud", "0", "--speed", speed, "--control", str(control)]
        emulator = Emulator(self.directory, name, [*options, *arguments, *given], python=PYTHON)
        await emulator.start()
        self._ends.push_async_callback(emulator.stop)
        return Module(emulator, control)

    def settings(self, module: Module, **more: object) -> dict[str, Any]:
        """Return what a configuration says of a modem: its port, and a socket to the server."""
        endpoint = {"protocol": "udp", "host": "127.0.0.1", "port": self.server.port}
        return {"port": module.port, "sockets": {SOCKET: endpoint}, **more}

    def write(self, modems: Mapping[str, object], **http: object) -> None:
        """Write the bridge's configuration."""
        document = {
            "mqtt": {"host": self.broker.host, "port": self.broker.port},
            "http": {"port": self.http_port, "page": True, **http},
            "modems": modems,
            "state_dir": str(self.directory / "state"),
        }
        self.config.write_text(json.dumps(document, indent=2))

    async def run(self, modems: Mapping[str, object], **http: object) -> None:
        """Start the bridge with these modems, and return once its page can be asked for."""
        self.write(modems, **http)
        self._ends.push_async_callback(self.bridge.stop)
        await self.start()

    async def set_up(self) -> None:
        """Start the bridge without any configuration, so that its page leads to one."""
        self.bridge.inside = ("env", f"XDG_STATE_HOME={self.directory}")
        self.bridge.options = ("--setup", "--listen", f"127.0.0.1:{self.http_port}")
        self._ends.push_async_callback(self.bridge.stop)
        await self.start()

    async def start(self) -> None:
        """Start the bridge, again if it was stopped, and return once its page can be asked for."""
        await self.bridge.start()
        await until(self._listens)

    def _listens(self) -> bool:
        if self.bridge.process is None or self.bridge.process.returncode is not None:
            raise RuntimeError(f"the bridge ended at once:\n{self.bridge.log}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.http_port)):
            return True
        return False

    async def close(self) -> None:
        """End everything that was started here, the bridge first."""
        async with self._ends:
            if self.bridge.process is not None:
                print(self.bridge.log)  # noqa: T201 - pytest shows it with a failure


@asynccontextmanager
async def installation_in(directory: Path) -> AsyncIterator[Installation]:
    """Run a broker, a client of it that hears everything, and a UDP server that sends back what comes."""
    async with mosquitto(directory) as broker, UdpServer(echo=True) as server:
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        try:
            installation = Installation(directory, broker, mqtt, server)
            try:
                yield installation
            finally:
                await installation.close()
        finally:
            await mqtt.stop()
