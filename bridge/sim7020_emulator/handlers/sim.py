"""The SIM (manual V1.05 section 3)."""

import re

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Cme, MobileEquipmentError, Refused
from sim7020_emulator.handlers.command import Call, Command

_PIN = re.compile(r"\d{4,8}")
_QUERY = 2


def _pin(call: Call, index: int) -> str:
    text = call.arguments.text(index)
    if not _PIN.fullmatch(text):
        raise Refused
    return text


def _read_pin(call: Call) -> Answer:
    call.module.sim.require()
    return lines(f"+CPIN: {call.module.sim.code()}")


def _write_pin(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    new = _pin(call, 1) if call.arguments.has(1) else None
    call.module.sim.enter(_pin(call, 0), new)
    return Answer(then=call.module.unlocked)


def _tries(call: Call) -> Answer:
    sim = call.module.sim
    sim.require()
    return lines(
        f'+CPINR: "SIM PIN",{sim.pin_tries},3',
        f'+CPINR: "SIM PUK",{sim.puk_tries},10',
        '+CPINR: "SIM PIN2",3,3',
        '+CPINR: "SIM PUK2",10,10',
    )


def _some_tries(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    wanted = call.arguments.text(0)
    found = [text for text in _tries(call).lines if text.startswith(f'+CPINR: "{wanted}"')]
    if not found:
        raise Refused
    return lines(*found)


def _lock(call: Call) -> Answer:
    call.arguments.limit(at_least=2, at_most=3)
    if call.arguments.text(0).upper() != "SC":
        raise Refused
    mode = call.arguments.integer(1, 0, 2)
    if mode == _QUERY:
        call.module.sim.require()
        return lines(f"+CLCK: {int(call.module.sim.locked)}")
    call.module.sim.lock(_pin(call, 2), on=mode == 1)
    return OK


def _change_pin(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=3)
    if call.arguments.text(0).upper() != "SC":
        raise Refused
    call.module.sim.change_pin(_pin(call, 1), _pin(call, 2))
    return OK


def _imsi(call: Call) -> Answer:
    call.module.sim.require_ready()
    return lines(call.module.facts.imsi)


def _card(call: Call) -> Answer:
    call.module.sim.require()
    return lines(call.module.facts.iccid)


def _own_number(call: Call) -> Answer:
    call.module.sim.require_ready()
    number = call.module.facts.number
    if not number:
        return OK
    kind = 145 if number.startswith("+") else 129
    return lines(f'+CNUM: "","{number}",{kind}')


def _read_inserted(call: Call) -> Answer:
    return lines(call.module.inserted_line())


def _write_inserted(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    call.module.profile.set("CSMINS", call.arguments.integer(0, 0, 1))
    return OK


def _restricted_access(call: Call) -> Answer:
    """+CRSM: STATUS answers with a directory's data, READ BINARY of EF-ICCID with the card's number."""
    call.arguments.limit(at_least=1, at_most=7)
    command = call.arguments.integer(0, 0, 255)
    call.module.sim.require()
    if command == 242:  # noqa: PLR2004 (STATUS, 3GPP TS 31.101)
        return lines('+CRSM: 144,0,"62358202782183023F00A50B8001718303076DAE8701018A01058B032F0602"')
    if command == 176 and call.arguments.integer(1, 0, 65535) == 12258:  # noqa: PLR2004 (READ BINARY, EF-ICCID)
        digits = call.module.facts.iccid.upper().ljust(20, "F")
        swapped = "".join(digits[i + 1] + digits[i] for i in range(0, 20, 2))
        return lines(f'+CRSM: 144,0,"{swapped}"')
    return lines("+CRSM: 106,130")


def _generic_access(call: Call) -> Answer:
    """+CSIM: every instruction is answered with «not supported» (6D00), but SELECT and STATUS with success."""
    call.arguments.limit(at_least=2, at_most=2)
    length = call.arguments.integer(0, 2, 522)
    apdu = call.arguments.text(1, longest=522)
    if len(apdu) != length or length % 2 or not re.fullmatch(r"[0-9A-Fa-f]+", apdu):
        raise MobileEquipmentError(Cme.INVALID_INPUT)
    call.module.sim.require()
    answer = "9000" if apdu[2:4].upper() in {"A4", "F2"} else "6D00"
    return lines(f'+CSIM: {len(answer)},"{answer}"')


COMMANDS: tuple[Command, ...] = (
    Command("+CIMI", test="", execute=_imsi, cme=True),
    Command("+CCID", test="", execute=_card, cme=True),
    Command("+ICCID", test="", execute=_card, cme=True),
    Command("+CNUM", test="", execute=_own_number, cme=True),
    Command("+CPIN", test="", read=_read_pin, write=_write_pin, cme=True),
    Command("+CPINR", test="", write=_some_tries, execute=_tries, cme=True),
    Command("+CLCK", test='+CLCK: ("SC")', write=_lock, cme=True),
    Command("+CPWD", test='+CPWD: ("SC",8)', write=_change_pin, cme=True),
    Command("+CSMINS", test="+CSMINS: (0-1)", read=_read_inserted, write=_write_inserted),
    Command("+CRSM", test="", write=_restricted_access, cme=True),
    Command("+CSIM", test="", write=_generic_access, cme=True),
)
