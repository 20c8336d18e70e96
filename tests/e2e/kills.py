"""Kills bridge, broker or module again and again under load, and holds the end to the delivery promise.

Run as a program: ``python -m tests.e2e.kills --victim bridge --kills 300``.
"""

import argparse
import asyncio
import contextlib
import io
import json
import math
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.e2e.mqtt_peer import Heard, Mqtt5
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import TcpServer, UdpServer
from tests.e2e.world import BROKER, Settings, World, tcp, udp, world_in

SOCKETS = ("telemetry", "alarms", "control")
RUN_DRY = 180.0
"""Seconds in which another message must have had its end after the last kill, until all have."""

LATE = 1.5
"""Seconds that a message may still be on its way when the bridge is dead already.

What a pty holds takes the line 0.4 s; the rest is for a machine whose cores are busy.
"""

OVERTAKEN = 5.0
"""Seconds that a message may come to its server after its final receipt has come to whoever sent it."""

AGAIN = 5.0
"""Seconds of silence after which a user sends messages again: a broker that is killed forgets."""

AT_WORK_WITHIN = 20.0
"""Seconds that whatever was killed has to be back at work, every other time, before it is killed again."""

MOST_TWICE = 20
"""Datagrams of a modem that a kill may send twice; see docs/delivery.md."""

LOG_SHOWN = 20_000
"""Characters of the bridge's log that are shown where the promise did not hold."""

UNDER_WAY = 2000
"""Messages without their end beyond which no more are published: a slow machine would never get to the end of them."""

AT_ONCE = 500
"""Messages that are sent again at once: there may be many after a campaign in which the bridge never came up."""


@dataclass
class Account:
    """What became of every message.

    Args:
        kills: When something was killed.
        sent: Message id to the moment it was last published.
        ends: Message id to its final receipts, each different one once.
        ended: Message id to the moment of the first of them.
        forgotten: Messages whose final receipts a killed broker had acknowledged and did not deliver.
        repeated: Final receipts that came again, the very same bytes.
        arrivals: Message id to the moments at which it came to its server.
    """

    kills: list[float] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)
    ends: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[str, float] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    repeated: int = 0
    arrivals: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def arrived(self, data: bytes) -> None:
        """Note what came to a server: ids, each ended by a semicolon."""
        for name in data.split(b";"):
            if name:
                self.arrivals[name.decode()].append(time.monotonic())

    def heard(self, heard: Heard) -> None:
        """Note a final receipt."""
        if not heard.topic.endswith("/receipt"):
            return
        receipt = heard.json()
        if receipt["final"]:
            ends = self.ends[receipt["id"]]
            if heard.payload in ends:
                self.repeated += 1
            else:
                ends.append(heard.payload)
                self.ended.setdefault(receipt["id"], time.monotonic())

    def unfinished(self) -> set[str]:
        """Return the messages without a final receipt."""
        return self.sent.keys() - self.ends.keys()

    def first_kill(self, first: float, second: float) -> float | None:
        """Return when something was killed first between two moments."""
        return next((moment for moment in self.kills if first <= moment <= second), None)

    def killed_between(self, first: float, second: float) -> bool:
        """Whether something was killed between two moments."""
        return self.first_kill(first, second) is not None

    def killed_around(self, moment: float) -> bool:
        """Whether something was killed at about a moment."""
        return self.killed_between(moment - LATE, moment + LATE)

    def verdict(self) -> dict[str, int]:
        """Count what matters."""
        states = Counter(json.loads(ends[0])["state"] for ends in self.ends.values())
        settled = self.ends.keys() | self.forgotten
        lost = [name for name in self.sent if name in settled and name not in self.arrivals]
        # UDP ends when the module has it: what the module had when it was killed, nobody can know
        in_module = [
            name for name in lost if not name.startswith("control") and self.killed_around(self.ended.get(name, 0))
        ]
        twice = [pair for moments in self.arrivals.values() for pair in pairwise(moments)]
        explained = sum(self.killed_between(first - LATE, second) for first, second in twice)
        datagrams = [
            self.first_kill(first - LATE, second)
            for name, moments in self.arrivals.items()
            if not name.startswith("control")
            for first, second in pairwise(moments)
        ]
        return {
            "messages": len(self.sent),
            "kills": len(self.kills),
            "lost": len(lost) - len(in_module),
            "lost with the module": len(in_module),
            "receipts missing": len(self.unfinished() - self.forgotten),
            "receipts forgotten by the broker": len(self.forgotten),
            "receipts doubled": sum(len(ends) > 1 for ends in self.ends.values()),
            "receipts repeated": self.repeated,
            "sent twice over a kill": explained,
            "most datagrams sent twice over one kill": max(Counter(datagrams).values(), default=0),
            "sent twice without a kill": len(twice) - explained,
            "not sent": sum(states.values()) - states["accepted"] - states["acknowledged"],
        }


