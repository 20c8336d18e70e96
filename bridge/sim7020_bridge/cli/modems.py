"""What is heard of all modems on a broker, for people and programs to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim7020_bridge.logs import printable
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.json_text import object_or_nothing
from sim7020_bridge.mqtt.messages import Received

Document = Mapping[str, Any]

WELL: Final = (Layer.ONLINE, Layer.SLEEPING)


@dataclass(slots=True)
class Heard:
    """What was heard of one modem; the documents are the contract's, and empty until they came.

    Args:
        name: The modem.
        available: Whether its bridge runs and hears the broker; None until that came.
        info: Who it is.
        state: How it is.
        sockets: States of its sockets by name.
        alerts: What a person can mend, by id.
    """

    name: str
    available: bool | None = None
    info: Document = field(default_factory=dict)
    state: Document = field(default_factory=dict)
    sockets: dict[str, Document] = field(default_factory=dict)
    alerts: dict[str, Document] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether it is online, or sleeps as it should, and its bridge runs."""
        return self.available is True and self.get("state", "link", "layer") in WELL

    @property
    def known(self) -> bool:
        """Whether all has come that every modem has."""
        return self.available is not None and bool(self.info) and bool(self.state)

    def get(self, *path: str) -> Any:  # noqa: ANN401 - documents hold anything
        """Return a value of ``info`` or ``state``, None where there is none: an older bridge may not have it."""
        value: Any = {"info": self.info, "state": self.state}
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def document(self) -> dict[str, object]:
        """Return all of it, for programs."""
        return {
            "available": self.available,
            "info": self.info,
            "state": self.state,
            "sockets": self.sockets,
            "alerts": self.alerts,
        }


class Modems:
    """Collects what is published under a base topic, whatever it is; what can't be read is left out."""

    def __init__(self, base: str, modem: str | None = None) -> None:
        self.base: Final = base
        self._modem = modem
        self.by_name: dict[str, Heard] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to for what is retained."""
        root = f"{self.base}/{self._modem or '+'}"
        tails = ("availability", "info", "state", "alert/+", "socket/+/state")
        return tuple(f"{root}/{tail}" for tail in tails)

    def take(self, received: Received) -> None:
        """Take a message in."""
        parts = received.topic.removeprefix(f"{self.base}/").split("/")
        modem = self.by_name.setdefault(parts[0], Heard(parts[0]))
        match parts[1:]:
            case ["availability"]:
                modem.available = received.payload == b"online"
            case ["info"]:
                modem.info = object_or_nothing(received.payload)
            case ["state"]:
                modem.state = object_or_nothing(received.payload)
            case ["alert", name]:
                _put(modem.alerts, name, received.payload)
            case ["socket", name, "state"]:
                _put(modem.sockets, name, received.payload)
        if not (modem.info or modem.state or modem.sockets or modem.alerts or modem.available is not None):
            del self.by_name[parts[0]]


def _put(documents: dict[str, Document], name: str, payload: bytes) -> None:
    if payload:
        documents[name] = object_or_nothing(payload)
    else:
        documents.pop(name, None)


def lines(modem: Heard) -> Iterator[tuple[str, str]]:
    """Tell about a modem: what each line is about, and the words."""
    get = modem.get
    layer, reason = get("state", "link", "layer"), get("state", "link", "reason")
    bridge = {True: "", False: "the bridge is offline; last known: ", None: ""}[modem.available]
    yield (
        "link",
        f"{bridge}{layer or 'unknown'}{f' ({reason})' if reason else ''} since {get('state', 'link', 'since')}",
    )
    yield (
        "module",
        _joined(get("info", "modem", "model"), get("info", "modem", "firmware"), get("info", "modem", "imei")),
    )
    yield (
        "network",
        _joined(
            get("state", "registration", "status"),
            get("state", "registration", "operator"),
            get("state", "registration", "technology"),
            _unit(get("state", "registration", "band"), "band {}"),
        ),
    )
    yield (
        "signal",
        _joined(
            _unit(get("state", "signal", "rssi"), "RSSI {} dBm"),
            _unit(get("state", "signal", "rsrp"), "RSRP {} dBm"),
            _unit(get("state", "signal", "sinr"), "SINR {} dB"),
        ),
    )
    yield "address", _joined(get("state", "pdn", "address"), get("state", "pdn", "apn"))
    yield "outbox", _joined(_unit(get("state", "outbox", "messages"), "{} messages wait"))
    yield (
        "data",
        _joined(
            _unit(get("state", "usage", "today", "up"), "today {} bytes up"),
            _unit(get("state", "usage", "today", "down"), "{} down"),
            _unit(get("state", "usage", "left"), "{} left of the budget"),
        ),
    )
    for name, socket in sorted(modem.sockets.items()):
        yield f"socket {name}", socket_words(socket)
    for alert in modem.alerts.values():
        yield "ALERT", f"{alert.get('message')}: {alert.get('advice')}"


def socket_words(socket: Document) -> str:
    """Return how a socket is, in a line."""
    sent, received = socket.get("sent"), socket.get("received")
    return _joined(
        socket.get("phase"),
        f"{socket.get('protocol')} to {socket.get('host')}:{socket.get('port')}",
        _unit(sent.get("messages") if isinstance(sent, Mapping) else None, "{} sent"),
        _unit(received.get("messages") if isinstance(received, Mapping) else None, "{} received"),
    )


def _unit(value: object, form: str) -> str | None:
    return None if value is None else form.format(value)


def _joined(*words: object) -> str:
    return ", ".join(printable(str(word)) for word in words if word is not None) or "not known"
