"""Starts the bridge a second time again and again while messages flow, and holds both to the delivery promise.

Run as a program by script/campaign second; the tests run a short one.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.e2e.kills import LATE, RUN_DRY, Account, counted, judged, publish, run_dry, work
from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.programs import BridgeProcess, Emulator
from tests.e2e.servers import until
from tests.e2e.world import Settings, World

CLIENT: Final = " as sim7020-bridge-shed "
"""What the broker's log says when a bridge has connected."""

STARTS_WITHIN: Final = 1.5
"""Seconds in which a second bridge is killed while it starts."""

LASTS: Final = 3.0
"""Most seconds that a second bridge on another machine runs."""


@dataclass
class Seconds(Account):
    """What became of every message, and of the second starts.

    Args:
        starts: How often a second bridge was started.
        told: How many of them ended with the sentence that says why.
        untold: What the others did instead.
        noticed: What the first one logged meanwhile that was a warning or worse.
        connections: Connections of the session that the broker has seen.
        expected: Connections there had to be.
        takeovers: When the session went over to another bridge.
        alerts: How often the alert was raised that another client has the session.
    """

    starts: int = 0
    told: int = 0
    untold: list[str] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    connections: int = 0
    expected: int = 0
    takeovers: list[float] = field(default_factory=list)
    alerts: int = 0

    def verdict(self) -> dict[str, int]:
        """Count what matters."""
        moments = sorted(self.kills + self.takeovers)

        def explained(name: str, until_: float) -> bool:
            """Whether two bridges may have a message: the broker had no acknowledgement when one took the session."""
            return any(self.sent[name] - LATE <= moment <= until_ for moment in moments)

        doubled = [name for name, ends in self.ends.items() if len(ends) > 1]
        twice = [(name, second) for name, each in self.arrivals.items() for _, second in pairwise(each)]
        states = [json.loads(end)["state"] for ends in self.ends.values() for end in ends]
        return {
            "messages": len(self.sent),
            "second starts": self.starts,
            "refused": self.told,
            "not refused as they should": len(self.untold),
            "noticed by the first": len(self.noticed),
            "connections too many": self.connections - self.expected,
            "kills": len(self.kills),
            "take-overs": len(self.takeovers),
            "alerts": self.alerts,
            "lost": sum(name in self.ends and name not in self.arrivals for name in self.sent),
            "receipts missing": len(self.unfinished()),
            "receipts doubled": len(doubled),
            "receipts doubled without a take-over": sum(not explained(name, self.ended[name]) for name in doubled),
            "receipts repeated": self.repeated,
            "sent twice": len(twice),
            "sent twice without a kill or take-over": sum(not explained(*each) for each in twice),
            "not sent": sum(state not in {"accepted", "acknowledged"} for state in states),
        }


def broken(verdict: dict[str, int], where: str) -> list[str]:
    """Say which parts of the promise do not hold."""
    never = ["lost", "receipts missing", "receipts doubled without a take-over", "not sent"]
    never.append("sent twice without a kill or take-over")
    if where == "here":
        never += ["not refused as they should", "noticed by the first", "connections too many", "receipts doubled"]
    return [f"{what}: {verdict[what]}" for what in never if verdict[what]]