class CountingUdp(UdpServer):
    """A UDP server that keeps account."""

    account: Account

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a datagram."""
        self.account.arrived(data)
        super().datagram_received(data, addr)


class CountingTcp(TcpServer):
    """A TCP server that keeps account of whole ids; what a broken connection cut off is none."""

    account: Account

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writer = writer
        rest = b""
        try:
            while data := await reader.read(65536):
                whole, mark, rest = (rest + data).rpartition(b";")
                self.account.arrived(whole + mark)
        except ConnectionError:
            pass
        writer.close()


@contextlib.asynccontextmanager
async def counted(account: Account) -> AsyncIterator[dict[str, Settings]]:
    """Run a server for each socket that keeps account, and yield the settings of a modem without its port."""
    CountingUdp.account = CountingTcp.account = account
    async with CountingUdp() as telemetry, CountingUdp() as alarms, CountingTcp() as control:
        yield {
            "sockets": {"telemetry": udp(telemetry.port), "alarms": udp(alarms.port), "control": tcp(control.port)},
            "recovery": {"attach_ceiling": 1000},
            "outbox": {"max_messages": 1_000_000, "max_bytes": 10**9},
        }


async def publish(world: World, account: Account, rate: float, *, most: float = UNDER_WAY) -> None:
    """Publish until cancelled, to all sockets in turn; a broker that forgets would leave some under way for ever."""
    number = 0
    while True:
        if len(account.sent) - len(account.ends) < most:
            for socket in SOCKETS:
                number += 1
                post(world, account, socket, f"{socket}-{number}")
        await asyncio.sleep(len(SOCKETS) / rate)


def post(world: World, account: Account, socket: str, name: str) -> None:
    """Publish one message."""
    account.sent[name] = time.monotonic()
    world.mqtt.post(f"sim7020/shed/socket/{socket}/send", f"{name};".encode(), properties=Mqtt5(user=(("id", name),)))


def told(file: Path) -> set[str]:
    """Return the messages whose final receipts a broker has acknowledged, by the bridge's own file."""
    connection = sqlite3.connect(file)
    try:
        known = {name for (name,) in connection.execute("SELECT id FROM known")}
        known -= {name for (name,) in connection.execute("SELECT id FROM message")}
        pending = [payload for (payload,) in connection.execute("SELECT payload FROM publication")]
    finally:
        connection.close()
    return known - {json.loads(payload).get("id", "") for payload in pending}


async def run_dry(world: World, account: Account, *, forgetful: bool) -> None:
    """Wait until every message has its final receipt; send again what nobody says anything of, as a user would.

    A broker that is killed forgets who had subscribed and what it had acknowledged; what it was told counts then.
    """
    now = told_at = changed_at = time.monotonic()
    before = len(account.ends)
    file = world.directory / "state" / "shed.outbox"
    while (left := account.unfinished()) and now - changed_at < RUN_DRY:
        now = time.monotonic()
        if len(account.ends) > before:
            before, changed_at = len(account.ends), now
        if now - max(told_at, changed_at) > AGAIN:
            told_at = now
            if forgetful:
                account.forgotten = left & told(file)
            silent = sorted(left - account.forgotten)
            if not silent:
                break
            for name in silent[:AT_ONCE]:
                post(world, account, name.rpartition("-")[0], name)
        await asyncio.sleep(0.1)
    # a receipt may overtake the datagram that it is of
    until = time.monotonic() + OVERTAKEN
    while account.sent.keys() - account.arrivals.keys() and time.monotonic() < until:  # noqa: ASYNC110 - a tally
        await asyncio.sleep(0.1)


