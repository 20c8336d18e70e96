"""What the bridge publishes, as typed values: the mirror of the MQTT contract. What is not known is None."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from homeassistant.util.json import JsonObjectType

from .reading import Keys


class Layer(StrEnum):
    """The lowest layer of the link that does not hold, or what the link is when all hold."""

    PORT = "port"
    AT = "at"
    SIM = "sim"
    RADIO = "radio"
    REGISTRATION = "registration"
    PDN = "pdn"
    ONLINE = "online"
    SLEEPING = "sleeping"


class SimStatus(StrEnum):
    """What the SIM says."""

    READY = "ready"
    MISSING = "missing"
    PIN_REQUIRED = "pin_required"
    PUK_REQUIRED = "puk_required"
    BUSY = "busy"
    FAILED = "failed"


class RegistrationStatus(StrEnum):
    """Registration to the network, 3GPP TS 27.007 section 10.1.22."""

    NOT_REGISTERED = "not_registered"
    HOME = "home"
    SEARCHING = "searching"
    DENIED = "denied"
    UNKNOWN = "unknown"
    ROAMING = "roaming"


class PdnStatus(StrEnum):
    """The PDN context."""

    ACTIVE = "active"
    INACTIVE = "inactive"


def has_connection(answer: Keys) -> bool:
    """Tell whether the data of an answer has an active PDN context."""
    return answer.keys("pdn").one_of("state", PdnStatus) is PdnStatus.ACTIVE


class SocketPhase(StrEnum):
    """Where a socket is."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    BACKOFF = "backoff"


class Encoding(StrEnum):
    """What a socket's ``received`` topic gives."""

    RAW = "raw"
    TEXT = "text"
    HEX = "hex"
    BASE64 = "base64"
    JSON = "json"


