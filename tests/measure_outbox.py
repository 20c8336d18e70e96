"""Measures the outbox: start, enqueue, end, purge, memory and file by how many messages wait.

Run as a program: ``python -m tests.measure_outbox 1000 10000 100000``.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sim7020_bridge.config.model import OutboxSettings
from sim7020_bridge.outbox.committer import Committer
from sim7020_bridge.outbox.database import Database
from sim7020_bridge.outbox.hooks import Hooks
from sim7020_bridge.outbox.message import Entry, Loss, Message, PendingKind, PendingPublication
from sim7020_bridge.outbox.outbox import Outbox

BATCH = 64
"""As many publishes as a broker sends before the first is acknowledged."""

SAMPLE = 1000

HEAD = (
    *("waiting", "start, s", "fill/s", "enqueue/s", "end/s", "commits an end"),
    *("purge, s", "longest stall, ms", "memory, MiB", "file, MB"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What was found with so many messages waiting; rates are messages a second, sizes bytes.

    Rates are medians of some rounds. ``purged`` are the seconds until all of them are cancelled on disk, ``stalled``
    the longest that nothing else could happen meanwhile.
    """

    waiting: int
    started: float
    filled: float
    enqueued: float
    ended: float
    commits: float
    purged: float
    stalled: float
    memory: int
    size: int

    def cells(self) -> tuple[str, ...]:
        """Return the row of a table."""
        return (
            *(f"{self.waiting:,}", f"{self.started:.2f}", f"{self.filled:,.0f}", f"{self.enqueued:,.0f}"),
            *(f"{self.ended:,.0f}", f"{self.commits:.2f}", f"{self.purged:.1f}", f"{self.stalled * 1000:.0f}"),
            *(f"{self.memory / 2**20:.1f}", f"{self.size / 1e6:.1f}"),
        )


def receipt(entry: Entry, _loss: Loss) -> tuple[PendingPublication, ...]:
    """Return a receipt of the usual size."""
    return (PendingPublication(PendingKind.RECEIPT, f"sim7020/shed/socket/{entry.message.socket}/receipt", bytes(180)),)


def opened(file: Path) -> Outbox:
    """Return an outbox over a file."""
    hooks = Hooks(
        lost=receipt,
        resumed=lambda _: None,
        changed=lambda: None,
        publish=lambda *_: None,
        usage=lambda *_: None,
    )
    settings = OutboxSettings(max_messages=10**7, max_bytes=10**10)
    return Outbox(Committer(Database(file)), settings=settings, hooks=hooks)


async def put(outbox: Outbox, first: int, count: int) -> float:
    """Put messages in as a broker delivers them, and return the seconds that it took."""
    began = time.perf_counter()
    for start in range(first, first + count, BATCH):
        for number in range(start, min(start + BATCH, first + count)):
            message = Message(id=f"message-{number}", socket="telemetry", data=bytes(100), at=datetime.now(UTC))
            outbox.put(message, written=lambda _: None, failed=lambda error: sys.exit(str(error)))
        await outbox.wait_written()
    return time.perf_counter() - began


async def end(outbox: Outbox, count: int) -> float:
    """Send messages with success, as fast as their ends are written; return the seconds that it took."""
    began = time.perf_counter()
    for _ in range(count):
        await outbox.wait_settled()
        entry = outbox.queue.first("telemetry")
        if entry is None:
            break
        outbox.queue.start_sending(entry)
        outbox.settle((entry,), receipt(entry, Loss.CANCELLED))
    await outbox.wait_written()
    return time.perf_counter() - began


async def purge(outbox: Outbox) -> tuple[float, float]:
    """Cancel all that waits; return the seconds until it is on disk, and the longest that nothing else could happen."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now

    watching = asyncio.create_task(watch())
    began = time.perf_counter()
    await outbox.cancel([entry.number for entry in outbox])
    await outbox.wait_written()
    watching.cancel()
    return time.perf_counter() - began, longest


async def fill(file: Path, waiting: int) -> None:
    """Fill a file, and print how fast it was."""
    outbox = opened(file)
    await outbox.load()
    filled = await put(outbox, 0, waiting)
    await outbox.close()
    sys.stdout.write(f"{waiting / filled}\n")


async def measure(waiting: int, rounds: int = 5) -> Row:
    """Measure with so many messages waiting, in so many rounds."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "shed.outbox"
        # in a process of its own, so that this one's memory is what a bridge that starts has
        command = [sys.executable, "-m", "tests.measure_outbox", "--fill", str(file), str(waiting)]
        filled = float(await asyncio.to_thread(subprocess.check_output, command))
        size = file.stat().st_size
        before = memory()
        began = time.perf_counter()
        outbox = opened(file)
        await outbox.load()
        started = time.perf_counter() - began
        grown = memory() - before
        enqueued, ended, commits = [], [], 0
        for number in range(rounds):
            enqueued.append(await put(outbox, waiting + number * SAMPLE, SAMPLE))
            before = outbox._store.commits
            ended.append(await end(outbox, SAMPLE))
            commits += outbox._store.commits - before
        purged, stalled = await purge(outbox)
        await outbox.close()
    return Row(
        waiting,
        started,
        filled,
        enqueued=SAMPLE / statistics.median(enqueued),
        ended=SAMPLE / statistics.median(ended),
        commits=commits / (rounds * SAMPLE),
        purged=purged,
        stalled=stalled,
        memory=grown * 1024,
        size=size,
    )


def memory() -> int:
    """Return what the process holds in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise RuntimeError("the system does not tell what memory a process holds")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fill"]:
        asyncio.run(fill(Path(sys.argv[2]), int(sys.argv[3])))
        sys.exit()
    sys.stdout.write(f"| {' | '.join(HEAD)} |\n")
    for wanted in sys.argv[1:] or ("1000", "10000", "100000"):
        sys.stdout.write(f"| {' | '.join(asyncio.run(measure(int(wanted))).cells())} |\n")
