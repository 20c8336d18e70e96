"""One version in every file that names it: checked, set, and told by the changelog.

usage: versions.py check [TAG] | set VERSION | notes VERSION
"""

# ruff: noqa: INP001 - run by script/check-version, script/set-version and script/release-notes

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NUMBER: Final = r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?"
"""A version as PyPI, Home Assistant and container registries all read it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version stands: a file, and what surrounds the number on its line."""

    path: str
    before: str
    after: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """What finds the number."""
        return re.compile(rf"(?m)(?<={re.escape(self.before)}){NUMBER}(?={re.escape(self.after)}$)")


PLACES: Final = (
    Place("pyproject.toml", 'version = "', '"'),
    Place("bridge/sim7020_bridge/__init__.py", 'VERSION: Final = "', '"'),
    Place("custom_components/sim7020/manifest.json", '  "version": "', '"'),
    Place("packaging/home-assistant/config.yaml", "version: "),
    Place("packaging/home-assistant/Dockerfile", "ARG BRIDGE=ghcr.io/sim7020-bridge/sim7020-bridge:"),
    Place("packaging/home-assistant/Dockerfile", "ARG BUILD_VERSION="),
    Place("packaging/docker/Dockerfile", "ARG VERSION="),
    Place("packaging/docker/compose.yaml", "image: ghcr.io/sim7020-bridge/sim7020-bridge:"),
    Place("packaging/docker/far-end/compose.yaml", "image: ghcr.io/sim7020-bridge/sim7020-bridge:"),
)
"""The first is what the others are held to."""


def found(root: Path, place: Place) -> list[str]:
    """Return the versions that stand at a place: one, unless something is wrong."""
    try:
        return place.pattern.findall((root / place.path).read_text(encoding="utf-8"))
    except OSError:
        return []


def section(changelog: str, version: str) -> tuple[str, str] | None:
    """Return a version's date and text in the changelog, or None if it has none; the date of Unreleased is empty."""
    match = re.search(
        rf"^## \[{re.escape(version)}\](?: - (\S+))?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return None if match is None else (match[1] or "", match[2].strip())


def problems(root: Path, tag: str | None) -> list[str]:
    """Return everything that keeps a tag, or without one the tree as it is, from being released."""
    versions = found(root, PLACES[0])
    if len(versions) != 1:
        return [f"{PLACES[0].path}: names {len(versions)} versions in the place of one"]
    (version,) = versions
    wrong = []
    for place in PLACES[1:]:
        named = found(root, place)
        if named != [version]:
            wrong.append(
                f"{place.path}: '{place.before}' is followed by {', '.join(named) or 'no version'}, not {version}"
            )
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = section(changelog, "Unreleased")
    if unreleased is None:
        wrong.append("CHANGELOG.md: has no section [Unreleased]")
    if tag is None:
        return wrong
    if tag != f"v{version}":
        wrong.append(f"the tag is {tag}, and the version {version} asks for v{version}")
    released = section(changelog, version)
    if released is None or not released[1]:
        wrong.append(f"CHANGELOG.md: has no section [{version}] that says what changed")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", released[0]):
        wrong.append(f"CHANGELOG.md: the section [{version}] has no date as in '## [{version}] - 2026-01-31'")
    if unreleased is not None and unreleased[1]:
        wrong.append(f"CHANGELOG.md: what stands under [Unreleased] belongs to [{version}]")
    return wrong


def write(root: Path, version: str) -> None:
    """Write a version in every place."""
    for place in PLACES:
        path = root / place.path
        path.write_text(place.pattern.sub(version, path.read_text(encoding="utf-8")), encoding="utf-8")


def main(arguments: list[str], root: Path) -> int:
    """Do what the arguments say and return the exit status: 0 done, 1 something is wrong, 2 not understood."""
    match arguments:
        case ["check"] | ["check", _]:
            wrong = problems(root, arguments[1] if len(arguments) > 1 else None)
            sys.stderr.writelines(f"{problem}\n" for problem in wrong)
            return 1 if wrong else 0
        case ["set", version] if re.fullmatch(NUMBER, version):
            write(root, version)
            return 0
        case ["notes", version]:
            released = section((root / "CHANGELOG.md").read_text(encoding="utf-8"), version.removeprefix("v"))
            if released is None:
                sys.stderr.write(f"CHANGELOG.md has no section [{version.removeprefix('v')}]\n")
                return 1
            sys.stdout.write(released[1] + "\n")
            return 0
    sys.stderr.write(f"{__doc__}")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
