"""What the module said, as fields and in words."""

import dataclasses
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from sim7020_bridge.at.command import Urc
from sim7020_bridge.commands.clock import NetworkTime, NetworkTimeReport, SntpReport, TimeZoneReport
from sim7020_bridge.commands.edrx import Edrx, EdrxReport
from sim7020_bridge.commands.network import NameResolution, PingReply
from sim7020_bridge.commands.packet import (
    ContextAddress,
    ContextParameters,
    ContextState,
    DefaultApn,
    PacketEvent,
    PacketEventKind,
    TrafficCount,
)
from sim7020_bridge.commands.power import PowerSaving, SleepReport, Supply, SupplyReport
from sim7020_bridge.commands.radio import CellReading, Functionality, FunctionalityReport, SignalQuality, SignalReport
from sim7020_bridge.commands.registration import Operator, Registration, RegistrationReport
from sim7020_bridge.commands.sim import PinAttempts, SimInsertedReport, SimReading, SimReport
from sim7020_bridge.commands.sockets import (
    ClientConnected,
    DataAcknowledged,
    DataReceived,
    DataWaiting,
    SocketFailed,
)
from sim7020_bridge.commands.timers import edrx_seconds, t3324_seconds, t3412_seconds
from sim7020_bridge.kit.decode.kinds import Field

WEAKEST_USABLE: Final = 5
"""Index of ``+CSQ`` up to which the signal is too weak to go on (TCP/IP note section 4: x > 5)."""
_FAIR: Final = 10
_GOOD: Final = 16


def verdict(signal: SignalQuality) -> str:
    """Judge a signal in one word or two."""
    index = signal.rssi_index
    if index is None:
        return "not known"
    if index <= WEAKEST_USABLE:
        return "too weak"
    if index < _FAIR:
        return "weak"
    return "fair" if index < _GOOD else "good"


def fields_of(value: object) -> dict[str, Field]:
    """Return a typed value's fields as JSON has them, without those that are not known."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields: dict[str, Field] = {}
        for each in dataclasses.fields(value):
            member = getattr(value, each.name)
            if isinstance(value, Urc) and dataclasses.is_dataclass(member):
                # a report about something has the fields of an answer about it
                fields |= fields_of(member)
            elif member is not None:
                fields[each.name] = _field(member)
        return fields
    return {} if value is None else {"value": _field(value)}


def _field(value: object) -> Field:  # noqa: PLR0911 - one for each type
    if isinstance(value, bytes):
        return payload_of(value)
    if isinstance(value, bool | float | str) and not isinstance(value, Enum):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_field(member) for member in value]
    return fields_of(value)


def payload_of(data: bytes) -> dict[str, Field]:
    """Return payload as hex, its length in bytes, and what of it is text."""
    return {"hex": data.hex().upper(), "length": len(data), "text": printable(data)}


def dotted(text: str) -> str:
    """Return a text with a dot for whatever can't be printed."""
    return "".join(character if character.isprintable() else "." for character in text)


def printable(data: bytes) -> str:
    """Return bytes as text, with a dot for whatever is none."""
    return dotted(data.decode("latin-1"))


def words_of(value: object) -> str:
    """Say in words what a typed answer or URC means; empty if its name and fields say it all."""
    if isinstance(value, tuple | list):
        return "; ".join(filter(None, map(words_of, value)))
    if isinstance(value, Urc):
        return _urc(value)
    return _answer(value)


def _answer(value: object) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of answer
    match value:
        case Registration():
            return _registration(value)
        case SignalQuality():
            dbm = "strength not known" if value.dbm is None else f"about {value.dbm} dBm, {verdict(value)}"
            return f"signal: {dbm}"
        case SimReading():
            return value.words
        case Functionality():
            return _RADIO.get(value, "radio: an unknown level")
        case Operator(name=name, plmn=plmn):
            return f"operator: {name or plmn}" if name or plmn else "no operator"
        case ContextState(cid=cid, active=active):
            return f"PDN context {cid} is {'active' if active else 'off'}"
        case ContextParameters(cid=cid, apn=apn, address=address):
            return f"PDN context {cid}: APN {apn or 'not given'}, address {address or 'not given'}"
        case ContextAddress(cid=cid, address=address):
            return f"PDN context {cid} has the address {address}" if address else f"PDN context {cid} has no address"
        case DefaultApn(apn=apn):
            return f"default APN: {apn or 'none'}"
        case PinAttempts(code=code, left=left):
            return f"{code}: {left} {'try' if left == 1 else 'tries'} left"
        case Supply(percent=percent, millivolts=millivolts):
            return f"supply {millivolts / 1000:.2f} V ({percent} %)"
        case CellReading(serving=None, neighbours=[cell, *_]):
            return f"neighbour cell: RSRP {cell.rsrp} dBm"
        case CellReading(serving=serving) if serving is not None:
            rsrp = "RSRP not told" if serving.rsrp is None else f"RSRP {serving.rsrp} dBm"
            return f"serving cell: {rsrp}, coverage level {serving.ecl}"
        case Edrx():
            return _edrx(value)
        case NetworkTime(moment=moment):
            return "the clock was never set" if moment is None else f"time: {moment.isoformat(sep=' ')}"
        case PowerSaving(mode=mode):
            return "PSM is asked for" if mode == 1 else "PSM is not asked for"
        case NameResolution(addresses=addresses):
            return f"the name leads to {', '.join(addresses)}"
    return ""


