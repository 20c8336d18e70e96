"""What a valid configuration file says, as frozen values with every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DEFAULT_ATTACH_CEILING = 48
DEFAULT_BASE_TOPIC = "sim7020"
DEFAULT_BAUDRATE = 115200
DEFAULT_FIRST_DAY = 1
DEFAULT_HTTP_HOST = "127.0.0.1"
DEFAULT_KEEPALIVE = 30
DEFAULT_MAX_BYTES = 16 * 1024 * 1024
DEFAULT_MAX_MESSAGES = 10000
DEFAULT_MAX_RECEIVED = 1000
DEFAULT_MAX_PAYLOAD = 512
DEFAULT_PORT = 1883
DEFAULT_PRESS_PAYLOAD = "ON"
DEFAULT_PULSE = 1.0
DEFAULT_RELEASE_PAYLOAD = "OFF"
DEFAULT_SHUTDOWN_TIMEOUT = 5.0
DEFAULT_TLS_PORT = 8883
MAX_SOCKETS = 5


class MqttProtocol(StrEnum):
    """The MQTT version to speak to the broker."""

    V5 = "5"
    V311 = "3.1.1"


class Transport(StrEnum):
    """What a socket of the module speaks; written ``protocol`` in the file."""

    UDP = "udp"
    TCP = "tcp"


class Encoding(StrEnum):
    """How a socket's payload is written on MQTT."""

    RAW = "raw"
    TEXT = "text"
    HEX = "hex"
    BASE64 = "base64"
    JSON = "json"


class WhenFull(StrEnum):
    """What becomes of a message for which the outbox has no room."""

    REJECT = "reject"
    DROP_OLDEST = "drop_oldest"


class WhenUnsure(StrEnum):
    """What becomes of a message of which nobody knows whether it was sent."""

    RESEND = "resend"
    FAIL = "fail"


class BatchFormat(StrEnum):
    """How messages are told apart that share a datagram."""

    NEWLINE = "newline"
    LENGTH = "length"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to trust the broker and how to be known to it; the broker's host name is always verified.

    Args:
        ca_file: Certificates to trust, or None for the system's.
        cert_file: The client's certificate, or None; always together with ``key_file``.
        key_file: The client's private key, without a passphrase.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker and how to log in. ``keepalive`` is in seconds."""

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: MqttProtocol = MqttProtocol.V5
    base_topic: str = DEFAULT_BASE_TOPIC
    tls: TlsSettings | None = None
    keepalive: int = DEFAULT_KEEPALIVE


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """One socket of the module and the topics that map to it.

    Args:
        name: Labels the socket in topics, ``[a-z0-9_-]{1,32}``.
        transport: UDP or TCP.
        host: The peer: an IPv4 address, or a name that the module resolves.
        port: The peer's port, 1 to 65535.
        encoding: How payload is written on MQTT, both ways.
        send_topics: Topic filters whose messages are sent, beside the contract's own ``send`` topic.
        received_topic: Where received bytes are published, beside the contract's own ``received`` topic.
        ttl: Seconds after which a message that says nothing itself is not worth sending any more; None for never.
        when_unsure: What to do with a message when nobody knows whether it was sent.
        min_interval: Shortest time between two messages in seconds.
        messages_per_hour: How many messages may go within any 60 minutes, or None.
        batch: How waiting messages are put into one datagram, or None to send each alone.
        batch_wait: Seconds that a message waits for others to go with.
        dead_letter_topic: Where the payload of undeliverable messages is published, or None.
        max_payload: Bytes that the module takes at once, 1 to 512.
        pool: The pool from which the socket takes messages as well while its modem is online, or None.
    """

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


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """What a modem's outbox holds at most.

    Args:
        max_messages: Messages without a final receipt, 1 to 1000000.
        max_bytes: Their payload.
        when_full: What becomes of a message for which there is no room.
        max_received: Messages from the network that may wait for the broker, 1 to 1000000.
    """

    max_messages: int = DEFAULT_MAX_MESSAGES
    max_bytes: int = DEFAULT_MAX_BYTES
    when_full: WhenFull = WhenFull.REJECT
    max_received: int = DEFAULT_MAX_RECEIVED


@dataclass(frozen=True, slots=True)
class DataBudgetSettings:
    """What a modem may send and receive in a billing period.

    Args:
        bytes: Both ways, headers included; None to count only.
        first_day: Day of the month on which a period starts, 1 to 28, in UTC.
    """

    bytes: int | None = None
    first_day: int = DEFAULT_FIRST_DAY


