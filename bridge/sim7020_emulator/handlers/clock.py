"""Clock, network time and SNTP (manual V1.05 section 3, SNTP note V1.01)."""

import re

from sim7020_emulator.at.answer import OK, Answer, lines
from sim7020_emulator.at.results import Refused
from sim7020_emulator.handlers.command import Call, Command, setting, stored
from sim7020_emulator.module.clock import read_local_time

_ZONE = re.compile(r"[+-]\d\d")


def _read_clock(call: Call) -> Answer:
    module = call.module
    shown = module.clock.read()
    if module.profile.number("CURTC") == 0:
        shown = shown.in_zone(0)
    return lines(f"+CCLK: {shown}")


def _write_clock(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    if not call.arguments.is_quoted(0):
        raise Refused
    call.module.clock.set(read_local_time(call.arguments.text(0)))
    return OK


def _write_clock_zone(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=1)
    mode = call.arguments.integer(0, 0, 1)
    call.module.profile.set("CURTC", mode)
    return lines(f"+CURTC: {mode}")


def _start_time_query(call: Call) -> Answer:
    call.arguments.limit(at_least=1, at_most=2)
    host = call.arguments.text(0, longest=100)
    zone = call.arguments.text(1, "")
    if zone and not _ZONE.fullmatch(zone):
        raise Refused
    if not call.module.packet.online:
        raise Refused
    return Answer(then=lambda: call.module.services.query_time(host, zone))


def _stop_time_query(call: Call) -> Answer:
    call.module.services.stop_time_query()
    return OK


COMMANDS: tuple[Command, ...] = (
    Command("+CCLK", test="", read=_read_clock, write=_write_clock, cme=True),
    setting("+CTZR", "CTZR", 1, cme=True),
    setting("+CTZU", "CTZU", 1, cme=True),
    setting("+CLTS", "CLTS", 1, cme=True),
    Command("+CURTC", test="+CURTC: (0,1)", read=stored("+CURTC", "CURTC"), write=_write_clock_zone, cme=True),
    Command("+CSNTPSTART", write=_start_time_query),
    Command("+CSNTPSTOP", execute=_stop_time_query),
)
