"""Questions that prove a line: each is told by its answer from all that was asked before it."""

from dataclasses import dataclass
from typing import Final

from sim7020_bridge.at.command import Order
from sim7020_bridge.at.framer import Line

_FIRST: Final = ("+IFC", "+CMEE")
_NEXT: Final = ("+ICF", "+CSCS")
_REFUSALS: Final = 8
"""Refusals in a row after which the module is taken for one that knows no lines of several commands."""


@dataclass(frozen=True, slots=True)
class Mark(Order):
    """Settings that nothing else reads, all in one line (V.250 section 5.2.1); the answer has their names in order."""

    names: tuple[str, ...]

    def line(self) -> str:
        """Return the command line."""
        return "AT" + ";".join(f"{name}?" for name in self.names)

    def answers(self, line: Line) -> bool:
        """Accept the lines of any mark: one that was given up may be answered now."""
        return line.name in _FIRST + _NEXT

    @property
    def promised(self) -> tuple[str, ...]:
        """All of them, in order: no other mark's answer, nor parts of several."""
        return self.names


class Marks:
    """The marks of one port. One that was given up is never asked again: its answer may come at any time."""

    def __init__(self) -> None:
        self._number = 0
        self._refusals = 0

    @property
    def mark(self) -> Mark:
        """The one to ask: short as long as few were given up, for they are numbered by their names.

        Only the first name of each is one that begins a mark, so two answers never make a third.
        """
        number, first = divmod(self._number, len(_FIRST))
        names = []
        while number:
            number, digit = divmod(number - 1, len(_NEXT))
            names.append(_NEXT[digit])
        return Mark((_FIRST[first], *names))

    def prove(self) -> None:
        """Note that it was answered."""
        self._refusals = 0

    def give_up(self, *, refused: bool = False) -> None:
        """Go on to the next: it was not answered, or refused, which may have been the late answer to something else."""
        self._number += 1
        self._refusals = self._refusals + 1 if refused else 0
        if self._refusals == _REFUSALS:
            self._number = self._refusals = 0
