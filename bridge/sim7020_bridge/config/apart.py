"""A configuration read while the bridge goes on: a long one in a process of its own, which can be given up.

To read a text takes as long as its author likes, and garbage is looked for in all that comes of it at once.
"""

import asyncio
import os
import pickle
import resource
import sys
from functools import partial
from pathlib import Path
from typing import Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.config.load import read
from sim7020_bridge.config.model import Settings
from sim7020_bridge.errors import ConfigurationError, Mistake

LONG: Final = 8 * 1024
"""Bytes of a text that is not read in the bridge's own process."""

PATIENCE: Final = 30.0
"""Seconds that a text has to be read."""

_MOST_MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of addresses, several times what is used."""


async def read_apart(path: Path, text: str | None = None) -> Settings:
    """Return the settings of a file, or of a text as if it stood there, with the environment of this process.

    Raises:
        ConfigurationError: With every mistake; or with one that says that it takes too long or too much to read.
    """
    size = await in_a_thread(partial(_size, path)) if text is None else len(text)
    if size <= LONG:
        return await in_a_thread(lambda: read(path, text=text).settings)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate(pickle.dumps((path, text)))
    except TimeoutError:
        out = b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        problem = f"to read it takes more than {PATIENCE:g} s, or more memory than there is: make it shorter"
        raise ConfigurationError(str(path), [Mistake("", problem)])
    found: Settings | tuple[Mistake, ...] = await in_a_thread(partial(pickle.loads, out))
    if isinstance(found, Settings):
        return found
    raise ConfigurationError(str(path), found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    path, text = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the bridge itself
    found: Settings | tuple[Mistake, ...]
    try:
        found = read(path, text=text).settings
    except ConfigurationError as error:
        found = error.mistakes
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    os.nice(5)
    _main()
