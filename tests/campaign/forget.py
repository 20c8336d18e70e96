"""Has the broker forget the bridge's session again and again while messages flow, and holds the bridge to its promise.

Run as a program by script/campaign forget; the tests run a short one.
"""

import argparse
import asyncio
import contextlib
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from tests.bridge.mqtt.scripted_broker import SILENCE, TAKE, Answer, Published, ScriptedBroker
from tests.e2e.kills import RUN_DRY, SOCKETS, Account, counted, judged, publish, run_dry, work
from tests.e2e.mqtt_peer import Heard
from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import until
from tests.e2e.world import World

IMPATIENT: Final = "tests.e2e.impatient"
ROOT: Final = "sim7020/shed/"
WINDOW: Final = 32
"""Messages that the broker delivers before the first of them is acknowledged."""

AWAY: Final = 12
"""Messages without an id that are published while the broker has forgotten the bridge, and it is not back."""

BACK: Final = 16
"""Packets by which a new session's identifiers begin before the last of the old one: the same ones come again soon."""

SILENT: Final = 0.3
"""Most seconds for which the broker takes receipts and acknowledges none, before it forgets."""

DOWN: Final = 0.5
"""Most seconds for which a broker is down."""


@dataclass
class Forgotten(Account):
    """What became of every message, over so many sessions.

    Args:
        sessions: Connections of the bridge at which the broker did not know it.
        resumed: Connections at which it did.
        bare: What messages without an id say, and how many that say so the bridge has acknowledged. They say the number
            of the packet that brings them, so that each session has the same ones.
        unsure: The same for those that it had not acknowledged when the broker forgot them.
        bare_ends: Final receipts of these, each different one once.
        unpublished: Retained topics that the bridge did not publish again in the last session.
    """

    sessions: int = 0
    resumed: int = 0
    bare: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)
    bare_ends: set[bytes] = field(default_factory=set)
    unpublished: set[str] = field(default_factory=set)

    @property
    def bare_arrivals(self) -> int:
        """How many messages without an id have come to their server."""
        return sum(len(self.arrivals.get(name, ())) for name in self.bare.keys() | self.unsure.keys())

    def verdict(self) -> dict[str, int]:
        """Count what matters; the bridge itself is never killed, so that it sends nothing twice."""
        bare = self.bare.keys() | self.unsure.keys()
        arrived = {name: len(self.arrivals.get(name, ())) for name in bare}
        states = Counter(json.loads(ends[0])["state"] for ends in self.ends.values())
        return {
            "messages": len(self.sent) + self.bare.total(),
            "sessions forgotten": self.sessions,
            "sessions kept": self.resumed,
            "lost": len((self.ends.keys() | self.forgotten) - self.arrivals.keys()),
            "receipts missing": len(self.unfinished() - self.forgotten),
            "receipts forgotten by the broker": len(self.forgotten),
            "receipts doubled": sum(len(ends) > 1 for ends in self.ends.values()),
            "receipts repeated": self.repeated,
            "sent twice": sum(len(moments) > 1 for name, moments in self.arrivals.items() if name not in bare),
            "without id": self.bare.total(),
            "without id, lost": sum(max(0, self.bare[name] - times) for name, times in arrived.items()),
            "without id, sent twice": sum(
                max(0, times - self.bare[name] - self.unsure[name]) for name, times in arrived.items()
            ),
            "without id, receipts missing or doubled": abs(self.bare_arrivals - len(self.bare_ends)),
            "retained topics missing": len(self.unpublished),
            "not sent": sum(states.values()) - states["accepted"] - states["acknowledged"],
        }


def broken(verdict: dict[str, int]) -> list[str]:
    """Say which parts of the promise do not hold."""
    may = {
        "messages",
        "sessions forgotten",
        "sessions kept",
        "receipts forgotten by the broker",
        "receipts repeated",
        "without id",
    }
    return [f"{what}: {number}" for what, number in verdict.items() if number and what not in may]


async def mosquitto(world: World, *, times: int, rate: float, longest: float, seed: int) -> dict[str, int]:
    """Restart mosquitto without its database so many times, run dry, and return the account."""
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    account = Forgotten()
    world.mqtt.hurry()
    world.mqtt.watch(account.heard)
    async with counted(account) as modem:
        emulator = await world.emulator()
        bridge = _bridge(world, world.broker.port, {"port": emulator.place, **modem})
        await world.add(bridge, "shed")
        await world.modem("shed").online()
        retained = {topic for topic, heard in world.mqtt.latest.items() if heard.retain and heard.payload}
        publishing = asyncio.create_task(publish(world, account, rate, most=math.inf))
        for _ in range(times):
            await work(account)
            await asyncio.sleep(chance.uniform(0.05, longest))
            await (world.broker.kill() if chance.random() < 0.5 else world.broker.stop())
            (world.directory / "mosquitto.db").unlink(missing_ok=True)
            await asyncio.sleep(chance.uniform(0.0, DOWN))
            world.mqtt.latest.clear()
            await world.broker.start()
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await run_dry(world, account, forgetful=True)
        account.unpublished = retained - world.mqtt.latest.keys()
        answered = "Sending CONNACK to sim7020-bridge-shed "
        account.sessions = world.broker.log.count(f"{answered}(0, 0)") - 1
        account.resumed = world.broker.log.count(f"{answered}(1, 0)")
        await bridge.stop()
    return account.verdict()


def _bridge(world: World, port: int, modem: dict[str, object]) -> BridgeProcess:
    bridge = BridgeProcess(world.directory / "bridge.yaml", program=IMPATIENT)
    tree = {
        "mqtt": {"host": "127.0.0.1", "port": port},
        "modems": {"shed": modem},
        "state_dir": str(world.directory / "state"),
    }
    bridge.config.write_text(json.dumps(tree))
    return bridge


