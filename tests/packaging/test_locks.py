"""What is locked is installed as it is locked, whatever the index has by then."""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.locked_index import BUILDERS, BY_UV, LOCKS, ROOT, Index, install, installed, together, wanted

BY_PIP: Final = sorted(lock for lock in LOCKS.glob("*.txt") if lock.name not in (BUILDERS, *BY_UV))
PLACES: Final = {
    "packaging/docker/Dockerfile",
    "script/install-locked",
    "script/setup",
    "script/test-arm",
    "script/test-wheel",
}
"""The files in which pip or uv fetch or install anything."""


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Return an index that has nothing yet."""
    (tmp_path / "index").mkdir()
    return Index(tmp_path / "index")


@pytest.mark.parametrize("locks", together(BY_PIP), ids=lambda locks: "+".join(lock.stem for lock in locks))
def test_a_newer_release_of_everything_changes_nothing(index: Index, locks: list[Path]) -> None:
    """What was there before goes, what is locked comes, in silence; and the same once more is no work."""
    stale = index.environment / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix) / "old-1.0.dist-info"
    stale.mkdir(parents=True)
    (stale / "METADATA").write_text("Metadata-Version: 2.1\nName: old\nVersion: 1.0\nRequires-Dist: gone\n")
    offered = index.with_more_than(*locks)
    made = install(index, *offered)
    assert made.returncode == 0, made.stderr
    assert installed(index.environment) == wanted(*locks)
    assert made.stderr.splitlines() == [one for one in made.stderr.splitlines() if "install-locked: installing" in one]
    again = install(index, *offered)
    assert (again.returncode, again.stderr) == (0, "")


def test_no_resolver_takes_part(index: Index) -> None:
    """What no resolver would let pass is installed, and only then found not to fit; it is not taken for sound after."""
    one = index.wheel("one", "1.0", requires=["two[more]>=2", "three"])
    two = index.wheel("two", "1.0")
    index.wheel("two", "2.0")
    index.wheel("three", "1.0")
    lock = index.lock("lock.txt", [("one==1.0", one), ("two==1.0", two)])
    made = install(index, lock)
    assert made.returncode == 1
    assert installed(index.environment) == {"one": "1.0", "two": "1.0"}
    assert re.search(r"one 1\.0 has requirement two\[more\]\s*>=2, but you have two 1\.0", made.stderr)
    assert "one 1.0 requires three, which is not installed" in made.stderr
    assert made.stderr.endswith(f"script/install-locked: what {lock} locks does not fit together\n")
    assert not (index.environment / ".locked").exists()


def test_another_file_than_the_locked_one_is_refused(index: Index) -> None:
    """The version alone is not enough."""
    lock = index.lock("lock.txt", [("one==1.0", index.wheel("one", "1.0"))])
    index.wheel("one", "1.0", code="something = 'else'\n")
    made = install(index, lock)
    assert made.returncode == 1
    assert made.stderr.endswith(f"script/install-locked: could not install what {lock} locks\n")
    assert installed(index.environment) == {}


def commands() -> Iterator[tuple[str, str]]:
    """Yield each command by which a script, a workflow or an image has pip or uv fetch or install, and its file."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "script", ".ci", ".github", "packaging"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.split("\0")[:-1]:
        if not (ROOT / name).is_file() or name.endswith(".png"):
            continue
        text = re.sub(r"^\s*#.*$", "", (ROOT / name).read_text(), flags=re.MULTILINE).replace("\\\n", " ")
        for command in re.split(r"&&|;|\n", text):
            if re.search(r"\bpip\b.*\b(install|download|wheel|sync)\b|\buv (sync|run|add|tool)\b", command):
                yield name, command


def test_no_command_resolves_anything() -> None:
    """Every one that fetches or installs leaves dependencies alone and takes nothing whose hash it does not know."""
    assert {name for name, _ in commands()} == PLACES
    for name, command in commands():
        exact = "--no-index" in command or ("--require-hashes" in command and "--only-binary :all:" in command)
        synced = re.search(r"\bpip sync\b.*--require-hashes \"\$\{builds\[@\]\}\"", command)
        assert (exact and "--no-deps" in command) or synced, (name, command)


def test_only_one_script_installs_a_lock() -> None:
    """The image has no script to call, and one other fetches for machines that are not this one."""
    locking = {name for name, command in commands() if re.search(r"--requirement|\$\{?locks|--require-hashes", command)}
    assert locking == {"packaging/docker/Dockerfile", "script/install-locked", "script/test-arm"}
