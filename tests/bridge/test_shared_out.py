"""Whether two runs that share tests run each of them once."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

HOOKS = "from tests.shared_out import pytest_runtestloop\n"

FIXTURE = """
import pytest

@pytest.fixture(scope="module", autouse=True)
def file():
    yield
    print("through with", __name__)
"""


def ran(directory: Path, *files: str) -> str:
    """Run files of tests in an order, sharing with all that ran before; return what was printed."""
    (directory / "shared").mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "SHARED_OUT": str(directory / "shared"),
    }
    command = (sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(directory), "-s", "-v", *files)
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=directory)
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_each_file_is_run_by_one(tmp_path: Path) -> None:
    """What one run took the other leaves out; each file is ended before the next, and nothing is nobody's."""
    (tmp_path / "conftest.py").write_text(HOOKS)
    for name in ("one", "two", "three"):
        tests = "".join(f"def test_{name}_{number}():\n    pass\n" for number in range(3))
        (tmp_path / f"test_{name}.py").write_text(FIXTURE + tests)
    first = ran(tmp_path, "test_two.py")
    assert "3 passed" in first
    second = ran(tmp_path, "test_three.py", "test_two.py", "test_one.py")
    assert "6 passed" in second
    assert "test_two_" not in second
    assert second.index("through with test_three") < second.index("test_one_0")
    assert "through with test_one" in second
    assert "passed" not in ran(tmp_path, "test_one.py", "test_two.py", "test_three.py")
