"""Whose trouble it is that sockets are refused: the module's, or one socket's own."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sim7020_bridge.modem.connection import Asked, Failure
from sim7020_bridge.modem.state import Refused
from sim7020_bridge.modem.store import StateStore

AGAIN_AND_AGAIN: Final = 3
"""Refusals in a row that are no accident."""


@dataclass(slots=True)
class _Spell:
    """What the module refused a socket last, since when it refuses, and how often in a row."""

    asked: Asked
    since: float
    times: int = 0


class Refusals:
    """What the module refuses the sockets of a modem with no peer to blame.

    Args:
        store: Told what it refuses again and again, and when it no longer does.
        patience: Seconds for which it has to go on before it counts as the module's trouble.
    """

    def __init__(self, store: StateStore, patience: float) -> None:
        self._store = store
        self._patience = patience
        self._spells: dict[str, _Spell] = {}
        self._done: dict[Asked, float] = {}

    def done(self, socket: str, asked: Asked) -> None:
        """Note that the module did what a socket asked of it: it connected the socket, or took its payload."""
        self._done[asked] = _now()
        if not self._spells:
            return
        spell = self._spells.get(socket)
        # one whose payload was refused proves nothing by being connected again
        if spell is not None and (asked is Asked.SEND or spell.asked is not Asked.SEND):
            del self._spells[socket]
        self._report()

    def failed(self, socket: str, failure: Failure) -> None:
        """Count a failure; a cause that it names shows that the module got as far as the peer."""
        if failure.refused is not None:
            spell = self._spells.setdefault(socket, _Spell(failure.refused, _now()))
            spell.asked, spell.times = failure.refused, spell.times + 1
            self._report()
        elif failure.code is not None:
            self.forget(socket)

    def forget(self, socket: str) -> None:
        """Hold nothing against the module that was about this socket."""
        if self._spells.pop(socket, None) is not None:
            self._report()

    def one_sided(self, socket: str) -> bool:
        """Whether the module has since done for another socket what it refuses this one.

        Making a socket is the same for all of them: nothing makes up for that.
        """
        spell = self._spells.get(socket)
        return spell is not None and self._done.get(spell.asked, spell.since) > spell.since

    def _report(self) -> None:
        now = _now()
        grave = [
            spell
            for socket, spell in self._spells.items()
            if spell.times >= AGAIN_AND_AGAIN and now - spell.since >= self._patience and not self.one_sided(socket)
        ]
        self._store.apply(Refused(grave[0].asked, sum(spell.times for spell in grave)) if grave else Refused(None))


def _now() -> float:
    return asyncio.get_running_loop().time()
