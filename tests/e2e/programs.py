"""The programs under test as child processes, each ended by its own process id."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.mqtt_peer import PATIENCE
from tests.e2e.servers import until
from tests.ports import free_port

_UNCLEAN = re.compile(r"Traceback|Task exception|never retrieved|was never awaited|ResourceWarning|Unclosed")


async def ended(process: asyncio.subprocess.Process) -> int:
    """Return the exit status of a program that was told to end; one that takes too long is killed."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise


@dataclass
class Emulator:
    """An emulated module; `place` is what a bridge's configuration calls its port, `python` has the package."""

    directory: Path
    name: str
    arguments: Sequence[str]
    tcp: bool = False
    place: str = ""
    python: str = sys.executable
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def link(self) -> Path:
        """The link to its pty."""
        return self.directory / f"{self.name}.tty"

    @property
    def trace(self) -> str:
        """The dialogue since it was last started."""
        return (self.directory / f"{self.name}.trace").read_text()

    def commands(self) -> list[str]:
        """Return the command lines that it was given since it was last started."""
        return [line[2:] for line in self.trace.splitlines() if line.startswith("> ")]

    async def start(self) -> None:
        """Start it and return when its port is ready."""
        where = self.place.removeprefix("socket://") or f"127.0.0.1:{free_port()}"
        port = ["--tcp", where] if self.tcp else ["--link", str(self.link)]
        with (self.directory / f"{self.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.python,
                "-m",
                "sim7020_emulator",
                *port,
                "--trace",
                str(self.directory / f"{self.name}.trace"),
                *self.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        if self.process.stdout is None:
            raise RuntimeError("the emulator has no standard output")
        async with asyncio.timeout(PATIENCE):
            told = (await self.process.stdout.readline()).decode().strip()
        assert told, (self.directory / f"{self.name}.log").read_text()
        self.place = f"socket://{told}" if self.tcp else told

    async def press_pwrkey(self) -> None:
        """Press the module's power key: it turns off, or on again."""
        self._send(signal.SIGUSR1)

    async def kill(self) -> None:
        """End it without a chance to do anything; its device goes with it, as when it is unplugged.

        A link that is left leads to another's pty as soon as the system uses its number again, in another test or run.
        """
        if not self.tcp:
            self.link.unlink(missing_ok=True)
        self._send(signal.SIGKILL)
        await self._ended()

    async def stop(self) -> None:
        """End it in good order, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self._send(signal.SIGTERM)
            status = await self._ended()
            assert status == 0, f"exit status {status}\n{(self.directory / f'{self.name}.log').read_text()}"
        log = (self.directory / f"{self.name}.log").read_text()
        assert not _UNCLEAN.search(log), log

    def _send(self, number: signal.Signals) -> None:
        if self.process is None:
            raise RuntimeError("the emulator was not started")
        self.process.send_signal(number)

    async def _ended(self) -> int:
        if self.process is None:
            raise RuntimeError("the emulator was not started")
        return await ended(self.process)


@dataclass
class BridgeProcess:
    """The bridge, run from its command line; `inside` is a command that runs another one in its own place.

    `options` are of the command line, `python` is the interpreter that has the package, `program` the module whose
    command line is the bridge's.
    """

    config: Path
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    inside: Sequence[str] = ()
    python: str = sys.executable
    program: str = "sim7020_bridge"
    options: Sequence[str] = ()
    _before: int = field(default=0, repr=False)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self.config.with_suffix(".log").read_text()

    @property
    def said(self) -> str:
        """What it has logged since it was last started."""
        return self.config.with_suffix(".log").read_bytes()[self._before :].decode()

    async def start(self) -> None:
        """Start it."""
        with self.config.with_suffix(".log").open("ab") as log:
            self._before = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                *self.inside,
                self.python,
                "-W",
                "default",
                "-m",
                self.program,
                "run",
                "--config",
                str(self.config),
                *self.options,
                *(["--log-level", "debug"] if os.environ.get("E2E_DEBUG") else []),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def memory(self) -> float:
        """Return what it has in memory, in MiB."""
        if self.process is None:
            raise RuntimeError("the bridge was not started")
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def speaks(self) -> None:
        """Return once it has logged a line since it was started: before that it may be deaf to signals."""
        await until(lambda: self.config.with_suffix(".log").stat().st_size > self._before)

    async def kill(self) -> None:
        """End it without a chance to say goodbye; it may have ended by itself meanwhile."""
        if self.process is None:
            raise RuntimeError("the bridge was not started")
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it in good order, if it runs, and hold it to a clean end and a clean log."""
        if self.process is None:
            return
        if self.process.returncode is None:
            self.process.send_signal(number)
            status = await ended(self.process)
            assert status == 0, f"exit status {status}\n{self.log}"
        else:
            status = self.process.returncode
            assert status in {-signal.SIGKILL, 0}, f"exit status {status}\n{self.log}"
        assert not _UNCLEAN.search(self.log), self.log
