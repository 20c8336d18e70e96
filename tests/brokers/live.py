"""The bridge itself against a broker, with a module in software: what its users get."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import MQTTMessage

from tests.brokers.ground import NO, YES, Answer, Ground
from tests.brokers.peer import Peer
from tests.brokers.programs import HOST, NAMES
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import UdpServer

ATTACHED_WITHIN: Final = 60.0
"""Seconds until a modem is attached and its socket is open."""
FOUND_WITHIN: Final = 60.0
"""Seconds until a bridge has tried whether what is retained comes by wildcards."""
SENT: Final = "accepted"
"""The final receipt of what went out by UDP."""
ROOT: Final = "sim7020/shed"


@dataclass(frozen=True, slots=True)
class House:
    """A broker, a bridge with a modem that is online and another whose port is missing, and a server that echoes."""

    ground: Ground
    bridge: BridgeProcess
    server: UdpServer

    async def ready(self, peer: Peer) -> None:
        """Return once the modem is online and its socket open, as the broker tells of them."""
        for topic, holds in _HOLDS.items():
            await peer.subscribe(f"{ROOT}/{topic}")
            await _heard(peer, f"{ROOT}/{topic}", holds)

    async def lacks(self) -> Sequence[str]:
        """Return what the bridge misses at the broker, once it has found out all of it."""
        async with self.ground.peer("info") as peer:
            await peer.subscribe(f"{ROOT}/info")
            while True:
                came = await peer.messages(1, FOUND_WITHIN)
                if not came:
                    raise TimeoutError("the bridge does not find out what the broker has")
                broker = json.loads(came[0].payload)["broker"]
                if broker["retained_by_wildcard"] is not None:
                    return [each for each, has in broker.items() if has is False]

    async def goes_out(self, name: bytes) -> str:
        """Tell whether a message goes out, and its receipt and the answer to it come back."""
        async with self.ground.peer(f"reader-{name.decode()}") as peer:
            await self.ready(peer)
            await peer.subscribe(f"{ROOT}/socket/meter/receipt")
            await peer.subscribe(f"{ROOT}/socket/meter/received")
            await peer.publish(f"{ROOT}/socket/meter/send", name)
            missing = {SENT.encode(), name}
            while missing:
                came = await peer.messages(1, self.ground.patience)
                if not came:
                    return NO
                missing -= {each for each in missing if each in came[0].payload}
        return YES

    async def status(self, *options: str) -> Mapping[str, Any]:
        """Return what `status` tells of the modems."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sim7020_bridge", "status", str(self.bridge.config), "--json", *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if not out:
            raise RuntimeError(err.decode())
        return dict(json.loads(out)["modems"])


async def _heard(peer: Peer, topic: str, holds: Callable[[MQTTMessage], bool]) -> None:
    while True:
        came = await peer.messages(1, ATTACHED_WITHIN)
        if not came:
            raise TimeoutError("the bridge does not get ready")
        if came[0].topic == topic and holds(came[0]):
            return


_HOLDS: Final[Mapping[str, Callable[[MQTTMessage], bool]]] = {
    "availability": lambda message: message.payload == b"online",
    "state": lambda message: bool(json.loads(message.payload)["link"]["layer"] == "online"),
    "socket/meter/state": lambda message: bool(json.loads(message.payload)["phase"] == "open"),
}


@asynccontextmanager
async def house(ground: Ground, directory: Path) -> AsyncIterator[House]:
    """Run all of it; nothing is waited for but the bridge's first line in its log."""
    async with AsyncExitStack() as ends:
        server = await ends.enter_async_context(UdpServer(echo=True))
        emulator = Emulator(directory, "shed", ["--baud", "0", "--speed", "0"])
        ends.push_async_callback(emulator.stop)
        await emulator.start()
        config = directory / "bridge.yaml"
        meter = {"protocol": "udp", "host": HOST, "port": server.port, "encoding": "text"}
        user = ground.broker.kind.user
        settings = {
            "mqtt": {
                "host": HOST,
                "port": ground.broker.port(ground.version),
                "protocol": NAMES[ground.version],
                **({} if user is None else {"username": user, "password": user}),
            },
            "modems": {
                "shed": {"port": emulator.place, "sockets": {"meter": meter}},
                "gone": {"port": str(directory / "no-such-port")},
            },
            "state_dir": str(directory / "state"),
        }
        config.write_text(json.dumps(settings))
        bridge = BridgeProcess(config)
        ends.push_async_callback(bridge.stop)
        await bridge.start()
        yield House(ground, bridge, server)


async def message(house: House) -> str:
    """A message goes out, and its receipt and the answer come back."""
    return await house.goes_out(b"first")


async def killed(house: House) -> str:
    """A message that is published after a kill of the bridge goes out when it is back."""
    await house.bridge.kill()
    async with house.ground.peer("publisher") as peer:
        await peer.subscribe(f"{ROOT}/socket/meter/receipt")
        await peer.publish(f"{ROOT}/socket/meter/send", b"meanwhile")
        await house.bridge.start()
        async with house.ground.peer("waiting") as waiting:
            await house.ready(waiting)
        while came := await peer.messages(1, house.ground.patience):
            receipt = json.loads(came[0].payload)
            if receipt["state"] == SENT:
                return YES
            if receipt["final"]:
                return f"{receipt['state']}: `{receipt['error']['code']}`"
    return NO


async def lacks(house: House) -> str:
    """What the bridge says in `info`, and in the alert broker_limited if it is of use, that the broker lacks."""
    return ", ".join(f"`{each}`" for each in await house.lacks()) or "nothing"


async def status(house: House) -> str:
    """`status` finds every modem, with all that is known of each."""
    return await _found_at_last(house, [])


async def status_of_one(house: House) -> str:
    """`status --modem` finds all of a modem."""
    return await _found_at_last(house, ["--modem", "shed"], ["--modem", "gone"])


async def _found_at_last(house: House, *options: Sequence[str]) -> str:
    """Ask until all is found, for as long as patience lasts: on a busy machine `status` may listen for too short."""
    end = asyncio.get_running_loop().time() + house.ground.patience
    while True:
        found = {name: modem for each in options for name, modem in (await house.status(*each)).items()}
        answer = _found(found)
        if answer == YES or asyncio.get_running_loop().time() >= end:
            return answer


def _found(modems: Mapping[str, Any]) -> str:
    missing = [name for name in ("shed", "gone") if not modems.get(name, {}).get("info")]
    if missing:
        return NO
    parts = {"sockets": modems["shed"]["sockets"], "alerts": modems["gone"]["alerts"]}
    return f"not {' and '.join(lacking)}" if (lacking := [part for part, held in parts.items() if not held]) else YES


async def goes_on(house: House) -> Callable[[], Awaitable[str]]:
    """After a restart of the broker everything works as before."""
    return lambda: house.goes_out(b"second")


QUESTIONS: Final[Mapping[str, Callable[[House], Awaitable[Answer]]]] = {
    "bridge: a message goes out, receipt and answer come back": message,
    "bridge: what `broker` in `info` says is missing": lacks,
    "bridge: `status` finds the modems": status,
    "bridge: `status --modem` finds all of one": status_of_one,
    "bridge: what is published while it is dead goes out": killed,
    "bridge: goes on after a restart of the broker": goes_on,
}