@dataclass(frozen=True, slots=True)
class PowerSavingSettings:
    """How a modem saves power; the network is asked and decides. All times are in seconds.

    Args:
        active_time: T3324, how long the modem can still be reached after it last spoke; 2 to 11160.
            PSM is asked for if this or ``periodic_update`` is given.
        periodic_update: T3412 extended, how often the modem wakes to tell the network that it is there;
            2 to 35712000, and longer than ``active_time``.
        edrx_cycle: How often the modem listens, one of the NB-IoT cycles from 20.48 to 10485.76.
        paging_window: How long it listens each time: a multiple of 2.56 up to 40.96, only with ``edrx_cycle``.
        light_sleep: Let the UART sleep while it is idle (manual V1.05, ``AT+CSCLK=2``).
        release_assistance: Tell the network with each message that none follows (``AT+CNBIOTRAI``).
        retain_sockets: Keep UDP sockets over PSM (``AT+RETENTION``); only with PSM.
    """

    active_time: float | None = None
    periodic_update: float | None = None
    edrx_cycle: float | None = None
    paging_window: float | None = None
    light_sleep: bool = False
    release_assistance: bool = False
    retain_sockets: bool = False


@dataclass(frozen=True, slots=True)
class GpioSettings:
    """A GPIO line of this computer.

    Args:
        chip: Its chip's name, such as ``gpiochip0``, or its path.
        line: Its offset in the chip, from 0.
    """

    chip: str
    line: int


@dataclass(frozen=True, slots=True)
class PowerHookSettings:
    """How to cut a module's supply or press its PWRKEY: exactly one of a command, a topic and a GPIO line.

    Args:
        command: Program and arguments, run without a shell; empty if the hook is another one. The program is an
            absolute path or a name to look for on the PATH.
        topic: MQTT topic of a smart plug or of a switch at PWRKEY.
        press_payload: What is published to ``topic`` first.
        release_payload: What is published to ``topic`` after ``duration``.
        gpio: A line that is driven to 1 for the press.
        duration: Seconds between press and release, 0.1 to 60.
        wakes: Whether the hook may also wake the module from PSM: true for PWRKEY, false for a plug.
    """

    command: tuple[str, ...] = field(default=(), repr=False)
    topic: str | None = None
    press_payload: str = DEFAULT_PRESS_PAYLOAD
    release_payload: str = DEFAULT_RELEASE_PAYLOAD
    gpio: GpioSettings | None = None
    duration: float = DEFAULT_PULSE
    wakes: bool = False


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """How far the bridge goes to bring a modem back.

    Args:
        attach_ceiling: Most attach attempts within 24 hours, 4 to 1000.
        power: The last resort, or None.
    """

    attach_ceiling: int = DEFAULT_ATTACH_CEILING
    power: PowerHookSettings | None = None


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """One modem: its port, its SIM, its APN, its sockets, and how it is kept alive.

    Args:
        name: Labels the modem in topics, ``[a-z0-9_-]{1,32}``.
        port: A device path, or a ``socket://host:port`` or ``rfc2217://host:port`` URL.
        baudrate: Line rate in bit/s, one that the module has (manual V1.05, ``AT+IPR``).
        apn: The APN to set, or None to leave what the module has.
        apn_username: For the APN's authentication, or None.
        apn_password: The same.
        sockets: None to five of them.
        pin: The SIM's PIN, 4 to 8 digits, or None.
        power_saving: None to switch power saving off.
        recovery: What may be done to bring the modem back.
        allow_at: AT commands that a request may send, as the user wrote them, starting with ``AT``; one that ends
            in ``*`` allows all that start with what is before it. Empty to allow none.
        time_server: Host name or IPv4 address of an SNTP server, or None.
        outbox: What may wait.
        data_budget: What it may cost.
    """

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
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """What is logged and how.

    Args:
        format: Text or JSON.
        level: The least that is logged.
        levels: The same for single parts.
    """

    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO
    levels: Mapping[LogPart, LogLevel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where health and metrics are served."""

    port: int
    host: str = DEFAULT_HTTP_HOST


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration.

    Args:
        mqtt: The broker.
        modems: One or more.
        state_dir: Where the bridge keeps what it must know after a restart; need not exist yet.
        logging: What is logged.
        http: Where health and metrics are served, or None.
        shutdown_timeout: Seconds that messages under way have when the bridge is stopped.
        home_assistant_discovery: What Home Assistant's discovery topics start with; None for no discovery.
    """

    mqtt: MqttSettings
    modems: tuple[ModemSettings, ...]
    state_dir: Path
    logging: LoggingSettings = LoggingSettings()
    http: HttpSettings | None = None
    shutdown_timeout: float = DEFAULT_SHUTDOWN_TIMEOUT
    home_assistant_discovery: str | None = None
