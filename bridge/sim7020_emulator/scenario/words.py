"""The language in which faults are told: one event is one line of words, read from left to right."""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim7020_emulator.line.faults import LineFaults
from sim7020_emulator.line.terminal import Terminal
from sim7020_emulator.mistakes import Mistake, choose
from sim7020_emulator.module.module import Module


@dataclass(slots=True)
class Target:
    """What events act on.

    Args:
        port: The terminal, or None when a program holds the UART itself.
        log: Takes a line for each thing that happens.
    """

    module: Module
    line: LineFaults
    port: Terminal | None = None
    log: Callable[[str], None] = lambda _: None


Action = Callable[[Target], None]


class Words:
    """A cursor over the words of one event; what does not fit raises ``Mistake``."""

    def __init__(self, text: str) -> None:
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise Mistake(f"can't read {text!r}: {error}") from None
        self._next = 0

    @property
    def left(self) -> bool:
        """Say whether there are more words."""
        return self._next < len(self._words)

    def text(self, what: str, default: str | None = None) -> str:
        """Take the next word, whatever it is."""
        if not self.left:
            if default is None:
                raise Mistake(f"{what} is missing")
            return default
        self._next += 1
        return self._words[self._next - 1]

    def choice(self, what: str, choices: Sequence[str], default: str | None = None) -> str:
        """Take one of several words."""
        if default is None and not self.left:
            raise Mistake(f"{what} is missing; it is one of {', '.join(choices)}")
        return choose(what, self.text(what, default), choices)

    def number(self, what: str, low: int, high: int, default: int | None = None) -> int:
        """Take a whole number in ``low..high``."""
        word = self.text(what, None if default is None else str(default))
        try:
            value = int(word)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise Mistake(f"{what} can't be {word!r}; it is a number from {low} to {high}")
        return value

    def count(self, what: str) -> int | None:
        """Take a number of times, or None for ever when there is no word left."""
        return self.number(what, 1, 1_000_000) if self.left else None

    def seconds(self, what: str) -> float:
        """Take a duration."""
        word = self.text(what)
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not (value >= 0 and math.isfinite(value)):
            raise Mistake(f"{what} can't be {word!r}; it is a number of seconds, 0 or more")
        return value

    def duration(self, what: str = "SECONDS") -> float | None:
        """Take a duration if there is one; None is until something ends it."""
        return self.seconds(what) if self.left else None

    def pair(self, what: str) -> tuple[str, str]:
        """Take NAME=VALUE."""
        word = self.text(what)
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise Mistake(f"{what} can't be {word!r}; it is NAME=VALUE")
        return name, value

    def end(self) -> None:
        """Refuse words that nobody asked for."""
        if self.left:
            raise Mistake(f"nothing may follow, but {self._words[self._next]!r} does")


@dataclass(frozen=True, slots=True)
class Word:
    """A kind of event: how it is written, what it does, and what reads it."""

    usage: str
    meaning: str
    read: Callable[[Words], Action]

    @property
    def name(self) -> str:
        """The first word."""
        return self.usage.split()[0]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that can be made to happen, with the words that say so."""

    text: str
    action: Action