class RecoveryStep(StrEnum):
    """A recovery step of the bridge."""

    RESYNC = "resync"
    SOCKETS = "sockets"
    CONTEXT = "context"
    REATTACH = "reattach"
    REBOOT = "reboot"
    REOPEN = "reopen"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class SocketInfo:
    """One socket as the bridge's configuration has it."""

    name: str
    protocol: str | None
    host: str | None
    port: int | None
    encoding: Encoding | None

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read one of the objects of ``sockets``."""
        return cls(
            name=keys.text("name") or "",
            protocol=keys.text("protocol"),
            host=keys.text("host"),
            port=keys.integer("port"),
            encoding=keys.one_of("encoding", Encoding),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """``.../info``: who the bridge and the modem are."""

    contract: int | None = None
    bridge_version: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    imei: str | None = None
    imsi: str | None = None
    iccid: str | None = None
    sockets: tuple[SocketInfo, ...] | None = None
    requests: tuple[str, ...] = ()
    retained_by_wildcard: bool | None = None

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read the document."""
        modem = keys.keys("modem")
        sockets = keys.objects("sockets")
        return cls(
            contract=keys.integer("contract"),
            bridge_version=keys.keys("bridge").text("version"),
            manufacturer=modem.text("manufacturer"),
            model=modem.text("model"),
            firmware=modem.text("firmware"),
            imei=modem.text("imei"),
            imsi=modem.text("imsi"),
            iccid=modem.text("iccid"),
            sockets=None
            if sockets is None
            else tuple(socket for each in sockets if (socket := SocketInfo.of(each)).name),
            requests=keys.strings("requests"),
            retained_by_wildcard=keys.keys("broker").flag("retained_by_wildcard"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """``.../state``: how the modem is. Signal in dBm and dB, usage in bytes, voltage in volts, times in seconds.

    ``psm_...`` and ``edrx_...`` are what the network granted, ``recoveries`` counts the steps that were taken.
    """

    layer: Layer | None = None
    reason: str | None = None
    since: datetime | None = None
    sim: SimStatus | None = None
    rssi: int | None = None
    rsrp: float | None = None
    rsrq: float | None = None
    sinr: float | None = None
    ecl: int | None = None
    registration: RegistrationStatus | None = None
    operator: str | None = None
    plmn: str | None = None
    cell_id: str | None = None
    band: int | None = None
    pdn: PdnStatus | None = None
    apn: str | None = None
    address: str | None = None
    sleeping: bool | None = None
    voltage: float | None = None
    psm_active_time: int | None = None
    psm_periodic_update: int | None = None
    edrx_cycle: float | None = None
    edrx_paging_window: float | None = None
    today_up: int | None = None
    today_down: int | None = None
    period_up: int | None = None
    period_down: int | None = None
    total_up: int | None = None
    total_down: int | None = None
    used: int | None = None
    budget: int | None = None
    budget_left: int | None = None
    outbox_messages: int | None = None
    outbox_oldest: float | None = None
    recoveries: int | None = None
    reboots: int | None = None

    @property
    def connected(self) -> bool | None:
        """All layers of the link hold, asleep or not; None: it is not known."""
        return None if self.layer is None else self.layer in (Layer.ONLINE, Layer.SLEEPING)

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read the document."""
        link, signal, registration = keys.keys("link"), keys.keys("signal"), keys.keys("registration")
        pdn, power, usage, outbox = keys.keys("pdn"), keys.keys("power"), keys.keys("usage"), keys.keys("outbox")
        today, period, total = usage.keys("today"), usage.keys("period"), usage.keys("total")
        psm, edrx, counters = power.keys("psm"), power.keys("edrx"), keys.keys("counters")
        recoveries = counters.keys("recoveries")
        taken = [times for step in RecoveryStep if (times := recoveries.integer(step)) is not None]
        return cls(
            layer=link.one_of("layer", Layer),
            reason=link.text("reason"),
            since=link.time("since"),
            sim=keys.keys("sim").one_of("status", SimStatus),
            rssi=signal.integer("rssi"),
            rsrp=signal.number("rsrp"),
            rsrq=signal.number("rsrq"),
            sinr=signal.number("sinr"),
            ecl=signal.integer("ecl"),
            registration=registration.one_of("status", RegistrationStatus),
            operator=registration.text("operator"),
            plmn=registration.text("plmn"),
            cell_id=registration.text("cell_id"),
            band=registration.integer("band"),
            pdn=pdn.one_of("state", PdnStatus),
            apn=pdn.text("apn"),
            address=pdn.text("address"),
            sleeping=power.flag("sleeping"),
            voltage=power.number("voltage"),
            psm_active_time=psm.integer("active_time"),
            psm_periodic_update=psm.integer("periodic_update"),
            edrx_cycle=edrx.number("cycle"),
            edrx_paging_window=edrx.number("paging_window"),
            today_up=today.integer("up"),
            today_down=today.integer("down"),
            period_up=period.integer("up"),
            period_down=period.integer("down"),
            total_up=total.integer("up"),
            total_down=total.integer("down"),
            used=usage.integer("used"),
            budget=usage.integer("budget"),
            budget_left=usage.integer("left"),
            outbox_messages=outbox.integer("messages"),
            outbox_oldest=outbox.number("oldest"),
            recoveries=sum(taken) if taken else None,
            reboots=counters.integer("reboots"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketState:
    """``.../socket/<socket>/state``: how a socket is, and what it carried since the bridge started."""

    phase: SocketPhase | None = None
    error_code: int | None = None
    error_name: str | None = None
    error_at: datetime | None = None
    sent_messages: int | None = None
    sent_bytes: int | None = None
    received_messages: int | None = None
    received_bytes: int | None = None

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read the document."""
        error, sent, received = keys.keys("last_error"), keys.keys("sent"), keys.keys("received")
        return cls(
            phase=keys.one_of("phase", SocketPhase),
            error_code=error.integer("code"),
            error_name=error.text("name"),
            error_at=error.time("at"),
            sent_messages=sent.integer("messages"),
            sent_bytes=sent.integer("bytes"),
            received_messages=received.integer("messages"),
            received_bytes=received.integer("bytes"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """``.../alert/<id>``: what a person can mend, in the bridge's words."""

    message: str | None = None
    advice: str | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read the document."""
        return cls(message=keys.text("message"), advice=keys.text("advice"), since=keys.time("since"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``.../event``: what happened; ``details`` are the keys that the type has besides ``type`` and ``at``."""

    type: str | None
    at: datetime | None
    details: JsonObjectType = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read the document."""
        return cls(type=keys.text("type"), at=keys.time("at"), details=keys.rest("type", "at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """``.../socket/<socket>/receipt``: what became of a message; ``repeated``: it was taken before, and is not sent."""

    id: str | None = None
    socket: str | None = None
    state: str | None = None
    final: bool | None = None
    at: datetime | None = None
    bytes: int | None = None
    attempts: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    repeated: bool = False

    @classmethod
    def of(cls, keys: Keys) -> Self:
        """Read the document."""
        error = keys.keys("error")
        return cls(
            id=keys.text("id"),
            socket=keys.text("socket"),
            state=keys.text("state"),
            final=keys.flag("final"),
            at=keys.time("at"),
            bytes=keys.integer("bytes"),
            attempts=keys.integer("attempts"),
            error_code=error.text("code"),
            error_message=error.text("message"),
        )
