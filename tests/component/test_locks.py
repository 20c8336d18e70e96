"""What the component's environments are locked to is installed as it is locked, whatever the index has by then."""

import tarfile
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from tests.locked_index import BUILDERS, BY_UV, LOCKS, Index, install, installed, wanted

BACKEND: Final = """
import zipfile

def build_wheel(directory, settings=None, metadata=None):
    with zipfile.ZipFile(f"{directory}/one-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("one-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: one\\nVersion: 1.0\\n")
        about = "Generator: %s\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("one-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\\n{about}")
        wheel.writestr("one-1.0.dist-info/RECORD", "")
    return "one-1.0-py3-none-any.whl"
"""


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Return an index that has nothing yet."""
    (tmp_path / "index").mkdir()
    return Index(tmp_path / "index")


@pytest.fixture
def source(index: Index) -> Path:
    """Put a package into the index that is there as source only, and two versions of what builds it; return a lock."""
    files = {
        "one-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n",
        "one-1.0/pyproject.toml": '[build-system]\nrequires = ["builder"]\nbuild-backend = "builder"\n',
    }
    made = index.folder / "one-1.0.tar.gz"
    with tarfile.open(made, "w:gz") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, BytesIO(content.encode()))
    index.wheel("builder", "2.0", code=BACKEND % "builder 2.0")
    return index.lock("lock.txt", [("one==1.0", made)])


@pytest.mark.parametrize("name", BY_UV)
def test_a_newer_release_of_everything_changes_nothing(index: Index, name: str) -> None:
    """What is locked comes, in silence, though all of it asks for something by an extra and has a newer release."""
    (builders,) = index.with_more_than(LOCKS / BUILDERS)
    (lock,) = index.with_more_than(LOCKS / name)
    made = install(index, lock, options=("--sources", builders))
    assert made.returncode == 0, made.stderr
    assert installed(index.environment) == wanted(LOCKS / name)
    assert made.stderr.splitlines() == [one for one in made.stderr.splitlines() if "install-locked: installing" in one]
    again = install(index, lock, options=("--sources", builders))
    assert (again.returncode, again.stderr) == (0, "")


def test_a_source_is_built_with_what_is_locked(index: Index, source: Path) -> None:
    """The newest of what builds it would be taken if there were no lock of that."""
    locked = index.wheel("builder", "1.0", code=BACKEND % "builder 1.0")
    made = install(index, source, options=("--sources", index.lock("builders.txt", [("builder==1.0", locked)])))
    assert made.returncode == 0, made.stderr
    (about,) = index.environment.glob("lib/python*/site-packages/one-1.0.dist-info/WHEEL")
    assert "Generator: builder 1.0\n" in about.read_text()


def test_a_source_is_not_built_with_what_no_lock_names(index: Index, source: Path) -> None:
    """A build that wants more than is locked is refused, so that whoever locks it notices."""
    other = index.wheel("other", "1.0")
    made = install(index, source, options=("--sources", index.lock("builders.txt", [("other==1.0", other)])))
    assert made.returncode == 1
    assert "no trusted hash was provided for: `builder`" in made.stderr
    assert made.stderr.endswith(f"script/install-locked: could not install what {source} locks\n")


def test_a_source_is_not_built_unasked(index: Index, source: Path) -> None:
    """Without a lock of what builds it, there is no way to hold the build to anything."""
    made = install(index, source)
    assert made.returncode == 1
    assert made.stderr.endswith(f"script/install-locked: could not install what {source} locks\n")
    assert installed(index.environment) == {}


def test_a_package_that_does_not_fit_is_found_afterwards(index: Index) -> None:
    """No resolver takes part: the newer one that it asks for is there, and not taken."""
    one = index.wheel("one", "1.0", requires=["two[more]>=2"])
    two = index.wheel("two", "1.0")
    index.wheel("two", "2.0")
    lock = index.lock("lock.txt", [("one==1.0", one), ("two==1.0", two)])
    made = install(index, lock, options=("--sources", index.lock("builders.txt", [])))
    assert made.returncode == 1
    assert installed(index.environment) == {"one": "1.0", "two": "1.0"}
    assert "The package `one` requires `two[more]>=2`, but `1.0` is installed" in made.stderr
    assert made.stderr.endswith(f"script/install-locked: what {lock} locks does not fit together\n")
