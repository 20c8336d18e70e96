"""Feeds everything that reads what others write with inputs that are nearly right, and keeps those that break it.

Run as a program by script/campaign fuzz; the tests run a short one, and read again whatever broke something once.
"""

import argparse
import hashlib
import logging
import math
import multiprocessing
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.campaign.places import Places
from tests.campaign.targets import Target

CRASHERS: Final = Path(__file__).parent / "crashers"
TOO_SLOW: Final = 5.0
"""Seconds of its own time that one input may take."""

_ROUND: Final = 100_000
"""Executions after which every target has had its share."""


@dataclass
class Result:
    """What came of it: how often each target was executed and for how long in seconds, and what went wrong."""

    executions: Counter[str] = field(default_factory=Counter)
    inputs: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    crashes: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Result") -> None:
        """Count another one in."""
        self.executions += other.executions
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.crashes |= other.crashes


def crash_of(target: Target, data: bytes) -> str:
    """Return how an input breaks a target, empty if it doesn't."""
    started = time.process_time()
    try:
        target.execute(data)
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        return traceback.format_exc()
    return f"slower than {TOO_SLOW} s" if time.process_time() - started > TOO_SLOW else ""


def fuzz(names: list[str], executions: int, seed: int, keep: Path | None = CRASHERS) -> Result:
    """Execute the targets of these names (all of them if none) so often in their shares, from a seed."""
    with Places() as places:
        chosen = [target for target in places.targets if target.name in names or not names]
        return run(chosen, executions, seed, keep)


def run(targets: Sequence[Target], executions: int, seed: int, keep: Path | None) -> Result:
    """Execute targets so often in their shares, from a seed; keep what breaks one, if there is a place for it."""
    # a mistake that is reported in the log a million times tells nothing more
    logging.disable()
    result = Result()
    chance = random.Random(seed)  # noqa: S311 - a campaign that can be repeated
    shares = sum(target.share for target in targets)
    rounds = max(1, round(executions / _ROUND))
    try:
        for _ in range(rounds):
            for target in targets:
                wanted = max(1, math.ceil(executions / rounds * target.share / shares))
                _execute(target, wanted, chance, result, keep)
    finally:
        logging.disable(logging.NOTSET)
    return result


def _execute(target: Target, wanted: int, chance: random.Random, result: Result, keep: Path | None) -> None:
    done = 0
    started = time.monotonic()
    while done < wanted:
        data = target.input(chance)
        result.inputs[target.name] += 1
        began = time.process_time()
        try:
            done += target.execute(data)
            if time.process_time() - began <= TOO_SLOW:
                continue
            crash = f"slower than {TOO_SLOW} s"
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            crash = traceback.format_exc()
        done += 1
        _keep(target, data, crash, result, keep)
    result.executions[target.name] += done
    result.seconds[target.name] += time.monotonic() - started  # type: ignore[assignment]  # a Counter takes any number


def _keep(target: Target, data: bytes, crash: str, result: Result, keep: Path | None) -> None:
    """Keep one input for each way to break."""
    way = f"{target.name}: {crash.strip().splitlines()[-1][:80]}"
    if way in result.crashes:
        return
    name = f"{target.name}-{hashlib.blake2b(data, digest_size=4).hexdigest()}"
    result.crashes[way] = f"{name}\n{data!r}\n{crash}"
    if keep is not None:
        keep.mkdir(exist_ok=True)
        (keep / name).write_bytes(data)


def kept() -> Iterator[tuple[str, bytes]]:
    """Yield each input that broke something once, after the name of its target."""
    for file in sorted(CRASHERS.glob("*-*")):
        yield file.name.rpartition("-")[0], file.read_bytes()


def main() -> int:
    """Fuzz as the command line says; the exit status says whether nothing broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=10_000_000, help="of all targets together (10 million)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7020)
    parser.add_argument("--target", action="append", default=[], help="one of them only; may be given again")
    given = parser.parse_args()
    total = Result()
    started = time.monotonic()
    parts = max(given.processes, given.executions // 500_000)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=context) as pool:
        waiting = [
            pool.submit(fuzz, given.target, given.executions // parts, given.seed + part) for part in range(parts)
        ]
        for number, each in enumerate(waiting, 1):
            total.add(each.result())
            sys.stderr.write(f"{number}/{parts}: {total.executions.total()} executions, {len(total.crashes)} crashes\n")
    sys.stdout.write("\n".join(table(total, time.monotonic() - started)) + "\n")
    for way, crash in total.crashes.items():
        sys.stdout.write(f"\nCRASH {way}\n{crash}\n")
    return 1 if total.crashes else 0


def table(result: Result, seconds: float) -> list[str]:
    """Return what came of it as a table for people."""
    rows = [
        f"| {name} | {count} | {result.inputs[name]} | {result.seconds[name] / count * 1e6:.1f} |"
        for name, count in result.executions.most_common()
    ]
    whole = f"| **all** | **{result.executions.total()}** | {result.inputs.total()} | in {seconds / 60:.0f} min |"
    return ["| target | executions | inputs | µs each |", "|---|---:|---:|---:|", *rows, whole]


if __name__ == "__main__":
    sys.exit(main())
