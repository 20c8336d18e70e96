"""How a command of the module is declared."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.syntax import Arguments, Form
from sim7020_emulator.module.module import Module


@dataclass(frozen=True, slots=True)
class Call:
    """One command being carried out.

    Args:
        collect: Prints the prompt and returns the bytes that follow: as many as asked for, or until Ctrl-Z; None when
            the user cancels with ESC.
    """

    module: Module
    arguments: Arguments
    collect: Callable[[int | None], Awaitable[bytes | None]]


Handler = Callable[[Call], Answer] | Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command and its forms; a form that is None is refused, a text is printed as it is ("" is OK only).

    Args:
        cme: Whether a refusal is a +CME ERROR (as +CMEE says) or always ``ERROR``.
    """

    name: str
    test: Handler | str | None = None
    read: Handler | str | None = None
    write: Handler | str | None = None
    execute: Handler | str | None = None
    cme: bool = False

    def form(self, form: Form) -> Handler | str | None:
        """Return what answers one of the four forms."""
        forms: Mapping[Form, Handler | str | None] = {
            Form.TEST: self.test,
            Form.READ: self.read,
            Form.WRITE: self.write,
            Form.EXECUTE: self.execute,
        }
        return forms[form]


def setting(
    name: str, key: str, highest: int, *, test: str | None = None, cme: bool = False, lowest: int = 0
) -> Command:
    """Declare a command that reads and writes one numeric setting."""

    def read(call: Call) -> Answer:
        return lines(f"{name}: {call.module.profile.stored(key)}")

    def write(call: Call) -> Answer:
        call.arguments.limit(at_least=1, at_most=1)
        call.module.profile.set(key, call.arguments.integer(0, lowest, highest))
        return OK

    shown = f"{name}: ({lowest}-{highest})" if test is None else test
    return Command(name, test=shown, read=read, write=write, cme=cme)