class Publisher:
    """A broker's side of the session: brings messages until they are acknowledged, in a new session as new ones."""

    def __init__(self, broker: ScriptedBroker, account: Forgotten) -> None:
        self._broker = broker
        self._account = account
        self._numbers = count(1)
        self._packets = count(1)
        self._under_way: dict[int, tuple[str, str]] = {}
        self._seen = 0

    @property
    def idle(self) -> bool:
        """Whether the bridge has acknowledged all messages."""
        self._catch_up()
        return not self._under_way

    async def run(self, rate: float) -> None:
        """Publish until cancelled, to all sockets in turn; what goes to the first has no id."""
        for number in self._numbers:
            for socket in SOCKETS:
                self._catch_up()
                if len(self._under_way) >= WINDOW:
                    continue
                name = f"{socket}-{number}"
                if socket != SOCKETS[0]:
                    self._account.sent[name] = time.monotonic()
                self._bring(socket, name)
            await asyncio.sleep(len(SOCKETS) / rate)

    def forget(self) -> None:
        """Forget the session; who published what is not acknowledged publishes it again, if it has an id."""
        self._catch_up()
        again, self._under_way = list(self._under_way.values()), {}
        self._packets = count(max(1, next(self._packets) - BACK))
        self._broker.hang_up()
        self._broker.forget_session()
        for socket, name in again:
            if socket == SOCKETS[0]:
                self._account.unsure[name] += 1
            else:
                self._bring(socket, name)
        for _ in range(AWAY):
            self._bring(SOCKETS[0], "")

    def _bring(self, socket: str, name: str) -> None:
        packet = next(self._packets)
        bare = socket == SOCKETS[0]
        name = f"bare-{packet}" if bare else name
        self._under_way[packet] = (socket, name)
        topic = f"{ROOT}socket/{socket}/send"
        self._broker.deliver(topic, f"{name};".encode(), packet=packet, user=None if bare else ("id", name))

    def _catch_up(self) -> None:
        for packet in self._broker.acknowledged[self._seen :]:
            socket, name = self._under_way.pop(packet, ("", ""))
            if socket == SOCKETS[0]:
                self._account.bare[name] += 1
        self._seen = len(self._broker.acknowledged)


async def scripted(world: World, *, times: int, rate: float, longest: float, seed: int) -> dict[str, int]:
    """Have a broker forget the session so many times and as often only hang up, run dry, and return the account."""
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    account = Forgotten()
    silent = False

    def rule(published: Published) -> Answer:
        if published.topic.endswith("/receipt"):
            _receipt(account, published)
        return SILENCE if silent and not published.retain else TAKE

    async with counted(account) as modem, ScriptedBroker(rule=rule) as broker:
        emulator = await world.emulator()
        bridge = _bridge(world, broker.port, {"port": emulator.place, **modem})
        await world.add(bridge)
        await broker.until(lambda: any(b'"layer":"online"' in each.payload for each in broker.published))
        publisher = Publisher(broker, account)
        publishing = asyncio.create_task(publisher.run(rate))
        since = 0
        for number in range(2 * times):
            await work(account)
            await asyncio.sleep(chance.uniform(0.05, longest))
            silent = True
            await asyncio.sleep(chance.uniform(0.0, SILENT))
            silent = False
            before = broker.connections
            if number % 2:
                since = before
                account.sessions += 1
                publisher.forget()
            else:
                account.resumed += 1
                broker.hang_up()
            await broker.until(lambda before=before: broker.connections > before)  # type: ignore[misc]
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await until(lambda: publisher.idle and not account.unfinished(), within=RUN_DRY)
        await until(lambda: len(account.bare_ends) >= account.bare_arrivals)
        with contextlib.suppress(TimeoutError):
            await until(lambda: not _unpublished(broker, since))
        account.unpublished = _unpublished(broker, since)
        await bridge.stop()
    return account.verdict()


def _unpublished(broker: ScriptedBroker, since: int) -> set[str]:
    """Return what a broker that forgot everything at a connection was not told again: topics that are retained."""
    latest = {each.topic: each for each in broker.published if each.retain}
    return {topic for topic, each in latest.items() if each.payload and each.connection <= since}


def _receipt(account: Forgotten, published: Published) -> None:
    receipt = json.loads(published.payload)
    if receipt["id"] in account.sent:
        account.heard(Heard(published.topic, published.payload))
    elif receipt["final"]:
        account.repeated += published.payload in account.bare_ends
        account.bare_ends.add(published.payload)


def campaign(
    world: World, *, broker: str, times: int, rate: float, longest: float, seed: int
) -> Awaitable[dict[str, int]]:
    """Have a broker forget the session so many times, and return the account."""
    run = {"mosquitto": mosquitto, "scripted": scripted}[broker]
    return run(world, times=times, rate=rate, longest=longest, seed=seed)


async def main() -> int:
    """Run a campaign from the command line; the exit status says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=("mosquitto", "scripted"), default="mosquitto")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--rate", type=float, default=60.0, help="messages a second")
    parser.add_argument("--longest", type=float, default=1.0, help="most seconds between two times")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    wanted = parser.parse_args()
    settings = {"times": wanted.times, "rate": wanted.rate, "longest": wanted.longest, "seed": wanted.seed}
    return await judged(
        f"forget {wanted.broker}, seed {wanted.seed}",
        lambda world: campaign(world, broker=wanted.broker, **settings),
        broken,
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
