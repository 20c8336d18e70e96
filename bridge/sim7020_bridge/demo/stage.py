"""Everything that the demo needs, running: emulator, broker, two echo servers and the bridge, all on loopback."""

import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim7020_bridge.config.model import Encoding, MqttSettings, SocketSettings, Transport
from sim7020_bridge.demo import echo
from sim7020_bridge.demo.broker import HOST, Broker, BrokerProgram, free_port, running_broker
from sim7020_bridge.demo.child import Child, running
from sim7020_bridge.demo.echo import EchoServer

BASE: Final = "sim7020"
MODEM: Final = "demo"

SERVER: Final = "198.51.100.7"
"""An address for documentation (RFC 5737): the emulated network leads it to the echo servers."""

TELEMETRY: Final = SocketSettings(
    "telemetry",
    Transport.UDP,
    SERVER,
    5005,
    Encoding.TEXT,
    send_topics=("greenhouse/temperature",),
    received_topic="greenhouse/commands",
)
CONTROL: Final = SocketSettings(
    "control",
    Transport.TCP,
    SERVER,
    7000,
    Encoding.TEXT,
    send_topics=("greenhouse/window",),
    received_topic="greenhouse/answers",
)
SOCKETS: Final = (TELEMETRY, CONTROL)
PROFILES: Final = ("field-good", "field-edge", "field-cellar", "field-bad-vendor", "field-day")
"""What the emulator can have its network be like."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs; ``servers`` go by the names of the sockets that lead to them, the last child is the bridge.

    ``page`` is the port of the bridge's page.
    """

    broker: Broker
    page: int
    servers: dict[str, EchoServer]
    children: tuple[Child, ...]

    @property
    def mqtt(self) -> MqttSettings:
        """How to reach the broker."""
        return MqttSettings(HOST, self.broker.port, base_topic=BASE)

    @property
    def url(self) -> str:
        """Where the bridge's page is."""
        return f"http://{HOST}:{self.page}/"

    @property
    def bridge(self) -> Child:
        """The bridge."""
        return self.children[-1]


@contextlib.asynccontextmanager
async def set_up(
    directory: Path, program: BrokerProgram, *, speed: float, on_change: Callable[[], None], profile: str | None = None
) -> AsyncIterator[Stage]:
    """Start everything, and end it in the opposite order: the bridge says goodbye while the broker still listens.

    Raises DemoFailed if something does not start.

    Args:
        directory: A private directory for configuration, logs and the modem's device.
        program: The broker to start.
        speed: How many times faster than a real one the module is.
        on_change: Called when an echo server received something.
        profile: What the network is like, one of PROFILES; None for one without losses.
    """
    async with contextlib.AsyncExitStack() as stack:
        udp = await stack.enter_async_context(echo.udp_echo(on_change))
        tcp = await stack.enter_async_context(echo.tcp_echo(on_change))
        servers = {TELEMETRY.name: udp, CONTROL.name: tcp}

        modem = directory / "modem"
        emulator = await stack.enter_async_context(
            running("emulator", _emulator(modem, servers, speed, profile), directory)
        )
        broker = await stack.enter_async_context(running_broker(program, directory))
        await emulator.wait_ready(modem.exists)
        config = directory / "bridge.yaml"
        page = free_port()
        config.write_text(configuration(broker.port, page, modem))
        run = [sys.executable, "-m", "sim7020_bridge", "run", "--config", str(config)]
        bridge = await stack.enter_async_context(running("bridge", run, directory))
        yield Stage(broker, page, servers, (emulator, broker.child, bridge))


def configuration(broker: int, page: int, modem: Path) -> str:
    """Write the bridge's configuration file: the ports of broker and page, and the modem's device."""
    lines = [
        "mqtt:",
        f"  host: {HOST}",
        f"  port: {broker}",
        f"  base_topic: {BASE}",
        "http:",
        f"  host: {HOST}",
        f"  port: {page}",
        "  page: true",
        "state_dir: state",
        "modems:",
        f"  {MODEM}:",
        f'    port: "{modem}"',
        "    sockets:",
    ]
    for socket in SOCKETS:
        lines += [
            f"      {socket.name}:",
            f"        protocol: {socket.transport}",
            f"        host: {socket.host}",
            f"        port: {socket.port}",
            f"        encoding: {socket.encoding}",
            f"        send_topics: [{', '.join(socket.send_topics)}]",
            f"        received_topic: {socket.received_topic}",
        ]
    return "\n".join(lines) + "\n"


def _emulator(modem: Path, servers: dict[str, EchoServer], speed: float, profile: str | None) -> list[str]:
    command = [sys.executable, "-m", "sim7020_emulator", "--link", str(modem), "--speed", f"{speed:g}"]
    if profile is not None:
        command += ["--profile", profile, "--variant", "cscon=yes"]
    for socket in SOCKETS:
        command += ["--route", f"{socket.host}:{socket.port}={echo.HOST}:{servers[socket.name].port}"]
    return command
