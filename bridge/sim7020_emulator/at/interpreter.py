"""The AT command interpreter: bytes from the host into command lines, answers into bytes.

Source: ITU-T V.250 section 5, manual V1.05 section 1. The manual forbids the host to type before the final result, but
a UART has a buffer: what comes while a command is carried out is read after it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Protocol

from sim7020_emulator.at.answer import SOUND, Answer, Collect, Spoiled, Withheld
from sim7020_emulator.at.escape import Escape
from sim7020_emulator.at.results import NUMERIC_RESULTS, MobileEquipmentError, PlainError, Refused
from sim7020_emulator.at.syntax import MAX_LINE, Invocation, read_line
from sim7020_emulator.schedule import Schedule

_BACKSPACE = 8
_CR = 13
_LF = 10
_ESC = 0x1B
_CTRL_Z = 0x1A

_TYPED_AHEAD = 4096
"""Bytes that wait while a command is carried out; two of the longest lines. No source has the module's own number."""

_ATTENTION = re.compile(r"[Aa][Tt]")
_PREFIX = re.compile(r"^([+*][A-Z]+|PrimaryDns|SecondaryDns|DATA ACCEPT): ")


class MobileEquipment(Protocol):
    """What an interpreter has to know of what it speaks for."""

    @property
    def on(self) -> bool:
        """Whether it runs."""
        ...

    @property
    def spaced(self) -> bool:
        """Whether a blank follows the colon of an answer."""
        ...

    @property
    def echo_end(self) -> bytes:
        """What follows the echo of a command line."""
        ...

    @property
    def typed_ahead(self) -> bool:
        """Whether what is typed while a command is carried out is kept."""
        ...

    @property
    def passing(self) -> bool:
        """Whether what is typed is data and no commands."""
        ...

    def pass_through(self, data: bytes) -> None:
        """Take data that were typed."""
        ...

    def escape(self) -> None:
        """Take what is typed for commands again."""
        ...

    def hears(self) -> bool:
        """Say whether bytes that arrive now are heard."""
        ...

    def setting(self, name: str) -> int:
        """Return E, Q, V or CMEE."""
        ...

    def received(self) -> None:
        """Note that a command line has come."""
        ...

    def answered(self) -> None:
        """Note that a command line is answered."""
        ...

    async def carry_out(self, invocation: Invocation, collect: Collect) -> Answer:
        """Carry out one command, which may collect payload behind a prompt; raises ``Refused``."""
        ...


