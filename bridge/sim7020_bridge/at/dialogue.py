"""Tells lines apart: information text of the pending command, its final result, its echo, or a URC."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from sim7020_bridge.at.command import Answer, Command, R
from sim7020_bridge.at.framer import Line, Prompt
from sim7020_bridge.at.results import ONLY_WHERE_DECLARED, PROMPT_RESULT, FinalResult, Outcome, final_result
from sim7020_bridge.errors import CommandRefused, MalformedAnswer


@dataclass(frozen=True, slots=True)
class Unsolicited:
    """A line that answers nothing."""

    line: Line


@dataclass(frozen=True, slots=True)
class Repeated:
    """The echo of a command line: it equals one that was sent."""

    line: Line


@dataclass(frozen=True, slots=True)
class UnexpectedResult:
    """A final result or prompt that no pending command accounts for."""

    final: FinalResult


@dataclass(frozen=True, slots=True)
class Ended:
    """The pending command got its final result."""

    answer: Answer


_LATEST: Final = 8
"""Command lines whose echo may still come, after an answer that was given up."""

Event = Unsolicited | Repeated | UnexpectedResult | Ended


@dataclass(slots=True)
class Dialogue:
    """The one command that may be pending, and what its lines mean.

    AT has no sequence numbers: an answer belongs to the pending command because that command
    declares its name, never because of its position.
    """

    _pending: Command[object] | None = None
    _lines: list[Line] = field(default_factory=list)
    _sent: deque[str] = field(default_factory=lambda: deque(maxlen=_LATEST))

    @property
    def pending(self) -> Command[object] | None:
        """The command that waits for its final result, if any."""
        return self._pending

    def begin(self, command: Command[R]) -> None:
        """Make a command the pending one."""
        self._pending = command
        self._lines.clear()
        self._sent.append(command.line())

    def abandon(self) -> None:
        """Give the pending command up; what still comes for it is unsolicited."""
        self._pending = None
        self._lines.clear()

    def take(self, item: Line | Prompt) -> list[Event]:
        """Say what a line means. One line can settle what an earlier one was."""
        if isinstance(item, Prompt):
            return [self._final(PROMPT_RESULT)]
        final = final_result(item)
        if final is not None and not self._declared_elsewhere(final):
            return [self._final(final)]
        command = self._pending
        if item.text in self._sent and (command is None or item.text == command.line() or not command.answers(item)):
            return [Repeated(item)]
        if command is None or not command.answers(item):
            return [Unsolicited(item)]
        self._lines.append(item)
        if command.one_line and len(self._lines) > 1:
            return [Unsolicited(self._lines.pop(0))]
        return []

    def _declared_elsewhere(self, final: FinalResult) -> bool:
        if final.outcome not in ONLY_WHERE_DECLARED:
            return False
        if self._pending is None:
            return True
        ends = final.outcome is Outcome.PROMPT and self._pending.ends_at_prompt
        return not ends and final.outcome not in self._pending.successes

    def _final(self, final: FinalResult) -> Event:
        command = self._pending
        if command is None or (final.outcome is Outcome.PROMPT and self._declared_elsewhere(final)):
            return UnexpectedResult(final)
        promised = command.promised
        if promised and final.outcome is Outcome.OK and promised != tuple(line.name for line in self._lines):
            self._lines.clear()
            return UnexpectedResult(final)
        answer = Answer(tuple(self._lines), final)
        self.abandon()
        return Ended(answer)


def result_of(command: Command[R], answer: Answer) -> R:
    """Read a command's answer.

    Raises:
        CommandRefused: The final result is not one of the command's successes.
        MalformedAnswer: The command can't read the answer.
    """
    final = answer.final
    if final.outcome not in command.successes:
        raise CommandRefused(command.shown(), final.text, code=final.code, meaning=final.meaning)
    try:
        return command.read(answer)
    except ValueError as error:
        # a number that has the right shape and means nothing, such as a socket that no module has
        shown = " | ".join(line.text for line in answer.lines)
        raise MalformedAnswer(shown, str(error)) from error
