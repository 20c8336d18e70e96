"""Soaks the bridge: as many messages as the line carries, while every fault happens to the module in random order.

Run as a program by script/campaign soak; the tests run a short one.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.bench.wire import per_second, uplink_bytes
from tests.e2e.kills import Account, run_dry
from tests.e2e.mqtt_peer import Heard, Mqtt5
from tests.e2e.programs import BridgeProcess
from tests.e2e.servers import TcpServer, UdpServer
from tests.e2e.world import World, tcp, udp, world_in

SOCKETS: Final = ("telemetry", "control")
UNDER_WAY: Final = 24
"""Messages of each socket without their end, so that the line never waits for one."""

PAYLOAD: Final = 480
"""Bytes of each message: the line is busy with one longer than the module is."""

LOOK: Final = 5.0
"""Seconds between two looks at what the bridge uses."""

MOST_GROWTH: Final = 10.0
"""Percent by which memory may be more at the end than once warm."""

_NOISE: Final = re.compile(r"fault: noise ")
_NEAR: Final = 30.0
_FILL: Final = b","
_SEND: Final = re.compile(r'> AT\+CSOSEND=\d+,\d+,"([0-9A-F]+)"')
_MARK: Final = re.compile(r"# time: (\S+ \S+)\n# (fault: .*)")


@dataclass
class Soaked(Account):
    """What became of every message, and of the bridge.

    Args:
        damaged: Messages that came to a server with bytes that noise on the line had changed, as often as they did.
        use: Memory in MiB, file descriptors and threads, by and by.
        faults: When something happened to the module, and what.
        given: What the module itself says it took: sends that it answered with OK.
        seconds: How long it took.
    """

    damaged: Counter[str] = field(default_factory=Counter)
    use: list[tuple[float, int, int]] = field(default_factory=list)
    faults: list[tuple[float, str]] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def arrived(self, data: bytes) -> None:
        """Note what came to a server."""
        for piece in data.split(b";"):
            name = named(piece)
            if piece == filled(name)[:-1] and name in self.sent:
                super().arrived(name.encode())
            elif piece:
                self.damaged[name] += 1

    def spoilt(self, name: str) -> bool:
        """Whether a message arrived damaged, and there was noise on the line between its publish and its end."""
        began, ended = self.sent[name], self.ended[name]
        noisy = any(_NOISE.match(text) and began - _NEAR <= at <= ended for at, text in self.faults)
        return noisy and bool(self.damaged[name])

    def missing(self) -> list[str]:
        """Return what had its end and did not arrive, but for the datagrams that the module had taken."""
        absent = [name for name in self.ends if name not in self.arrivals]
        return [name for name in absent if name.startswith("control") or name not in self.given]

    def verdict(self) -> dict[str, int]:
        """Count what matters; what the module had taken and a fault took from it, UDP can't know: its trace can."""
        states = Counter(json.loads(ends[0])["state"] for ends in self.ends.values())
        absent, missing = self.ends.keys() - self.arrivals.keys(), self.missing()
        spoilt = sum(map(self.spoilt, missing))
        return {
            "messages": len(self.sent),
            "faults": len(self.faults),
            "lost": len(missing) - spoilt,
            "damaged by noise": spoilt,
            "datagrams lost with the module or its network": len(absent) - len(missing),
            "receipts missing": len(self.unfinished()),
            "receipts doubled": sum(len(ends) > 1 for ends in self.ends.values()),
            "not sent": sum(states.values()) - states["accepted"] - states["acknowledged"],
            "sent twice": sum(len(moments) > 1 for moments in self.arrivals.values()),
        }

    @property
    def growth(self) -> float:
        """How much more memory is used at the end than once warm, in percent."""
        eighth = len(self.use) // 8 or 1
        warm, last = self.use[eighth : 2 * eighth] or self.use, self.use[-eighth:]
        return (statistics.median(each[0] for each in last) / statistics.median(each[0] for each in warm) - 1) * 100

    def broken(self, *, memory: bool = True) -> list[str]:
        """Say which parts of the promise do not hold."""
        verdict = self.verdict()
        wrong = [
            f"{what}: {verdict[what]}"
            for what in ("lost", "receipts missing", "receipts doubled", "not sent")
            if verdict[what]
        ]
        if memory and self.growth > MOST_GROWTH:
            wrong.append(f"memory: {self.growth:+.1f} %")
        first, last = self.use[len(self.use) // 8], self.use[-1]
        if last[1] > first[1] + 1 or last[2] > first[2] + 1:
            wrong.append(f"descriptors and threads: {first[1:]} became {last[1:]}")
        return wrong


def filled(name: str) -> bytes:
    """Return a message's payload: its name again and again, so that one that is damaged still tells whose it is."""
    return ((name.encode() + _FILL) * PAYLOAD)[: PAYLOAD - 1] + b";"


def named(piece: bytes) -> str:
    """Return which message a payload is, or was."""
    [(name, _)] = Counter(piece.split(_FILL)).most_common(1)
    return name.decode("latin-1")


class CountingUdp(UdpServer):
    """A UDP server that keeps account."""

    account: Soaked

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - the base's signature
        """Take a datagram."""
        self.account.arrived(data)


class CountingTcp(TcpServer):
    """A TCP server that keeps account of whole messages; what a broken connection cut off is none."""

    account: Soaked

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                whole, mark, rest = (rest + data).rpartition(b";")
                self.account.arrived(whole + mark)
        writer.close()


async def soak(world: World, *, seconds: float, seed: int, speed: float, baud: int) -> Soaked:
    """Send for so long as fast as the line takes it, run dry, and return the account."""
    account = Soaked()
    world.mqtt.watch(account.heard)
    world.mqtt.watch(lambda _heard: world.mqtt.heard.clear())
    async with _servers(account) as (telemetry, control):
        emulator = await world.emulator("--scenario", f"random:{seed}", baud=str(baud), speed=str(speed))
        modem = {
            "port": emulator.place,
            "baudrate": baud,
            "sockets": {"telemetry": udp(telemetry.port), "control": tcp(control.port)},
            "recovery": {"attach_ceiling": 1000},
        }
        bridge = await world.bridge({"shed": modem})
        await world.modem("shed").online()
        began, wall = time.monotonic(), datetime.now(UTC).timestamp()
        publishing = asyncio.create_task(_publish(world, account))
        while time.monotonic() - began < seconds:
            await asyncio.sleep(min(LOOK, seconds / 8))
            account.use.append(_use(bridge))
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        await run_dry(world, account, forgetful=False)
        account.seconds = time.monotonic() - began
        account.given = given(emulator.trace)
        for found in _MARK.finditer(emulator.trace):
            at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp()
            account.faults.append((at - wall + began, found[2]))
        # a clean end: no task, thread or descriptor that Python would complain of is left
        await world.bridges[0].stop()
    return account


@contextlib.asynccontextmanager
async def _servers(account: Soaked) -> AsyncIterator[tuple[CountingUdp, CountingTcp]]:
    CountingUdp.account = CountingTcp.account = account
    async with CountingUdp() as telemetry, CountingTcp() as control:
        yield telemetry, control


def given(trace: str) -> set[str]:
    """Return the messages that a module took: it answered the command that sends them with OK."""
    names: set[str] = set()
    asked = ""
    for line in trace.splitlines():
        if line.startswith(">"):
            sent = _SEND.fullmatch(line)
            asked = "" if sent is None else named(bytes.fromhex(sent[1]))
        elif line == "< OK" and asked:
            names.add(asked)
    return names


async def _publish(world: World, account: Soaked) -> None:
    """Publish for ever, to each socket as much as it can take."""
    number = 0
    ended: asyncio.Event = asyncio.Event()
    under_way: dict[str, set[str]] = {socket: set() for socket in SOCKETS}

    def heard(heard: Heard) -> None:
        if heard.topic.endswith("/receipt"):
            receipt = heard.json()
            if receipt["final"]:
                under_way[receipt["socket"]].discard(receipt["id"])
                ended.set()

    world.mqtt.watch(heard)
    while True:
        ended.clear()
        for socket, names in under_way.items():
            while len(names) < UNDER_WAY:
                number += 1
                name = f"{socket}-{number}"
                names.add(name)
                account.sent[name] = time.monotonic()
                properties = Mqtt5(user=(("id", name),))
                world.mqtt.post(f"sim7020/shed/socket/{socket}/send", filled(name), properties=properties)
        await ended.wait()


def _use(bridge: BridgeProcess) -> tuple[float, int, int]:
    if bridge.process is None:
        raise RuntimeError("the bridge was not started")
    process = Path("/proc") / str(bridge.process.pid)
    pages = int((process / "statm").read_text().split()[1])
    return (
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
    )


async def main() -> int:
    """Soak as the command line says; the exit status says whether the promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7020, help="the same seed gives the same faults (7020)")
    parser.add_argument("--speed", type=float, default=5.0, help="how many times as fast the module lives (5)")
    parser.add_argument("--baud", type=int, default=115200)
    given = parser.parse_args()
    log = io.StringIO()
    # the bridge's log of a whole soak
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(log):
        async with world_in(Path(directory)) as world:
            account = await soak(world, seconds=given.hours * 3600, seed=given.seed, speed=given.speed, baud=given.baud)
    verdict = account.verdict()
    sys.stdout.write(f"seed {given.seed}, {account.seconds / 60:.0f} min: {json.dumps(verdict)}\n")
    rate = verdict["messages"] / account.seconds
    part = rate / per_second(uplink_bytes(PAYLOAD), given.baud)
    (first, *_), (last, *_) = account.use[len(account.use) // 8], account.use[-1]
    sys.stdout.write(
        f"{rate:.1f} messages/s, {part:.0%} of what the line carries without a fault; "
        f"memory {first:.1f} to {last:.1f} MiB ({account.growth:+.1f} %); "
    )
    sys.stdout.write(f"descriptors, threads at the end {account.use[-1][1:]}\n")
    kinds = Counter(text.split()[1] for _, text in account.faults)
    sys.stdout.write(f"faults: {', '.join(f'{kind} {count}' for kind, count in kinds.most_common())}\n")
    for problem in account.broken():
        sys.stdout.write(f"BROKEN  {problem}\n")
    for name in account.missing():
        # which one, and what happened around its end, or nobody can find out why
        near = [text for at, text in account.faults if abs(at - account.ended[name]) < _NEAR]
        sys.stdout.write(f"not there: {name}, {account.ends[name]}, near {near}\n")
    if account.broken():
        sys.stdout.write(log.getvalue()[-200_000:])
    return 1 if account.broken() else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
