"""Identity of the module (manual V1.05 sections 2 and 3)."""

from collections.abc import Callable

from sim7020_emulator.at.answer import Answer, lines
from sim7020_emulator.handlers.command import Call, Command
from sim7020_emulator.module.module import Module

MANUFACTURER = "SIMCOM_Ltd"


def _bare(name: str, text: Callable[[Module], str]) -> Command:
    """Declare a command whose answer has no prefix."""
    return Command(name, test="", execute=lambda call: lines(text(call.module)))


def _revision(module: Module) -> str:
    return f"{module.facts.firmware}V01{module.model.name}"


def _write_serial_number(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    if call.arguments.integer(0, 0, 1):
        return lines(f"+CGSN: {call.module.facts.imei}")
    return lines(call.module.facts.imei)


def _version(call: Call) -> Answer:
    name = call.module.model.name
    return lines(MANUFACTURER, name, f"Revision: {call.module.facts.firmware}{name}")


COMMANDS: tuple[Command, ...] = (
    *(_bare(name, lambda _: MANUFACTURER) for name in ("+GMI", "+CGMI")),
    *(_bare(name, lambda module: module.model.name) for name in ("+GMM", "+CGMM", "+GOI", "+CGOI")),
    *(_bare(name, _revision) for name in ("+GMR", "+CGMR")),
    _bare("+GSN", lambda module: module.facts.imei),
    Command("+CGSN", test="", write=_write_serial_number, execute=lambda call: lines(call.module.facts.imei)),
    Command("+GSV", execute=_version),
)
