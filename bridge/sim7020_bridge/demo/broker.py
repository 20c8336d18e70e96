"""The demo's broker: the machine's mosquitto, or iotcore, which pip installs. The only file that knows iotcore."""

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sim7020_bridge.demo.child import Child, DemoFailed, running

HOST: Final = "127.0.0.1"

_ROOT: Final = 0
_MISSING: Final = (
    "there is no MQTT broker: apt-get install mosquitto, or install this package with its extra: "
    "pip install 'sim7020-bridge[demo]'"
)


@dataclass(frozen=True, slots=True)
class BrokerProgram:
    """A broker that can be started.

    Args:
        name: What people call it.
        command: The program; the path of a configuration file follows.
        config_file: The name that its configuration file must have.
        config: The configuration, with ``{port}`` for the port; it listens on loopback only.
        any_version: Whether one port speaks every version of MQTT; else MQTT 5 alone.
    """

    name: str
    command: Sequence[str]
    config_file: str
    config: str
    any_version: bool


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker, for anybody on this machine."""

    program: BrokerProgram
    port: int
    child: Child


def find_broker() -> BrokerProgram:
    """Return the broker that this machine has. Raises DemoFailed, with what to install, if there is none."""
    program = mosquitto() or iotcore()
    if program is None:
        raise DemoFailed(_MISSING)
    return program


def mosquitto() -> BrokerProgram | None:
    """Return the machine's mosquitto, if there is one; distributions put it where a user's PATH does not look."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    found = shutil.which("mosquitto", path=path)
    if found is None:
        return None
    lines = [f"listener {{port}} {HOST}", "allow_anonymous true", "persistence false", "log_dest stderr"]
    if os.geteuid() == _ROOT:
        lines.append("user root")  # its own user could not read a private directory
    return BrokerProgram("mosquitto", (found, "-c"), "mosquitto.conf", "\n".join(lines) + "\n", any_version=True)


def iotcore() -> BrokerProgram | None:
    """Return the broker inside the package iotcore, if it is installed.

    It has a port for each version of MQTT; the one for MQTT 5 is enough. As a log level it is given the highest:
    below, it writes a few lines for each packet.
    """
    if find_spec("iotcore") is None:
        return None
    command = (sys.executable, "-m", "iotcore", "--log-level", "CRITICAL", "--config")
    return BrokerProgram("iotcore", command, "rumqttd.toml", _RUMQTTD, any_version=False)


@contextlib.asynccontextmanager
async def running_broker(program: BrokerProgram, directory: Path) -> AsyncIterator[Broker]:
    """Run a broker on a free port, which listens when the block begins. Raises DemoFailed if it does not start."""
    port = free_port()
    config = directory / program.config_file
    config.write_text(program.config.replace("{port}", str(port)))

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port)):
            return True
        return False

    async with running(program.name, [*program.command, str(config)], directory) as child:
        await child.wait_ready(listens)
        yield Broker(program, port, child)


def free_port() -> int:
    """Return a port of loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


_RUMQTTD: Final = f"""\
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10

[v5.1]
name = "mqtt5"
listen = "{HOST}:{{port}}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""
