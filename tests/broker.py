"""A real mosquitto on a free loopback port, for as long as a test needs it."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import free_port


def mosquitto_path() -> str:
    """Return the broker's program; distributions put it where users' PATH does not look."""
    found = shutil.which(
        "mosquitto", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
    )
    if found is None:
        raise FileNotFoundError("mosquitto is not installed: apt-get install mosquitto")
    return found


@dataclass
class Mosquitto:
    """A broker that can be stopped, killed and started again on the same port."""

    directory: Path
    port: int
    config: Sequence[str] = ()
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    host: str = "127.0.0.1"

    @property
    def log(self) -> str:
        """What the broker has written so far."""
        return (self.directory / "mosquitto.log").read_text(errors="replace")

    async def start(self) -> None:
        """Start it and return when it accepts connections."""
        lines = [f"listener {self.port} {self.host}", f"persistence_location {self.directory}/", *self.config]
        if not any(line.startswith("allow_anonymous") for line in lines):
            lines.append("allow_anonymous true")
        if os.geteuid() == 0:
            lines.append("user root")
        file = self.directory / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        with (self.directory / "mosquitto.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                mosquitto_path(), "-v", "-c", str(file), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        async with asyncio.timeout(60):
            while not await self._listens():
                if self.process.returncode is not None:
                    raise RuntimeError(f"mosquitto ended at once:\n{self.log}")

    async def stop(self) -> None:
        """End it in good order, so that it saves what is persistent."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it without a chance to save anything."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            await asyncio.sleep(0.01)
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True


@contextlib.asynccontextmanager
async def mosquitto(directory: Path, *config: str, port: int | None = None) -> AsyncIterator[Mosquitto]:
    """Run a broker with these lines added to its configuration.

    Anonymous clients are allowed unless the lines say otherwise. Files go to ``directory``.
    """
    broker = Mosquitto(directory, port or free_port(), config)
    try:
        await broker.start()
        yield broker
    finally:
        await broker.stop()
