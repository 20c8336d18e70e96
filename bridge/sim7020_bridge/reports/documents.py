"""What the bridge publishes of a modem, field by field as in ``docs/contract/``; None is what is not known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sim7020_bridge.modem.socket_state import Traffic
from sim7020_bridge.modem.state import Link

CONTRACT = 1


@dataclass(frozen=True, slots=True)
class BridgeInfo:
    """The program."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ModemInfo:
    """The hardware and its SIM; ``name`` is the label of the configuration."""

    name: str
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    imei: str | None = None
    imsi: str | None = None
    iccid: str | None = None


@dataclass(frozen=True, slots=True)
class SocketInfo:
    """One socket as configured."""

    name: str
    protocol: str
    host: str
    port: int
    encoding: str
    send_topics: tuple[str, ...]
    received_topic: str
    pool: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoDocument:
    """``.../info``: small and stable."""

    contract: int = CONTRACT
    bridge: BridgeInfo
    modem: ModemInfo
    sockets: tuple[SocketInfo, ...]
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SimState:
    """The SIM: ``ready``, ``missing``, ``pin_required``, ``puk_required``, ``busy`` or ``failed``."""

    status: str | None = None


@dataclass(frozen=True, slots=True)
class SignalState:
    """RSSI and RSRP in dBm, RSRQ and SINR in dB, and the coverage enhancement level, 0 to 2."""

    rssi: int | None = None
    rsrp: float | None = None
    rsrq: float | None = None
    sinr: float | None = None
    ecl: int | None = None


@dataclass(frozen=True, slots=True)
class RegistrationState:
    """The network that the module is registered to and the cell that serves it.

    ``tac`` and ``cell_id`` are upper-case hexadecimal digits, as the module gives them.
    """

    status: str | None = None
    operator: str | None = None
    plmn: str | None = None
    technology: str | None = None
    tac: str | None = None
    cell_id: str | None = None
    band: int | None = None
    earfcn: int | None = None
    pci: int | None = None


@dataclass(frozen=True, slots=True)
class PdnState:
    """The PDN context: ``active`` or ``inactive``, and what the network gave."""

    state: str | None = None
    cid: int | None = None
    apn: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class PsmState:
    """Power saving mode as granted, in seconds: T3324 and T3412."""

    active_time: int | None = None
    periodic_update: int | None = None


@dataclass(frozen=True, slots=True)
class EdrxState:
    """Extended discontinuous reception as granted, in seconds."""

    cycle: float | None = None
    paging_window: float | None = None


@dataclass(frozen=True, slots=True)
class PowerState:
    """Power saving as granted (None: not granted, or not known), and the supply in volts."""

    psm: PsmState | None = None
    edrx: EdrxState | None = None
    sleeping: bool | None = None
    voltage: float | None = None


@dataclass(frozen=True, slots=True)
class ClockState:
    """The module's clock when it was last read, which the network sets if it can."""

    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class UsedData:
    """Bytes each way."""

    up: int | None = None
    down: int | None = None


@dataclass(frozen=True, slots=True)
class UsageState:
    """Bytes today and in the billing period, the budget of the period and what is left of it."""

    today: UsedData = UsedData()
    period: UsedData = UsedData()
    budget: int | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Messages that wait, their bytes, the age of the oldest in seconds, and what makes the broker disconnect."""

    messages: int | None = None
    bytes: int | None = None
    oldest: float | None = None
    aside: int | None = None


@dataclass(frozen=True, slots=True)
class Recoveries:
    """Steps of the recovery ladder that were taken, by rung."""

    sockets: int = 0
    context: int = 0
    reattach: int = 0
    reboot: int = 0
    reopen: int = 0
    power: int = 0


@dataclass(frozen=True, slots=True)
class Counters:
    """How often things had to be put right since the bridge started."""

    recoveries: Recoveries = Recoveries()
    reboots: int = 0
    resyncs: int = 0


@dataclass(frozen=True, slots=True)
class StateDocument:
    """``.../state``."""

    link: Link
    sim: SimState = SimState()
    signal: SignalState = SignalState()
    registration: RegistrationState = RegistrationState()
    pdn: PdnState = PdnState()
    power: PowerState = PowerState()
    clock: ClockState = ClockState()
    usage: UsageState = UsageState()
    outbox: OutboxState = OutboxState()
    counters: Counters = Counters()


@dataclass(frozen=True, slots=True)
class SocketError:
    """What went wrong last on a socket: the module's code (manual V1.05, ``+CSOERR``), its name, and when."""

    code: int | None
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SocketStateDocument:
    """``.../socket/<socket>/state``: ``phase`` is ``closed``, ``opening``, ``open`` or ``backoff``."""

    phase: str
    protocol: str
    host: str
    port: int
    address: str | None = None
    last_error: SocketError | None = None
    sent: Traffic = field(default_factory=Traffic)
    received: Traffic = field(default_factory=Traffic)
    in_pool: bool | None = None


@dataclass(frozen=True, slots=True)
class AlertDocument:
    """``.../alert/<id>``: what is wrong, what to do about it, and since when."""

    id: str
    message: str
    advice: str
    since: datetime


def event(name: str, at: datetime, **details: object) -> Mapping[str, object]:
    """Return the document for ``.../event``: its type, its time and whatever else belongs to that type."""
    return {"type": name, "at": at, **details}