class Interpreter:
    """An AT port.

    Args:
        write: Takes what is said.
        trace: Takes each line with its direction, ``>`` from the host or ``<`` to it.
        before_line: Takes each command line before it is carried out; says what is wrong with its answer.
        said: Takes each line that is about to be said; returns what is said instead, nothing if it is empty.
    """

    def __init__(
        self,
        schedule: Schedule,
        equipment: MobileEquipment,
        write: Callable[[bytes], None],
        *,
        trace: Callable[[str, str], None] = lambda _direction, _text: None,
        before_line: Callable[[str], Spoiled] = lambda _: SOUND,
        said: Callable[[str], str] = lambda line: line,
    ) -> None:
        self._schedule = schedule
        self._equipment = equipment
        self._write = write
        self._trace = trace
        self._before_line = before_line
        self._said = said
        self._typed = bytearray()
        self._line = bytearray()
        self._too_long = False
        self._skip_lf = False
        self._running: asyncio.Task[None] | None = None
        self._collecting: asyncio.Future[bytes | None] | None = None
        self._collected = bytearray()
        self._wanted: int | None = None
        self._withheld = Withheld.NOTHING
        self._escape = Escape(schedule, self._pass_through, self._escaped)

    def feed(self, data: bytes) -> None:
        """Take bytes as they come off the line; what can't be read yet waits, as far as there is room for it."""
        if not self._equipment.hears():
            return
        self._typed += data
        if not self._equipment.passing:
            self._escape.note()
        self._read()
        lost = self._typed[_TYPED_AHEAD if self._equipment.typed_ahead else 0 :]
        if lost:
            del self._typed[-len(lost) :]
            self._trace("#", f"lost, typed while a command was carried out: {lost.hex().upper()}")

    def report(self, text: str) -> None:
        """Say an unsolicited line."""
        self._send(text)

    def pass_on(self, data: bytes) -> None:
        """Put received bytes on the line as they are."""
        self._trace("<!", data.hex().upper())
        self._write(data)

    def reset(self) -> None:
        """Forget what was typed and what was being done: the equipment went off, to sleep or through a reset."""
        self._typed.clear()
        self._line.clear()
        self._too_long = False
        if self._running is not None and self._running is not asyncio.current_task():
            self._running.cancel()

    def _read(self) -> None:
        while self._typed:
            if self._skip_lf:
                self._skip_lf = False
                if self._typed.startswith(b"\n"):
                    del self._typed[0]
            elif self._equipment.passing:
                data = bytes(self._typed)
                self._typed.clear()
                self._escape.feed(data)
            elif self._collecting is not None and not self._collecting.done():
                del self._typed[: self._collect(self._typed)]
            elif self._running is not None:
                return
            else:
                end = self._typed.find(b"\r") + 1 or len(self._typed)
                piece = bytes(self._typed[:end])
                del self._typed[:end]
                self._edit(piece)

    def _pass_through(self, data: bytes) -> None:
        self._trace(">!", data.hex().upper())
        self._equipment.pass_through(data)

    def _escaped(self) -> None:
        if self._equipment.passing:
            self._equipment.escape()
            self._result("OK")

    def _edit(self, typed: bytes) -> None:
        echo = bytearray()
        complete = False
        for byte in typed:
            if byte == _LF:
                continue
            if byte == _BACKSPACE:
                if self._line:
                    self._line.pop()
                    echo += b"\b \b"
                continue
            echo.append(byte)
            if byte == _CR:
                complete = True
            elif len(self._line) < MAX_LINE + 2:
                self._line.append(byte)
            else:
                self._too_long = True
        if self._equipment.setting("E"):
            self._write(bytes(echo) + (self._equipment.echo_end if complete else b""))
        if complete:
            self._skip_lf = True
            text, too_long = self._line.decode("latin-1"), self._too_long
            self._line.clear()
            self._too_long = False
            self._take_line(text, too_long=too_long)

    def _take_line(self, text: str, *, too_long: bool) -> None:
        if text:
            self._trace(">", text)
        attention = _ATTENTION.search(text)
        if attention is None:
            return
        self._equipment.received()
        spoiled = self._before_line(text[attention.start() :])
        if not self._equipment.on:
            return
        command = text[attention.end() :]
        self._running = self._schedule.start(self._run(command, spoiled, too_long=too_long), "command")
        self._running.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._running is task:
            self._running = None

    async def _run(self, line: str, spoiled: Spoiled, *, too_long: bool) -> None:
        self._withheld = spoiled.withheld
        final: str | None = "OK"
        afterwards: list[Callable[[], None]] = []
        basic = True
        try:
            if too_long:
                raise PlainError
            await self._schedule.pause(self._schedule.timing.answer)
            if spoiled.delay:
                await self._schedule.wait(spoiled.delay)
            if spoiled.refusal is not None:
                raise spoiled.refusal
            for invocation in read_line(line):
                basic = basic and not invocation.name.startswith(("+", "*"))
                answer = await self._equipment.carry_out(invocation, self._prompt)
                self._information(answer.lines)
                final = answer.final
                if answer.then is not None:
                    afterwards.append(answer.then)
                if final not in {"OK", None}:
                    break
        except Refused as refused:
            final = self._refusal(refused)
        quiet = (basic and self._equipment.setting("Q")) or self._withheld is not Withheld.NOTHING
        if final is not None and not quiet:
            self._result(final)
        self._equipment.answered()
        self._running = None
        for action in afterwards:
            action()
        self._read()

    def _refusal(self, refused: Refused) -> str:
        if not isinstance(refused, MobileEquipmentError):
            return "ERROR"
        match self._equipment.setting("CMEE"):
            case 1:
                return f"+CME ERROR: {refused.code}"
            case 2:
                return f"+CME ERROR: {refused.code.text}"
            case _:
                return "ERROR"

    async def _prompt(self, wanted: int | None, within: float | None = None) -> bytes | None:
        self._collecting = asyncio.get_running_loop().create_future()
        self._collected.clear()
        self._wanted = wanted
        if self._withheld is not Withheld.ALL:
            self._write(b"\r\n> ")
            self._trace("<!", "3E20")
        limit = None
        if within is not None:
            limit = self._schedule.timer(within, lambda: self._end_collecting(bytes(self._collected)))
        self._read()
        try:
            return await self._collecting
        finally:
            self._collecting = None
            if limit is not None:
                limit.cancel()

    def _collect(self, typed: bytearray) -> int:
        """Take payload out of what was typed; return how many bytes of it are used up."""
        for used, byte in enumerate(typed, start=1):
            if self._wanted is None and byte == _CTRL_Z:
                self._end_collecting(bytes(self._collected))
                return used
            if self._wanted is None and byte == _ESC:
                self._end_collecting(None)
                return used
            self._collected.append(byte)
            if self._wanted is not None and len(self._collected) == self._wanted:
                self._end_collecting(bytes(self._collected))
                return used
        return len(typed)

    def _end_collecting(self, data: bytes | None) -> None:
        if self._collecting is not None and not self._collecting.done():
            self._trace(">!", self._collected.hex().upper())
            self._collecting.set_result(data)

    def _spaced(self, text: str) -> str:
        return text if self._equipment.spaced else _PREFIX.sub(r"\1:", text)

    def _information(self, texts: tuple[str, ...]) -> None:
        if texts and self._withheld is not Withheld.ALL:
            self._send(*texts)

    def _send(self, *texts: str) -> None:
        lines = [said for text in texts if (said := self._said(self._spaced(text)))]
        if not lines:
            return
        text = "\r\n".join(lines)
        self._trace("<", text)
        head = "\r\n" if self._equipment.setting("V") else ""
        self._write(f"{head}{text}\r\n".encode("latin-1"))

    def _result(self, result: str) -> None:
        result = self._said(result)
        if not result:
            return
        number = None if self._equipment.setting("V") else NUMERIC_RESULTS.get(result)
        self._trace("<", number or result)
        self._write((f"{number}\r" if number else f"\r\n{result}\r\n").encode("latin-1"))
