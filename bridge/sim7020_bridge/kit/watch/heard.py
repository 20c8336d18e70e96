"""What is heard of the modems on a broker: the contract's documents, how far each is, its messages."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sim7020_bridge.kit.watch.messages import Messages
from sim7020_bridge.logs import printable
from sim7020_bridge.modem.alerts import in_words
from sim7020_bridge.modem.state import Layer
from sim7020_bridge.mqtt.json_text import object_or_nothing
from sim7020_bridge.mqtt.messages import Publication, Received

Document = Mapping[str, Any]

LAYERS: Final = (Layer.PORT, Layer.AT, Layer.SIM, Layer.RADIO, Layer.REGISTRATION, Layer.PDN, Layer.ONLINE)
"""The steps of attaching, in order."""

WELL: Final = (Layer.ONLINE, Layer.SLEEPING)

RETAINED: Final = ("availability", "info", "state", "alert/+", "socket/+/state")
"""What is retained of a modem, below its own topic."""


class Heard:
    """What was heard of one modem; the documents are the contract's, and empty until they came.

    Args:
        name: The modem.
        elapsed: Tells the seconds since listening began.
        tell: Called with each thing worth a line: what it is about, and the words.

    ``available`` is whether its bridge runs and hears the broker, None until that came. ``reached`` has the layers that
    hold and since when, ``entered`` when the present one began.
    """

    def __init__(self, name: str, elapsed: Callable[[], float], tell: Callable[[str, str], None]) -> None:
        self.name: Final = name
        self.available: bool | None = None
        self.info: Document = {}
        self.state: Document = {}
        self.sockets: dict[str, Document] = {}
        self.alerts: dict[str, Document] = {}
        self.reached: dict[Layer, float] = {}
        self.entered = 0.0
        self.layer: Layer | None = None
        self.reason: str | None = None
        self.messages = Messages(elapsed, tell)
        self._elapsed = elapsed
        self._tell = tell

    @property
    def well(self) -> bool:
        """Whether it is online, or sleeps as it should, and its bridge runs."""
        return self.available is True and self.layer in WELL

    @property
    def known(self) -> bool:
        """Whether all has come that every modem has."""
        return self.available is not None and bool(self.info) and bool(self.state)

    @property
    def empty(self) -> bool:
        """Whether nothing is retained of it."""
        return self.available is None and not (self.info or self.state or self.sockets or self.alerts)

    @property
    def is_open(self) -> bool:
        """Whether the modem is online and every socket open."""
        phases = [self.sockets.get(socket.name, {}).get("phase") for socket in self.messages.sockets]
        return self.available is True and self.layer is Layer.ONLINE and all(phase == "open" for phase in phases)

    def get(self, *path: str) -> Any:  # noqa: ANN401 - documents hold anything
        """Return a value of ``info`` or ``state``, None where there is none."""
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

    def hear(self, levels: list[str], received: Received) -> None:
        """Take a message below the modem's own topic."""
        match levels:
            case ["availability"]:
                self._hear_availability(received.payload)
            case ["info"]:
                self.info = object_or_nothing(received.payload)
                self.messages.learn_sockets(self.info)
            case ["state"]:
                self.state = object_or_nothing(received.payload)
                self._hear_link()
            case ["socket", name, "state"]:
                self._hear_socket(name, object_or_nothing(received.payload))
            case ["alert", name]:
                self._hear_alert(name, object_or_nothing(received.payload))
            case ["socket", name, "receipt"]:
                self.messages.hear_receipt(name, object_or_nothing(received.payload))
            case ["request", "send"]:
                self.messages.hear_request(received)

    def _hear_availability(self, payload: bytes) -> None:
        available = payload == b"online" if payload else None
        if available != self.available:
            self.available = available
            self._tell("bridge", "is connected to the broker" if available else "is away")

    def _hear_link(self) -> None:
        layer, reason = self.get("state", "link", "layer"), self.get("state", "link", "reason")
        if layer not in list(Layer) or (layer, reason) == (self.layer, self.reason):
            return
        now = self._elapsed()
        if layer != self.layer:
            self.entered = now
        self.layer, self.reason = Layer(layer), reason if isinstance(reason, str) else None
        place = len(LAYERS) if self.layer is Layer.SLEEPING else LAYERS.index(self.layer)
        for holds in LAYERS[:place]:
            self.reached.setdefault(holds, now)
        for broken in LAYERS[place:]:
            self.reached.pop(broken, None)
        if self.layer is Layer.ONLINE:
            self.reached[self.layer] = now
        self._tell("modem", f"{self.layer}: {self.reason}" if self.reason else str(self.layer))

    def _hear_socket(self, name: str, state: Document) -> None:
        before = self.sockets.pop(name, {}).get("phase")
        if not state:
            return
        self.sockets[name] = state
        if state.get("phase") != before:
            error = state.get("last_error")
            why = f" ({error.get('name')})" if state.get("phase") == "backoff" and isinstance(error, dict) else ""
            self._tell("socket", f"{name} is {state.get('phase')}{why}")

    def _hear_alert(self, name: str, alert: Document) -> None:
        before = self.alerts.pop(name, None)
        if alert:
            self.alerts[name] = alert
        if alert and alert != before:
            self._tell("alert", _alert(alert))
        elif before and not alert:
            self._tell("alert", f"resolved: {before.get('message')}")


