"""What a valid configuration file says, as frozen values with every default filled in."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DEFAULT_BASE_TOPIC = "sim7020"
DEFAULT_BAUDRATE = 115200
DEFAULT_KEEPALIVE = 30
DEFAULT_PORT = 1883
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
    """

    name: str
    transport: Transport
    host: str
    port: int
    encoding: Encoding = Encoding.RAW
    send_topics: tuple[str, ...] = ()
    received_topic: str | None = None


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """One modem: its port, its APN and its sockets.

    Args:
        name: Labels the modem in topics, ``[a-z0-9_-]{1,32}``.
        port: A device path, or a ``socket://host:port`` or ``rfc2217://host:port`` URL.
        baudrate: Line rate in bit/s, one that the module has (manual V1.05, ``AT+IPR``).
        apn: The APN to set, or None to leave what the module has.
        apn_username: For the APN's authentication, or None.
        apn_password: The same.
        sockets: None to five of them.
    """

    name: str
    port: str
    baudrate: int = DEFAULT_BAUDRATE
    apn: str | None = None
    apn_username: str | None = None
    apn_password: str | None = field(default=None, repr=False)
    sockets: tuple[SocketSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration file."""

    mqtt: MqttSettings
    modems: tuple[ModemSettings, ...]
