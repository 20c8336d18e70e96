"""How a command and a URC are declared: as typed values that know their own words."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import ClassVar, Final, Generic, Self, TypeVar

from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import FinalResult, Outcome
from sim7020_bridge.errors import MalformedAnswer

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds, for commands whose maximum response time the manual leaves open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the module said to a command: its information text, and the final result that ended it."""

    lines: tuple[Line, ...]
    final: FinalResult

    def only(self) -> Line:
        """Return the one line of information text. Raises MalformedAnswer if there is none, or more than one."""
        if len(self.lines) != 1:
            shown = " | ".join(line.text for line in self.lines)
            raise MalformedAnswer(shown, f"expected one line of answer, got {len(self.lines)}")
        return self.lines[0]


@dataclass(frozen=True, slots=True)
class Command(ABC, Generic[R_co]):
    """One command line, and how its answer is recognised and read as an R_co.

    A subclass with parameters is a frozen dataclass of them. Its constants:

    ``syntax``: the command line, from AT on, with ``{self.NAME}`` where a parameter goes.
    ``answer_names``: names of the lines that may answer it, matched whole; any other line that
    arrives while it is pending is a URC.
    ``one_line``: the answer is one line at most. If more come, the last is the answer and the ones
    before it were URCs of the same name.
    ``timeout``: seconds until the final result has to be there.
    ``successes``: outcomes that mean success; any other final result refuses the command.
    ``ends_at_prompt``: whether a data prompt ends the exchange, as a refusal: the data is not given.
    ``settle``: seconds for which the line is left alone after the final result, where firmware is
    known to add a second one.
    """

    syntax: ClassVar[str]
    answer_names: ClassVar[tuple[str, ...]] = ()
    one_line: ClassVar[bool] = False
    timeout: ClassVar[float] = DEFAULT_TIMEOUT
    successes: ClassVar[frozenset[Outcome]] = frozenset({Outcome.OK})
    ends_at_prompt: ClassVar[bool] = False
    settle: ClassVar[float] = 0.0

    def line(self) -> str:
        """Return the command line, without its line end."""
        return self.syntax.format(self=self)

    @abstractmethod
    def read(self, answer: Answer) -> R_co:
        """Read the answer to a command that succeeded.

        Raises MalformedAnswer if its shape is broken. Unknown numbers in it are facts, not errors.
        """

    def answers(self, line: Line) -> bool:
        """Whether a line that arrives while this is pending answers it; narrow it where a URC shares the name."""
        return line.name in self.answer_names

    @property
    def promised(self) -> tuple[str, ...]:
        """Names of the lines that come before its OK for sure; any other is an earlier command's and ends nothing."""
        return ()

    def shown(self) -> str:
        """Return the command line as logs and errors may show it: payload and secrets masked."""
        return self.line()


@dataclass(frozen=True, slots=True)
class Order(Command[None]):
    """A command that is answered by a final result alone."""

    def read(self, answer: Answer) -> None:
        """Accept any answer."""


@dataclass(frozen=True, slots=True)
class Question(Command[R_co]):
    """A command that is answered by one line of arguments."""

    one_line = True

    def read(self, answer: Answer) -> R_co:
        """Read the line."""
        return self._value(Cursor(answer.only()))

    @abstractmethod
    def _value(self, cursor: Cursor) -> R_co:
        """Read the arguments."""


@dataclass(frozen=True, slots=True)
class Table(Command[tuple[R_co, ...]], Generic[R_co]):
    """A command that is answered by any number of lines, each a value of its own."""

    def read(self, answer: Answer) -> tuple[R_co, ...]:
        """Read line by line."""
        return tuple(self._value(Cursor(line)) for line in answer.lines)

    @abstractmethod
    def _value(self, cursor: Cursor) -> R_co:
        """Read the arguments of one line."""


@dataclass(frozen=True, slots=True)
class ReadNumber(Question[int]):
    """Read what a setting of one number is: ``AT+X=1`` sets it, ``+X: 1`` answers ``AT+X?`` (V.250 section 5.4.4)."""

    syntax = "AT{self.name}?"

    name: str

    def answers(self, line: Line) -> bool:
        """Accept a bare number; a URC of the same name says more."""
        return line.name == self.name and line.arguments.isdecimal()

    def _value(self, cursor: Cursor) -> int:
        return cursor.integer()


@dataclass(frozen=True, slots=True)
class Probe(Order):
    """AT: ask for a sign of life (V.250 section 5.2); a missed deadline is an answer, no reason to resynchronise."""

    syntax = "{self.words}"

    within: float
    words: str = "AT"

    @property
    def timeout(self) -> float:  # type: ignore[override]
        """Seconds to wait."""
        return self.within


@dataclass(frozen=True, slots=True)
class Urc:
    """An unsolicited result code, announced by ``names``; a subclass is a frozen dataclass of its fields."""

    names: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, line: Line) -> Self:
        """Read the line. Raises MalformedAnswer if its shape is broken."""
        return cls._of(Cursor(line))

    @classmethod
    def _of(cls, cursor: Cursor) -> Self:
        """Read the arguments; where a URC does not say otherwise, they are a whole number for each field."""
        return cls(*(cursor.integer() for _ in fields(cls)))


@dataclass(frozen=True, slots=True)
class UnknownLine(Urc):
    """A line that nobody asked for and nobody knows: noise, a new firmware's URC, or a late answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Echo(Urc):
    """The module repeated a command line: its echo is on, as after a restart (V.250 section 6.2.4)."""

    text: str


class UrcTable:
    """Reads unsolicited lines as typed URCs, by their names."""

    def __init__(self, urcs: Sequence[type[Urc]]) -> None:
        self._by_name: Final = {name: urc for urc in urcs for name in urc.names}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def read(self, line: Line) -> Urc:
        """Read a line; what is unknown, broken or out of range becomes an UnknownLine, never an error."""
        urc = self._by_name.get(line.name)
        with suppress(MalformedAnswer, ValueError):
            if urc is not None:
                return urc.read(line)
        return UnknownLine(line.text)
