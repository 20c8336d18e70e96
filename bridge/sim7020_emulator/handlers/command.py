"""How a command of the module is declared."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sim7020_emulator.at.answer import OK, Answer, Collect, lines
from sim7020_emulator.at.syntax import Arguments, Form
from sim7020_emulator.module.module import Module


@dataclass(frozen=True, slots=True)
class Call:
    """One command being carried out.

    Args:
        collect: Asks the user for data.
    """

    module: Module
    arguments: Arguments
    collect: Collect


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


def stored(name: str, key: str) -> Handler:
    """Return what prints a setting."""
    return lambda call: lines(f"{name}: {call.module.profile.stored(key)}")


def setting(
    name: str, key: str, highest: int, *, test: str | None = None, cme: bool = False, lowest: int = 0
) -> Command:
    """Declare a command that reads and writes one numeric setting."""

    def write(call: Call) -> Answer:
        call.arguments.limit(at_least=1, at_most=1)
        call.module.profile.set(key, call.arguments.integer(0, lowest, highest))
        return OK

    shown = f"{name}: ({lowest}-{highest})" if test is None else test
    return Command(name, test=shown, read=stored(name, key), write=write, cme=cme)


def numbers(name: str, key: str, count: int, highest: int, *, test: str = "", whole: bool = False) -> Command:
    """Declare a command for several numbers in ``0..highest``; those left out stay, unless ``whole`` asks for all."""

    def write(call: Call) -> Answer:
        call.arguments.limit(at_least=count if whole else 1, at_most=count)
        values = call.module.profile.text(key).split(",")
        for index, old in enumerate(values):
            values[index] = str(call.arguments.integer(index, 0, highest, default=None if whole else int(old)))
        call.module.profile.set(key, ",".join(values))
        return OK

    return Command(name, test=test, read=stored(name, key), write=write, cme=True)


def fetched(head: str, data: bytes, *, as_hex: bool) -> Answer:
    """Answer with received bytes on a line of their own behind ``head``, which stands alone if there are none."""
    if not data:
        return lines(head)
    return lines(head, data.hex().upper() if as_hex else data.decode("latin-1"))
