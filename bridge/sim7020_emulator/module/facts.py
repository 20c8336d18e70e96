"""Facts of the module, its SIM and its network that a user may set."""

import dataclasses
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TypeVar

from sim7020_emulator.at.results import Refused
from sim7020_emulator.mistakes import Mistake, choose
from sim7020_emulator.module.clock import read_local_time

_T = TypeVar("_T", str, int, float)

_NUMBER = r"(\d{1,4}(\.\d{1,3})?)?"
_PERCENT = r"(100|\d\d?(\.\d{1,3})?)?"
_WATTS = r"(psm|idle|asleep|busy|waiting)=\d{1,2}(\.\d{1,9})?"

_CLOCK = re.compile(r"\d\d/\d\d/\d\d,\d\d:\d\d:\d\d[+-]\d\d")


def _fact(default: _T, meaning: str, *, pattern: str = "", choices: tuple[str, ...] = ()) -> _T:
    declared: _T = field(default=default, metadata={"meaning": meaning, "pattern": pattern, "choices": choices})
    return declared


@dataclass(slots=True)
class Facts:
    """Everything that the network or the hardware decides, by the name that ``--set`` uses."""

    imei: str = _fact("866207050000016", "identity of the module", pattern=r"\d{14,16}")
    imsi: str = _fact("460010000000001", "identity of the SIM", pattern=r"\d{6,15}")
    iccid: str = _fact("89860100000000000019", "number of the SIM card", pattern=r"[0-9A-Fa-f]{18,20}")
    number: str = _fact("", "own number for +CNUM; empty: none", pattern=r"\+?\d{0,20}")
    firmware: str = _fact("1752B01", "the build, as +CGMR begins", pattern=r"[0-9A-Z]{4,16}")
    sim: str = _fact(
        "ready",
        "the SIM: ready, asking for its pin or puk, absent, or failed",
        choices=("ready", "pin", "puk", "absent", "failed"),
    )
    pin: str = _fact("1234", "the PIN of the SIM", pattern=r"\d{4,8}")
    pin_tries: int = _fact(3, "tries left for the PIN", pattern="[0-3]")
    puk: str = _fact("12345678", "the PUK of the SIM", pattern=r"\d{8}")
    puk_tries: int = _fact(10, "tries left for the PUK", pattern=r"\d|10")
    operator: str = _fact("CHN-UNICOM", "the network's name", pattern=r'[^"\r\n]{0,32}')
    plmn: str = _fact("46001", "the network's number", pattern=r"\d{5,6}")
    apn: str = _fact("shnbiot", "the APN that the network assigns", pattern=r'[^"\r\n]{0,100}')
    refused_apn: str = _fact("", "an APN that the network refuses; empty: none", pattern=r'[^"\r\n]{0,100}')
    address: str = _fact(
        "10.250.0.213", "address of the PDN, with + between two of one PDN; several, by comma, are given out in turn"
    )
    mask: str = _fact("255.255.255.0", "mask of the PDN")
    gateway: str = _fact("10.250.0.1", "gateway of the PDN (full +CGCONTRDP); empty: none")
    dns6: str = _fact("2001:db8:1::53,2001:db8:2::53", "name servers for IPv6 (full +CGCONTRDP)")
    bearer: int = _fact(5, "bearer id of the PDN")
    dns1: str = _fact("114.114.114.114", "first name server, given by the network")
    dns2: str = _fact("119.29.29.29", "second name server")
    mtu: int = _fact(1500, "MTU of the PDN (full +CGCONTRDP)")
    registration: str = _fact(
        "home",
        "what the network makes of the module: home, roaming, searching, none, unknown, withheld, denied:CAUSE",
        pattern=r"home|roaming|searching|none|unknown|withheld|denied(:\d{1,3})?",
    )
    registration_time: float = _fact(6.0, "seconds from SIM ready to registered")
    cell_time: float = _fact(2.0, "seconds of these until a cell is found; the signal is not known before")
    tac: str = _fact("5B57", "tracking area, four hex digits", pattern=r"[0-9A-F]{4}")
    cell: str = _fact("01A50B1A", "cell, eight hex digits", pattern=r"[0-9A-F]{8}")
    rac: str = _fact("00", "routing area, two hex digits", pattern=r"[0-9A-F]{2}")
    dbm: str = _fact("", "received power, from which rssi follows by table; empty: rssi as set", pattern=r"(-\d{2,3})?")
    rssi: int = _fact(20, "signal as +CSQ prints it, 0-31 or 99", pattern=r"[0-9]|[12][0-9]|3[01]|99")
    ber: int = _fact(0, "bit error rate as +CSQ prints it, 0-7 or 99", pattern="[0-7]|99")
    rsrp: str = _fact("-85", "dBm; empty: not available", pattern=r"(-?\d+)?")
    rsrq: str = _fact("-8", "dB; empty: not available", pattern=r"(-?\d+)?")
    cell_rssi: str = _fact("-77", "RSSI of the serving cell in dBm; empty: not available", pattern=r"(-?\d+)?")
    snr: str = _fact("12", "dB; empty: not available", pattern=r"(-?\d+)?")
    re_rsrp: str = _fact("-85", "dBm of the reference element; empty: not available", pattern=r"(-?\d+)?")
    earfcn: int = _fact(3734, "channel of the serving cell")
    earfcn_offset: int = _fact(2, "its offset, 0-4")
    pci: int = _fact(52, "physical cell id, 0-503")
    band: int = _fact(8, "band of the serving cell")
    ecl: str = _fact("0", "coverage enhancement level, 0-2", pattern=r"[0-2]?")
    tx_power: str = _fact("50", "transmit power in tenths of dBm", pattern=r"(-?\d+)?")
    rrc: str = _fact(
        "idle", "the radio connection; connected leaves +CENG's measurements empty", choices=("idle", "connected")
    )
    loss_up: str = _fact(
        "", "per cent of the datagrams lost on the way up; empty: as the profile has it", pattern=_PERCENT
    )
    loss_down: str = _fact("", "per cent lost on the way down; empty: as the profile has it", pattern=_PERCENT)
    inactivity: str = _fact(
        "", "seconds until the network releases an idle connection; empty: as the profile has it", pattern=_NUMBER
    )
    rai_ignored: str = _fact(
        "", "per cent of release assistance that the network ignores; empty: as the profile has it", pattern=_PERCENT
    )
    watts: str = _fact(
        "",
        "power by state of the radio, in watts: psm=, idle=, asleep=, busy=, waiting=, by comma; empty: as documented",
        pattern=rf"({_WATTS}(,{_WATTS})*)?",
    )
    neighbours: str = _fact(
        "",
        "neighbour cells: earfcn,offset,pci,rsrp with ; between cells",
        pattern=r"(-?\d+,-?\d*,\d+,-?\d*(;-?\d+,-?\d*,\d+,-?\d*){0,3})?",
    )
    voltage: int = _fact(3418, "supply in millivolts")
    charge: int = _fact(88, "charge in percent")
    adc: int = _fact(0, "millivolts at the ADC pin, 0-1400")
    clock: str = _fact("00/01/01,00:00:00+32", "the clock at power on", pattern=_CLOCK.pattern)
    sntp_clock: str = _fact("", "the network's or SNTP time; empty: the host's", pattern=f"({_CLOCK.pattern})?")
    zone: int = _fact(32, "the network's time zone in quarter hours")
    granted_tau: str = _fact("asked", "periodic TAU granted: asked, or eight bits", pattern="asked|[01]{8}")
    granted_active: str = _fact("asked", "active time granted: asked, or eight bits", pattern="asked|[01]{8}")
    granted_edrx: str = _fact("asked", "eDRX cycle granted: asked, or four bits", pattern="asked|[01]{4}")
    granted_ptw: str = _fact("0011", "paging time window granted, four bits", pattern="[01]{4}")
    t3346: int = _fact(0, "seconds of back-off that +CTRJ shows")
    server_rate: int = _fact(
        0, "rate of the serial server's line behind --tcp, where all is garbage to a module at another; 0: the module's"
    )
    close_code: int = _fact(4, "+CSOERR code of an orderly close by the peer")

    def set(self, name: str, value: str) -> None:
        """Set one fact from text; raises ``Mistake`` for an unknown name or a value that does not fit."""
        known = {item.name: item for item in dataclasses.fields(self)}
        if name not in known:
            raise Mistake(f"unknown fact {name!r}; known are {', '.join(known)}")
        rules = known[name].metadata
        if rules["choices"]:
            choose(name, value, rules["choices"])
        if rules["pattern"] and not re.fullmatch(rules["pattern"], value):
            raise Mistake(f"{name} can't be {value!r}: {rules['meaning']}")
        self._check(name, value)
        kind = known[name].type
        try:
            setattr(self, name, kind(value) if callable(kind) else value)
        except ValueError:
            raise Mistake(f"{name} can't be {value!r}: it is a number ({rules['meaning']})") from None

    @staticmethod
    def _check(name: str, value: str) -> None:
        """Refuse what a pattern can't tell: days that are none, addresses that are none."""
        try:
            if name in {"clock", "sntp_clock"} and value:
                read_local_time(value)
            if name in {"mask", "dns1", "dns2"} or (name == "gateway" and value):
                ipaddress.IPv4Address(value)
            if name == "dns6":
                for address in value.split(","):
                    ipaddress.IPv6Address(address)
            if name == "address":
                for address in value.replace("+", ",").split(","):
                    if address:
                        ipaddress.ip_address(address)
        except (Refused, ValueError):
            raise Mistake(f"{name} can't be {value!r}: no such time or address") from None


def described() -> list[tuple[str, str, str]]:
    """List name, default and meaning of every fact, for --help and the documentation."""
    return [(item.name, str(item.default), item.metadata["meaning"]) for item in dataclasses.fields(Facts)]
