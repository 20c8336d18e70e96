"""A modem's state as retained MQTT messages, and its changes as events."""

import asyncio
import math
from collections.abc import Callable, Hashable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.modem.alerts import Alert, AlertId, alerts
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.modem.state import Layer, ModemState
from sim7020_bridge.modem.store import StateStore
from sim7020_bridge.modem.usage import BudgetLevel, Usage
from sim7020_bridge.mqtt.documents import ONLINE
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.standing import Trouble
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.reports.broker_alerts import broker_alerts
from sim7020_bridge.reports.delivery_alerts import delivery_alerts
from sim7020_bridge.reports.documents import Document, info_document, socket_document, state_document
from sim7020_bridge.reports.memory import TopicMemory
from sim7020_bridge.reports.sparing import Sparing
from sim7020_bridge.reports.story import Story

COUNTER_DELAY: Final = 1.0
"""Seconds for which changes of mere counters are collected into one publication."""

SOON: Final = 0.2
"""Seconds for which those are collected who ask for everything."""

STATES: Final = (100, 2.0)
"""How many publications a retained topic may have at once, and after how many seconds it has one more."""

EVENTS: Final = (10, 60.0)
"""The same for events of a kind."""

RELAPSE: Final = 30.0
"""Seconds within which an alert that comes again is no news; it is then mended when it stayed away for as long."""


