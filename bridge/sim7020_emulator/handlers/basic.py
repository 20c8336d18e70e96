"""Basic commands of ITU-T V.250 and the serial port's settings (manual V1.05 section 2)."""

from collections.abc import Callable

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Cme, MobileEquipmentError, Refused
from sim7020_emulator.firmware.profile import SETTINGS
from sim7020_emulator.handlers.command import Call, Command, setting, stored
from sim7020_emulator.line.uart import RATES
from sim7020_emulator.module.module import Module

_CHARACTER_SETS = ("GSM", "HEX", "IRA", "PCCP", "PCDN", "UCS2", "8859-1")
_MULTIPLEXER = "0,0,0,31,10,3,30,10,2"
_FLOW_CONTROL = {"0": "0,0", "3": "2,2", "4": "1,1"}


def _switch(name: str, key: str, highest: int) -> Command:
    """Declare a basic command that takes one digit; without it, 0, and for E, V and Q as V.250 has it."""

    def execute(call: Call) -> Answer:
        call.module.profile.set(key, call.arguments.integer(0, 0, highest, default=0))
        return OK

    return Command(name, execute=execute)


def _ignored(name: str, highest: int) -> Command:
    """Declare a basic command that changes nothing here."""

    def execute(call: Call) -> Answer:
        call.arguments.integer(0, 0, highest, default=0)
        return OK

    return Command(name, execute=execute)


def _profile(name: str, act: Callable[[Module], None]) -> Command:
    """Declare a command for the only user profile, 0."""

    def execute(call: Call) -> Answer:
        call.arguments.integer(0, 0, 0, default=0)
        act(call.module)
        return OK

    return Command(name, execute=execute)


def _factory(module: Module) -> None:
    module.profile.factory_reset()
    module.on_rate(module.profile.number("IPR"))


def _flow_control_switch(call: Call) -> Answer:
    digit = str(call.arguments.integer(0, 0, 4, default=0))
    if digit not in _FLOW_CONTROL:
        raise Refused
    call.module.profile.set("IFC", _FLOW_CONTROL[digit])
    return OK


def _register_key(call: Call) -> str:
    key = f"S{call.arguments.integer(0, 0, 999)}"
    if key not in SETTINGS:
        raise Refused
    return key


def _read_register(call: Call) -> Answer:
    return lines(call.module.profile.text(_register_key(call)))


def _write_register(call: Call) -> Answer:
    call.module.profile.set(_register_key(call), call.arguments.integer(1, 0, 255, default=0))
    return OK


def _identify(call: Call) -> Answer:
    model = call.module.model.name
    # Manual V1.05 prints no letter; drivers for the E look for one.
    family = "SIM7020" if model == "SIM7020C" else model
    return lines(f"{family} R{call.module.facts.firmware[:4]}")


def _view(call: Call) -> Answer:
    profile = call.module.profile
    registers = ("S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S10", "S12", "S25")
    shown = [f"{key}: {profile.text(key)}" for key in ("E", "L", "M", "Q", "V", "X", *registers)]
    shown += [f"+{key}: {profile.text(key)}" for key in ("CR", "CMEE", "IFC", "ICF")]
    shown += [f'+CSCS: "{profile.text("CSCS")}"', f"+IPR: {profile.text('IPR')}"]
    shown += [f"{key}: {profile.text(key)}" for key in ("&C", "&D")]
    shown += [f"+{key}: {profile.text(key)}" for key in ("CGEREP", "CEER", "CGPIAF", "CPSMSTATUS")]
    shown += [f"+{key}: {profile.text(key)}" for key in ("CMGF", "CSDH", "CSMINS")]
    return lines("ACTIVE PROFILE", *shown, f"+CMUX: {_MULTIPLEXER}")


def _write_rate(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    rate = call.arguments.integer(0, 0, max(RATES))
    if rate not in RATES:
        raise Refused
    call.module.profile.set("IPR", rate)
    return Answer(then=lambda: call.module.on_rate(rate))


def _pair(name: str, key: str, first: range, second: range) -> Command:
    def write(call: Call) -> Answer:
        call.arguments.limit(at_least=1, at_most=2)
        old = call.module.profile.text(key).split(",")[1]
        one = call.arguments.integer(0, first[0], first[-1])
        two = call.arguments.integer(1, 0, 255, default=int(old))
        if two not in second and two != 255:  # noqa: PLR2004 (the manual's "not applicable")
            raise Refused
        call.module.profile.set(key, f"{one},{two}")
        return OK

    test = f"{name}: ({first[0]}-{first[-1]}),({second[0]}-{second[-1]})"
    return Command(name, test=test, read=stored(name, key), write=write)


def _read_character_set(call: Call) -> Answer:
    return lines(f'+CSCS: "{call.module.profile.text("CSCS")}"')


def _write_character_set(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    name = call.arguments.text(0).upper()
    if name not in _CHARACTER_SETS:
        raise Refused
    call.module.profile.set("CSCS", name)
    return OK


def _multiplexer(_call: Call) -> Answer:
    raise MobileEquipmentError(Cme.NOT_SUPPORTED)


COMMANDS: tuple[Command, ...] = (
    _switch("E", "E", 1),
    _switch("V", "V", 1),
    _switch("Q", "Q", 1),
    _switch("X", "X", 4),
    _switch("&C", "&C", 1),
    _switch("&D", "&D", 2),
    _ignored("L", 9),
    _ignored("M", 9),
    _ignored("N", 1),
    Command("&K", execute=_flow_control_switch),
    Command("I", execute=_identify),
    _profile("Z", lambda module: module.profile.load()),
    _profile("&F", _factory),
    _profile("&W", lambda module: module.profile.save()),
    Command("&V", execute=_view),
    Command("S", read=_read_register, write=_write_register),
    setting("+CMEE", "CMEE", 2),
    Command(
        "+IPR",
        test="+IPR: (0),(" + ",".join(str(rate) for rate in RATES if rate) + ")",
        read=stored("+IPR", "IPR"),
        write=_write_rate,
    ),
    _pair("+IFC", "IFC", range(3), range(3)),
    _pair("+ICF", "ICF", range(1, 7), range(4)),
    Command(
        "+CSCS",
        test="+CSCS: (" + ",".join(f'"{name}"' for name in _CHARACTER_SETS) + ")",
        read=_read_character_set,
        write=_write_character_set,
        cme=True,
    ),
    Command(
        "+CMUX",
        test="+CMUX: (0),(0),(0-12),(31-4096),(1-254),(0-100),(2-255),(1-255),(1-7)",
        read=f"+CMUX: {_MULTIPLEXER}",
        write=_multiplexer,
        cme=True,
    ),
)
