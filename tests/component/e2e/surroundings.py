"""What is around Home Assistant: a real broker, and real bridges with emulated modules and a server they talk to."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.broker import Mosquitto
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import UdpServer

PYTHON = str(Path(__file__).parents[3] / ".venv" / "bin" / "python")
"""The interpreter that has the bridge and the emulator; Home Assistant's is another."""

SOCKET = "telemetry"
"""The UDP socket that every modem here has."""


@dataclass(frozen=True, slots=True)
class Modem:
    """An emulated module and its bridge."""

    name: str
    emulator: Emulator
    bridge: BridgeProcess
    control: Path

    async def happen(self, *words: str) -> None:
        """Have something happen to the module, in the emulator's words."""
        tell = (PYTHON, "-m", "sim7020_emulator", "--tell", str(self.control), *words)
        process = await asyncio.create_subprocess_exec(*tell, stdin=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0, words


class Surroundings:
    """Everything that Home Assistant does not run itself; `close` ends what was started."""

    def __init__(self, directory: Path, broker: Mosquitto) -> None:
        self.directory = directory
        self.broker = broker
        self.server = UdpServer()
        self._ends = AsyncExitStack()

    async def start(self) -> None:
        """Start the broker, and the server that the sockets talk to."""
        await self.broker.start()
        self._ends.push_async_callback(self.broker.stop)
        await self._ends.enter_async_context(self.server)

    async def modem(self, name: str, *, discovery: bool = False, allow_at: tuple[str, ...] = (), **facts: str) -> Modem:
        """Start an emulated module with these facts, and a bridge of its own that has a UDP socket to the server.

        With `discovery` the bridge is told to make the modem known to Home Assistant without the component; `allow_at`
        is as in its configuration.
        """
        given = [argument for key, value in facts.items() for argument in ("--set", f"{key}={value}")]
        control = self.directory / f"{name}.control"
        options = ["--baud", "0", "--speed", "0", "--control", str(control)]
        emulator = Emulator(self.directory, name, [*options, *given], python=PYTHON)
        await emulator.start()
        self._ends.push_async_callback(emulator.stop)
        socket = {"protocol": "udp", "host": "127.0.0.1", "port": self.server.port}
        modem = {"port": emulator.place, "sockets": {SOCKET: socket}, "data_budget": {"bytes": 1_000_000}}
        document = {
            "mqtt": {"host": self.broker.host, "port": self.broker.port},
            "modems": {name: modem | ({"allow_at": allow_at} if allow_at else {})},
            "home_assistant_discovery": discovery,
            "state_dir": str(self.directory / f"{name}.state"),
        }
        config = self.directory / f"{name}.yaml"
        config.write_text(json.dumps(document))
        bridge = BridgeProcess(config, python=PYTHON)
        await bridge.start()
        self._ends.push_async_callback(bridge.stop)
        return Modem(name, emulator, bridge, control)

    async def close(self) -> None:
        """End everything that was started."""
        await self._ends.aclose()