def _urc(value: Urc) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of URC
    match value:
        case RegistrationReport(registration=registration):
            return _registration(registration)
        case SignalReport(signal=signal):
            return words_of(signal)
        case SimReport():
            return value.reading.words
        case SimInsertedReport(inserted=inserted):
            return "a SIM was put in" if inserted else "the SIM was taken out"
        case FunctionalityReport(level=level):
            return f"{words_of(level)} (said while starting)"
        case SleepReport(entered=entered):
            return "the module enters PSM and falls silent" if entered else "the module has left PSM"
        case SupplyReport():
            return f"the supply is out of range: {value.words}"
        case NameResolution(error=None, name=name, addresses=addresses):
            return f"{name or 'the name'} leads to {', '.join(addresses)}"
        case NameResolution():
            return f"the name was not resolved: {value.words}"
        case PingReply(lost=True, sequence=sequence):
            return f"echo {sequence} was lost"
        case PingReply(sequence=sequence, address=address, time_ms=time):
            return f"echo {sequence} from {address} after {time} ms"
        case DataReceived(socket=socket, data=data):
            return f"{len(data)} bytes came to socket {socket}: {printable(data)}"
        case DataWaiting(socket=socket):
            return f"data waits in socket {socket} to be fetched"
        case DataAcknowledged(socket=socket, length=length):
            return f"the peer of socket {socket} acknowledged {length} bytes"
        case SocketFailed(socket=socket):
            return f"socket {socket} failed: {value.words}"
        case ClientConnected(socket=socket):
            return f"somebody connected, as socket {socket}"
        case NetworkTimeReport(time=time) | SntpReport(time=time):
            return f"from the network: {_answer(time)}"
        case TimeZoneReport(zone_quarters=quarters):
            return f"time zone: {quarters / 4:+g} h from UTC"
        case PacketEvent(kind=kind, cid=cid) if kind is not None:
            return _PACKET_EVENTS[kind] + (f" (context {cid})" if cid is not None else "")
        case TrafficCount(cid=cid, up=up, down=down):
            return f"PDN context {cid} has carried {up} bytes up and {down} bytes down"
        case EdrxReport(edrx=edrx):
            return "the network switched eDRX off" if edrx is None else _edrx(edrx)
    return ""


_PACKET_EVENTS: Final = {
    PacketEventKind.NETWORK_DETACHED: "the network detached the module",
    PacketEventKind.MODULE_DETACHED: "the module detached itself",
    PacketEventKind.MODULE_ACTIVATED: "a PDN context was activated",
    PacketEventKind.NETWORK_DEACTIVATED: "the network deactivated a PDN context",
    PacketEventKind.MODULE_DEACTIVATED: "the module deactivated a PDN context",
}
_RADIO: Final = {
    Functionality.MINIMUM: "radio: minimum, no network and no SIM",
    Functionality.FULL: "radio: on",
    Functionality.RF_OFF: "radio: off",
    Functionality.SIM_OFF: "radio: on, SIM off",
}


def _registration(value: Registration) -> str:
    said = [replace(value, cause=None).words if value.registered else value.words]
    if value.cell_id is not None:
        said.append(f"cell {value.cell_id}")
    if value.active_time is not None:
        said.append(_timer("active time", t3324_seconds(value.active_time)))
    if value.periodic_tau is not None:
        said.append(_timer("periodic TAU", t3412_seconds(value.periodic_tau)))
    return ", ".join(said)


def _edrx(value: Edrx) -> str:
    cycle = None if value.granted is None else edrx_seconds(value.granted)
    return "eDRX is not granted" if cycle is None else f"eDRX is granted, a cycle of {cycle:g} s"


def _timer(name: str, seconds: int | None) -> str:
    return f"{name} off" if seconds is None else f"{name} {seconds} s"
