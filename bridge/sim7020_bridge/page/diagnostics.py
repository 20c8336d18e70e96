"""All that somebody who helps needs to know, in one archive: to look at, or to attach to an issue."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Final

from sim7020_bridge.blocking import in_a_thread
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import Settings
from sim7020_bridge.http.app import Call
from sim7020_bridge.http.reply import Refusal, Reply, attachment, named
from sim7020_bridge.page.administration_routes import Handlers
from sim7020_bridge.page.facts import Facts

NAME: Final = "sim7020-bridge-diagnostics"
"""What an archive is called, before the machine's name and the time."""


class Diagnostics:
    """Makes archives, one at a time.

    Args:
        file: The configuration.
        in_force: Returns the settings that the bridge goes by.
        clock: The time of day.
    """

    def __init__(self, file: Path, *, in_force: Callable[[], Settings], clock: Clock = wall_clock) -> None:
        self._file = file
        self._in_force = in_force
        self._clock = clock
        self._making = asyncio.Lock()

    async def archive(self, facts: Facts) -> bytes:
        """Return an archive.

        Raises:
            Refusal: Another one is being made.
        """
        if self._making.locked():
            raise Refusal(HTTPStatus.CONFLICT, "busy", "an archive is being made already", Retry_After="2")
        async with self._making:
            # what only this needs is not in memory before
            making = await in_a_thread(partial(import_module, "sim7020_bridge.page.archive"))
            made: bytes = await in_a_thread(partial(making.archive, self._file, self._in_force(), facts, self._clock()))
            return made


def handlers(diagnostics: Diagnostics, *, facts: Callable[[], Awaitable[Facts]]) -> Handlers:
    """Return what carries out ``api/diagnostics``; ``facts`` is awaited for each request."""

    async def archive(_call: Call) -> Reply:
        archive = await diagnostics.archive(await facts())
        return attachment(archive, "application/zip", f"{named(NAME, socket.gethostname(), wall_clock())}.zip")

    return {"/api/diagnostics": archive}