class Modems:
    """Collects what is published under a base topic and on the topics that map to sockets.

    What can't be read is left out.

    Args:
        base: The base topic.
        modem: The one to listen to; None for all.
        tell: Called with each thing worth a line: the modem's name, what it is about, and the words.
        seconds: Tells the time in seconds, from wherever.
    """

    def __init__(
        self,
        base: str,
        modem: str | None = None,
        *,
        tell: Callable[[str, str, str], None] = lambda _name, _subject, _words: None,
        seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.base: Final = base
        self.by_name: dict[str, Heard] = {}
        self._root = f"{base}/{modem or '+'}"
        self._tell = tell
        self._seconds = seconds
        self._started = seconds()
        self._changed = asyncio.Event()

    @property
    def elapsed(self) -> float:
        """Seconds since listening began."""
        return self._seconds() - self._started

    @property
    def retained(self) -> tuple[str, ...]:
        """What to subscribe to for what is retained."""
        return tuple(f"{self._root}/{tail}" for tail in RETAINED)

    @property
    def partial(self) -> bool:
        """Whether there may be more than came: some brokers give what is retained to exact topics only."""
        by_wildcard = ("info", "broker", "retained_by_wildcard")
        return not self.by_name or any(not it.known or it.get(*by_wildcard) is False for it in self.by_name.values())

    @property
    def call(self) -> Publication:
        """What has the bridges on such a broker publish all of it again."""
        return Publication(topic=f"{self.base}/announce", payload=b"")

    @property
    def topics(self) -> frozenset[str]:
        """All that there is to listen to, so far as is known yet."""
        mapped = [topic for modem in self.by_name.values() for topic in modem.messages.topics]
        return frozenset([f"{self._root}/#", *(topic for topic in mapped if not topic.startswith(f"{self.base}/"))])

    def modem(self, name: str) -> Heard:
        """Return a modem, also one of which nothing was heard yet."""
        return self.by_name.get(name) or Heard(name, lambda: self.elapsed, partial(self._tell, name))

    def hear(self, received: Received) -> None:
        """Take a message in."""
        if not received.retain:
            for modem in self.by_name.values():
                modem.messages.hear(received)
        if received.topic.startswith(f"{self.base}/"):
            name, *levels = received.topic.removeprefix(f"{self.base}/").split("/")
            modem = self.modem(name)
            modem.hear(levels, received)
            self.by_name[name] = modem
            if modem.empty:
                del self.by_name[name]
        self.touch()

    def touch(self) -> None:
        """Have whoever waits look again."""
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once a condition on what was heard holds."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()


def facts(modem: Heard) -> Iterator[tuple[str, str]]:
    """Tell about a modem: what each line is about, and the words, which do a terminal no harm."""
    get = modem.get
    layer, reason = get("state", "link", "layer"), get("state", "link", "reason")
    bridge = "the bridge is offline; last known: " if modem.available is False else ""
    lasts = since(get("state", "link", "since"), datetime.now(UTC))
    link = f"{bridge}{layer or 'unknown'}{f' ({reason})' if reason else ''} {lasts}"
    yield "link", printable(link)
    imei = _unit("IMEI {}", get("info", "modem", "imei"))
    yield "module", _all_of(*(get("info", "modem", key) for key in ("model", "firmware")), imei)
    registration = [get("state", "registration", key) for key in ("status", "operator", "technology")]
    yield "network", _all_of(*registration, _unit("band {}", get("state", "registration", "band")))
    signal = (("RSSI {} dBm", "rssi"), ("RSRP {} dBm", "rsrp"), ("SINR {} dB", "sinr"))
    yield "signal", _all_of(*(_unit(form, get("state", "signal", key)) for form, key in signal))
    yield "address", _all_of(get("state", "pdn", "address"), get("state", "pdn", "apn"))
    by_bytes = get("state", "usage", "billing") in {None, "bytes"}
    yield "outbox", _all_of(_unit("{} waiting", get("state", "outbox", "messages")))
    yield (
        "data",
        _all_of(
            _bytes("today {} up", get("state", "usage", "today", "up")),
            _bytes("{} down", get("state", "usage", "today", "down")),
            _bytes("{} billed", None if by_bytes else get("state", "usage", "billed", "today")),
            _bytes("{} left of the budget", get("state", "usage", "left")),
        ),
    )
    for name, socket in sorted(modem.sockets.items()):
        yield printable(f"socket {name}"), _socket(socket)


def alert_lines(modem: Heard) -> list[str]:
    """Return each alert with its advice, fit for a terminal."""
    return [printable(_alert(alert)) for alert in modem.alerts.values()]


def by_trouble(modems: Iterable[Heard]) -> list[Heard]:
    """Return modems in the order in which a person wants to know of them: those in trouble first, each by name."""
    return sorted(modems, key=lambda modem: (modem.well and not modem.alerts, modem.well, modem.name))


def how(modem: Heard) -> str:
    """Say how far a modem is, in a word or two."""
    return "bridge offline" if modem.available is False else str(modem.layer or "unknown")


def brief(modem: Heard) -> str:
    """Say the rest of what matters of a modem, fit for one line."""
    waiting, alerts = modem.get("state", "outbox", "messages"), len(modem.alerts)
    return _all_of(
        modem.reason,
        _unit("{} dBm", modem.get("state", "signal", "rssi")),
        _unit("{} wait", waiting or None),
        _unit("{} alerts", alerts or None) if alerts != 1 else "1 alert",
    )


def since(moment: object, now: datetime) -> str:
    """Say for how long something has lasted that began at a moment in RFC 3339; what can't be read, as it is."""
    try:
        began = datetime.fromisoformat(str(moment))
        seconds = (now - began).total_seconds()
    except (ValueError, TypeError):
        return f"since {moment}"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"for {seconds / length:.0f} {unit}"
    return f"for {max(seconds, 0):.0f} s"


def _alert(alert: Document) -> str:
    return in_words(str(alert.get("message")), str(alert.get("advice")))


def _bytes(form: str, count: object) -> str | None:
    if not isinstance(count, int | float):
        return None
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if abs(count) >= size:
            return form.format(f"{count / size:.1f} {unit}")
    return form.format(f"{count} bytes")


def _socket(socket: Document) -> str:
    counts = [(form, socket.get(key)) for form, key in (("{} sent", "sent"), ("{} received", "received"))]
    return _all_of(
        socket.get("phase"),
        f"{socket.get('protocol')} to {socket.get('host')}:{socket.get('port')}",
        *(_unit(form, count.get("messages") if isinstance(count, Mapping) else None) for form, count in counts),
    )


def _unit(form: str, value: object) -> str | None:
    return None if value is None else form.format(value)


def _all_of(*words: object) -> str:
    return ", ".join(printable(str(word)) for word in words if word is not None) or "not known"
