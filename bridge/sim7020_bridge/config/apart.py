"""A configuration read while the bridge goes on: a long or deep one in a process of its own, which can be given up.

To read a text takes as long as its author likes, and garbage is looked for in all that comes of it at once.
"""

import asyncio
import os
import pickle
import re
import resource
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.load import read, secret_files_in, secrets_in
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError, Mistake

T = TypeVar("T")

LONG: Final = 8 * 1024
"""Characters of a text that is not read in the bridge's own process."""

DEEP: Final = 16
"""Brackets inside each other, as far as that can be told at a glance, of which the same is true."""

PATIENCE: Final = 30.0
"""Seconds that a text has to be read."""

MOST_MISTAKES: Final = 100
"""Mistakes that are told; who has more has begun at the wrong end."""

_BRACKETS: Final = re.compile(r"[\[\]{}]")

_MOST_MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of addresses, several times what is used."""


async def read_apart(path: Path, text: str | None = None) -> Settings:
    """Return the settings of a file, or of a text as if it stood there, with the environment of this process.

    Raises:
        ConfigurationError: With its mistakes; or with one that says that it takes too long or too much to read.
    """
    glance = await in_a_thread(partial(_beginning, path)) if text is None else text
    return await _apart(partial(_settings, path, text), path, glance)


async def secrets_apart(path: Path, text: str) -> tuple[list[str], dict[str, str]]:
    """Return the keys of a text that hold secrets, and the files with secrets beside it by the keys that name them.

    Raises:
        ConfigurationError: It is none, or takes too long or too much to read.
    """
    return await _apart(partial(_secrets, path, text), path, text)


def few(mistakes: Sequence[Mistake]) -> Sequence[Mistake]:
    """Return as many as are told, and how many more there are: thousands would keep the bridge from all else."""
    if len(mistakes) <= MOST_MISTAKES:
        return mistakes
    kept = MOST_MISTAKES - 1
    return (*mistakes[:kept], Mistake("", f"and {len(mistakes) - kept} more mistakes"))


async def _apart(work: Callable[[], T], path: Path, text: str) -> T:
    """Return what comes of a text, in a process of its own if that may take long."""
    if len(text) <= LONG and not _is_deep(text):
        try:
            return await in_a_thread(work)
        except ConfigurationError as error:
            raise ConfigurationError(error.file, few(error.mistakes)) from error
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate(pickle.dumps(work))
    except TimeoutError:
        out = b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        problem = f"to read it takes more than {PATIENCE:g} s, or more memory than there is: make it shorter"
        raise ConfigurationError(str(path), [Mistake("", problem)])
    found: tuple[T | None, Sequence[Mistake]] = await in_a_thread(partial(pickle.loads, out))
    result, mistakes = found
    if result is None:
        raise ConfigurationError(str(path), mistakes)
    return result


def _settings(path: Path, text: str | None) -> Settings:
    return read(path, text=text).settings


def _secrets(path: Path, text: str) -> tuple[list[str], dict[str, str]]:
    return [".".join(map(str, where)) for where, _ in secrets_in(path, text)], secret_files_in(path, text)


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LONG + 1).decode("latin-1")
    except (OSError, ValueError):
        return ""


def _is_deep(text: str) -> bool:
    """Whether brackets are inside each other, also those in quotes and comments."""
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "[{" else max(0, depth - 1)
        if depth > DEEP:
            return True
    return False


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    work: Callable[[], object] = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the bridge itself
    found: tuple[object, Sequence[Mistake]]
    try:
        found = work(), ()
    except ConfigurationError as error:
        found = None, few(error.mistakes)
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    os.nice(5)
    _main()