class Pair:
    """Two bridges with the same configuration, of which one runs."""

    def __init__(self, world: World, account: Seconds, first: BridgeProcess, chance: random.Random) -> None:
        self._world = world
        self._account = account
        self._chance = chance
        self._tree = json.loads(first.config.read_text())
        self._outbox = Path(self._tree["state_dir"]) / "shed.outbox"
        self.running = first
        self.other = BridgeProcess(world.directory / "second.yaml")
        world.bridges.append(self.other)

    async def start_second(self) -> None:
        """Start the same beside the one that runs: it has to be refused, and nobody else to notice."""
        variants: tuple[dict[str, object], ...] = (
            {},
            {"state_dir": str(self._world.directory / "elsewhere")},
            {"mqtt": {**self._tree["mqtt"], "host": "localhost"}},
        )
        self._write(self.other, **self._chance.choice(variants))
        before = len(self.running.log)
        await self.other.start()
        if self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.uniform(0.0, STARTS_WITHIN))
            await self.other.kill()
            self._refused(self.other, killed=True)
        else:
            await self._ends(self.other)
            self._refused(self.other)
        if (self._world.directory / "elsewhere").exists():
            self._account.untold.append("it made a state directory")
        lines = self.running.log[before:].splitlines()
        self._account.noticed += [line for line in lines if " WARNING " in line or " ERROR " in line]

    async def race(self) -> None:
        """Kill the one that runs and start two at once: one goes on, and the other is refused."""
        self._write(self.other)
        await self.running.kill()
        self._account.kills.append(time.monotonic())
        self._account.expected += 1
        both = [self.running, self.other]
        self._chance.shuffle(both)
        await both[0].start()
        await asyncio.sleep(self._chance.uniform(0.0, 0.3))
        await both[1].start()
        await until(lambda: any(_status(each) is not None for each in both))
        ended = next(each for each in both if _status(each) is not None)
        self.running, self.other = next(each for each in both if each is not ended), ended
        self._refused(ended)

    def _write(self, bridge: BridgeProcess, **other: object) -> None:
        bridge.config.write_text(json.dumps({**self._tree, **other}))

    async def _ends(self, bridge: BridgeProcess) -> None:
        if bridge.process is not None:
            async with asyncio.timeout(PATIENCE):
                await bridge.process.wait()

    def _refused(self, bridge: BridgeProcess, *, killed: bool = False) -> None:
        """Take down how a second bridge ended; one that was killed may not have come to say why it would have."""
        self._account.starts += 1
        said, process = bridge.said, self.running.process
        sentence = (
            f"sim7020-bridge-shed runs already: it is process {process and process.pid}, "
            f"with its outbox in {self._outbox}. Stop it first"
        )
        fine = sentence in said and said.count(" ERROR ") == 1 and (killed or _status(bridge) == 1)
        if fine:
            self._account.told += 1
        elif not (killed and not said):
            self._account.untold.append(f"status {_status(bridge)}: {said}")
        bridge.process = None


def _status(bridge: BridgeProcess) -> int | None:
    return None if bridge.process is None else bridge.process.returncode


async def here(world: World, *, times: int, rate: float, longest: float, seed: int) -> dict[str, int]:
    """Start a second bridge on the same machine so many times, run dry, and return the account."""
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    account = Seconds(expected=1)
    world.mqtt.watch(account.heard)
    async with counted(account) as modem:
        emulator = await world.emulator()
        pair = Pair(world, account, await world.bridge({"shed": {"port": emulator.place, **modem}}), chance)
        await world.modem("shed").online()
        publishing = asyncio.create_task(publish(world, account, rate))
        for number in range(times):
            await work(account)
            await asyncio.sleep(chance.uniform(0.0, longest))
            await (pair.race() if number % 4 == 3 else pair.start_second())
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await run_dry(world, account, forgetful=False)
        account.connections = world.broker.log.count(CLIENT)
        for problem in (*account.untold, *account.noticed):
            sys.stderr.write(f"{problem}\n")
        await pair.running.stop()
    return account.verdict()


