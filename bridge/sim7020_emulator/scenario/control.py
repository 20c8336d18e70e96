"""The control channel: a Unix socket that takes one event a line, for power hooks and tests.

Each line is answered by one: ``ok``, ``error: WHY``, or what was asked for.
"""

import asyncio
import contextlib
import shlex
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from sim7020_emulator.mistakes import Mistake
from sim7020_emulator.module.module import Module
from sim7020_emulator.scenario.events import read_event
from sim7020_emulator.scenario.player import Player

_PATIENCE = 5.0
"""Seconds that ``tell`` waits for an answer."""


def describe(module: Module) -> str:
    """Say in one line how the module is: power, SIM, registration, PDN."""
    sim = module.sim.code() if module.sim.powered else "off"
    return f"power={module.power} sim={sim!r} stat={int(module.radio.stat)} pdn={int(module.packet.online)}"


def describe_field(module: Module) -> str:
    """Say in one line what the model of the radio network has counted."""
    figures = {**module.field.figures(), "sessions": str(module.packet.activations)}
    return " ".join(f"{name}={figure}" for name, figure in figures.items())


class Control:
    """A listener on a Unix socket.

    Args:
        path: Where; a socket that is there already is replaced if nobody listens, anything else is refused.
    """

    def __init__(self, path: Path, player: Player, module: Module) -> None:
        self._path = path
        self._player = player
        self._module = module
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; raises ``Mistake``."""
        try:
            self._make_room()
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        except OSError as error:
            raise Mistake(f"can't listen on {self._path}: {error.strerror or error}") from None

    async def close(self) -> None:
        """Stop, and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._path.unlink(missing_ok=True)

    def obey(self, line: str) -> str:
        """Carry out one line and return the answer to it."""
        if line.strip() == "state":
            return describe(self._module)
        if line.strip() == "field":
            return describe_field(self._module)
        try:
            self._player.perform(read_event(line))
        except Mistake as mistake:
            return f"error: {mistake}"
        return "ok"

    def _make_room(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self._path.lstat().st_mode):
                raise Mistake(f"can't listen on {self._path}: something else than a socket is there")
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(self._path)) == 0:
                    raise Mistake(f"can't listen on {self._path}: another emulator does")
            self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                answer = self.obey(line.decode("utf-8", "replace").strip())
                writer.write(f"{answer}\n".encode())
                await writer.drain()
        except ValueError:
            writer.write(b"error: the line is too long\n")
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


def tell(path: Path, words: Sequence[str]) -> str:
    """Send one event to the emulator that listens at ``path``; return its answer, raise ``Mistake`` if it refuses."""
    line = words[0] if len(words) == 1 else shlex.join(words)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(str(path))
            connection.sendall(f"{line}\n".encode())
            answer = connection.makefile(encoding="utf-8").readline().strip()
    except TimeoutError:
        raise Mistake(f"the emulator at {path} does not answer") from None
    except OSError as error:
        raise Mistake(f"nobody listens at {path}: {error.strerror or error}") from None
    if answer.startswith("error: "):
        raise Mistake(answer.removeprefix("error: "))
    return answer
