"""An index that offers more than locks name, and script/install-locked let loose on it, without any network."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = ROOT / "requirements"
BUILDERS: Final = "component-build.txt"
"""The lock of what builds the component's packages: uv is handed it, and makes no environment of it."""
BY_UV: Final = ("component.txt", "component-min.txt", "browser.txt")
"""The locks that uv installs, on the component's Python; pip installs all others."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A package and the version at which it is locked, where its marker holds."""

    name: str
    version: str
    marker: str

    def holds(self) -> bool:
        """Whether this Python on this machine gets it."""
        return not self.marker or Marker(self.marker).evaluate()

    def line(self) -> str:
        """Return the line of the lock that asks for it, without hashes."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")

    def newer(self) -> str:
        """Return a version that any resolver would rather have."""
        return f"{Version(self.version).epoch}!99999"


def pins(lock: Path) -> tuple[Pin, ...]:
    """Read a lock."""
    entries = re.finditer(r"^([\w.-]+)==([^\s;\\]+)(?: ; ([^\\\n]+?))?(?: \\)?$", lock.read_text(), re.MULTILINE)
    return tuple(Pin(entry[1], entry[2], entry[3] or "") for entry in entries)


@dataclass(frozen=True, slots=True)
class Index:
    """A folder of wheels.

    Args:
        folder: Where they are; it must exist.
    """

    folder: Path

    @property
    def environment(self) -> Path:
        """Where what it has is installed."""
        return self.folder.parent / "environment"

    def wheel(self, name: str, version: str, *, requires: Iterable[str] = (), code: str = "") -> Path:
        """Put a wheel in, with one module if there is code for it, and return it."""
        stem = re.sub(r"[-_.]+", "_", name)
        info = f"{stem}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
        about = f"Name: {name}\nVersion: {version}\nProvides-Extra: more\n"
        files = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\n{about}{needs}",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            **({f"{stem}.py": code} if code else {}),
        }
        made = self.folder / f"{stem}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(made, "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
            archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"]))
        return made

    def with_more_than(self, *locks: Path) -> list[Path]:
        """Offer all that locks name, and a newer version of each; return locks of the same with these files' hashes.

        Each package asks for another by an extra, at the locked version or a later one, as pytest-cov does for
        coverage[toml].
        """
        locked = {pin for lock in locks for pin in pins(lock)}
        here = sorted((pin for pin in locked if pin.holds()), key=lambda pin: pin.name)
        following = dict(zip(here, [*here[1:], *here[:1]], strict=True))
        made = {}
        for pin in locked:
            requires = [f"{after.name}[more]>={after.version}" for after in [following.get(pin, pin)]]
            made[pin] = self.wheel(pin.name, pin.version, requires=requires)
            self.wheel(pin.name, pin.newer(), requires=requires)
        return [self.lock(lock.name, [(pin.line(), made[pin]) for pin in pins(lock)]) for lock in locks]

    def lock(self, name: str, entries: Iterable[tuple[str, Path]]) -> Path:
        """Write a lock of requirements and the files that they stand for, beside the folder."""
        lock = self.folder.parent / name
        lock.write_text("".join(f"{asked} \\\n    --hash=sha256:{sha256(file)}\n" for asked, file in entries))
        return lock


def sha256(file: Path) -> str:
    """Return a file's hash as locks have it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def installed(environment: Path) -> dict[str, str]:
    """Return what an environment has: canonical name to version."""
    (packages,) = environment.glob("lib/python*/site-packages")
    return {canonicalize_name(found.name): found.version for found in distributions(path=[str(packages)])}


def wanted(*locks: Path) -> dict[str, str]:
    """Return what an environment of locks has on this machine: canonical name to version."""
    return {canonicalize_name(pin.name): pin.version for lock in locks for pin in pins(lock) if pin.holds()}


def together(locks: Iterable[Path]) -> list[list[Path]]:
    """Put locks that name no two versions of the same package together, so that few environments do for all."""
    groups: list[list[Path]] = []
    for lock in locks:
        for group in groups:
            if wanted(lock, *group) == wanted(*group, lock):
                group.append(lock)
                break
        else:
            groups.append([lock])
    return groups


def install(index: Index, *locks: Path, options: Sequence[str | Path] = ()) -> subprocess.CompletedProcess[str]:
    """Run script/install-locked for the index's environment, where pip and uv know of nothing but the index.

    Whoever calls it has constraints of their own: everything in its newest version.

    Args:
        index: Where the packages are.
        locks: What is to be installed.
        options: Options of the script.
    """
    constraints = index.folder.parent / "constraints"
    newest = {pin.name: pin.newer() for lock in locks for pin in pins(lock)}
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in newest.items()))
    settings = index.folder.parent / "uv.toml"
    settings.write_text(f'no-index = true\nfind-links = ["{index.folder}"]\n')
    surroundings: dict[str, str | Path] = {
        "PATH": os.environ["PATH"],
        "HOME": index.folder.parent,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": index.folder,
        "UV_CONFIG_FILE": settings,
        "UV_CACHE_DIR": index.folder.parent / "cache",
        "PIP_CONSTRAINT": constraints,
        "UV_CONSTRAINT": constraints,
    }
    return subprocess.run(
        [
            *(ROOT / "script/install-locked", "--python", sys.executable, *options),
            *(index.environment, *locks),
        ],
        check=False,
        capture_output=True,
        text=True,
        env=surroundings,
    )
