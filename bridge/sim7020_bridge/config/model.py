"""What a valid configuration file says, as frozen values with every default filled in.

What a field means and may be is said where its key is read, in ``keys``. Times are in seconds, sizes in bytes; None
stands for a key that was left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

DEFAULT_ATTACH_CEILING = 48
DEFAULT_BASE_TOPIC = "sim7020"
DEFAULT_BAUDRATE = 115200
DEFAULT_MAX_PAYLOAD = 512
DEFAULT_PORT = 1883
DEFAULT_TLS_PORT = 8883
MAX_SOCKETS = 5


class MqttProtocol(StrEnum):
    """The MQTT version to speak to the broker."""

    V5 = "5"
    V311 = "3.1.1"


class Transport(StrEnum):
    """What a socket of the module speaks."""

    UDP = "udp"
    TCP = "tcp"


class Protocol(StrEnum):
    """What a socket and its peer speak, as the file has it; CoAP goes over UDP."""

    UDP = "udp"
    TCP = "tcp"
    COAP = "coap"


class Encoding(StrEnum):
    """How a socket's payload is written on MQTT."""

    RAW = "raw"
    TEXT = "text"
    HEX = "hex"
    BASE64 = "base64"
    JSON = "json"


class PayloadForm(StrEnum):
    """What becomes of JSON on the air."""

    CBOR = "cbor"
    STRUCT = "struct"


class WhenFull(StrEnum):
    """What becomes of a message for which the outbox has no room."""

    REJECT = "reject"
    DROP_OLDEST = "drop_oldest"


class WhenUnsure(StrEnum):
    """What becomes of a message of which nobody knows whether it was sent."""

    RESEND = "resend"
    FAIL = "fail"


class PriorityName(StrEnum):
    """How urgent a message may be, from the least."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class BatchFormat(StrEnum):
    """How messages are told apart that share a datagram."""

    NEWLINE = "newline"
    LENGTH = "length"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to trust the broker and how to be known to it; the broker's host name is always verified."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker and how to log in."""

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: MqttProtocol = MqttProtocol.V5
    base_topic: str = DEFAULT_BASE_TOPIC
    tls: TlsSettings | None = None
    keepalive: int = 30
    response_topics: tuple[str, ...] | None = None
    other_nodes: tuple[tuple[str, int], ...] = ()

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def nodes(self) -> "tuple[MqttSettings, ...]":
        """The same for each node of a cluster, this one first."""
        return (self, *(replace(self, host=host, port=port) for host, port in self.other_nodes))


COAP_TOKEN = 2
"""Bytes of the token of a CoAP request."""

_COAP_HEAD = 4
_OSCORE = 1 + 1 + 5 + 1 + 1 + 8
"""Bytes of an option's head, flags, a number, a mark, the code that is sealed, and what proves it (RFC 8613)."""
_OSCORE_OPTIONS = (2 + 8) + (3 + 5) + (1 + 5)
"""Bytes of an Echo as servers have it, of the number of the first sealing, and of a command's."""

_ONE_BYTE, _TWO_BYTES = 13, 269


@dataclass(frozen=True, slots=True)
class OscoreSettings:
    """What both ends of a sealed socket were given (RFC 8613 section 3.2); secret and salt are for nobody's eyes."""

    secret: bytes = field(repr=False)
    sender_id: bytes
    recipient_id: bytes
    salt: bytes = field(default=b"", repr=False)
    id_context: bytes | None = None


@dataclass(frozen=True, slots=True)
class CoapSettings:
    """The resource that messages are posted to, whether its server has to say that it has them, and what seals them."""

    path: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    confirmable: bool = True
    oscore: OscoreSettings | None = None

    @property
    def overhead(self) -> int:
        """How many bytes of a datagram are not payload (RFC 7252 section 3)."""
        sizes = [len(option.encode()) for option in (*self.path, *self.query)]
        lengths = [1 + (size >= _ONE_BYTE) + (size >= _TWO_BYTES) for size in sizes]
        # option 15 comes first where there is no path, and its delta takes a byte of its own
        far = bool(self.query) and not self.path
        plain = _COAP_HEAD + COAP_TOKEN + sum(sizes) + sum(lengths) + far + 1
        if self.oscore is None:
            return plain
        # the longest number there is, and all options that a request may have; see coap/messages.py
        ids = len(self.oscore.sender_id) + (0 if self.oscore.id_context is None else 1 + len(self.oscore.id_context))
        return plain + _OSCORE + ids + _OSCORE_OPTIONS


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """One socket of the module and the topics that map to it; ``coap`` is what it speaks over UDP, None for nothing."""

    name: str
    transport: Transport
    host: str
    port: int
    encoding: Encoding = Encoding.RAW
    send_topics: tuple[str, ...] = ()
    received_topic: str | None = None
    ttl: int | None = None
    when_unsure: WhenUnsure = WhenUnsure.RESEND
    min_interval: float = 0.0
    messages_per_hour: int | None = None
    batch: BatchFormat | None = None
    batch_wait: float = 0.0
    dead_letter_topic: str | None = None
    max_payload: int = DEFAULT_MAX_PAYLOAD
    pool: str | None = None
    keep_alive: int | None = None
    highest_priority: PriorityName = PriorityName.CRITICAL
    payload: PayloadForm | None = None
    pick: tuple[str, ...] = ()
    every: float | None = None
    change: tuple[str, ...] = ()
    coap: CoapSettings | None = None

    @property
    def protocol(self) -> Protocol:
        """What it speaks, as the file has it."""
        return Protocol(self.transport) if self.coap is None else Protocol.COAP

    @property
    def room(self) -> int:
        """How many bytes of payload a datagram has room for."""
        return self.max_payload - (0 if self.coap is None else self.coap.overhead)


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """What a modem's outbox holds at most."""

    max_messages: int = 10000
    max_bytes: int = 16 * 1024 * 1024
    when_full: WhenFull = WhenFull.REJECT
    max_received: int = 1000


