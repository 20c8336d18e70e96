"""What the module said, as fields and in words."""

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Final

from sim7020_bridge.at.command import Urc
from sim7020_bridge.commands import clock, network, packet, power, radio, sim, sockets
from sim7020_bridge.commands.packet import PacketEventKind
from sim7020_bridge.commands.power import Edrx, EdrxReport
from sim7020_bridge.commands.radio import USABLE_SIGNAL, Functionality, SignalQuality
from sim7020_bridge.commands.registration import Operator, Registration, RegistrationReport
from sim7020_bridge.commands.timers import edrx_seconds, t3324_seconds, t3412_seconds
from sim7020_bridge.kit.decode.kinds import Field

_FAIR: Final = 10
_GOOD: Final = 16


def verdict(signal: SignalQuality) -> str:
    """Judge a signal in one word or two."""
    index = signal.rssi_index
    if index is None or signal.dbm is None:
        return "not known"
    if index <= USABLE_SIGNAL:
        return "too weak"
    if index < _FAIR:
        return "weak"
    return "fair" if index < _GOOD else "good"


def fields_of(value: object) -> dict[str, Field]:
    """Return a typed value's fields as JSON has them, without those that are not known."""
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if value is None:
        return {}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return {"value": _field(value)}
    fields: dict[str, Field] = {}
    for name in (each.name for each in dataclasses.fields(value)):
        member = getattr(value, name)
        if isinstance(value, Urc) and dataclasses.is_dataclass(member):
            # a report about something has the fields of an answer about it
            fields |= fields_of(member)
        elif member is not None:
            fields[name] = _field(member)
    return fields


def _field(value: object) -> Field:
    match value:
        case bytes():
            return payload_of(value)
        case Enum(value=int() | str() as member):
            return member
        case bool() | int() | float() | str():
            return value
        case datetime():
            return value.isoformat()
        case tuple():
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


def words_of(value: object) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of answer and URC
    """Say in words what a typed answer or URC means; empty if its name and fields say it all."""
    match value:
        case tuple():
            return "; ".join(filter(None, map(words_of, value)))
        case Registration():
            return _registration(value)
        case RegistrationReport(registration=told) | radio.SignalReport(signal=told):
            return words_of(told)
        case SignalQuality(dbm=dbm):
            return f"signal: {'strength not known' if dbm is None else f'about {dbm} dBm, {verdict(value)}'}"
        case sim.SimReading(words=words) | sim.SimReport(reading=sim.SimReading(words=words)):
            return words
        case sim.SimInsertedReport(inserted=inserted):
            return "a SIM was put in" if inserted else "the SIM was taken out"
        case sim.PinAttempts(code=code, left=left):
            return f"{code}: {left} {'try' if left == 1 else 'tries'} left"
        case Functionality():
            return _RADIO.get(value, "radio: an unknown level")
        case radio.FunctionalityReport(level=level):
            return f"{words_of(level)} (said while starting)"
        case radio.CellReading(serving=None, neighbours=[cell, *_]):
            return f"neighbour cell: RSRP {_told(cell.rsrp, ' dBm')}"
        case radio.CellReading(serving=radio.ServingCell(rsrp=rsrp, ecl=level)):
            return f"serving cell: RSRP {_told(rsrp, ' dBm')}, coverage level {_told(level)}"
        case Operator(name=name, plmn=plmn):
            return f"operator: {name or plmn}" if name or plmn else "no operator"
        case packet.ContextState(cid=cid, active=active):
            return f"PDN context {cid} is {'active' if active else 'off'}"
        case packet.ContextParameters(cid=cid, apn=apn, address=address, gateway=gateway, dns=dns, mtu=mtu):
            more = (("gateway", gateway), ("DNS", " and ".join(dns)), ("MTU", mtu))
            given = "".join(f", {kind} {what}" for kind, what in more if what)
            return f"PDN context {cid}: APN {apn or 'not given'}, address {address or 'not given'}{given}"
        case packet.ContextAddress(cid=cid, address=address, second=second):
            has = f"the addresses {address} and {second}" if second else f"the address {address}"
            return f"PDN context {cid} has {has if address else 'no address'}"
        case packet.DefaultApn(apn=apn):
            return f"default APN: {apn or 'none'}"
        case packet.PacketEvent(kind=kind, cid=cid) if kind is not None:
            return _PACKET_EVENTS[kind] + (f" (context {cid})" if cid is not None else "")
        case packet.TrafficCount(cid=cid, up=up, down=down):
            return f"PDN context {cid} has carried {up} bytes up and {down} bytes down"
        case power.Supply(percent=percent, millivolts=millivolts):
            volts = "not known" if millivolts is None else f"{millivolts / 1000:.2f} V"
            return f"supply {volts}" + ("" if percent is None else f" ({percent} %)")
        case power.SupplyReport(words=words):
            return f"the supply is out of range: {words}"
        case power.PowerSaving(mode=mode):
            return "PSM is asked for" if mode == 1 else "PSM is not asked for"
        case power.SleepReport(entered=entered):
            return "the module enters PSM and falls silent" if entered else "the module has left PSM"
        case EdrxReport(edrx=None):
            return "the network switched eDRX off"
        case Edrx(granted=granted) | EdrxReport(edrx=Edrx(granted=granted)):
            cycle = None if granted is None else edrx_seconds(granted)
            return "eDRX is not granted" if cycle is None else f"eDRX is granted, a cycle of {cycle:g} s"
        case clock.NetworkTime(moment=moment):
            return "the clock was never set" if moment is None else f"time: {moment.isoformat(sep=' ')}"
        case clock.NetworkTimeReport(time=time) | clock.SntpReport(time=time):
            return f"from the network: {words_of(time)}"
        case clock.TimeZoneReport(zone_quarters=quarters):
            return f"time zone: {quarters / 4:+g} h from UTC"
        case network.NameResolution(error=None, name=name, addresses=addresses):
            return f"{name or 'the name'} leads to {', '.join(addresses)}"
        case network.NameResolution(words=words):
            return f"the name was not resolved: {words}"
        case network.PingReply(lost=True, sequence=sequence):
            return f"echo {sequence} was lost"
        case network.PingReply(sequence=sequence, address=address, time_ms=time):
            return f"echo {sequence} from {address} after {time} ms"
        case sockets.DataReceived(socket=socket, data=data):
            return f"{len(data)} bytes came to socket {socket}: {printable(data)}"
        case sockets.DataWaiting(socket=socket):
            return f"data waits in socket {socket} to be fetched"
        case sockets.DataAcknowledged(socket=socket, length=length):
            return f"the peer of socket {socket} acknowledged {length} bytes"
        case sockets.SocketFailed(socket=socket, code=sockets.CLOSED):
            return f"socket {socket} has ended: the peer closed the connection"
        case sockets.SocketFailed(socket=socket, words=words):
            return f"socket {socket} failed: {words}"
        case sockets.ClientConnected(socket=socket):
            return f"somebody connected, as socket {socket}"
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
    said = [value.words]
    if value.cell_id is not None:
        said.append(f"cell {value.cell_id}")
    if value.active_time is not None:
        said.append(_timer("active time", t3324_seconds(value.active_time)))
    if value.periodic_tau is not None:
        said.append(_timer("periodic TAU", t3412_seconds(value.periodic_tau)))
    return ", ".join(said)


def _told(number: int | None, unit: str = "") -> str:
    return "not told" if number is None else f"{number}{unit}"


def _timer(name: str, seconds: int | None) -> str:
    return f"{name} off" if seconds is None else f"{name} {seconds} s"
