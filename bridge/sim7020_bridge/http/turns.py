"""Whose password is checked next, where only one is at a time: who has been in before comes before a flood."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sim7020_bridge.http.addresses import whose

MOST_WAITING: Final = 32
"""Tries that wait."""

MOST_OF_ONE: Final = 2
"""The same, from one address."""

MOST_KNOWN: Final = 64
"""Addresses that have been in and come first; the one that was in the longest ago is forgotten for another."""


class NoTurn(Exception):
    """Others come first, and too many of them."""


@dataclass(slots=True, eq=False)
class _Waiting:
    key: str
    wrong: int
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Turns:
    """Who waits to have a password checked."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._waiting: list[_Waiting] = []
        self._taken = False

    def has_been_in(self, address: str) -> None:
        """Have an address come first from now on."""
        self._known.pop(whose(address), None)
        self._known[whose(address)] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    @asynccontextmanager
    async def turn(self, address: str, wrong: int) -> AsyncIterator[None]:
        """Wait until an address has its turn, which it has for as long as this lasts.

        Args:
            address: Whose try it is.
            wrong: How many were wrong before; who has fewer comes first.

        Raises:
            NoTurn: Too many come first.
        """
        waiting = _Waiting(whose(address), wrong)
        if self._taken:
            await self._wait(waiting)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, waiting: _Waiting) -> None:
        if sum(each.key == waiting.key for each in self._waiting) >= MOST_OF_ONE:
            raise NoTurn
        self._waiting = [*(each for each in self._waiting if not each.turn.done()), waiting]
        if len(self._waiting) > MOST_WAITING:
            self._waiting.sort(key=self._rank)
            self._waiting.pop().turn.set_exception(NoTurn())
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif waiting.turn.done() and not waiting.turn.cancelled() and waiting.turn.exception() is None:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the turn to whoever is first, of equals who came first."""
        # who was cancelled just now has not gone away yet
        self._waiting = [each for each in self._waiting if not each.turn.done()]
        self._taken = bool(self._waiting)
        if self._waiting:
            first = min(self._waiting, key=self._rank)
            self._waiting.remove(first)
            first.turn.set_result(None)

    def _rank(self, waiting: _Waiting) -> tuple[bool, int]:
        return waiting.key not in self._known, waiting.wrong