class Reporter:
    """Publishes what is known of one modem, whenever it changes and at every connection to the broker.

    Args:
        requests: The verbs that the bridge takes.
        publish: Hands a publication to the broker; must not block.
        in_pools: Whether the modem takes from its pools.
        trouble: What the broker does not give.
        memory: The file that remembers which topics are retained; None for none.
    """

    def __init__(
        self,
        settings: ModemSettings,
        *,
        store: StateStore,
        sockets: Sockets,
        outbox: Outbox,
        usage: Usage,
        topics: Topics,
        requests: tuple[str, ...],
        publish: Callable[[Publication], None],
        in_pools: Callable[[], bool] = lambda: False,
        trouble: Callable[[], Trouble] = Trouble,
        memory: Path | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._settings = settings
        self._memory = TopicMemory(memory)
        self._store = store
        self._sockets = sockets
        self._outbox = outbox
        self._usage = usage
        self._topics = topics
        self._requests = requests
        self._publish = publish
        self._in_pools = in_pools
        self._trouble = trouble
        self._clock = clock
        self._published: dict[str, bytes] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._quiet_until = 0.0
        self._retained, self._events = Sparing(*STATES), Sparing(*EVENTS)
        self._untold: dict[Hashable, dict[str, Any]] = {}
        self._stopped = False
        self._alerted: dict[AlertId, datetime] = {}
        self._gone: dict[AlertId, float] = {}
        self._relapsed: set[AlertId] = set()
        self._delivery_alerts: dict[AlertId, Alert] = {}
        self._story = Story()
        store.listen(self._changed)

    def connected(self) -> None:
        """Publish everything again: the broker may have forgotten it. What is gone since an earlier run is emptied."""
        self._published.clear()
        topics = self._documents()
        gone = self._memory.others(topics)
        for topic in gone:
            self._retain(topic, b"")
        # these too until the end, which waits for the broker
        self._memory.keep({*topics, *gone})
        self._retain(self._topics.availability, ONLINE)
        self._introduce()
        self._state()
        for alert_id in AlertId:
            # one of before the bridge's restart may have been mended since
            if alert_id not in self._alerted:
                self._retain(self._topics.alert(alert_id), b"")
        self._alerts()
        for socket in self._sockets:
            self._socket(socket)

    def announce(self) -> None:
        """Publish everything again, since somebody asked for it; many who ask in a moment get it once."""
        self._soon("announce", self.connected, SOON)

    def change(self, settings: ModemSettings) -> None:
        """Tell of other sockets from now on, and no longer of those that are gone."""
        gone = {socket.name for socket in self._settings.sockets} - {socket.name for socket in settings.sockets}
        self._settings = settings
        for name in gone:
            self._retain(self._topics.socket_state(name), b"")
        self._introduce()
        self._alerts()
        for socket in self._sockets:
            self._socket(socket)

    def socket_changed(self, socket: ModemSocket) -> None:
        """Publish a socket's state: a new phase at once, counters a little later."""
        if self._sockets.get(socket.settings.name) is not socket:
            return
        topic = self._topics.socket_state(socket.settings.name)
        phase = b'"phase":"%s"' % socket.state.phase.encode()
        if phase in self._published.get(topic, b""):
            self._soon(topic, lambda: self._socket(socket))
        else:
            self._socket(socket)

    def pools_changed(self) -> None:
        """Publish that the modem takes from its pools, or no longer."""
        self._alerts()
        for socket in self._sockets:
            if socket.settings.pool is not None:
                self._socket(socket)

    def delivery_changed(self) -> None:
        """Publish what waits, a little later: a burst of messages makes one publication. Alerts don't wait."""
        if delivery_alerts(self._outbox, self._usage) != self._delivery_alerts:
            self._alerts()
        self._soon(self._topics.state, self._state)

    def usage_changed(self, before: BudgetLevel, after: BudgetLevel) -> None:
        """Tell of a data budget that is nearly or quite used up, once."""
        if after > before:
            self.event("data_budget", used=self._usage.used, budget=self._usage.budget)

    def forbidden(self, topic: str) -> None:
        """Tell of a topic that the broker turns out to forbid; of many in a moment only the alert tells."""
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._quiet_until = now + COUNTER_DELAY
            self.event("put_aside", topic=topic, publications=self._trouble().aside)

    def broker_changed(self) -> None:
        """Publish what the broker does not give, or gives again."""
        self._introduce()
        self.delivery_changed()  # how much is put aside
        self.pools_changed()

    def state(self) -> Document:
        """Return the modem's state as it is now."""
        return state_document(self._store.state, self._outbox, self._usage, aside=self._trouble().aside)

    def retained(self) -> dict[str, bytes]:
        """Return what is retained as it is now, by topic; whether the broker has it or not."""
        sockets = {self._topics.socket_state(name): dump(document) for name, document in self.sockets().items()}
        told = {topic: payload for topic, payload in self._published.items() if payload}
        return {**told, self._topics.info: dump(self._info()), self._topics.state: dump(self.state()), **sockets}

    def sockets(self) -> dict[str, Document]:
        """Return each socket's state as it is now, by name."""
        in_pools = self._in_pools()
        return {socket.settings.name: socket_document(socket, in_pools=in_pools) for socket in self._sockets}

    def stop(self) -> None:
        """Publish what was put off, now."""
        self._stopped = True
        self._memory.keep(self._documents())
        self._story.stop()
        for each in self._later.values():
            each.cancel()
        self._later.clear()
        for kind in list(self._untold):
            self._tell(kind)
        self._state()
        self._alerts()
        for socket in self._sockets:
            self._socket(socket)

    def _changed(self, before: ModemState, after: ModemState) -> None:
        self._story.changed(after)
        if after.identity != before.identity:
            self._introduce()
        self._state()
        self._link_events(before, after)
        self._step_events(before, after)
        if after.supply_warning is not None and after.supply_warning != before.supply_warning:
            self.event("supply", warning=after.supply_warning)
        if after.sleeping and not before.sleeping:
            self.event("asleep")
        if before.sleeping and after.sleeping is False:
            self.event("awake")
        self._alerts()

    def _link_events(self, before: ModemState, after: ModemState) -> None:
        if after.attached and not before.attached:
            self.event("attached", address=after.pdn.address)
        if before.attached and not after.attached and after.link.layer is not Layer.SLEEPING:
            self.event("lost", layer=after.link.layer)

    def _step_events(self, before: ModemState, after: ModemState) -> None:
        if after.counters.reboots > before.counters.reboots:
            self.event("rebooted")
        for step, count in after.counters.steps.items():
            if count > before.counters.steps.get(step, 0):
                self.event("recovering", rung=step, layer=after.link.layer)
        if after.counters.recoveries > before.counters.recoveries:
            self.event("recovered", rung=after.recovered)

    def _alerts(self) -> None:
        """Publish the alerts that hold, each with the time since when, and empty those that are mended."""
        now = asyncio.get_running_loop().time()
        self._delivery_alerts = delivery_alerts(self._outbox, self._usage)
        pools = any(socket.pool is not None for socket in self._settings.sockets)
        current = alerts(self._store.state) | self._delivery_alerts | broker_alerts(self._trouble(), pools=pools)
        for alert_id in self._alerted.keys() - current.keys():
            left = self._gone.setdefault(alert_id, now) + RELAPSE - now
            if alert_id in self._relapsed and left > 0:
                self._soon(f"mended {alert_id}", self._alerts, left)
                continue
            del self._alerted[alert_id]
            self._relapsed.discard(alert_id)
            self._retain(self._topics.alert(alert_id), b"")
        for alert_id, alert in current.items():
            if now - self._gone.pop(alert_id, -math.inf) < RELAPSE:
                self._relapsed.add(alert_id)
            since = self._alerted.setdefault(alert_id, self._clock())
            document = {"id": alert_id, "message": alert.message, "advice": alert.advice, "since": since}
            self._retain(self._topics.alert(alert_id), dump(document))
        self._story.alerts(current, self._alerted.keys())

    def _documents(self) -> set[str]:
        sockets = (self._topics.socket_state(socket.name) for socket in self._settings.sockets)
        return {self._topics.availability, self._topics.info, self._topics.state, *sockets}

    def event(self, name: str, **details: object) -> None:
        """Publish that something happened; what goes on and on is counted, and the last of it told with its number."""
        kind = name, details.get("rung"), details.get("layer")
        times = self._untold.get(kind, {}).get("times", 0) + 1
        self._untold[kind] = {"type": name, "at": self._clock(), **details, "times": times}
        self._tell(kind)

    def _tell(self, kind: Hashable) -> None:
        if kind not in self._untold:
            return
        wait = 0.0 if self._stopped else self._events.wait(kind)
        if wait:
            self._soon(f"event {kind}", partial(self._tell, kind), wait)
            return
        event = self._untold.pop(kind)
        if event["times"] == 1:
            del event["times"]
        self._publish(Publication(topic=self._topics.event, payload=dump(event)))

    def _info(self) -> Document:
        identity, broker = self._store.state.identity, self._trouble()
        return info_document(identity, self._settings, self._topics, requests=self._requests, broker=broker)

    def _introduce(self) -> None:
        self._retain(self._topics.info, dump(self._info()))

    def _state(self) -> None:
        self._retain(self._topics.state, dump(self.state()))

    def _socket(self, socket: ModemSocket) -> None:
        document = socket_document(socket, in_pools=self._in_pools())
        self._retain(self._topics.socket_state(socket.settings.name), dump(document))

    def _retain(self, topic: str, payload: bytes) -> None:
        waiting = self._later.pop(topic, None)
        if waiting is not None:
            waiting.cancel()
        if self._published.get(topic) == payload:
            return
        wait = 0.0 if self._stopped else self._retained.wait(topic)
        if wait:
            self._soon(topic, partial(self._retain, topic, payload), wait)
            return
        self._published[topic] = payload
        self._publish(Publication(topic=topic, payload=payload, retain=True))

    def _soon(self, what: str, do: Callable[[], None], wait: float = COUNTER_DELAY) -> None:
        def due() -> None:
            del self._later[what]
            do()

        if what not in self._later:
            self._later[what] = asyncio.get_running_loop().call_later(wait, due)