class Billing(StrEnum):
    """How an operator counts: packets' bytes, those of a tunnel with them, or whole kilobytes of each data session."""

    BYTES = "bytes"
    PACKETS = "packets"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class DataBudgetSettings:
    """What a modem may send and receive in a billing period, and how that is counted."""

    bytes: int | None = None
    first_day: int = 1
    billing: Billing = Billing.BYTES


@dataclass(frozen=True, slots=True)
class PowerSavingSettings:
    """How a modem saves power; the network is asked and decides."""

    active_time: float | None = None
    periodic_update: float | None = None
    edrx_cycle: float | None = None
    paging_window: float | None = None
    light_sleep: bool = False
    release_assistance: bool = False
    retain_sockets: bool = False


@dataclass(frozen=True, slots=True)
class GpioSettings:
    """A GPIO line of this computer."""

    chip: str
    line: int


@dataclass(frozen=True, slots=True)
class PowerHookSettings:
    """How to cut a module's supply or press its PWRKEY: exactly one of ``command``, ``topic`` and ``gpio`` is given."""

    command: tuple[str, ...] = field(default=(), repr=False)
    topic: str | None = None
    press_payload: str = "ON"
    release_payload: str = "OFF"
    gpio: GpioSettings | None = None
    duration: float = 1.0
    wakes: bool = False


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """How far the bridge goes to bring a modem back."""

    attach_ceiling: int = DEFAULT_ATTACH_CEILING
    power: PowerHookSettings | None = None


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """One modem: its port, its SIM, its APN, its sockets, and how it is kept alive."""

    name: str
    port: str
    baudrate: int = DEFAULT_BAUDRATE
    apn: str | None = None
    apn_username: str | None = None
    apn_password: str | None = field(default=None, repr=False)
    sockets: tuple[SocketSettings, ...] = ()
    pin: str | None = field(default=None, repr=False)
    power_saving: PowerSavingSettings | None = None
    recovery: RecoverySettings = RecoverySettings()
    allow_at: tuple[str, ...] = ()
    time_server: str | None = None
    outbox: OutboxSettings = OutboxSettings()
    data_budget: DataBudgetSettings = DataBudgetSettings()
    client_id: str | None = None


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogPart(StrEnum):
    """The parts of the bridge whose levels can be set: its packages of that name, and the AT dialogue."""

    TRACE = "trace"
    PORT = "port"
    AT = "at"
    MODEM = "modem"
    MQTT = "mqtt"
    OUTBOX = "outbox"
    DELIVERY = "delivery"
    REQUESTS = "requests"
    REPORTS = "reports"
    HTTP = "http"
    PAGE = "page"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """What is logged and how."""

    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO
    levels: Mapping[LogPart, LogLevel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CertificateSettings:
    """What the HTTP port is encrypted with."""

    cert_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class IngressSettings:
    """A port for Home Assistant's Supervisor, who lets in whom it knows."""

    port: int
    supervisor: str = "172.30.32.2"


PASSWORDS = "page.passwords"
"""The file of the page's passwords in the state directory."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where health and metrics are served, and the page if it is wanted."""

    port: int
    host: str = "127.0.0.1"
    page: bool = False
    password_file: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    tls: CertificateSettings | None = None
    ingress: IngressSettings | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration."""

    mqtt: MqttSettings
    modems: tuple[ModemSettings, ...]
    state_dir: Path
    logging: LoggingSettings = LoggingSettings()
    http: HttpSettings | None = None
    shutdown_timeout: float = 5.0
    home_assistant_discovery: str | None = None

    @property
    def page_passwords(self) -> Path:
        """The file of the page's passwords."""
        given = None if self.http is None else self.http.password_file
        return given or self.state_dir / PASSWORDS


def default_client_id(base: str, modem: str) -> str:
    """Return a modem's MQTT client identifier: with its name, and any base topic but the default before it.

    There are brokers that refuse a client for a slash in it. What else is neither a letter, a digit, ``-`` nor ``_`` is
    written as its code point in hexadecimal digits. A name has no dot, so no two modems whose topics differ have the
    same.
    """
    if base == DEFAULT_BASE_TOPIC:
        return f"sim7020-bridge-{modem}"
    safe = re.sub(r"[^0-9A-Za-z_/-]", lambda found: f"~{ord(found[0]):x}~", base).replace("/", ".")
    return f"sim7020-bridge-{safe}.{modem}"
