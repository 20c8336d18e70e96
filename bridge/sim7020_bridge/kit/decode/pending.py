"""The command that waits for its final result, and what may answer it: the driver's own rule, for any command."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from sim7020_bridge.at.command import Command, Question
from sim7020_bridge.at.cursor import Cursor
from sim7020_bridge.at.framer import Line
from sim7020_bridge.commands import clock, identity, network, packet, power, radio, registration, sim, sockets
from sim7020_bridge.commands.registry import URCS
from sim7020_bridge.kit.decode.command_line import Asked, Form, commands_of
from sim7020_bridge.kit.decode.vocabulary import REPORTS

_SOCKET: Final = sockets.SocketId(0)


class _ReadAttachment(Question[bool]):
    syntax = "AT+CGATT?"
    answer_names = ("+CGATT",)

    def _value(self, cursor: Cursor) -> bool:
        return cursor.integer() == 1


class _ReadRetention(_ReadAttachment):
    syntax = "AT+RETENTION?"
    answer_names = ("+RETENTION",)


class _ReadCircuitRegistration(registration.ReadGprsRegistration):
    syntax = "AT+CREG?"
    answer_names = ("+CREG",)


_FAMILIES: Final = (clock, identity, network, packet, power, radio, registration, sim, sockets)


def _declared() -> dict[tuple[str, Form], Command[Any]]:
    """Make every command of the driver's that is answered with text; of those with parameters any will do."""
    questions: list[Command[Any]] = [
        kind()
        for family in _FAMILIES
        for kind in vars(family).values()
        if isinstance(kind, type) and issubclass(kind, Command) and kind.answer_names and not fields(kind)
    ]
    questions += (network.ResolveName(""), sockets.CreateSocket(stream=False), sockets.ReadSocketStatus(_SOCKET))
    questions += (_ReadAttachment(), _ReadRetention(), _ReadCircuitRegistration())
    found = {(asked.name, asked.form): each for each in questions for asked in commands_of(each.line())}
    return found | {
        ("+CGCONTRDP", Form.WRITE): packet.ReadContextParameters(),
        ("+CGPADDR", Form.WRITE): packet.ReadAddresses(),
        ("+CPINR", Form.READ): sim.ReadPinAttempts(),
        ("+GMI", Form.EXECUTE): identity.ReadManufacturer(),
        ("+GMM", Form.EXECUTE): identity.ReadModel(),
        ("+GMR", Form.EXECUTE): identity.ReadFirmware(),
        ("+GSN", Form.EXECUTE): identity.ReadImei(),
        ("+ICCID", Form.EXECUTE): identity.ReadIccid(),
    }


DECLARED: Final[Mapping[tuple[str, Form], Command[Any]]] = MappingProxyType(_declared())
"""Commands by what is asked, the driver's and a few that it never sends: they say what answers them, and read it."""


def declared(asked: Asked) -> Command[Any] | None:
    """Return the driver's command that is asked so, or None if the driver has none."""
    return DECLARED.get((asked.name, asked.form))


@dataclass(frozen=True, slots=True)
class Pending:
    """A command line that waits for its final result.

    Args:
        line: Its number in the log.
        text: The line.
        commands: What it asks.
    """

    line: int
    text: str
    commands: tuple[Asked, ...]

    @classmethod
    def of(cls, line: int, text: str) -> "Pending":
        """Take a command line."""
        return cls(line, text, commands_of(text))

    @property
    def name(self) -> str:
        """The name of its only, or last, command."""
        return self.commands[-1].name

    @property
    def names(self) -> frozenset[str]:
        """The names of its commands."""
        return frozenset(asked.name for asked in self.commands)

    @property
    def finals(self) -> frozenset[str]:
        """Lines that end it beside those that end any."""
        return frozenset(final for asked in self.commands for final in _FINALS.get(asked.name, ()))

    @property
    def prompts(self) -> bool:
        """Whether the module asks it for data."""
        return any(asked.name in _PROMPTING and asked.form is not Form.TEST for asked in self.commands)

    def one_line(self, name: str) -> bool:
        """Whether one line of that name at most answers it."""
        for asked in self.commands:
            command = declared(asked)
            if command is not None and name in command.answer_names:
                return command.one_line
        return name != "*MGCOUNT" and name in URCS

    def answering(self, line: Line) -> Asked | None:
        """Return which of its commands a line answers, or None if it is unsolicited."""
        answered = next((asked for asked in self.commands if _answers(asked, line)), None)
        if answered is not None or report_name(line):
            return answered
        if any(asked.name in _LISTING for asked in self.commands):
            return self.commands[-1]
        if _EXTENDED.match(line.name):
            return next((asked for asked in self.commands if _is_misprinted(asked, line)), None)
        # a bare text has no name that tells it from anything: what nobody else says, the command is answered by
        return self.commands[-1]


