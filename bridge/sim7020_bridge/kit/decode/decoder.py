"""Follows the dialogue of a log, line by line, and says what each line is."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sim7020_bridge.at.framer import Line
from sim7020_bridge.at.results import ONLY_WHERE_DECLARED, Outcome, final_result
from sim7020_bridge.kit.decode import explain
from sim7020_bridge.kit.decode.command_line import Form, is_command_line, straight
from sim7020_bridge.kit.decode.explain import Said
from sim7020_bridge.kit.decode.kinds import Direction, Explained, Field, Kind
from sim7020_bridge.kit.decode.log_line import LogLine, LogReader, lines_of
from sim7020_bridge.kit.decode.pending import Pending, is_answer_by_shape, report_name
from sim7020_bridge.kit.decode.vocabulary import is_command

LONGEST_EXCHANGE: Final = 1000
"""Lines that are held back, at most, until a final result tells what they were."""


def explained(chunks: Iterable[bytes]) -> Iterator[Explained]:
    """Explain a log as it comes: one Explained for each of its lines, in order.

    An exchange's lines are held back until its final result, which can settle what they were.
    Nothing that a log may hold is an error.
    """
    reader, decoder = LogReader(), Decoder()
    for line in lines_of(chunks):
        yield from decoder.take(reader.take(line))
    yield from decoder.close()


class Decoder:
    """The state of one dialogue: the pending command, those typed ahead behind it, and their lines so far.

    ``prompted`` is whether the module waits for data.

    Args:
        live: Whether lines are told at once, though a later one might settle what they were.
    """

    def __init__(self, *, live: bool = False) -> None:
        self._live = live
        self._open: list[Pending] = []
        self._ended = False
        self._last: Pending | None = None
        self._held: list[Explained] = []
        self.prompted = False
        self._payload = ""
        self._report = ""
        self._digits = False
        self._heard = False

    def take(self, line: LogLine) -> list[Explained]:
        """Explain a line; return what is settled by it, in order."""
        if line.comment is not None:
            self._held.append(_comment(line))
        else:
            line = self._with_prompt_apart(line)
            whole = self.prompted and line.direction is Direction.OUT and line.wire
            parts = [self._piece(line, piece) for piece in ((line.wire,) if whole else line.pieces)]
            told = [part for part in parts if part.kind is not Kind.BLANK] or parts
            self._held.append(_joined(told))
        settled = self._live or not self._open
        return self._release() if settled or len(self._held) > LONGEST_EXCHANGE else []

    def _with_prompt_apart(self, line: LogLine) -> LogLine:
        """On a screen what is typed at a prompt stands behind it."""
        typed = line.pieces[0] if len(line.pieces) == 1 and line.direction is Direction.UNKNOWN else ""
        if self._pending is None or not self._pending.prompts or not typed.startswith("> "):
            return line
        return replace(line, pieces=(">", typed[2:]))

    @property
    def _pending(self) -> Pending | None:
        """The command that the module is at: it answers in the order in which they came."""
        return self._open[0] if self._open else None

    @property
    def counts_data(self) -> bool:
        """Whether the module was told how much data to wait for."""
        return self._last is not None and any(len(asked.values) > 1 for asked in self._last.commands)

    def close(self) -> list[Explained]:
        """Return what is still held back; the log has ended."""
        self._abandon()
        return self._release()

    def _release(self) -> list[Explained]:
        held, self._held = self._held, []
        return held

    def _piece(self, line: LogLine, piece: str) -> Explained:
        text = piece if line.wire and self.prompted and line.direction is Direction.OUT else piece.strip()
        if not piece.strip() and line.going_on:
            words = "the beginning of a line that the dump goes on with"
            return _said(line, piece, Kind.DATA, ("", {}, words))
        if not text:
            return _said(line, "", Kind.BLANK, ("", {}, "an empty line"))
        if line.direction is not Direction.UNKNOWN:
            return self._going(line, text)
        guess = Direction.OUT if self._is_typed(text) else Direction.IN
        said = self._going(replace(line, direction=guess), text)
        return replace(said, guessed=True, direction=line.direction if said.kind is Kind.UNKNOWN else guess)

    def _going(self, line: LogLine, text: str) -> Explained:
        return self._sent(line, text) if line.direction is Direction.OUT else self._received(line, text)

    def _is_typed(self, text: str) -> bool:
        """Guess whether the host wrote a text. On a screen a command is seen once, as its echo: it counts as sent."""
        if self.prompted:
            return final_result(Line.of(text)) is None and not report_name(Line.of(text))
        repeated = self._pending is not None and not self._heard and _same(text, self._pending.text)
        return text == "+++" or (is_command_line(text) and not repeated)

    def _sent(self, line: LogLine, text: str) -> Explained:
        if self.prompted:
            self.prompted, self._payload = False, text
            return _said(line, text, Kind.DATA, explain.payload(text), self._pending)
        if not is_command_line(text) and text != "+++":
            return _said(line, text, Kind.UNKNOWN, ("", {}, "the host sent something that is no command line"))
        if self._ended or any(_same(text, waiting.text) for waiting in self._open):
            # said again, or after an answer that was somebody else's: the module never heard the others
            self._abandon()
        self._payload = self._report = ""
        self._last = Pending.of(line.number, text)
        self._open.append(self._last)
        self._heard = self._ended = self.prompted = False
        for asked in self._last.commands:
            if asked.name in {"ATV", "ATZ", "AT&F"}:
                self._digits = asked.name == "ATV" and asked.arguments in {"", "0"}
        return _said(line, text, Kind.COMMAND, explain.command(text))

    def _received(self, line: LogLine, text: str) -> Explained:
        straightened = straight(text)
        self._skip_to(Line.of(straightened))
        pending = self._pending
        kind, said = self._kind_of(straightened)
        if kind is not Kind.ECHO:
            self._heard = True
        return _said(line, text, kind, said, pending if kind in _BELONGING else None)

    def _skip_to(self, line: Line) -> None:
        """Leave the commands that get no answer any more: the module is at a later one."""
        for index, waiting in enumerate(self._open[1:], start=1):
            named = line.name in waiting.names and line.name not in self._open[0].names
            if _same(line.text, waiting.text) or (named and waiting.answering(line) is not None):
                del self._open[:index]
                return

    def _kind_of(self, text: str) -> tuple[Kind, Said]:
        line = Line.of(text)
        pending = self._pending
        if text == ">":
            self.prompted = pending is None or pending.prompts
            return Kind.PROMPT, (">", {}, "the module waits for data")
        self.prompted = False
        if (said := self._final(line)) is not None:
            self._settle(said[0])
            return Kind.FINAL, said
        if (echo := self._echo(text)) is not None:
            return Kind.ECHO, echo
        if pending is not None and (asked := pending.answering(line)) is not None:
            return Kind.ANSWER, explain.answer(line, asked)
        if report_name(line) and not is_answer_by_shape(line):
            if line.name in _GREETINGS:
                # a module that greets has restarted: nothing answers any more
                self._abandon()
            said = explain.urc(line)
            # some reports go on in lines that have no name of their own
            self._report = (
                line.name if line.name in _LONG or (line.name == "+CSONMI" and "arguments" in said[1]) else ""
            )
            return Kind.URC, said
        return self._unasked(line)

    def _unasked(self, line: Line) -> tuple[Kind, Said]:
        if is_answer_by_shape(line) or is_command(line.name) or _BARE_ANSWER.fullmatch(line.text):
            name, fields, words = explain.answer(line, None)
            return Kind.ANSWER, (name, fields, f"{words} (the log shows no command for it)")
        if _EXTENDED.match(line.text):
            return Kind.URC, explain.urc(line)
        if self._report:
            return Kind.URC, (self._report, {"value": line.text}, f"the report {self._report} goes on")
        return Kind.UNKNOWN, ("", {}, "neither a command nor anything that the module is known to say")

    def _final(self, line: Line) -> Said | None:
        pending = self._pending
        if self._digits and pending is not None and explain.is_numeric(line.text):
            return explain.numeric(line.text)
        declared = pending is not None and (line.name in pending.finals or report_name(line) in pending.finals)
        result = final_result(line)
        if result is None:
            return explain.final(line, None) if declared else None
        if result.outcome in ONLY_WHERE_DECLARED and not declared:
            return None
        if pending is None and result.outcome in {Outcome.NO_CARRIER, Outcome.BUSY}:
            return None
        return explain.final(line, result)

    def _echo(self, text: str) -> Said | None:
        if self._payload and text == self._payload.strip():
            return "", {}, "echo of the payload"
        pending = self._pending
        # what wakes a module, or tells it the baud rate, comes back without its first characters
        maimed = pending is not None and not self._heard and len(text) > 1 and _same(pending.text[-len(text) :], text)
        if maimed or is_command_line(text):
            return explain.command(text)[0], {}, "echo of the command line"
        return None

    def _settle(self, outcome: str) -> None:
        """The exchange has ended: tell answers from URCs of the same name, now that all are there."""
        if not self._open:
            return
        pending = self._open.pop(0)
        self._ended, self._heard = True, False
        answers = [
            index
            for index, each in enumerate(self._held)
            if each.kind is Kind.ANSWER and each.command_line == pending.line
        ]
        for earlier, later in itertools.pairwise(answers):
            line, next_line = (Line.of(straight(self._held[index].text)) for index in (earlier, later))
            if report_name(line) and next_line.name == line.name and pending.one_line(line.name):
                self._held[earlier] = _turned(self._held[earlier], Kind.URC, explain.urc(line), None)
        if not answers and outcome == Outcome.OK and any(asked.form is Form.READ for asked in pending.commands):
            self._find_answer(pending)

    def _find_answer(self, pending: Pending) -> None:
        """A question that was answered OK has its answer in a line of its name, unlikely as that looked."""
        for index, each in reversed(list(enumerate(self._held))):
            if each.kind is Kind.URC and each.name == pending.name and each.line > pending.line:
                said = explain.answer(Line.of(straight(each.text)), pending.commands[-1])
                self._held[index] = _turned(each, Kind.ANSWER, said, pending.line)
                return

    def _abandon(self) -> None:
        self._open.clear()
        self.prompted = False


_BELONGING: Final = frozenset({Kind.ANSWER, Kind.ECHO, Kind.FINAL, Kind.PROMPT})
_LONG: Final = frozenset({"+CHTTPNMIH", "+CMT", "+CDS"})
_GREETINGS: Final = frozenset({"RDY", "*MATREADY"})
_EXTENDED: Final = re.compile(r"[+*#%^$][A-Za-z][\w ]*(?::|$)")
_BARE_ANSWER: Final = re.compile(
    r"\d{14,22}|\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-F]{2})+|SIM7\d\d\d\w*|SIMCOM\w*|SIM7020\w? R?\d+"
    r"|\d{4}B\d\dV?\d\d\w*|\{ANY\}|\*{4,}",
    re.IGNORECASE,
)
"""Texts without a name that a module says to a question only: identities, addresses, fetched data."""


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _turned(each: Explained, kind: Kind, said: Said, command: int | None) -> Explained:
    name, fields, words = said
    return replace(each, kind=kind, name=name, fields=fields, explanation=words, command_line=command)


def _comment(line: LogLine) -> Explained:
    text = line.comment or ""
    key, colon, value = text.removeprefix("#").strip().partition(": ")
    named = bool(colon) and key.isidentifier()
    fields: dict[str, Field] = {"key": key, "value": value} if named else {}
    return _said(line, text, Kind.COMMENT, (key if named else "", fields, "a remark, not on the wire"))


def _said(line: LogLine, text: str, kind: Kind, said: Said, command: Pending | None = None) -> Explained:
    name, fields, words = said
    number = None if command is None else command.line
    return Explained(line.number, line.time, line.direction, False, kind, name, fields, number, text, words)


def _joined(parts: list[Explained]) -> Explained:
    """Make one of what a log put in one line; the parts stand in the fields."""
    last = parts[-1]
    if len(parts) == 1:
        return last
    each: list[Field] = [
        {"kind": part.kind.value, "name": part.name, "text": part.text, "fields": part.fields} for part in parts
    ]
    return replace(
        last,
        text=" | ".join(part.text for part in parts),
        explanation="; ".join(part.explanation for part in parts),
        fields={"parts": each},
    )
