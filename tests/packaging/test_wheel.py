"""The wheel that users install: what is in it, that it runs by itself, and that nothing it needs must be compiled."""

import re
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.files import ROOT

LOCKED: Final = re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE)
"""Name and version of everything that the bridge runs with."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the tree, without the network."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    (made,) = directory.iterdir()
    return made


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own that has what is locked and nothing else."""
    directory = tmp_path_factory.mktemp("installed") / "env"
    venv.create(directory)
    python = directory / "bin/python"
    (packages,) = directory.glob("lib/python*/site-packages")
    for name, _ in LOCKED:
        files = distribution(name).files or []
        roots = {Path(str(distribution(name).locate_file(file.parts[0]))) for file in files if file.parts[0] != ".."}
        for root in roots - {root for root in roots if root.name == "__pycache__"}:
            (packages / root.name).symlink_to(root)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-qq", "--no-index", "--no-deps", wheel],
        check=True,
        capture_output=True,
    )
    return directory / "bin"


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run an installed program away from the checkout."""
    return subprocess.run(
        [program, *arguments], check=False, capture_output=True, text=True, cwd=cwd, env={"LANG": "C"}
    )


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    """No tests, no tools, no settings of the developers'; the types and the licence are there."""
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name.endswith("-py3-none-any.whl")
    folders = {name.split("/")[0] for name in names}
    (info,) = {folder for folder in folders if folder.endswith(".dist-info")}
    assert folders == {"sim7020_bridge", "sim7020_emulator", "sim7020_far_end", info}
    assert "sim7020_bridge/py.typed" in names
    assert f"{info}/licenses/LICENSE" in names
    assert not [name for name in names if name.endswith((".pyc", ".log")) or "/." in name]


def test_every_module_of_the_tree_is_in_the_wheel(wheel: Path) -> None:
    """None is left out, whatever its kind."""
    names = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "bridge"], check=True, capture_output=True, text=True)
    missing = {file.removeprefix("bridge/") for file in listed.stdout.split()} - names
    assert {file for file in missing if (ROOT / "bridge" / file).exists()} == set()


def test_what_the_wheel_needs_is_what_is_locked(wheel: Path) -> None:
    """Every requirement of the metadata has a locked version, and the demo's are apart."""
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
    metadata = Parser().parsestr(archive.read(name).decode())
    required = metadata.get_all("Requires-Dist") or []
    always = {
        re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace(".", "-") for line in required if "extra" not in line
    }
    assert always
    assert always <= {name for name, _ in LOCKED}
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_programs_run_from_the_wheel_alone(programs: Path, tmp_path: Path) -> None:
    """Away from the checkout, each program and each of the bridge's commands explains itself."""
    version = run(programs / "sim7020-bridge", "--version", cwd=tmp_path)
    assert version.returncode == 0, version.stderr
    assert re.fullmatch(r"sim7020-bridge, version \S+\n", version.stdout)
    overview = run(programs / "sim7020-bridge", "--help", cwd=tmp_path).stdout
    commands = re.findall(r"^  ([a-z]+)  ", overview.partition("Commands:")[2], re.MULTILINE)
    assert {"run", "demo"} <= set(commands)
    for command in commands:
        told = run(programs / "sim7020-bridge", command, "--help", cwd=tmp_path)
        assert told.returncode == 0, told.stderr
    assert run(programs / "sim7020-emulator", "--help", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(("name", "version"), LOCKED)
def test_what_the_bridge_needs_is_pure_python(name: str, version: str) -> None:
    """A Raspberry Pi, on 32 or 64 bits, compiles nothing: each locked package comes as a wheel for every platform."""
    installed = distribution(name)
    assert installed.version == version
    wheel = Parser().parsestr(installed.read_text("WHEEL") or "")
    assert wheel["Root-Is-Purelib"] == "true"
    assert [tag for tag in wheel.get_all("Tag") or ["none"] if not tag.endswith("-none-any")] == []