def report_name(line: Line) -> str:
    """Return the name of the URC that a line can be, or an empty text. Some stacks put a connection's id before it."""
    if line.name in URCS or line.name in REPORTS:
        return line.name
    found = _NUMBERED.fullmatch(line.name)
    return found["name"] if found is not None and found["name"] in REPORTS else ""


_NUMBERED: Final = re.compile(r"\d, ?(?P<name>[A-Z ]+)")


def is_answer_by_shape(line: Line) -> bool:
    """Whether a line can be an answer only, though URCs share its name."""
    shape = _SHAPES.get(line.name)
    asked = (Asked(line.name, form, line.arguments[:1]) for form in (Form.READ, Form.WRITE))
    return line.arguments.startswith("(") or (shape is not None and any(shape(each, line) for each in asked))


_EXTENDED: Final = re.compile(r"[+*#%^$][A-Za-z]")
_LISTING: Final = frozenset({"AT&V", "ATI"})
"""Commands that are answered by lines of any name."""
_PROMPTING: Final = frozenset({"+CSODSEND", "+CMGS", "+CMGW", "+CMGC", "+CIPSEND"})
_FINALS: Final = {
    "+CSODSEND": ("DATA ACCEPT",),
    "+CPOWD": ("NORMAL POWER DOWN",),
    "+CIPSEND": ("SEND OK", "SEND FAIL", "DATA ACCEPT"),
    "+CIPCLOSE": ("CLOSE OK",),
    "+CIPSHUT": ("SHUT OK",),
    "+CIPCHAN": ("CONNECT",),
    "+CGDATA": ("CONNECT",),
    "ATO": ("CONNECT",),
    "ATD": ("CONNECT",),
}
_CONTINUED: Final = {"STATE": "+CIPSTATUS", "C": "+CIPSTATUS"}


def _answers(asked: Asked, line: Line) -> bool:
    command = declared(asked)
    if command is not None and (line.name in command.answer_names or command.answers(line)):
        return command.answers(line)
    if asked.form is Form.TEST:
        return line.name == asked.name or (_EXTENDED.match(line.name) is not None and line.arguments.startswith("("))
    shape = _SHAPES.get(line.name)
    if shape is not None:
        return line.name == asked.name and shape(asked, line)
    if line.name == asked.name:
        return not report_name(line) or asked.form is Form.READ
    return asked.name == _CONTINUED.get(line.name)


def _is_misprinted(asked: Asked, line: Line) -> bool:
    """Whether a line has nearly the command's name: manuals and firmware slip (``+ICF`` for IFC)."""
    name, other = asked.name, line.name
    return sorted(name) == sorted(other) or (
        len(other) >= _TELLING and (name.startswith(other) or other.startswith(name))
    )


_TELLING: Final = 5
"""Characters of a name that say whose it is."""


def _is_declared(asked: Asked, line: Line) -> bool:
    command = declared(asked)
    return command is not None and line.arguments != "" and command.answers(line)


def _is_number(asked: Asked, line: Line) -> bool:
    return asked.form is Form.READ and line.arguments.isdecimal()


def _is_fetched(asked: Asked, line: Line) -> bool:
    fields = Cursor(line).rest()
    if asked.form is Form.READ:
        return len(fields) == 1
    mode = asked.arguments[:1]
    return mode not in {"0", "1"} and fields[:1] == [mode]


def _is_settings(asked: Asked, line: Line) -> bool:
    return asked.form is Form.READ and re.fullmatch(r"\d+,\s*\d+,\s*\d+", line.arguments) is not None


_SHAPES: Final[dict[str, Callable[[Asked, Line], bool]]] = {
    "+CREG": _is_declared,
    "+CGREG": _is_declared,
    "+CEREG": _is_declared,
    "+CPSMSTATUS": _is_number,
    "+CLTS": _is_number,
    "+CSORXGET": _is_fetched,
    "+CIPRXGET": _is_fetched,
    "+CDNSGIP": _is_declared,
    "+CIPPING": _is_settings,
}
"""Names that answers share with URCs, and how an answer looks."""
