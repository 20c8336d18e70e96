"""The check that a release's tag, packages, app and changelog are of one version: each kind of difference is found."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.files import PACKAGING, ROOT, import_file

FILES: Final = (
    "pyproject.toml",
    "bridge/sim7020_bridge/__init__.py",
    "custom_components/sim7020/manifest.json",
    "packaging/home-assistant/config.yaml",
    "packaging/home-assistant/Dockerfile",
    "packaging/docker/Dockerfile",
    "packaging/docker/compose.yaml",
    "packaging/docker/far-end/compose.yaml",
)
VERSIONS: Final = import_file(PACKAGING / "versions.py")
CHANGELOG: Final = """# Changelog

## [Unreleased]

## [2.0.0] - 2026-12-01

### Added

- Something.

## [1.9.0] - 2026-11-01

- Older.
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy what names a version, as version 2.0.0 that may be released."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    assert run(tmp_path, "set", "2.0.0").returncode == 0
    return tmp_path


def run(tree: Path, command: str, *arguments: str) -> Ended:
    """Do in a tree what one of the scripts does in the checkout."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = VERSIONS.main([command, *arguments], tree)
    return Ended(status, out.getvalue(), err.getvalue())


@pytest.mark.parametrize(("script", "argument"), [("check-version", None), ("release-notes", "v9.9.9")])
def test_the_scripts_do_it_in_the_checkout(script: str, argument: str | None) -> None:
    """From wherever they are called."""
    command = [str(ROOT / "script" / script), *([] if argument is None else [argument])]
    environment = {**os.environ, "PYTHON": sys.executable}
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd="/")
    assert ended.returncode == (0 if argument is None else 1)
    assert ended.stderr == ("" if argument is None else "CHANGELOG.md has no section [9.9.9]\n")


def test_this_tree_names_one_version() -> None:
    """What is checked in is of one version throughout."""
    checked = run(ROOT, "check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_release_that_is_ready_passes(tree: Path) -> None:
    """Tag, files and changelog agree."""
    checked = run(tree, "check", "v2.0.0")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_left_behind_is_named(tree: Path, name: str) -> None:
    """Each single file that has another version fails the check."""
    text = (tree / name).read_text()
    (tree / name).write_text(re.sub(r"\b2\.0\.0\b", "1.9.0", text, count=1))
    checked = run(tree, "check", "v2.0.0")
    assert checked.returncode == 1
    assert name in checked.stderr or "not 1.9.0" in checked.stderr


@pytest.mark.parametrize("name", FILES[1:])
def test_a_file_that_is_missing_is_named(tree: Path, name: str) -> None:
    """So that one which was moved is not forgotten."""
    (tree / name).unlink()
    checked = run(tree, "check")
    assert checked.returncode == 1
    assert name in checked.stderr


@pytest.mark.parametrize("tag", ["v2.0.1", "2.0.0", "v1.9.0", "latest"])
def test_a_tag_of_another_version_is_refused(tree: Path, tag: str) -> None:
    """The tag is what people install."""
    checked = run(tree, "check", tag)
    assert checked.returncode == 1
    assert "v2.0.0" in checked.stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("## [2.0.0] - 2026-12-01\n\n### Added\n\n- Something.\n", "", "no section [2.0.0]"),
        ("### Added\n\n- Something.\n", "", "no section [2.0.0]"),
        (" - 2026-12-01", "", "has no date"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- Left over.\n", "under [Unreleased]"),
        ("## [Unreleased]\n", "", "has no section [Unreleased]"),
    ],
)
def test_a_changelog_that_does_not_tell_of_the_release_is_refused(tree: Path, old: str, new: str, told: str) -> None:
    """A release whose changes nobody can read is none."""
    assert old in CHANGELOG
    (tree / "CHANGELOG.md").write_text(CHANGELOG.replace(old, new))
    checked = run(tree, "check", "v2.0.0")
    assert checked.returncode == 1
    assert told in checked.stderr


@pytest.mark.parametrize("version", ["2.1", "v2.1.0", "2.1.0-beta", "", "2.1.0 "])
def test_a_version_that_some_registry_would_not_take_is_not_set(tree: Path, version: str) -> None:
    """Nothing is written."""
    assert run(tree, "set", version).returncode == 2
    assert run(tree, "check", "v2.0.0").returncode == 0


def test_a_pre_release_can_be_set(tree: Path) -> None:
    """As PyPI writes them."""
    assert run(tree, "set", "2.1.0rc1").returncode == 0
    assert run(tree, "check").returncode == 0
    assert '"2.1.0rc1"' in (tree / "custom_components/sim7020/manifest.json").read_text()


def test_the_notes_of_a_release_are_its_section(tree: Path) -> None:
    """No other version's, and no headline."""
    assert run(tree, "notes", "v2.0.0").stdout == "### Added\n\n- Something.\n"
    assert run(tree, "notes", "v1.9.0").stdout == "- Older.\n"
    assert run(tree, "notes", "v3.0.0").returncode == 1


def test_no_other_file_of_the_packaging_names_the_version() -> None:
    """A place that the check doesn't know would be left behind."""
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    naming = {
        str(path.relative_to(ROOT))
        for path in PACKAGING.rglob("*")
        if path.suffix not in {".png", ".pyc"} and path.is_file() and f"{version[1]}" in path.read_text()
    }
    assert naming <= set(FILES)
