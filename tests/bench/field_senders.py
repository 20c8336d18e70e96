"""Who sends: the bridge, a script that waits for each answer, and one that waits for fixed times, as tutorials do."""

import asyncio
import contextlib
import os
import tty
from pathlib import Path
from typing import Final, Protocol

from sim7020_bridge.config.model import (
    BatchFormat,
    ModemSettings,
    MqttSettings,
    PowerSavingSettings,
    SocketSettings,
    Transport,
)
from sim7020_bridge.service.bridge import Bridge
from tests.bench.field_place import Place
from tests.e2e.mqtt_peer import Heard, MqttPeer

SOCKET: Final = "telemetry"
_ATTACH: Final = 1800.0
_FINAL: Final = (b"\r\nOK\r\n", b"ERROR\r\n")


class Sender(Protocol):
    """What is compared."""

    async def start(self) -> None:
        """Return once it would send; the module attaches meanwhile."""

    async def send(self, message: bytes) -> None:
        """Take a message; whoever returns before it is sent has it wait."""

    async def stop(self) -> None:
        """End."""


class ByBridge:
    """The whole bridge, over a real broker.

    Args:
        place: Where its module is.
        mqtt: Whoever publishes the messages.
        broker: The broker's port.
        name: The modem's.
        state: A directory of its own.
    """

    def __init__(self, place: Place, mqtt: MqttPeer, *, broker: int, name: str, state: Path) -> None:
        wait = place.case.company
        self._place = place
        self._mqtt = mqtt
        self._root = f"sim7020/{name}"
        self.steps: list[str] = []
        """Every recovery step that was taken."""
        self._open = asyncio.Event()
        self.opened = 0
        """How often its socket was opened."""
        self.receipts: dict[str, int] = {}
        """How often each final receipt came."""
        transport = Transport.TCP if place.case.stream else Transport.UDP
        saving = PowerSavingSettings(release_assistance=True) if place.case.assisted else None
        settings = ModemSettings(
            name=name,
            port=place.emulator.place,
            sockets=(
                SocketSettings(
                    SOCKET,
                    transport,
                    "127.0.0.1",
                    place.port,
                    batch=BatchFormat.LENGTH if wait else None,
                    batch_wait=wait,
                ),
            ),
            power_saving=saving,
        )
        self._bridge = Bridge(MqttSettings("127.0.0.1", broker, keepalive=3600), settings, state_dir=state)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Attach."""
        self._mqtt.watch(self._take)
        with self._place.pace.real():
            await self._bridge.open()
            self._running = asyncio.create_task(self._bridge.run())
            await self._mqtt.now(f"{self._root}/availability", lambda heard: heard.payload == b"online")
        async with asyncio.timeout(_ATTACH):
            await self._open.wait()

    async def send(self, *messages: bytes) -> None:
        """Publish, all of them at once."""
        topic = f"{self._root}/socket/{SOCKET}/send"

        def publish() -> None:
            for message in messages:
                self._mqtt.post(topic, message)

        await self._place.hand_over(messages[-1], publish)

    async def stop(self) -> None:
        """End it in good order."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    def _take(self, heard: Heard) -> None:
        if not heard.topic.startswith(f"{self._root}/"):
            return
        match heard.topic.removeprefix(f"{self._root}/").split("/"):
            case ["event"]:
                event = heard.json()
                if event["type"] == "recovering":
                    self.steps += [event["rung"]] * event.get("times", 1)
            case ["socket", _, "state"]:
                is_open = heard.json()["phase"] == "open"
                self.opened += is_open and not self._open.is_set()
                (self._open.set if is_open else self._open.clear)()
            case ["socket", _, "receipt"]:
                receipt = heard.json()
                if receipt["final"]:
                    self.receipts[receipt["state"]] = self.receipts.get(receipt["state"], 0) + 1


class _Line:
    """A serial line, as a script has it."""

    def __init__(self, name: str) -> None:
        self._descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._descriptor)
        self._heard = bytearray()
        self._spoke = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._descriptor, self._readable)

    def close(self) -> None:
        """Close it."""
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def write(self, command: str) -> None:
        """Forget what came, and write a line."""
        self._heard.clear()
        os.write(self._descriptor, f"{command}\r".encode())

    async def ask(self, command: str, within: float = 10.0) -> str:
        """Write a line, and return what is said until the final result, or until nobody waits any longer."""
        self.write(command)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                # a report may stand behind it
                while not any(final in self._heard for final in _FINAL):
                    self._spoke.clear()
                    await self._spoke.wait()
        return self._heard.decode("latin-1")

    def _readable(self) -> None:
        self._heard += os.read(self._descriptor, 4096)
        self._spoke.set()


class _Script:
    """What both scripts have."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._line = _Line(place.emulator.place)
        self._create = f"AT+CSOC=1,{1 if place.case.stream else 2},1"
        self._connect = f'AT+CSOCON=0,{place.port},"127.0.0.1"'

    @staticmethod
    def _data(message: bytes) -> str:
        return f'AT+CSOSEND=0,{2 * len(message)},"{message.hex().upper()}"'

    async def stop(self) -> None:
        """Close the port."""
        self._line.close()


class ByScript(_Script):
    """Opens a socket and sends, waiting for each answer; after an ERROR it opens another one, once a message."""

    _CONNECT = 90.0

    async def start(self) -> None:
        """Try until a socket is open, every second."""
        while not await self._open():  # noqa: ASYNC110 - a script polls
            await asyncio.sleep(1)

    async def send(self, message: bytes) -> None:
        """Send; what fails twice is gone."""
        if not await self._sent(message) and await self._open():
            await self._sent(message)

    async def _open(self) -> bool:
        await self._line.ask("AT+CSOCL=0")
        if "+CSOC: 0" not in await self._line.ask(self._create):
            return False
        return "OK" in await self._line.ask(self._connect, self._CONNECT)

    async def _sent(self, message: bytes) -> bool:
        if self._place.case.assisted:
            await self._line.ask("AT+CNBIOTRAI=1")
        return "OK" in await self._line.ask(self._data(message))


class ByTutorial(_Script):
    """Opens a socket for each message, sends and closes, with fixed waits in between and no look at any answer."""

    _START, _COMMAND, _NETWORK = 10.0, 1.0, 5.0
    """Seconds after switching on, after a command, and after one for which the network is needed."""

    async def start(self) -> None:
        """Wait."""
        await asyncio.sleep(self._START)

    async def send(self, message: bytes) -> None:
        """Go through all of it."""
        await self._say("AT", self._COMMAND)
        await self._say(self._create, self._COMMAND)
        await self._say(self._connect, self._NETWORK)
        if self._place.case.assisted:
            await self._say("AT+CNBIOTRAI=1", self._COMMAND)
        await self._say(self._data(message), self._NETWORK)
        await self._say("AT+CSOCL=0", self._COMMAND)

    async def _say(self, command: str, wait: float) -> None:
        self._line.write(command)
        await asyncio.sleep(wait)
