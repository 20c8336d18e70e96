"""Why there is no broker connection, in words that say what to do."""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sim7020_bridge.config.model import MqttProtocol, MqttSettings
from sim7020_bridge.logs import shortened

PROTOCOL_ERROR, KEEP_ALIVE_TIMEOUT, SESSION_TAKEN_OVER = 0x82, 0x8D, 0x8E

NOT_BY_A_PUBLICATION = frozenset({0x89, 0x8B, KEEP_ALIVE_TIMEOUT, SESSION_TAKEN_OVER, 0x98})
"""Why a connection ends that no publication made end: busy, shutting down, keep alive, taken over, administration."""

BY_A_PUBLICATION = frozenset({0x87, 0x90, 0x95, 0x97, 0x99, 0x9A})
"""Why a connection ends that something published did make end: its topic, its size, its payload, its retain flag."""

HUNG_UP = "it hung up without an answer"
"""What a broker does that is none, or that was spoken to in another version of MQTT."""

IS_IT_TWO = "is a second bridge running with the same modem name and base topic?"

SUSPICIOUS = 3
"""Short connections one after the other that look like two clients with one identifier: brokers need not say so."""

_LONGEST_SEARCH = 10
"""Short connections in a row within which a topic that makes the broker hang up is found; beyond, it is not that."""

_CERTIFICATE = "mqtt.tls.cert_file and mqtt.tls.key_file"

_OF_CERTIFICATES = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE")
"""What the alerts of TLS are called by which a server may mean the client's certificate (RFC 8446 section 6.2)."""

_OF_FILES = frozenset({"X509", "PEM", "ASN1"})
"""What the parts of OpenSSL are called that read files."""

_NO_TLS = (
    "it ended the connection as TLS began",
    "Does it speak TLS there? Check mqtt.port, or leave out mqtt.tls",
)

_LOG_IN = "Check mqtt.username and mqtt.password, and the broker's access rules"

_ADVICE = {
    0x84: "Set mqtt.protocol to a version that the broker speaks",
    0x85: "Set client_id of the modem to one that the broker allows",
    0x86: _LOG_IN,
    0x87: _LOG_IN,
    0x88: "The broker will be tried again",
    0x89: "The broker will be tried again",
    0x8A: "The broker bans this client: see its configuration",
    0x8C: _LOG_IN,
    SESSION_TAKEN_OVER: f"Another client has the same identifier: {IS_IT_TWO}",
    0x90: "Check mqtt.base_topic and the broker's access rules",
    0x93: "See the broker's log: it counts more publications under way than it said that it takes",
    0x97: "The broker's quota for this client is used up",
    0x9A: "The broker must keep retained messages: allow them in its configuration",
    0x9B: "The broker must offer QoS 1: allow it in its configuration",
    0x9C: "Set mqtt.host to the server that the broker names",
    0x9D: "Set mqtt.host to the server that the broker names",
    0x9F: "The broker limits how often clients connect; it will be tried again",
}


class Kind(StrEnum):
    """What a person would call it, in whatever language."""

    LOG_IN = "log_in"
    """The broker knows neither this user nor the password, or does not let them in."""
    REFUSED = "refused"
    """It answers, and says no for another reason."""
    NO_ANSWER = "no_answer"
    """Something takes the connection, or the network does, and no broker says anything."""
    NAME = "name"
    """Its name leads to no address."""
    NOT_THERE = "not_there"
    """Nothing listens there."""
    TLS = "tls"
    """The two can't agree on encryption."""
    UNREACHABLE = "unreachable"
    """The network or this machine is in the way."""
    LOST = "lost"
    """There was a connection."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no connection to the broker: words for whoever reads a log, with what to do."""

    words: str
    kind: Kind

    def __str__(self) -> str:
        return self.words


def refusal(place: str, code: int, reason: str) -> Problem:
    """Explain a reason code of CONNACK or DISCONNECT (MQTT 5.0 section 2.4)."""
    advice = _ADVICE.get(code, "See the broker's log")
    kind = Kind.LOG_IN if advice == _LOG_IN else Kind.REFUSED
    return Problem(f"the MQTT broker at {place} refused the connection: {reason}. {advice}", kind)


