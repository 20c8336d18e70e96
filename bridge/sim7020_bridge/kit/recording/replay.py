"""A recording, or any log that can be decoded, as a module that answers as it did."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from sim7020_bridge.commands.secrets import mask
from sim7020_bridge.errors import LineError
from sim7020_bridge.kit.decode.kinds import Direction, Explained, Kind


@dataclass(frozen=True, slots=True)
class Said:
    """What the module put on the line, as bytes, after so many seconds of silence."""

    data: bytes
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Taken:
    """So many bytes of payload that the host wrote at a prompt."""

    length: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command, and all that passed until the next one.

    Args:
        line: Number of the command's line in the log; 0 for what was said before any.
        command: The command line, empty for what was said before any.
        passed: What followed, in order.
    """

    line: int
    command: str
    passed: list[Said | Taken] = field(default_factory=list)


class OffScript(LineError):
    """The host asked what the recording does not have there."""

    def __init__(self, line: int, expected: str, got: str) -> None:
        self.line = line
        self.expected = expected
        self.got = got
        place = f"line {line} has {expected}" if line else f"nothing is left, after {expected}"
        super().__init__(f"the host sent {got}, where {place}")


class Terminal(Protocol):
    """The module's end of a line."""

    async def read(self) -> bytes:
        """Return what the host wrote."""
        ...

    async def write(self, data: bytes) -> None:
        """Say something to the host."""
        ...


def exchanges(lines: Iterable[Explained]) -> tuple[Exchange, ...]:
    """Take a log apart; the first exchange is what was said before any command."""
    found = [Exchange(0, "")]
    pause = 0.0
    for each in lines:
        if each.kind is Kind.COMMAND:
            found.append(Exchange(each.line, each.text))
            pause = 0.0
        elif each.kind is Kind.COMMENT:
            wait = _WAIT.fullmatch(each.text)
            pause += float(wait["seconds"]) if wait is not None else 0.0
        elif each.kind is Kind.DATA and each.direction is Direction.OUT:
            found[-1].passed.append(Taken(len(each.text)))
        elif each.direction is Direction.IN and each.kind is not Kind.BLANK:
            found[-1].passed.append(Said(_wire(each), pause))
            pause = 0.0
    return tuple(found)


_WAIT: Final = re.compile(r"# event: wait (?P<seconds>\d{1,6}(?:\.\d{1,3})?)")


def _wire(each: Explained) -> bytes:
    if each.kind is Kind.PROMPT:
        return b"\r\n> "
    text = unmasked(each.text).encode("ascii", "backslashreplace")
    return text + b"\r" if each.kind is Kind.ECHO else b"\r\n" + text + b"\r\n"


class Replay:
    """Plays a log to a host.

    Args:
        script: The log.
        terminal: Where the host is.
        strict: Whether the host has to ask what the log has, in its order. Otherwise each command is answered as
            the next one of its kind in the log was, from the beginning again if need be, and one that the log
            does not have with ERROR.
        speed: How many times faster pauses pass; None leaves them out.
        report: Called with a sentence whenever the host leaves the log.
    """

    def __init__(
        self,
        script: Sequence[Exchange],
        terminal: Terminal,
        *,
        strict: bool = False,
        speed: float | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._script = script
        self._forms = [_form(exchange.command) for exchange in script]
        self._terminal = terminal
        self._strict = strict
        self._speed = speed
        self._report = report
        self._next = 1
        self._input = bytearray()

    async def run(self) -> None:
        """Play. Strict, return at the log's end; else play until cancelled.

        Raises:
            OffScript: The host asked something else; strict only.
        """
        await self._say(self._script[0])
        while not self._strict or self._next < len(self._script):
            command = await self._line()
            place = self._find(command)
            if place is None:
                self._report(f"the log has no {mask(command)}")
                await self._terminal.write(b"\r\nERROR\r\n")
                continue
            self._next = place + 1
            await self._say(self._script[place])

    def _find(self, command: str) -> int | None:
        wanted = _form(command)
        if self._strict:
            following = self._script[self._next]
            if self._forms[self._next] != wanted:
                raise OffScript(following.line, following.command, mask(command))
            return self._next
        order = [*range(self._next, len(self._script)), *range(1, self._next)]
        return next((place for place in order if self._forms[place] == wanted), None)

    async def _say(self, exchange: Exchange) -> None:
        for each in exchange.passed:
            if isinstance(each, Taken):
                while len(self._input) < each.length:
                    self._input += await self._more()
                del self._input[: each.length]
                continue
            if each.after and self._speed:
                await asyncio.sleep(each.after / self._speed)
            await self._terminal.write(each.data)

    async def _line(self) -> str:
        while True:
            while (found := _LINE.match(bytes(self._input))) is None:
                self._input += await self._more()
            del self._input[: found.end()]
            if text := found["line"].decode("ascii", "backslashreplace").strip():
                return text

    async def _more(self) -> bytes:
        data = await self._terminal.read()
        if not data:
            raise LineError("the line was closed")
        return data


_LINE: Final = re.compile(rb"(?P<line>[^\r\n]*)[\r\n]")


def _form(command: str) -> str:
    """Return what two command lines share that ask the same: recordings hold no payload."""
    return mask(command).replace(" ", "").upper()


def unmasked(line: str) -> str:
    """Return a masked line as a driver can read it: zeros stand where asterisks do."""
    return _RUNS.sub(lambda run: "0" * len(run[0]), line)


_RUNS: Final = re.compile(r"\*{2,}|(?<=[\",])\*(?=[\",]|$)")
