"""A user at a shell, who types what a page says."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.servers import until


@dataclass
class TypingUser:
    """A bash in a directory of its own; ports and paths of the page are replaced by free ones.

    Args:
        directory: Where it starts.
        instead: What stands for a word of the page.
    """

    directory: Path
    instead: Mapping[str, str]
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def __aenter__(self) -> Self:
        """Open the shell, in a process group that ends with it."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/local/sbin:/usr/sbin"
        with (self.directory / "screen").open("wb") as screen:
            self.process = await asyncio.create_subprocess_exec(
                *("bash", "--noprofile", "--norc"),
                cwd=self.directory,
                env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
                stdin=asyncio.subprocess.PIPE,
                stdout=screen,
                stderr=screen,
                start_new_session=True,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the shell, and end what was started in it."""
        if self.process is None or self.process.stdin is None:
            return
        self.process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()
        group = self.process.pid
        try:
            os.killpg(group, signal.SIGTERM)
            await until(lambda: not _alive(group))
        except ProcessLookupError:
            pass

    @property
    def screen(self) -> str:
        """What has been printed so far."""
        return (self.directory / "screen").read_text(errors="replace")

    def adapted(self, text: str) -> str:
        """Return a page's text with its ports and paths replaced."""
        for word, other in self.instead.items():
            text = text.replace(word, other)
        return text

    async def types(self, text: str) -> None:
        """Type a block, and a line that tells when the shell is through with it."""
        if self.process is None or self.process.stdin is None:
            raise RuntimeError("the shell was not opened")
        done = f"through-{len(self.screen)}"
        self.process.stdin.write(f"{self.adapted(text)}\necho {done}=$?\n".encode())
        await self.process.stdin.drain()
        await self.sees(f"{done}=0")

    async def sees(self, text: str) -> None:
        """Return when something is on the screen."""
        try:
            await until(lambda: text in self.screen)
        except TimeoutError:
            raise AssertionError(f"{text!r} never came:\n{self.screen}") from None


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
