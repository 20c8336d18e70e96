"""What is measured and what with: broker, modules and bridge as processes, a UDP peer and an MQTT client."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.broker import mosquitto_path
from tests.ports import free_port

PATIENCE = 120.0
"""Seconds after which what does not happen counts as failed."""

SOCKET = "t"
"""The name of each modem's socket."""

BRIDGE = ("sim7020_bridge",)
"""What a bridge is run with: a module, and what goes before the bridge's own command line."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came, and when by the clock that all processes share."""

    at: int
    payload: bytes
    topic: str = ""
    peer: tuple[str, int] = ("", 0)


class Peer:
    """A UDP server on loopback that notes when each datagram came."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE)
        self.port: int = self._socket.getsockname()[1]

    def take(self, count: int) -> list[Arrival]:
        """Return the next datagrams."""
        arrivals: list[Arrival] = []
        while len(arrivals) < count:
            payload, peer = self._socket.recvfrom(2048)
            arrivals.append(Arrival(time.monotonic_ns(), payload, peer=peer))
        return arrivals

    def send(self, payload: bytes, to: tuple[str, int]) -> None:
        """Send a datagram to a module."""
        self._socket.sendto(payload, to)

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


class Ear:
    """An MQTT client that publishes, and notes when each message came."""

    def __init__(self, port: int, *topics: str) -> None:
        self.heard: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages = 0
        self._client.on_message = self._arrived
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_socket_open = lambda _client, _userdata, connection: cast(socket.socket, connection).setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        for topic in topics:
            self._subscribed.clear()
            self._client.subscribe(topic, qos=1)
            if not self._subscribed.wait(PATIENCE):
                raise TimeoutError(topic)

    def publish(self, topic: str, payload: bytes) -> int:
        """Publish with QoS 1 and return when that was."""
        at = time.monotonic_ns()
        self._client.publish(topic, payload, qos=1)
        return at

    def take(self, holds: Callable[[Arrival], bool] = lambda _: True, patience: float = PATIENCE) -> Arrival:
        """Return the next message for which something holds; raises queue.Empty after so many seconds of silence."""
        while True:
            arrival = self.heard.get(timeout=patience)
            if holds(arrival):
                return arrival

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _arrived(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        self.heard.put(Arrival(time.monotonic_ns(), bytes(message.payload), message.topic))


class Stage:
    """A directory with a broker and all that is started beside it; everything ends with the block."""

    def __init__(self) -> None:
        self._ends = contextlib.ExitStack()
        self.directory = Path()
        self.broker = 0
        self.peer = Peer()
        self._number = 0

    def __enter__(self) -> Self:
        """Start the broker."""
        self.directory = Path(self._ends.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self._ends.callback(self.peer.close)
        self.broker = free_port()
        lines = [f"listener {self.broker} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0"]
        lines += ["set_tcp_nodelay true", "max_inflight_messages 0", "log_type none"]
        if os.geteuid() == 0:
            lines.append("user root")
        file = self.directory / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        self.start(mosquitto_path(), "-c", str(file))
        wait_until(self._broker_listens)
        return self

    def __exit__(self, *_: object) -> None:
        """End all that was started."""
        self._ends.close()

    def start(self, *command: str, log: str = "log", **more: Any) -> subprocess.Popen[str]:
        """Start a program that is ended with the stage at the latest."""
        with (self.directory / log).open("ab") as output:
            process = subprocess.Popen(command, stderr=output, text=True, **more)
        self._ends.callback(end, process)
        return process

    def modules(self, count: int, *options: str, stamps: Path | None = None) -> tuple[list[str], subprocess.Popen[str]]:
        """Start emulated modules in one process; return their ports and the process."""
        self._number += 1
        ports = [str(self.directory / f"{self._number}-{each}.tty") for each in range(count)]
        noted = [] if stamps is None else ["--stamps", str(stamps)]
        command = [sys.executable, "-m", "tests.bench.module", *noted, *ports, "--", "--speed", "0", "--attached"]
        process = self.start(*command, *options, stdout=subprocess.PIPE)
        ready(process)
        return ports, process

    def bare(self, port: str) -> subprocess.Popen[str]:
        """Start a bare loop on a port."""
        command = (sys.executable, "-m", "tests.bench.wire", port, str(self.peer.port))
        process = self.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready(process)
        return process

    def bridge(
        self,
        ports: Sequence[str],
        *,
        program: Sequence[str] = BRIDGE,
        document: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        **modem: object,
    ) -> "Bridge":
        """Start a bridge with a modem at each port; they are called m0, m1 and so on, of this bridge's own number.

        Args:
            ports: What the configuration calls each port.
            program: The module that is run, and what goes before the bridge's own command line.
            document: What else its configuration says.
            environment: Its environment, this process's own if it is not given.
            modem: What else it says of each modem.
        """
        self._number += 1
        names = [f"b{self._number}m{number}" for number in range(len(ports))]
        peer = {"protocol": "udp", "host": "127.0.0.1", "port": self.peer.port}
        modems = {
            name: {"port": port, "sockets": {SOCKET: peer}, **modem} for name, port in zip(names, ports, strict=True)
        }
        settings = {"modems": modems, **(document or {})}
        file = self.directory / f"bridge{self._number}.json"
        return Bridge(self, names, settings, file, program=program, environment=environment)

    def ear(self, *topics: str) -> Ear:
        """Return an MQTT client that has subscribed."""
        ear = Ear(self.broker, *topics)
        self._ends.callback(ear.close)
        return ear

    def _broker_listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.broker)):
            return True
        return False


class Bridge:
    """A bridge in a process of its own."""

    def __init__(
        self,
        stage: Stage,
        names: list[str],
        document: Mapping[str, object],
        file: Path,
        *,
        program: Sequence[str],
        environment: Mapping[str, str] | None,
    ) -> None:
        self.names = names
        self._stage = stage
        self._file = file
        broker = {"host": "127.0.0.1", "port": stage.broker}
        settings = {"mqtt": broker, "state_dir": str(stage.directory / "state"), **document}
        file.write_text(json.dumps(settings))
        ear = stage.ear(*(f"sim7020/{name}/socket/{SOCKET}/state" for name in names))
        self.started = time.monotonic_ns()
        command = (sys.executable, "-m", *program, "run", "--config", str(file))
        self.process = stage.start(*command, log=f"{file.stem}.log", env=environment)
        waiting = set(names)
        while waiting:
            arrival = ear.take(lambda arrival: b'"phase":"open"' in arrival.payload)
            waiting.discard(arrival.topic.split("/")[1])
        ear.close()

    def topic(self, tail: str, number: int = 0) -> str:
        """Return a topic of a modem's socket."""
        return f"sim7020/{self.names[number]}/socket/{SOCKET}/{tail}"

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._file.with_suffix(".log").read_text()

    def stop(self) -> None:
        """End it in good order."""
        end(self.process)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process has used so far: seconds of CPU, voluntary context switches, and KiB it holds."""

    at: float
    cpu: float
    switches: int
    memory: int
    threads: int

    @classmethod
    def of(cls, process: int) -> "Reading":
        """Read it."""
        folder = Path(f"/proc/{process}")
        numbers = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks = int(numbers[11]) + int(numbers[12])
        switches = threads = 0
        for task in (folder / "task").iterdir():
            switches += _field(task / "status", "voluntary_ctxt_switches")
            threads += 1
        memory = _field(folder / "status", "VmRSS")
        return cls(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), switches, memory, threads)


def _field(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(f"{file} has no {name}")


def wait_until(holds: Callable[[], bool]) -> None:
    """Return once something holds."""
    end_at = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end_at:
            raise TimeoutError
        time.sleep(0.01)


def ready(process: "subprocess.Popen[str]") -> None:
    """Return once a program has said that it is ready."""
    if process.stdout is None or process.stdout.readline() != "ready\n":
        raise RuntimeError(f"process {process.pid} did not start")


def end(process: "subprocess.Popen[str]") -> None:
    """End a program, if it still runs, and close what it was spoken to through."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