def no_answer(settings: MqttSettings, reason: str) -> Problem:
    """Explain a connection that the broker did not answer."""
    tls = " does it want TLS (mqtt.tls)," if settings.tls is None else ""
    if settings.tls is not None and reason == HUNG_UP:  # of TLS 1.3, the server looks at certificates last
        wants = "want a client certificate" if settings.tls.cert_file is None else "trust this client's certificate"
        tls = f" does it {wants} ({_CERTIFICATE}),"
    advice = f"Is it an MQTT broker,{tls} and does it speak MQTT {settings.protocol}?"
    if settings.protocol is MqttProtocol.V5:
        advice += " If it is an old one, set mqtt.protocol to 3.1.1"
    words = f"the MQTT broker at {settings.place} took the connection, but {reason}. {advice}"
    return Problem(words, Kind.NO_ANSWER)


def not_yet(place: str) -> Problem:
    """Say that nothing came of the first attempt so far."""
    words = f"the MQTT broker at {place} has not answered yet. Check mqtt.host, mqtt.port and any firewall"
    return Problem(words, Kind.NO_ANSWER)


def unreachable(settings: MqttSettings, error: OSError | ValueError) -> Problem:
    """Say why the connection could not be opened."""
    kind = Kind.UNREACHABLE
    match error:
        case ssl.SSLError():
            problem, advice = _tls(error)
            kind = Kind.TLS
        case ConnectionResetError() if settings.tls is not None:
            problem, advice = _NO_TLS
            kind = Kind.TLS
        case socket.gaierror():
            problem = f"the name can't be resolved: {error.strerror}"
            advice = "Check mqtt.host"
            kind = Kind.NAME
        case ConnectionRefusedError():
            problem = "nothing listens there"
            advice = "Is the broker running? Check mqtt.host and mqtt.port"
            kind = Kind.NOT_THERE
        case TimeoutError():
            problem = "it does not answer"
            kind = Kind.NO_ANSWER
            advice = "Check mqtt.host, mqtt.port and any firewall"
            if settings.tls is not None:
                advice += ", and whether it speaks TLS there (mqtt.tls)"
        case BlockingIOError():
            problem = str(error.strerror)
            advice = "Let the bridge have more threads (of systemd: TasksMax)"
        case FileNotFoundError() | PermissionError():
            problem = f"a certificate or key can't be read: {error.strerror}"
            advice = "Check the files of mqtt.tls"
            kind = Kind.TLS
        case _:
            problem = getattr(error, "strerror", None) or str(error)
            advice = "Check mqtt.host and mqtt.port"
    return Problem(f"the MQTT broker at {settings.place} can't be reached: {problem}. {advice}", kind)


def _tls(error: ssl.SSLError) -> tuple[str, str]:
    """Return why TLS failed, and what to do."""
    said = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"its certificate can't be trusted: {error.verify_message.rstrip('.')}"
        return problem, "Check mqtt.tls.ca_file, and that mqtt.host is a name in the certificate"
    if "_ALERT_" in said and any(word in said for word in _OF_CERTIFICATES):
        return f"TLS failed: {said}", f"Does it want a client certificate, or another one? Check {_CERTIFICATE}"
    if error.library in _OF_FILES or "PEM lib" in str(error):
        problem = f"a certificate or key can't be used{said and f': {said}'}"
        return problem, "The files of mqtt.tls must be PEM; the key must be the certificate's, without a passphrase"
    if isinstance(error, ssl.SSLEOFError):
        return _NO_TLS
    return f"TLS failed: {said or error.strerror}", "Does it speak TLS there? Check mqtt.port and the files of mqtt.tls"


def away(place: str, said: str, code: int | None, suspects: Sequence[str] = (), *, brief: int = 0) -> Problem:
    """Say why a connection ended: with a reason code, what was published meanwhile, or many brief connections."""
    if suspects:
        said += f" while this was published: {', '.join(map(shortened, suspects[:3]))}"
    if code in _ADVICE:
        said += f". {_ADVICE[code]}"
    elif brief >= (_LONGEST_SEARCH if suspects else SUSPICIOUS):
        said += f". This happens again and again: {IS_IT_TWO}"
    return Problem(f"the MQTT broker at {place} is away: {said}", Kind.LOST)


def subscription_refused(topic_filter: str, reason: str) -> str:
    """Say that the broker does not let the bridge listen."""
    topics = shortened(topic_filter)
    return f"the MQTT broker does not allow a subscription to {topics}: {reason}. Check its access rules"
