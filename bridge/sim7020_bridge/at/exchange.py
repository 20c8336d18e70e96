"""A command on its way: its turn, its answer, and what must not go if it fails."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sim7020_bridge.at.command import Answer, Command
from sim7020_bridge.errors import CommandHeldBack, ModuleSilent


@dataclass(slots=True, eq=False)
class Pipeline:
    """Commands that are queued ahead of each other's answers; once it is broken, those still queued are not sent.

    One that fails breaks it, before the next could go; so does one that may not go when its turn comes, and so may
    whoever owns it.
    """

    may_go: Callable[[], bool] = lambda: True
    broken: bool = False


@dataclass(slots=True, eq=False)
class Exchange:
    """A command and whoever waits for its answer; ``data`` is its line, ready for when its turn comes."""

    command: Command[Any]
    future: asyncio.Future[Answer]
    pipeline: Pipeline | None = None
    data: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.data = self.command.line().encode("ascii") + b"\r"

    def look(self) -> None:
        """Fail it at once if it must not go any more."""
        if self.pipeline is None:
            return
        self.pipeline.broken = self.pipeline.broken or not self.pipeline.may_go()
        if self.pipeline.broken:
            fail(self.future, CommandHeldBack(self.command.shown()))

    def end(self, *, success: bool) -> None:
        """Hold the rest of the pipeline back unless this went well."""
        if self.pipeline is not None and not success:
            self.pipeline.broken = True

    def silence(self) -> ModuleSilent:
        """Return what its caller hears if no final result came in time."""
        return ModuleSilent(self.command.shown(), self.command.timeout)


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    """Fail a future that is not done yet, whether or not somebody still waits for it."""
    if not future.done():
        future.set_exception(error)
        future.exception()  # it counts as seen, also where nobody waits any more
