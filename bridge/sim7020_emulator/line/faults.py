"""What goes wrong between the host and the AT interpreter: silence, noise, echoes, and answers that don't come.

Faults of the running firmware end when the module goes off or restarts; those of the line, and rules about commands
and about what is said, stay.
"""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from sim7020_emulator.at.answer import Spoiled
from sim7020_emulator.schedule import Schedule, Timer

_What = TypeVar("_What")

_BYTES = 256


class Fault(StrEnum):
    """A state that the port is in for a time, or until the module goes off."""

    DEAF = "deaf"
    """Hears nothing, says nothing."""
    MUTE = "mute"
    """Hears and obeys, says nothing."""
    STUCK_ECHO = "stuck-echo"
    """Sends back what comes, and does nothing else."""
    SLOW = "slow"
    """Answers late."""
    NOISE = "noise"
    """Bytes are changed on their way."""
    SPOIL = "spoil"
    """Now and then one byte of what is said is changed."""
    LAG = "lag"
    """All that is said arrives late, as over a slow link."""


_OF_THE_LINE = frozenset({Fault.NOISE, Fault.SPOIL, Fault.LAG})
"""The faults that no restart of the module ends."""


def matches(pattern: str, line: str) -> bool:
    """Compare a line with a pattern: ``*`` is anything, case does not matter."""
    return fnmatchcase(line.upper(), pattern.upper())


@dataclass(slots=True)
class Rule(Generic[_What]):
    """What happens to lines of a form; ``left`` counts how often it still does, None is for ever."""

    pattern: str
    what: _What
    left: int | None = None


def _first(rules: list[Rule[_What]], line: str) -> _What | None:
    """Return what the first rule for a line says, and count it."""
    for rule in rules:
        if not matches(rule.pattern, line):
            continue
        if rule.left is not None:
            rule.left -= 1
            if rule.left == 0:
                rules.remove(rule)
        return rule.what
    return None


class LineFaults:
    """Stands between the UART and the interpreter.

    Args:
        say: Takes bytes to the host.
        trace: Takes what is said and heard; what is not said is not traced.
        seed: The same seed gives the same noise.
        spoils: One line in so many has a wrong byte for ever, beside what SPOIL does; 0: none.
    """

    def __init__(
        self,
        schedule: Schedule,
        say: Callable[[bytes], None],
        trace: Callable[[str, str], None],
        *,
        seed: int,
        spoils: int,
    ) -> None:
        self._schedule = schedule
        self._say = say
        self._trace = trace
        self._random = random.Random(seed)  # noqa: S311 (noise that is the same each time)
        self._faults: dict[Fault, Timer | None] = {}
        self._rules: list[Rule[Spoiled]] = []
        self._edits: list[Rule[Callable[[str], str]]] = []
        self._lagging: deque[bytes] = deque()
        self._due = 0.0
        self.delay = 0.0
        self.noise = 0.0
        self.lag = 0.0
        self.one_in = 1
        """SPOIL changes a byte of one line in so many."""
        self._spoils = spoils
        self.on_heard: Callable[[bytes], None] = lambda _: None
        self.on_line: Callable[[str], None] = lambda _: None
        self.on_end: Callable[[str], None] = lambda _: None

    def begin(self, fault: Fault, seconds: float | None) -> None:
        """Begin a fault; it ends after ``seconds`` of the module's time, or else when the module goes off."""
        former = self._faults.pop(fault, None)
        if former is not None:
            former.cancel()
        self._faults[fault] = None if seconds is None else self._schedule.timer(seconds, lambda: self.end(fault))

    def end(self, fault: Fault) -> None:
        """End a fault, if it is on."""
        if fault in self._faults:
            timer = self._faults.pop(fault)
            if timer is not None:
                timer.cancel()
            self.on_end(fault)

    def restarted(self) -> None:
        """End what a restart ends."""
        for fault in tuple(self._faults):
            if fault not in _OF_THE_LINE:
                self.end(fault)

    def mend(self) -> None:
        """End everything."""
        self._rules.clear()
        self._edits.clear()
        for fault in tuple(self._faults):
            self.end(fault)

    def add(self, rule: Rule[Spoiled]) -> None:
        """Spoil the answers to command lines of a form; a newer rule comes before an older one."""
        self._rules.insert(0, rule)

    def edit(self, rule: Rule[Callable[[str], str]]) -> None:
        """Say something else instead of lines of a form, nothing if it is empty; the newest rule comes first."""
        self._edits.insert(0, rule)

    def garbage(self, count: int) -> None:
        """Say bytes without sense."""
        self._say(self._random.randbytes(count))

    def hear(self, data: bytes) -> None:
        """Take bytes from the host."""
        if Fault.STUCK_ECHO in self._faults:
            self._say(data)
        elif Fault.DEAF not in self._faults:
            self.on_heard(self._disturb(data))

    def speak(self, data: bytes) -> None:
        """Take bytes from the interpreter: a line, the lines of an answer, or an echo."""
        if self._silent():
            return
        data = self._disturb(data)
        one_in = self.one_in if Fault.SPOIL in self._faults else self._spoils
        if one_in and self._random.randrange(one_in) == 0:
            data = self._one_byte(data)
            self._trace("#", f"spoilt: {data.hex().upper()}")
        now = self._schedule.now()
        # no line overtakes another, also when the lag ends
        self._due = max(self._due, now + (self.lag if Fault.LAG in self._faults else 0.0))
        if self._due > now or self._lagging:
            self._lagging.append(data)
            self._schedule.timer(self._due - now, self._arrive)
        else:
            self._say(data)

    def said(self, line: str) -> str:
        """Return what is said in place of a line of the module; empty: nothing."""
        change = _first(self._edits, line)
        if change is None:
            return line
        self._trace("#", f"instead of {line}")
        return change(line)

    def misspelt(self, line: str) -> str:
        """Return a line with one character changed."""
        return self._one_byte(line.encode("latin-1")).decode("latin-1")

    def trace(self, direction: str, text: str) -> None:
        """Pass on what is really heard, lost or said."""
        if direction.startswith((">", "#")) or not self._silent():
            self._trace(direction, text)

    def spoiled(self, line: str) -> Spoiled:
        """Say what is wrong with the answer to a command line."""
        self.on_line(line)
        delay = self.delay if Fault.SLOW in self._faults else 0.0
        found = _first(self._rules, line)
        if found is None:
            return Spoiled(delay)
        return Spoiled(delay + found.delay, found.refusal, found.withheld)

    def _arrive(self) -> None:
        self._say(self._lagging.popleft())

    def _one_byte(self, data: bytes) -> bytes:
        if not data:
            return data
        place = self._random.randrange(len(data))
        other = (data[place] + self._random.randrange(1, _BYTES)) % _BYTES
        return data[:place] + bytes((other,)) + data[place + 1 :]

    def _silent(self) -> bool:
        return not self._faults.keys().isdisjoint({Fault.DEAF, Fault.MUTE, Fault.STUCK_ECHO})

    def _disturb(self, data: bytes) -> bytes:
        if Fault.NOISE not in self._faults:
            return data
        return bytes(self._random.randrange(_BYTES) if self._random.random() < self.noise else byte for byte in data)
