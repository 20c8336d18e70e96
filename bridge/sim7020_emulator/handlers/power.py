"""Power: supply, restart, sleep (manual V1.05 sections 3 and 5, low-power note V1.03)."""

import re

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Refused
from sim7020_emulator.handlers.command import Call, Command, setting

_NB_IOT_S1 = 5
"""The access technology number of NB-IoT in the eDRX commands."""

_REPORTED = 2
"""The mode of +CEDRXS that reports what the network grants."""

_BYTE = re.compile(r"[01]{8}")
_NIBBLE = re.compile(r"[01]{4}")


def _bits(call: Call, index: int, form: re.Pattern[str]) -> str:
    text = call.arguments.text(index, "")
    if text and not form.fullmatch(text):
        raise Refused
    return text


def _read_psm(call: Call) -> Answer:
    profile = call.module.profile
    mode = profile.number("CPSMS")
    tau, active = profile.text("CPSMS_TAU"), profile.text("CPSMS_ACTIVE")
    return lines(f'+CPSMS: {mode},,,"{tau}","{active}"' if mode and (tau or active) else f"+CPSMS: {mode}")


def _write_psm(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=5)
    module = call.module
    # TS 27.007: with nothing behind the sign PSM is off and its timers are as they left the factory
    mode = call.arguments.integer(0, 0, 2, default=2 if len(call.arguments) == 1 else None)
    tau, active = _bits(call, 3, _BYTE), _bits(call, 4, _BYTE)
    before = module.profile.number("CPSMS")
    if tau:
        module.profile.set("CPSMS_TAU", tau)
    if active:
        module.profile.set("CPSMS_ACTIVE", active)
    if mode != 1:
        module.profile.set("CPSMS", 0)
        if mode:
            module.profile.set("CPSMS_TAU", "")
            module.profile.set("CPSMS_ACTIVE", "")
        return Answer(then=module.psm.cancel) if before else OK
    module.profile.set("CPSMS", 1)
    if before or not module.radio.registered:
        return OK
    return Answer(then=module.psm.request)


def _read_edrx(call: Call) -> Answer:
    return lines(f'+CEDRXS: {_NB_IOT_S1},"{call.module.profile.text("EDRX")}"')


def _negotiated(call: Call) -> str:
    requested = call.module.profile.text("EDRX")
    facts = call.module.facts
    granted = requested if facts.granted_edrx == "asked" else facts.granted_edrx
    return f'{_NB_IOT_S1},"{requested}","{granted}","{facts.granted_ptw}"'


def _change_edrx(call: Call, mode: int, cycle: str) -> Answer:
    profile = call.module.profile
    profile.set("CEDRXS", mode if mode in {1, 2} else 0)
    if mode not in {1, 2}:
        profile.set("EDRX", "0000")
        return OK
    if cycle:
        profile.set("EDRX", cycle)
    report = f"+CEDRXP: {_negotiated(call)}"

    def negotiate() -> None:
        call.module.psm.traffic()
        if mode == _REPORTED:
            call.module.emit_urc(report)

    return Answer(then=negotiate)


def _write_edrx(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=3)
    mode = call.arguments.integer(0, 0, 3)
    call.arguments.integer(1, _NB_IOT_S1, _NB_IOT_S1, default=_NB_IOT_S1)
    return _change_edrx(call, mode, _bits(call, 2, _NIBBLE))


def _write_edrx_with_window(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=4)
    mode = call.arguments.integer(0, 0, 3)
    call.arguments.integer(1, _NB_IOT_S1, _NB_IOT_S1, default=_NB_IOT_S1)
    cycle, window = _bits(call, 2, _NIBBLE), _bits(call, 3, _NIBBLE)
    if window:
        call.module.profile.set("PTW", window)
    return _change_edrx(call, mode, cycle)


def _read_edrx_with_window(call: Call) -> Answer:
    profile = call.module.profile
    return lines(f'*MEDRXCFG: {_NB_IOT_S1},"{profile.text("EDRX")}","{profile.text("PTW")}"')


def _dynamic_edrx(call: Call) -> Answer:
    if not call.module.profile.number("CEDRXS"):
        return lines("+CEDRXRDP: 0")
    return lines(f"+CEDRXRDP: {_negotiated(call)}")


def _battery(call: Call) -> Answer:
    return lines(f"+CBC: {call.module.facts.charge},{call.module.facts.voltage}")


def _converter(call: Call) -> Answer:
    return lines(f"+CADC: 1,{call.module.facts.adc}")


def _power_down(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    if not call.arguments.integer(0, 0, 1):
        return Answer(final=None, then=call.module.power_off)
    final = "OK" if call.module.variants.is_set("extra_ok", "yes") else None
    return Answer(("NORMAL POWER DOWN",), final, then=call.module.power_off)


def _reset(call: Call) -> Answer:
    final = "OK" if call.module.variants.is_set("extra_ok", "yes") else None
    return Answer(final=final, then=call.module.restart)


def _write_blink(call: Call) -> Answer:
    call.arguments.limit(at_least=3, at_most=3)
    mode = call.arguments.integer(0, 1, 3)
    on, off = call.arguments.integer(1, 0, 65535), call.arguments.integer(2, 0, 65535)
    blinks = dict(enumerate(call.module.profile.text("SLEDS").split(";"), start=1))
    blinks[mode] = f"{mode},{on},{off}"
    call.module.profile.set("SLEDS", ";".join(blinks[number] for number in sorted(blinks)))
    return OK


def _read_blink(call: Call) -> Answer:
    return lines(*(f"+SLEDS: {blink}" for blink in call.module.profile.text("SLEDS").split(";")))


COMMANDS: tuple[Command, ...] = (
    Command(
        "+CPSMS",
        test='+CPSMS: (0-2),,,("00000000"-"11011111"),("00000000"-"11111111")',
        read=_read_psm,
        write=_write_psm,
        cme=True,
    ),
    setting("+CPSMSTATUS", "CPSMSTATUS", 1),
    Command("+CEDRXS", test='+CEDRXS: (0-3),(5),("0000"-"1111")', read=_read_edrx, write=_write_edrx, cme=True),
    Command("+CEDRXRDP", test="", execute=_dynamic_edrx, cme=True),
    Command(
        "*MEDRXCFG",
        test='*MEDRXCFG: (0-3),(5),("0000"-"1111"),("0000"-"1111")',
        read=_read_edrx_with_window,
        write=_write_edrx_with_window,
        cme=True,
    ),
    setting("+CNBIOTRAI", "CNBIOTRAI", 2, cme=True),
    setting("+CNBIOTDT", "CNBIOTDT", 1, cme=True),
    setting("+CSCLK", "CSCLK", 2),
    Command("+CBC", test="+CBC: (0-100),(voltage)", execute=_battery),
    Command("+CADC", test="+CADC: (0,1),(0-1400)", read=_converter),
    Command("+CPOWD", write=_power_down),
    Command("+CRESET", test="", execute=_reset),
    Command("+SLEDS", test="+SLEDS: (1-3),(0-65535),(0-65535)", read=_read_blink, write=_write_blink),
    setting("+CNETLIGHT", "CNETLIGHT", 1),
    setting("+CBATCHK", "CBATCHK", 1),
    setting("+CFGRI", "CFGRI", 2),
)
