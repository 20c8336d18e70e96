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
class _Refusal:
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
        self._refusals: dict[str, _Refusal] = {}
        self._done: dict[Asked, float] = {}

    def done(self, socket: str, asked: Asked) -> None:
        """Note that the module did what a socket asked of it: it connected the socket, or took its payload."""
        self._done[asked] = _now()
        if not self._refusals:
            return
        refusal = self._refusals.get(socket)
        # one whose payload was refused proves nothing by being connected again
        if refusal is not None and (asked is Asked.SEND or refusal.asked is not Asked.SEND):
            del self._refusals[socket]
        self._report()

    def failed(self, socket: str, failure: Failure) -> None:
        """Count a failure; a cause that it names shows that the module got as far as the peer."""
        if failure.refused is not None:
            refusal = self._refusals.setdefault(socket, _Refusal(failure.refused, _now()))
            refusal.asked, refusal.times = failure.refused, refusal.times + 1
            self._report()
        elif failure.code is not None:
            self.forget(socket)

    def forget(self, socket: str) -> None:
        """Hold nothing against the module that was about this socket."""
        if self._refusals.pop(socket, None) is not None:
            self._report()

    def unasked(self, socket: str) -> None:
        """Hold no refused payload of a socket against the module: nothing is left that could show that it takes one."""
        refusal = self._refusals.get(socket)
        if refusal is not None and refusal.asked is Asked.SEND:
            self.forget(socket)

    def one_sided(self, socket: str) -> bool:
        """Whether the module has since done for another socket what it refuses this one.

        Making a socket is the same for all of them: nothing makes up for that.
        """
        refusal = self._refusals.get(socket)
        return refusal is not None and self._done.get(refusal.asked, refusal.since) > refusal.since

    def _report(self) -> None:
        now = _now()
        grave = [
            refusal
            for socket, refusal in self._refusals.items()
            if refusal.times >= AGAIN_AND_AGAIN and now - refusal.since >= self._patience and not self.one_sided(socket)
        ]
        self._store.apply(Refused(grave[0].asked, sum(refusal.times for refusal in grave)) if grave else Refused(None))


def _now() -> float:
    return asyncio.get_running_loop().time()
