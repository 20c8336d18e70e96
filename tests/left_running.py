"""What a test starts ends with it: pytest's hooks that look after each file of tests.

A program is a run's own if it inherited the run's name in its environment, whoever its parent is by now, or if it is
a child of the run's process. Other runs and other people's programs on the machine are none of its business.
"""

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

_RUN: Final = "RUN_OF_TESTS"
PATIENCE: Final = 10.0
"""Seconds for what has been told to end, or lost its terminal."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs, and the test that it was started in, as far as is known."""

    pid: int
    command: str
    test: str

    def __str__(self) -> str:
        """Name both."""
        return f"{self.test} left running: {self.command} (process {self.pid})"


def pytest_configure() -> None:
    """Give the run a name that is inherited; pytest itself sees to the test's name."""
    os.environ[_RUN] = uuid.uuid4().hex


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """Fail the last test of a file if one of the file left something running: fixtures of files are through then."""
    yield
    if nextitem is None or nextitem.path != item.path:
        left = _ended()
        if left:
            pytest.fail("\n".join(map(str, left)), pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave nothing running either if the tests were broken off."""
    left = _ended()
    if left:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line("\n".join(map(str, left)), red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def _ended() -> list[Program]:
    """Return what still runs after a while, and end it."""
    patient_until = time.monotonic() + PATIENCE
    while (left := _running()) and time.monotonic() < patient_until:
        time.sleep(0.05)
    for program in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(program.pid, signal.SIGKILL)
    return left


def _running() -> list[Program]:
    mine = f"{_RUN}={os.environ[_RUN]}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        # it may end meanwhile, or be another user's
        with contextlib.suppress(OSError):
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            environment = (entry / "environ").read_bytes().split(b"\0")
            if state != "Z" and (mine in environment or int(parent) == os.getpid()):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                # multiprocessing's own helper, which ends with this process and no sooner
                if "multiprocessing.resource_tracker" not in command:
                    found.append(Program(int(entry.name), command, _test_in(environment)))
    return found


def _test_in(environment: list[bytes]) -> str:
    of = dict(each.decode(errors="replace").partition("=")[::2] for each in environment)
    return of.get("PYTEST_CURRENT_TEST", "a test").rpartition(" (")[0] or "a test"
