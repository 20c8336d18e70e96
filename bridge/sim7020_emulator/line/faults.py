"""What goes wrong between the host and the AT interpreter: silence, noise, echoes, and answers that don't come.

Faults of the running firmware end when the module goes off or restarts; noise and rules about commands stay.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from sim7020_emulator.at.answer import Spoiled
from sim7020_emulator.schedule import Schedule, Timer


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


def matches(pattern: str, line: str) -> bool:
    """Compare a command line with a pattern: ``*`` is anything, case does not matter."""
    return fnmatchcase(line.upper(), pattern.upper())


@dataclass(slots=True)
class Rule:
    """What happens to command lines of a form; ``left`` counts how often it still does, None is for ever."""

    pattern: str
    spoiled: Spoiled
    left: int | None = None


class LineFaults:
    """Stands between the UART and the interpreter.

    Args:
        say: Takes bytes to the host.
        trace: Takes what is said and heard; what is not said is not traced.
    """

    def __init__(self, schedule: Schedule, say: Callable[[bytes], None], trace: Callable[[str, str], None]) -> None:
        self._schedule = schedule
        self._say = say
        self._trace = trace
        self._random = random.Random(7020)  # noqa: S311 (noise that is the same each time)
        self._faults: dict[Fault, Timer | None] = {}
        self._rules: list[Rule] = []
        self.delay = 0.0
        self.noise = 0.0
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
            if fault is not Fault.NOISE:
                self.end(fault)

    def mend(self) -> None:
        """End everything."""
        self._rules.clear()
        for fault in tuple(self._faults):
            self.end(fault)

    def add(self, rule: Rule) -> None:
        """Spoil the answers to command lines of a form; a newer rule comes before an older one."""
        self._rules.insert(0, rule)

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
        """Take bytes from the interpreter."""
        if not self._silent():
            self._say(self._disturb(data))

    def trace(self, direction: str, text: str) -> None:
        """Pass on what is really heard, lost or said."""
        if direction.startswith((">", "#")) or not self._silent():
            self._trace(direction, text)

    def spoiled(self, line: str) -> Spoiled:
        """Say what is wrong with the answer to a command line."""
        self.on_line(line)
        delay = self.delay if Fault.SLOW in self._faults else 0.0
        for rule in self._rules:
            if not matches(rule.pattern, line):
                continue
            if rule.left is not None:
                rule.left -= 1
                if rule.left == 0:
                    self._rules.remove(rule)
            return Spoiled(delay + rule.spoiled.delay, rule.spoiled.refusal, rule.spoiled.withheld)
        return Spoiled(delay)

    def _silent(self) -> bool:
        return not self._faults.keys().isdisjoint({Fault.DEAF, Fault.MUTE, Fault.STUCK_ECHO})

    def _disturb(self, data: bytes) -> bytes:
        if Fault.NOISE not in self._faults:
            return data
        return bytes(self._random.randrange(256) if self._random.random() < self.noise else byte for byte in data)
