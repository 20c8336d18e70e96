"""Kills everything between a shed and its far end, again and again under load, and holds the end to the promise.

Run as a program: ``python -m tests.e2e.far_kills --victim far-end --kills 100``.
"""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from tests.broker import Mosquitto, mosquitto
from tests.coap_datagram import Seen, taken_apart
from tests.e2e.kills import LATE, Account, judged, post, run_dry, work
from tests.e2e.mqtt_peer import Heard, MqttPeer
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.test_far_end import FarEndProgram
from tests.e2e.world import BROKER, World

VICTIMS = ("bridge", "far-end", "broker", "far-broker", "module")
SOCKET = "control"
OSCORE = 9
UNDER_WAY = 30
"""Messages without their end beyond which no more are published: each takes a round trip."""

SAVED_WITHIN = 2.0
"""Seconds within which the far broker has on disk what it acknowledged: mosquitto writes once a second."""


@dataclass
class Air(asyncio.DatagramProtocol):
    """Between module and far end: passes everything on, and keeps what was sealed under which number.

    Args:
        far_end: The far end's port.
        requests: Sealed requests by their number; more than one is a number that was used twice.
        answers: Those that were sealed under a request's number, by that; more than one different is as bad.
        own: Answers by the far end's own numbers.
    """

    far_end: int
    requests: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    answers: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    own: dict[bytes, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    up: int = 0
    _numbers: dict[bytes, bytes] = field(default_factory=dict)
    _behind: dict[Any, asyncio.DatagramTransport] = field(default_factory=dict)
    _transport: asyncio.DatagramTransport | None = None

    async def open(self) -> int:
        """Return the port that the module sends to."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Pass nothing on any longer."""
        for each in (self._transport, *self._behind.values()):
            if each is not None:
                each.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Pass on what a module sends; another address is another socket of it."""
        self.up += 1
        seen = taken_apart(data)
        if seen.has(OSCORE):
            number = _number(seen)
            self._numbers[seen.token] = number
            self.requests[number].add(seen.payload)
        if addr in self._behind:
            self._behind[addr].sendto(data)
        else:
            asyncio.get_running_loop().create_task(self._first(data, addr))

    def answered(self, data: bytes, address: Any) -> None:
        """Pass on what the far end sends."""
        seen = taken_apart(data)
        if seen.has(OSCORE) and seen.token in self._numbers:
            own = _number(seen)
            (self.own[own] if own else self.answers[self._numbers[seen.token]]).add(seen.payload)
        if self._transport is not None:
            self._transport.sendto(data, address)

    async def _first(self, data: bytes, address: Any) -> None:
        behind = _Behind(self, address)
        loop, place = asyncio.get_running_loop(), ("127.0.0.1", self.far_end)
        self._behind[address], _ = await loop.create_datagram_endpoint(lambda: behind, remote_addr=place)
        self._behind[address].sendto(data)

    def verdict(self) -> dict[str, int]:
        """Count what matters."""
        return {
            "numbers": len(self.requests),
            "numbers used twice": sum(len(seals) > 1 for seals in self.requests.values()),
            "numbers answered twice": sum(len(seals) > 1 for seals in (*self.answers.values(), *self.own.values())),
            "datagrams up": self.up,
        }


@dataclass
class _Behind(asyncio.DatagramProtocol):
    """The side of the air that the far end sees."""

    air: Air
    address: Any

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's
        """Pass on."""
        self.air.answered(data, self.address)


def _number(seen: Seen) -> bytes:
    """Return the number in a sealed datagram, empty if it has none (RFC 8613 section 6.1)."""
    [option] = seen.has(OSCORE)
    return option[1 : 1 + (option[0] & 7)] if option else b""


async def publish(world: World, account: Account, rate: float) -> None:
    """Publish until cancelled."""
    number = 0
    while True:
        if len(account.sent) - len(account.ends) < UNDER_WAY:
            number += 1
            post(world, account, SOCKET, f"{SOCKET}-{number}")
        await asyncio.sleep(1 / rate)


@dataclass
class Parts:
    """What can be killed."""

    world: World
    bridge: BridgeProcess
    emulator: Emulator
    far_end: FarEndProgram
    far_broker: Mosquitto

    async def kill(self, victim: str) -> None:
        """Kill one of them, and start it again."""
        match victim:
            case "bridge":
                await self.bridge.kill()
                await self.bridge.start()
            case "far-end":
                await self.far_end.end(signal.SIGKILL)
                await self.far_end.start()
            case "broker":
                await self.world.broker.kill()
                await self.world.broker.start()
            case "far-broker":
                await self.far_broker.kill()
                await self.far_broker.start()
            case _:
                await self.emulator.kill()
                await self.emulator.start()


async def campaign(world: World, *, victim: str, kills: int, rate: float, longest: float, seed: int) -> dict[str, int]:
    """Kill a victim so many times at random moments under load, run dry, and return the account."""
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    account = Account()
    world.mqtt.hurry()
    world.mqtt.watch(account.heard)
    directory = world.directory / "far"
    directory.mkdir()
    async with mosquitto(directory, *BROKER) as far_broker:
        peer = MqttPeer(far_broker.host, far_broker.port)
        peer.hurry()
        await peer.start()

        def arrived(heard: Heard) -> None:
            if heard.topic.startswith("far-end/shed/received/"):
                account.arrived(heard.payload)

        peer.watch(arrived)
        far_end = FarEndProgram(directory, far_broker.port)
        await far_end.start()
        air = Air(far_end.port)
        socket = {**far_end.socket("raw"), "url": f"coap://127.0.0.1:{await air.open()}/raw"}
        emulator = await world.emulator()
        settings = {"port": emulator.place, "sockets": {SOCKET: socket}, "recovery": {"attach_ceiling": 1000}}
        parts = Parts(world, await world.bridge({"shed": settings}), emulator, far_end, far_broker)
        try:
            await world.modem("shed").online()
            publishing = asyncio.create_task(publish(world, account, rate))
            for _ in range(kills):
                await work(account)
                await asyncio.sleep(chance.uniform(0.0, longest))
                account.kills.append(time.monotonic())
                await parts.kill(victim)
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            await run_dry(world, account, forgetful=victim == "broker")
            await parts.bridge.speaks()
            await parts.bridge.stop()
        finally:
            await far_end.end(signal.SIGTERM)
            air.close()
            await peer.stop()
    return {**account.verdict(), **with_the_far_broker(account, victim), **air.verdict()}


def with_the_far_broker(account: Account, victim: str) -> dict[str, int]:
    """Count what the far broker acknowledged and forgot: it writes what it has to disk once a second only."""
    if victim != "far-broker":
        return {"forgotten by the far broker": 0}
    lost = [name for name in account.ends if name not in account.arrivals]
    forgotten = [
        name for name in lost if account.killed_between(account.ended[name] - LATE, account.ended[name] + SAVED_WITHIN)
    ]
    return {"lost": len(lost) - len(forgotten), "forgotten by the far broker": len(forgotten)}


def broken(verdict: dict[str, int]) -> list[str]:
    """Say which parts of the promise do not hold."""
    never = ("lost", "receipts missing", "receipts doubled", "sent twice without a kill", "not sent")
    sealed = ("numbers used twice", "numbers answered twice")
    return [f"{what}: {verdict[what]}" for what in (*never, *sealed) if verdict[what]]


async def main() -> int:
    """Run a campaign from the command line; the exit status says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victim", choices=VICTIMS, default="far-end")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second")
    parser.add_argument(
        "--longest", type=float, default=1.0, help="most seconds between two kills, after a message's end"
    )
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    wanted = parser.parse_args()

    def run(world: World) -> Awaitable[dict[str, int]]:
        how = {"kills": wanted.kills, "rate": wanted.rate, "longest": wanted.longest, "seed": wanted.seed}
        return campaign(world, victim=wanted.victim, **how)

    return await judged(f"{wanted.victim}, seed {wanted.seed}", run, broken)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
