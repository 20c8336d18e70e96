"""The AT command interpreter: bytes from the host into command lines, answers into bytes.

Source: ITU-T V.250 section 5, manual V1.05 section 1. While a command is carried out, what the host types is lost: the
manual forbids it to type before the final result.
"""

import asyncio
import inspect
import re
from collections.abc import Callable, Mapping

from sim7020_emulator.at.results import (
    CME_TEXTS,
    NUMERIC_RESULTS,
    Cme,
    MobileEquipmentError,
    PlainError,
    Refused,
)
from sim7020_emulator.at.syntax import MAX_LINE, Arguments, Invocation, read_line
from sim7020_emulator.handlers.command import Answer, Call, Command, Handler
from sim7020_emulator.line.faults import SOUND, Spoiled, Withheld
from sim7020_emulator.module.module import Module, Power

_BACKSPACE = 8
_CR = 13
_LF = 10
_ESC = 0x1B
_CTRL_Z = 0x1A

_ATTENTION = re.compile(r"[Aa][Tt]")
_PREFIX = re.compile(r"^([+*][A-Z]+|PrimaryDns|SecondaryDns): ")


class Interpreter:
    """The AT port of one module.

    Args:
        write: Takes what the module sends.
        trace: Takes each line with its direction, ``>`` to the module or ``<`` from it.
    """

    def __init__(
        self,
        module: Module,
        commands: Mapping[str, Command],
        write: Callable[[bytes], None],
        trace: Callable[[str, str], None] = lambda _direction, _text: None,
    ) -> None:
        self._module = module
        self._commands = commands
        self._write = write
        self._trace = trace
        self._line = bytearray()
        self._too_long = False
        self._skip_lf = False
        self._running: asyncio.Task[None] | None = None
        self._collecting: asyncio.Future[bytes | None] | None = None
        self._collected = bytearray()
        self._wanted: int | None = None
        self._withheld = Withheld.NOTHING
        self.before_line: Callable[[str], Spoiled] = lambda _: SOUND
        """Takes each command line before it is carried out; says what is wrong with its answer."""
        module.on_report = self._report
        module.on_power = self._power_changed

    def feed(self, data: bytes) -> None:
        """Take bytes as they come off the line."""
        while data and self._module.power is Power.ON and self._module.light_sleep.hears():
            if self._skip_lf:
                self._skip_lf = False
                data = data.removeprefix(b"\n")
            if self._collecting is not None:
                self._collect(data)
                return
            if self._running is not None:
                return
            typed, end, data = data.partition(b"\r")
            self._edit(typed + end)

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
        if self._module.profile.number("E"):
            if complete and self._module.variants.is_set("echo_quirk", "yes"):
                echo += b"\r\n"
            self._write(bytes(echo))
        if complete:
            self._skip_lf = True
            text, too_long = self._line.decode("latin-1"), self._too_long
            self._line.clear()
            self._too_long = False
            self._take_line(text, too_long=too_long)

    def _take_line(self, text: str, *, too_long: bool) -> None:
        prefix = _ATTENTION.search(text)
        start = -1 if prefix is None else prefix.start()
        if text:
            self._trace(">", text)
        if start < 0:
            return
        self._module.psm.command()
        spoiled = self.before_line(text[start:])
        if self._module.power is not Power.ON:
            return
        command = text[start + 2 :]
        self._running = self._module.schedule.start(self._run(command, spoiled, too_long=too_long), "command")
        self._running.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        if self._running is task:
            self._running = None

    async def _run(self, line: str, spoiled: Spoiled, *, too_long: bool) -> None:
        self._withheld = spoiled.withheld
        final: str | None = "OK"
        afterwards: list[Callable[[], None]] = []
        cme = False
        basic = True
        try:
            if too_long:
                raise PlainError
            await self._module.schedule.pause(self._module.schedule.timing.answer)
            if spoiled.delay:
                await self._module.schedule.wait(spoiled.delay)
            if spoiled.refusal is not None:
                raise spoiled.refusal
            for invocation in read_line(line):
                command = self._commands.get(invocation.name)
                basic = basic and not invocation.name.startswith(("+", "*"))
                cme = command is not None and command.cme
                answer = await self._carry_out(command, invocation)
                self._information(answer.lines)
                final = answer.final
                if answer.then is not None:
                    afterwards.append(answer.then)
                if final not in {"OK", None}:
                    break
        except Refused as refused:
            final = self._refusal(refused, cme=cme)
        quiet = (basic and self._module.profile.number("Q")) or self._withheld is not Withheld.NOTHING
        if final is not None and not quiet:
            self._result(final)
        self._module.light_sleep.note()
        self._running = None
        for action in afterwards:
            action()

    async def _carry_out(self, command: Command | None, invocation: Invocation) -> Answer:
        handler = None if command is None else command.form(invocation.form)
        if handler is None:
            raise PlainError
        if isinstance(handler, str):
            return Answer((handler,) if handler else ())
        return await self._call(handler, invocation.arguments)

    async def _call(self, handler: Handler, arguments: Arguments) -> Answer:
        answer = handler(Call(self._module, arguments, self._prompt, self._report))
        if inspect.isawaitable(answer):
            answer = await answer
        return answer

    def _refusal(self, refused: Refused, *, cme: bool) -> str:
        level = self._module.profile.number("CMEE")
        if isinstance(refused, MobileEquipmentError):
            code = refused.code
        elif cme and not isinstance(refused, PlainError):
            code = Cme.INCORRECT_PARAMETERS
        else:
            return "ERROR"
        match level:
            case 1:
                return f"+CME ERROR: {code}"
            case 2:
                return f"+CME ERROR: {CME_TEXTS[code]}"
            case _:
                return "ERROR"

    async def _prompt(self, wanted: int | None) -> bytes | None:
        self._collecting = asyncio.get_running_loop().create_future()
        self._collected.clear()
        self._wanted = wanted
        if self._withheld is not Withheld.ALL:
            self._write(b"\r\n> ")
            self._trace("<!", "3E20")
        try:
            return await self._collecting
        finally:
            self._collecting = None

    def _collect(self, data: bytes) -> None:
        if self._collecting is None or self._collecting.done():
            return
        for byte in data:
            if self._wanted is None and byte == _CTRL_Z:
                self._end_collecting(bytes(self._collected))
                return
            if self._wanted is None and byte == _ESC:
                self._end_collecting(None)
                return
            self._collected.append(byte)
            if self._wanted is not None and len(self._collected) == self._wanted:
                self._end_collecting(bytes(self._collected))
                return

    def _end_collecting(self, data: bytes | None) -> None:
        if self._collecting is not None:
            self._trace(">!", self._collected.hex().upper())
            self._collecting.set_result(data)

    def _power_changed(self) -> None:
        """Forget what was typed and what was being done: the module went off, to sleep or through a reset."""
        self._line.clear()
        self._too_long = False
        if self._running is not None and self._running is not asyncio.current_task():
            self._running.cancel()

    def _verbose(self) -> bool:
        return self._module.profile.number("V") == 1

    def _spaced(self, text: str) -> str:
        return _PREFIX.sub(r"\1:", text) if self._module.variants.is_set("spacing", "none") else text

    def _information(self, texts: tuple[str, ...]) -> None:
        if texts and self._withheld is not Withheld.ALL:
            self._send("\r\n".join(self._spaced(text) for text in texts))

    def _report(self, text: str) -> None:
        self._send(self._spaced(text))

    def _send(self, text: str) -> None:
        self._trace("<", text)
        framed = f"\r\n{text}\r\n" if self._verbose() else f"{text}\r\n"
        self._write(framed.encode("latin-1"))

    def _result(self, result: str) -> None:
        if self._verbose():
            self._trace("<", result)
            self._write(f"\r\n{result}\r\n".encode("latin-1"))
        else:
            number = NUMERIC_RESULTS.get(result)
            shown = number if number is not None else result
            self._trace("<", shown)
            self._write(f"{shown}\r".encode("latin-1") if number else f"\r\n{result}\r\n".encode("latin-1"))