async def kill(victim: str, world: World, bridge: BridgeProcess, emulator: Emulator) -> None:
    """Kill one of the three and start it again."""
    match victim:
        case "bridge":
            await bridge.kill()
            await bridge.start()
        case "broker":
            await world.broker.kill()
            await world.broker.start()
        case _:
            await emulator.kill()
            await emulator.start()


async def work(account: Account) -> None:
    """Wait until another message has had its end: on a slow machine every kill would hit a bridge that just starts."""
    before, began = len(account.ends), time.monotonic()
    while len(account.ends) == before and time.monotonic() - began < AT_WORK_WITHIN:  # noqa: ASYNC110 - a tally
        await asyncio.sleep(0.05)


async def campaign(world: World, *, victim: str, kills: int, rate: float, longest: float, seed: int) -> dict[str, int]:
    """Kill a victim so many times at random moments under load, run dry, and return the account."""
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    account = Account()
    world.mqtt.hurry()
    world.mqtt.watch(account.heard)
    async with counted(account) as modem:
        emulator = await world.emulator()
        bridge = await world.bridge({"shed": {"port": emulator.place, **modem}})
        await world.modem("shed").online()
        publishing = asyncio.create_task(
            publish(world, account, rate, most=math.inf if victim == "broker" else UNDER_WAY)
        )
        for number in range(kills):
            if number % 2:
                await work(account)
            await asyncio.sleep(chance.uniform(0.05, longest))
            account.kills.append(time.monotonic())
            await kill(victim, world, bridge, emulator)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await run_dry(world, account, forgetful=victim == "broker")
        await bridge.speaks()  # the last kill may have started it just now
        await bridge.stop()
    return account.verdict()


def broken(verdict: dict[str, int], victim: str) -> list[str]:
    """Say which parts of the promise do not hold."""
    never = ["lost", "receipts missing", "receipts doubled", "sent twice without a kill", "not sent"]
    if victim != "module":
        never.append("lost with the module")
    wrong = [f"{what}: {verdict[what]}" for what in never if verdict[what]]
    most = "most datagrams sent twice over one kill"
    return [*wrong, f"{most}: {verdict[most]}"] if verdict[most] > MOST_TWICE else wrong


async def main() -> int:
    """Run a campaign from the command line; the exit status says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victim", choices=("bridge", "broker", "module"), default="bridge")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--rate", type=float, default=60.0, help="messages a second")
    parser.add_argument("--longest", type=float, default=2.0, help="most seconds between two kills")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    wanted = parser.parse_args()

    def run(world: World) -> Awaitable[dict[str, int]]:
        return campaign(
            world,
            victim=wanted.victim,
            kills=wanted.kills,
            rate=wanted.rate,
            longest=wanted.longest,
            seed=wanted.seed,
        )

    return await judged(f"{wanted.victim}, seed {wanted.seed}", run, lambda verdict: broken(verdict, wanted.victim))


async def judged(
    title: str,
    run: Callable[[World], Awaitable[dict[str, int]]],
    problems: Callable[[dict[str, int]], list[str]],
    config: Sequence[str] = BROKER,
) -> int:
    """Run a campaign in a world of its own, print what it counted and what is wrong with it; return the exit status."""
    log = io.StringIO()
    # the bridge's log of a whole campaign
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(log):
        async with world_in(Path(directory), config) as world:
            verdict = await run(world)
    sys.stdout.write(f"{title}: {json.dumps(verdict)}\n")
    wrong = problems(verdict)
    for problem in wrong:
        sys.stdout.write(f"BROKEN  {problem}\n")
    if wrong:
        sys.stdout.write(log.getvalue()[-LOG_SHOWN:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
