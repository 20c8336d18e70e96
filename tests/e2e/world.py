"""A world for the bridge to live in: broker, emulated modules, servers, and a client that holds it to the contract."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests import contract_check
from tests.broker import Mosquitto, mosquitto
from tests.e2e.mqtt_peer import PATIENCE, Heard, Mqtt5, MqttPeer
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import TcpServer, UdpServer

BASE = "sim7020"
BROKER = ("max_queued_messages 0", "set_tcp_nodelay true", "persistence true", "autosave_interval 1")
Document = dict[str, Any]
Settings = Mapping[str, object]


class Modem:
    """One modem as its users see it: over MQTT."""

    def __init__(self, mqtt: MqttPeer, name: str, base: str = BASE) -> None:
        self.mqtt = mqtt
        self.name = name
        self.root = f"{base}/{name}"
        self._transactions = itertools.count(1)

    def topic(self, tail: str) -> str:
        """Return one of its topics."""
        return f"{self.root}/{tail}"

    async def state(self, holds: Callable[[Document], bool], *, within: float = PATIENCE) -> Document:
        """Return its state once a condition holds for it."""
        heard = await self.mqtt.now(self.topic("state"), lambda heard: holds(heard.json()), within=within)
        return dict(heard.json())

    async def online(self, *, within: float = PATIENCE) -> Document:
        """Return its state once it is online and its address is known."""
        return await self.state(
            lambda state: state["link"]["layer"] == "online" and state["pdn"]["address"] is not None, within=within
        )

    async def layer(self, layer: str, *, within: float = PATIENCE) -> Document:
        """Return its state once the link stands at a layer."""
        return await self.state(lambda state: state["link"]["layer"] == layer, within=within)

    async def socket(self, name: str, holds: Callable[[Document], bool], *, within: float = PATIENCE) -> Document:
        """Return a socket's state once a condition holds for it."""
        topic = self.topic(f"socket/{name}/state")
        return dict((await self.mqtt.now(topic, lambda heard: holds(heard.json()), within=within)).json())

    async def open(self, *names: str, within: float = PATIENCE) -> None:
        """Return once sockets are open."""
        for name in names:
            await self.socket(name, lambda state: state["phase"] == "open", within=within)

    async def request(self, verb: str, /, **body: object) -> Document:
        """Make a request and return the response to it."""
        transaction = next(self._transactions)
        since = len(self.mqtt.heard)
        await self.mqtt.publish(self.topic(f"request/{verb}"), json.dumps({"transaction": transaction, **body}))
        heard = await self.mqtt.message(
            self.topic(f"response/{verb}"), lambda heard: heard.json()["transaction"] == transaction, since=since
        )
        return dict(heard.json())

    async def send(self, socket: str, payload: bytes | str, name: str, *, qos: int = 1, **options: Any) -> None:
        """Publish a message with an id for a socket; options as for `Mqtt5`."""
        user = (("id", name), *options.pop("user", ()))
        await self.mqtt.publish(
            self.topic(f"socket/{socket}/send"), payload, qos=qos, properties=Mqtt5(user=user, **options)
        )

    async def receipt(self, socket: str, name: str, state: str) -> Document:
        """Return the receipt of a message in a state."""

        def fits(heard: Heard) -> bool:
            receipt = heard.json()
            return bool(receipt["id"] == name and receipt["state"] == state)

        return dict((await self.mqtt.message(self.topic(f"socket/{socket}/receipt"), fits)).json())

    def receipts(self, socket: str, name: str) -> list[str]:
        """Return the states that a message has gone through so far."""
        documents = [heard.json() for heard in self.mqtt.all(self.topic(f"socket/{socket}/receipt"))]
        return [document["state"] for document in documents if document["id"] == name]

    async def received(self, socket: str, payload: bytes, *, since: int = 0) -> None:
        """Return once bytes have come from a socket."""
        await self.mqtt.message(
            self.topic(f"socket/{socket}/received"), lambda heard: heard.payload == payload, since=since
        )


