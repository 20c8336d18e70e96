"""Whether a run of tests notices what it leaves running."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator.program import until

ROOT = Path(__file__).parents[2]

HOOKS = """
from tests import left_running
from tests.left_running import pytest_configure, pytest_runtest_teardown, pytest_sessionfinish

left_running.PATIENCE = 0.2
"""

CHILD = "subprocess.Popen(['sleep', '1000'], {})"
ORPHAN = "subprocess.run('sleep 1000 & echo process $!', shell=True, {})"


def ran(directory: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Run tests with these lines in a file of their own, and return what came of it."""
    (directory / "conftest.py").write_text(HOOKS)
    (directory / "test_file.py").write_text("import subprocess\n" + "".join(f"{line}\n" for line in lines))
    command = (sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", directory)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [*command, "-q", "-s", directory], check=False, capture_output=True, text=True, env=environment, cwd=directory
    )


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that is none of the business of a run inside this one."""
    with subprocess.Popen(["sleep", "1000"]) as program:
        yield program
        program.terminate()


@pytest.mark.parametrize(
    "start",
    [CHILD.format(""), CHILD.format("env={'PATH': '/bin:/usr/bin'}"), ORPHAN.format("stdin=subprocess.DEVNULL")],
    ids=["child", "child without the environment", "orphan"],
)
def test_a_program_that_outlives_its_test(tmp_path: Path, start: str, other: subprocess.Popen[bytes]) -> None:
    """It fails the run, is told with its test, and is ended; other programs stay as they are."""
    result = ran(
        tmp_path, "def test_untidy():", f"    kept.append({start})", "kept = []", "def test_tidy():", "    pass"
    )
    assert result.returncode == 1, result.stdout
    told = re.search(r"(\S+) left running: sleep 1000 \(process (\d+)\)", result.stdout)
    assert told, result.stdout
    assert told[1] == ("test" if "env=" in start else "test_file.py::test_untidy")
    until(lambda: not Path(f"/proc/{told[2]}").exists())
    assert other.poll() is None


def test_a_run_that_breaks_off(tmp_path: Path) -> None:
    """What runs is ended all the same."""
    result = ran(
        tmp_path,
        "def test_untidy():",
        f"    kept.append({CHILD.format('')})",
        "    raise KeyboardInterrupt",
        "kept = []",
    )
    assert result.returncode == 2
    told = re.search(r"test_untidy left running: sleep 1000 \(process (\d+)\)", result.stdout)
    assert told, result.stdout
    until(lambda: not Path(f"/proc/{told[1]}").exists())


def test_what_ends_in_time(tmp_path: Path) -> None:
    """A program that ends with its file of tests, or right after, is no failure."""
    result = ran(
        tmp_path,
        "import pytest",
        "@pytest.fixture(scope='module')",
        "def program():",
        "    with subprocess.Popen(['sleep', '1000']) as program:",
        "        yield program",
        "        program.terminate()",
        "def test_tidy(program):",
        "    subprocess.run('sleep 0.05 &', shell=True)",
        "def test_too(program):",
        "    pass",
    )
    assert result.returncode == 0, result.stdout
