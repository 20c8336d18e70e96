"""Radio, registration and operator (manual V1.05 sections 3 and 5)."""

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Cme, MobileEquipmentError, PlainError, Refused
from sim7020_emulator.handlers.command import Call, Command, numbers, setting, stored
from sim7020_emulator.module.radio import NB_IOT, Registration

_DEREGISTERED = 2
_FORMAT_ONLY = 3
_NUMERIC = 2
_NOT_CHOSEN = -1


async def _function(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    function = call.arguments.integer(0, 0, 7)
    reset = call.arguments.integer(1, 0, 2, default=0)
    if function not in {0, 1, 4, 7}:
        raise Refused
    if reset:
        return Answer(then=call.module.restart)
    if function == 1:
        if call.module.profile.number("CFUN") == 1:
            return OK
        call.module.set_full_function()
        return Answer(then=call.module.switch_radio_on)
    if function != call.module.profile.number("CFUN"):
        await call.module.set_function(function)
    return OK


def _signal(call: Call) -> Answer:
    return lines(f"+CSQ: {call.module.radio.signal()}")


def _signal_reports(call: Call) -> Answer:
    call.arguments.limit(at_least=2, at_most=2)
    if call.arguments.text(0).upper() != "SQ":
        raise Refused
    mode = call.arguments.integer(1, 0, 2)
    if mode == 2:  # noqa: PLR2004 (2 asks)
        return lines(f"+EXUNSOL: {call.module.profile.number('EXUNSOL')}")
    call.module.profile.set("EXUNSOL", mode)
    return OK


def _cell(call: Call) -> Answer:
    module = call.module
    if module.profile.number("CFUN") != 1 or not module.sim.ready:
        raise MobileEquipmentError(Cme.ERRC_DEACTIVATED)
    if module.radio.stat is Registration.SEARCHING:
        raise MobileEquipmentError(Cme.CELL_SEARCH)
    if not module.radio.registered:
        raise MobileEquipmentError(Cme.NO_SERVICE_STATE)
    if module.profile.number("CENG"):
        return OK
    f = module.facts
    idle = f.rrc == "idle"
    measured = f"{f.rsrp},{f.rsrq},{f.cell_rssi},{f.snr}" if idle else ",,,"
    place = f'{f.earfcn},{f.earfcn_offset},{f.pci},"{f.cell}",{measured}'
    serving = f'+CENG: {place},{f.band},"{f.tac}",{f.ecl},{f.tx_power},{f.re_rsrp if idle else ""}'
    return lines(serving, *(f"+CENG: {cell}" for cell in f.neighbours.split(";") if cell))


def _registration(name: str, key: str, highest: int) -> Command:
    def read(call: Call) -> Answer:
        radio = call.module.radio
        compose = {"CREG": radio.creg, "CGREG": radio.cgreg, "CEREG": radio.cereg}[key]
        return lines(compose(read=True))

    def write(call: Call) -> Answer:
        call.arguments.limit(at_least=1, at_most=1)
        call.module.profile.set(key, call.arguments.integer(0, 0, highest))
        return OK

    def off(call: Call) -> Answer:
        call.module.profile.set(key, 0)
        return OK

    execute = off if key == "CEREG" else None
    return Command(name, f"{name}: (0-{highest})", read, write, execute, cme=key == "CEREG")


def _form(call: Call) -> int:
    chosen = call.module.profile.number("COPS_FORMAT")
    if chosen != _NOT_CHOSEN:
        return chosen
    return _NUMERIC if call.module.variants.is_set("cops_format", "numeric") else 0


def _operator(call: Call) -> Answer:
    module = call.module
    mode = module.profile.number("COPS")
    if not module.radio.registered:
        return lines(f"+COPS: {mode}")
    form = _form(call)
    name = module.facts.plmn if form == _NUMERIC else module.facts.operator
    return lines(f'+COPS: {mode},{form},"{name}",{NB_IOT}')


async def _operators(call: Call) -> Answer:
    module = call.module
    module.sim.require_ready()
    if module.profile.number("CFUN") != 1:
        raise MobileEquipmentError(Cme.NO_NETWORK_SERVICE)
    await module.schedule.pause(module.schedule.timing.operator_scan)
    f = module.facts
    status = 2 if module.radio.registered else 1
    return lines(f'+COPS: ({status},"{f.operator}","{f.operator}","{f.plmn}",{NB_IOT}),,(0,1,2,3,4),(0,1,2)')


async def _select_operator(call: Call) -> Answer:
    module = call.module
    call.arguments.limit(at_least=1, at_most=4)
    mode = call.arguments.integer(0, 0, 4)
    form = call.arguments.integer(1, 0, 2, default=_form(call))
    if mode == _FORMAT_ONLY:
        module.profile.set("COPS_FORMAT", form)
        return OK
    module.sim.require_ready()
    if mode == _DEREGISTERED:
        module.profile.set("COPS", mode)
        module.leave_network()
        await module.schedule.pause(module.schedule.timing.detach)
        return OK
    wanted = call.arguments.text(2, "")
    if mode == 1 and not wanted:
        raise Refused
    known = {module.facts.plmn} if form == _NUMERIC else {module.facts.operator}
    if wanted and wanted not in known:
        if mode == 1:
            raise MobileEquipmentError(Cme.NO_NETWORK_SERVICE)
        mode = 0
    module.profile.set("COPS", mode)
    module.profile.set("COPS_FORMAT", form)
    if not module.radio.registered:
        return Answer(then=module.attach)
    return OK


def _attached(call: Call) -> Answer:
    return lines(f"+CGATT: {int(call.module.radio.registered)}")


async def _attach(call: Call) -> Answer:
    module = call.module
    call.arguments.limit(at_least=1, at_most=1)
    wanted = call.arguments.integer(0, 0, 1)
    module.sim.require_ready()
    if not wanted:
        module.leave_network()
        await module.schedule.pause(module.schedule.timing.detach)
        return OK
    if module.radio.registered:
        return OK
    if module.profile.number("CFUN") != 1:
        raise MobileEquipmentError(Cme.NO_NETWORK_SERVICE)
    return Answer(then=lambda: module.attach(by_user=True))


def _bands(call: Call) -> Answer:
    return lines(f"+CBAND: ({','.join(str(band) for band in call.module.model.bands)})")


def _band_list(call: Call) -> list[int]:
    bands = [call.arguments.integer(index, 1, 255) for index in range(len(call.arguments))]
    if not bands or any(band not in call.module.model.bands for band in bands):
        raise Refused
    return bands


def _read_bands(call: Call) -> Answer:
    chosen = call.module.profile.text("CBAND")
    return lines(f"+CBAND: {chosen or call.module.facts.band}")


def _write_bands(call: Call) -> Answer:
    if len(call.arguments) == 1 and call.arguments.integer(0, 0, 255) == 0:
        call.module.profile.set("CBAND", "")
        return OK
    call.module.profile.set("CBAND", ",".join(str(band) for band in _band_list(call)))
    return OK


def _read_preferred_bands(call: Call) -> Answer:
    chosen = call.module.profile.text("CBANDSL")
    return lines(f"+CBANDSL: {chosen}") if chosen else OK


def _write_preferred_bands(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=6)
    mode = call.arguments.integer(0, 0, 1)
    if not mode:
        call.module.profile.set("CBANDSL", "")
        return OK
    count = call.arguments.integer(1, 1, 4)
    bands = [call.arguments.integer(2 + index, 1, 255) for index in range(count)]
    if len(call.arguments) != 2 + count or any(band not in call.module.model.bands for band in bands):
        raise Refused
    call.module.profile.set("CBANDSL", ",".join(str(value) for value in (mode, count, *bands)))
    return OK


def _home_network(call: Call) -> Answer:
    call.module.sim.require_ready()
    f = call.module.facts
    return lines(f"+CHOMENW: {f.operator},{f.operator},{f.plmn}")


def _write_cell_lock(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=4)
    values = [call.arguments.integer(0, 0, 2)]
    values += [call.arguments.integer(index, 0, 262143) for index in range(1, len(call.arguments))]
    call.module.profile.set("CELLLOCK", ",".join(str(value) for value in values))
    return OK


def _back_off(call: Call) -> Answer:
    return lines(f"+CTRJ: {call.module.back_off()}")


def _write_cell_mode(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    mode = call.arguments.integer(0, 0, 1)
    if call.module.profile.number("CFUN") != 1:
        raise PlainError
    call.module.profile.set("CENG", mode)
    return OK


def _require_connection_reports(call: Call) -> None:
    if call.module.variants.is_set("cscon", "no"):
        raise PlainError


def _read_connection(call: Call) -> Answer:
    _require_connection_reports(call)
    return lines(call.module.place.connection_line(read=True))


def _write_connection(call: Call) -> Answer:
    _require_connection_reports(call)
    call.arguments.limit(at_least=1, at_most=1)
    call.module.profile.set("CSCON", call.arguments.integer(0, 0, 1))
    return OK


def _test_connection(call: Call) -> Answer:
    _require_connection_reports(call)
    return lines("+CSCON: (0,1)")


COMMANDS: tuple[Command, ...] = (
    Command("+CFUN", test="+CFUN: (0,1,4,7),(0-2)", read=stored("+CFUN", "CFUN"), write=_function, cme=True),
    Command("+CSQ", test="+CSQ: (0-31,99),(0-7,99)", execute=_signal),
    Command("+EXUNSOL", test='+EXUNSOL: ("SQ")', write=_signal_reports),
    Command("+CENG", test="+CENG: (0-1)", read=_cell, write=_write_cell_mode),
    Command("+CSCON", test=_test_connection, read=_read_connection, write=_write_connection),
    _registration("+CREG", "CREG", 2),
    _registration("+CGREG", "CGREG", 2),
    _registration("+CEREG", "CEREG", 5),
    Command("+COPS", test=_operators, read=_operator, write=_select_operator, cme=True),
    Command("+CGATT", test="+CGATT: (0-1)", read=_attached, write=_attach, cme=True),
    Command("+CBAND", test=_bands, read=_read_bands, write=_write_bands, cme=True),
    Command(
        "+CBANDSL",
        test="+CBANDSL: (0-1),(1-4),(1-255)",
        read=_read_preferred_bands,
        write=_write_preferred_bands,
        cme=True,
    ),
    Command("+CHOMENW", test="", read=_home_network, cme=True),
    Command(
        "*CELLLOCK", test="*CELLLOCK: (0-2)", read=stored("*CELLLOCK", "CELLLOCK"), write=_write_cell_lock, cme=True
    ),
    numbers("+CNWRCCFG", "CNWRCCFG", 6, 65535, whole=True),
    Command("+CTRJ", test="", read=_back_off, cme=True),
    numbers("+CCIOTOPT", "CCIOTOPT", 3, 3, test="+CCIOTOPT: (0-3),(0-3),(0-2)"),
    setting("+CDISAUPDN", "CDISAUPDN", 1, cme=True),
)