class Relay:
    """Another way to the broker, as another machine has one; it may say that a session was taken over.

    mosquitto 2.0.11 itself only closes the connection.
    """

    def __init__(self, port: int, takeovers: list[float]) -> None:
        self._port = port
        self._takeovers = takeovers
        self.tells = True

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen for as long as this is entered; yield the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._port)
        away = asyncio.create_task(_copy(reader, to_broker))
        with contextlib.suppress(OSError):
            while data := await from_broker.read(65536):
                writer.write(data)  # however slow the bridge is: when its session went has to be noticed at once
        # what the broker had not read yet is lost: then it resets the connection, in both directions
        if not (away.done() and away.result()):
            self._takeovers.append(time.monotonic())
            writer.write(b"\xe0\x01\x8e" if self.tells else b"")
        writer.close()
        to_broker.close()
        await away


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Copy until either end is gone; say whether that is where it comes from."""
    data = b"begun"
    while data:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        writer.write(data)
        try:
            await writer.drain()
        except OSError:
            return False
    writer.close()
    return True


async def elsewhere(world: World, *, times: int, rate: float, longest: float, seed: int) -> dict[str, int]:
    """Start a second bridge on another machine so many times, let both end what they took, and return the account."""
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    account = Seconds()
    world.mqtt.watch(account.heard)
    relays = [Relay(world.broker.port, account.takeovers) for _ in range(2)]
    async with counted(account) as modem, relays[0].listening() as one, relays[1].listening() as two:
        modules = [await world.emulator(name=name) for name in ("shed", "other")]
        first, second = [
            _bridge(world, number, port, module, modem)
            for number, (port, module) in enumerate(zip((one, two), modules, strict=True))
        ]
        await world.add(first, "shed")
        await world.modem("shed").online()
        publishing = asyncio.create_task(publish(world, account, rate))
        for _ in range(times):
            await work(account)
            await asyncio.sleep(chance.uniform(0.0, longest))
            for relay in relays:
                relay.tells = chance.random() < 0.7
            account.starts += 1
            await second.start()
            await until(lambda: "connected to the MQTT broker" in second.said)
            await asyncio.sleep(chance.uniform(0.0, LASTS))
            if chance.random() < 0.5:
                account.kills.append(time.monotonic())
                await second.kill()
            else:
                await second.stop()
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await _alone(world, second, first)
        await _alone(world, first, second)
        await _dry(lambda: len(account.unfinished()))
        await until(lambda: not account.sent.keys() - account.arrivals.keys())
        account.alerts = sum(
            heard.topic.endswith("alert/session_taken_over") and heard.payload != b"" for heard in world.mqtt.heard
        )
        await first.stop()
    # two bridges that know nothing of each other may each end what the broker brought to both
    await world.end_bridges()
    world.mqtt.heard.clear()
    return account.verdict()


def _bridge(world: World, number: int, port: int, module: Emulator, modem: dict[str, Settings]) -> BridgeProcess:
    bridge = BridgeProcess(world.directory / f"machine{number}.yaml", program="tests.e2e.impatient")
    tree = {
        "mqtt": {"host": "127.0.0.1", "port": port},
        "modems": {"shed": {"port": module.place, **modem}},
        "state_dir": str(world.directory / f"machine{number}"),
    }
    bridge.config.write_text(json.dumps(tree))
    world.bridges.append(bridge)
    return bridge


async def _alone(world: World, bridge: BridgeProcess, other: BridgeProcess) -> None:
    """Let a bridge end all that it has taken, while the other one is away."""
    await other.stop()
    if _status(bridge) is not None or bridge.process is None:
        await bridge.start()
        await bridge.speaks()  # where nothing waits it is stopped at once
    await _dry(partial(_waiting, world.directory / bridge.config.stem / "shed.outbox"))


async def _dry(left: Callable[[], int]) -> None:
    """Return once nothing is left, however long that takes, provided that it goes on."""
    while now := left():
        await until(lambda now=now: left() != now, within=RUN_DRY)  # type: ignore[misc]


def _waiting(file: Path) -> int:
    """Return how many messages and publications wait in an outbox; one that is not there yet counts as one."""
    if not file.exists():
        return 1
    connection = sqlite3.connect(file)
    try:
        ((waiting,),) = connection.execute("SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM publication)")
    finally:
        connection.close()
    return int(waiting)


def campaign(
    world: World, *, where: str, times: int, rate: float, longest: float, seed: int
) -> Awaitable[dict[str, int]]:
    """Start a second bridge so many times, and return the account."""
    start = {"here": here, "elsewhere": elsewhere}[where]
    return start(world, times=times, rate=rate, longest=longest, seed=seed)


async def main() -> int:
    """Run a campaign from the command line; the exit status says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--where", choices=("here", "elsewhere"), default="here", help="on this machine, or another")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--rate", type=float, default=60.0, help="messages a second")
    parser.add_argument("--longest", type=float, default=1.0, help="most seconds between two starts")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    wanted = parser.parse_args()
    settings = {"times": wanted.times, "rate": wanted.rate, "longest": wanted.longest, "seed": wanted.seed}
    return await judged(
        f"second {wanted.where}, seed {wanted.seed}",
        lambda world: campaign(world, where=wanted.where, **settings),
        lambda verdict: broken(verdict, wanted.where),
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