class World:
    """Everything around the bridge; what is started here is ended by `end`, whatever else goes wrong."""

    def __init__(self, directory: Path, broker: Mosquitto, mqtt: MqttPeer) -> None:
        self.directory = directory
        self.broker = broker
        self.mqtt = mqtt
        self._ends = AsyncExitStack()
        self.bridges: list[BridgeProcess] = []
        self._modems: set[str] = set()

    async def emulator(
        self, *arguments: str, name: str = "shed", baud: str = "0", speed: str = "0", tcp: bool = False
    ) -> Emulator:
        """Start an emulated module."""
        emulator = Emulator(self.directory, name, ["--baud", baud, "--speed", speed, *arguments], tcp)
        self._ends.push_async_callback(emulator.stop)
        await emulator.start()
        return emulator

    async def udp(self, *, echo: bool = False) -> UdpServer:
        """Start a UDP server."""
        return await self._ends.enter_async_context(UdpServer(echo=echo))

    async def tcp(self, *, echo: bool = False) -> TcpServer:
        """Start a TCP server."""
        return await self._ends.enter_async_context(TcpServer(echo=echo))

    async def bridge(self, modems: Mapping[str, Settings], **mqtt: object) -> BridgeProcess:
        """Start a bridge with these modems; more settings of the broker as keywords."""
        config = self.directory / f"bridge{len(self.bridges)}.yaml"
        broker = {"host": self.broker.host, "port": self.broker.port, **mqtt}
        state = str(self.directory / "state")
        config.write_text(json.dumps({"mqtt": broker, "modems": modems, "state_dir": state}))
        return await self.add(BridgeProcess(config), *modems)

    async def add(self, bridge: BridgeProcess, *modems: str) -> BridgeProcess:
        """Start a bridge that has these modems."""
        self.bridges.append(bridge)
        self._modems.update(modems)
        await bridge.start()
        return bridge

    async def shed(
        self, port: str, sockets: Mapping[str, Settings] | None = None, *, mqtt: Settings | None = None, **modem: object
    ) -> Modem:
        """Start a bridge with one modem called shed, wait until the modem is online and its sockets are open."""
        await self.bridge({"shed": {"port": port, "sockets": sockets or {}, **modem}}, **(mqtt or {}))
        shed = self.modem("shed")
        await shed.online()
        await shed.open(*(sockets or {}))
        return shed

    def modem(self, name: str) -> Modem:
        """Return a modem as its users see it."""
        return Modem(self.mqtt, name)

    async def end_bridges(self) -> None:
        """End the bridges while what they talk to is still there; not needed at the end of a test."""
        for bridge in self.bridges:
            await bridge.stop()

    async def end(self) -> None:
        """End everything, the bridges first."""
        async with self._ends:
            for bridge in self.bridges:
                sys.stdout.write(bridge.log)  # pytest shows it with a failure
                self._ends.push_async_callback(bridge.stop)

    async def close(self) -> None:
        """End everything, and hold all that was published to the contract."""
        try:
            await self.end_bridges()
            for name in self._modems:
                heard = await self.mqtt.now(f"{BASE}/{name}/availability", lambda heard: heard.payload == b"offline")
                assert heard.retain
        finally:
            await self.end()
        self.check(*self._modems, "pool")

    def check(self, *modems: str) -> None:
        """Hold everything that modems have published so far to the contract."""
        for name in modems:
            mine = [heard for heard in self.mqtt.heard if heard.topic.startswith(f"{BASE}/{name}/")]
            published = [
                heard
                for heard in mine
                if heard.topic.rpartition("/")[2] not in {"send", "component"} and "/request/" not in heard.topic
            ]
            for heard in published:
                contract_check.check(heard.topic, heard.payload, retain=heard.retain, base=BASE, modem=name)
            _check_final_receipts([heard for heard in published if heard.topic.endswith("/receipt")])


@asynccontextmanager
async def world_in(directory: Path, config: Sequence[str] = BROKER) -> AsyncIterator[World]:
    """Run a broker and a client that hears everything; at the end hold all that was published to the contract."""
    async with mosquitto(directory, *config) as broker:
        mqtt = MqttPeer(broker.host, broker.port)
        await mqtt.start()
        try:
            world = World(directory, broker, mqtt)
            try:
                yield world
            finally:
                await world.close()
        finally:
            await mqtt.stop()


def _check_final_receipts(receipts: list[Heard]) -> None:
    """Hold every message to at most one final receipt, with nothing after it.

    With QoS 1 the very same publication may come again when the broker or the bridge starts again.
    """
    seen: set[bytes] = set()
    final: set[tuple[str | None, str, str]] = set()
    for heard in receipts:
        if heard.payload in seen:
            continue
        seen.add(heard.payload)
        receipt = heard.json()
        message = (receipt.get("modem"), receipt["socket"], receipt["id"])
        assert message not in final, f"a receipt after the final one: {receipt}"
        if receipt["final"]:
            final.add(message)


async def run(*command: str, within: float = PATIENCE) -> tuple[int, str, str]:
    """Run a program to its end; return exit status, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode()


def udp(port: int, **more: object) -> Settings:
    """Return the settings of a UDP socket to a port of this host."""
    return {"protocol": "udp", "host": "127.0.0.1", "port": port, **more}


def tcp(port: int, **more: object) -> Settings:
    """Return the settings of a TCP socket to a port of this host."""
    return {"protocol": "tcp", "host": "127.0.0.1", "port": port, **more}
