"""What AT costs here and with the libraries that people would take instead: the same exchange, the same pty, in turns.

The libraries are installed into an environment of their own; see ``script/bench --others``.
"""

import json
import os
import subprocess
import sys
import threading
import tty
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.contender import CONTENDERS
from tests.bench.figures import Goal, Result, Table, median, percentile

ENVIRONMENT = Path(__file__).parents[2] / ".venv-bench"
_SLOW = frozenset({"atlib", "pyatcommand", "write, sleep 0.1 s, read"})
_BARE, _ASYNCIO, _BRIDGE = "bare loop", "asyncio alone", "sim7020-bridge"
_OURS = frozenset({_BARE, _ASYNCIO, _BRIDGE})
_MOST_TIMES = 1.5
"""Bare loops that an exchange may take."""


class Responder:
    """A pty that answers each line with OK, from a thread that does nothing else."""

    def __init__(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        self._slave = slave  # held open, or the pty would hang up between two clients
        threading.Thread(target=self._answer, name="responder", daemon=True).start()

    def close(self) -> None:
        """Hang up."""
        os.close(self._slave)

    def _answer(self) -> None:
        line = b""
        while True:
            try:
                line += os.read(self._master, 4096)
            except OSError:
                os.close(self._master)
                return
            while b"\r" in line:
                _, _, line = line.partition(b"\r")
                os.write(self._master, b"\r\nOK\r\n")


def measure(rounds: int, exchanges: int, *, with_others: bool) -> Result:
    """Measure everybody in turns; a library that can't be run says why in its row."""
    found: dict[str, list[list[int]]] = {name: [] for name in CONTENDERS if with_others or name in _OURS}
    failed: dict[str, str] = {}
    responder = Responder()
    try:
        for _ in range(rounds):
            for name in [each for each in found if each not in failed]:
                count = max(5, exchanges // 20) if name in _SLOW else exchanges
                try:
                    found[name].append(_run(name, responder.name, count))
                except subprocess.CalledProcessError as error:
                    failed[name] = (error.stderr.strip().splitlines() or ["it failed"])[-1]
    finally:
        responder.close()
    took = {name: _percentiles(times) for name, times in found.items() if name not in failed}
    bare, _ = took[_BARE]
    rows = [_failed_row(name, failed[name]) if name in failed else _row(name, took[name], bare) for name in found]
    table = Table("others", ("AT to OK", "p50, us", "p99, us", "times the bare loop"), rows)
    return Result([table], goals=goals(took, failed))


def goals(took: Mapping[str, tuple[float, float]], failed: Sequence[str] | Mapping[str, str] = ()) -> list[Goal]:
    """Hold the bridge's p50 and p99 to those of the bare loop and of the others, each in nanoseconds."""
    times, alone = (round(took[name][0] / took[_BARE][0], 2) for name in (_BRIDGE, _ASYNCIO))
    told = f"{times:.2f} times; asyncio alone {alone:.2f}"
    found = [Goal(f"AT to OK: p50 at most {_MOST_TIMES} times the bare loop's", told, times <= _MOST_TIMES)]
    others = {name: both for name, both in took.items() if name not in _OURS}
    for number, part in enumerate(("p50", "p99")):
        text = f"AT to OK: ahead of every library in {part}"
        if not others or failed:
            found.append(Goal(text, f"not run: {', '.join(failed)}" if failed else "", None))
            continue
        ours = took[_BRIDGE][number]
        name, best = min(((each, both[number]) for each, both in others.items()), key=lambda item: item[1])
        found.append(Goal(text, f"{ours / 1e3:,.0f} us; {name} {best / 1e3:,.0f} us", ours < best))
    return found


def _run(name: str, port: str, count: int) -> list[int]:
    python = sys.executable if name in _OURS else str(ENVIRONMENT / "bin" / "python")
    file = Path(__file__).with_name("contender.py")
    command = [python, str(file), name, port, str(count)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH" or name in _OURS}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, env=environment).stdout
    times: list[int] = json.loads(answer.splitlines()[-1])
    return times


def _percentiles(rounds: list[list[int]]) -> tuple[float, float]:
    p50, p99 = (median([percentile(times, part) for times in rounds]) for part in (50, 99))
    return p50, p99


def _row(name: str, both: tuple[float, float], bare: float) -> tuple[str, ...]:
    p50, p99 = both
    return name, f"{p50 / 1e3:,.0f}", f"{p99 / 1e3:,.0f}", f"{p50 / bare:,.2f}"


def _failed_row(name: str, why: str) -> tuple[str, ...]:
    return name, "", "", why
