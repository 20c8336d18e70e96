"""A modem's state as retained MQTT messages, and its changes as events."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sim7020_bridge import VERSION
from sim7020_bridge.clock import Clock, wall_clock
from sim7020_bridge.commands.clock import NetworkTime
from sim7020_bridge.commands.registration import RegistrationStatus
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.commands.timers import edrx_seconds, ptw_seconds, t3324_seconds, t3412_seconds
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.modem.alerts import Alert, AlertId, alerts
from sim7020_bridge.modem.facts import Facts
from sim7020_bridge.modem.ladder import Rung
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.sockets import Sockets
from sim7020_bridge.modem.state import Layer, ModemState, Pdn
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.mqtt import documents
from sim7020_bridge.mqtt.json_text import dump
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.reports.delivery_alerts import delivery_alerts

log: Final = logging.getLogger(__name__)

NB_IOT: Final = 9
"""Access technology of +CEREG and +COPS (3GPP TS 27.007)."""

COUNTER_DELAY: Final = 1.0
"""Seconds for which changes of mere counters are collected into one publication."""


class Reporter:
    """Publishes what is known of one modem, whenever it changes and at every connection to the broker.

    Args:
        settings: The modem as configured.
        facts: Where its state lives.
        sockets: Its sockets.
        outbox: What waits for them.
        usage: What they cost.
        topics: Its topics.
        requests: The verbs that the bridge takes.
        publish: Hands a publication to the broker; must not block.
        clock: For the times of events.
    """

    def __init__(
        self,
        settings: ModemSettings,
        *,
        facts: Facts,
        sockets: Sockets,
        outbox: Outbox,
        usage: Usage,
        topics: Topics,
        requests: tuple[str, ...],
        publish: Callable[[Publication], None],
        in_pools: Callable[[], bool] = lambda: False,
        clock: Clock = wall_clock,
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._sockets = sockets
        self._outbox = outbox
        self._usage = usage
        self._topics = topics
        self._requests = requests
        self._publish = publish
        self._in_pools = in_pools
        self._clock = clock
        self._published: dict[str, bytes] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._alerted: dict[AlertId, datetime] = {}
        self._delivery_alerts: dict[AlertId, Alert] = {}
        facts.listen(self._changed)

    def connected(self) -> None:
        """Publish everything again: the broker may have forgotten it."""
        self._published.clear()
        self._retain(self._topics.availability, documents.ONLINE)
        self._info()
        self._state()
        for alert_id in AlertId:
            # one of before the bridge's restart may have been mended since
            if alert_id not in self._alerted:
                self._retain(self._topics.alert(alert_id), b"")
        self._alerts()
        for socket in self._sockets:
            self._socket(socket)

    def change(self, settings: ModemSettings) -> None:
        """Tell of other sockets from now on, and no longer of those that are gone."""
        gone = {socket.name for socket in self._settings.sockets} - {socket.name for socket in settings.sockets}
        self._settings = settings
        for name in gone:
            self._retain(self._topics.socket_state(name), b"")
        self._info()
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
        for socket in self._sockets:
            if socket.settings.pool is not None:
                self._socket(socket)

    def delivery_changed(self) -> None:
        """Publish what waits, a little later: a burst of messages makes one publication. Alerts don't wait."""
        if delivery_alerts(self._outbox, self._usage) != self._delivery_alerts:
            self._alerts()
        self._soon(self._topics.state, self._state)

    def stop(self) -> None:
        """Publish what was put off, now."""
        for publish in list(self._later.values()):
            publish.cancel()
        self._later.clear()
        self._state()
        for socket in self._sockets:
            self._socket(socket)

    def _changed(self, before: ModemState, after: ModemState) -> None:
        if after.identity != before.identity:
            self._info()
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
        for rung, count in after.counters.steps.items():
            if count > before.counters.steps.get(rung, 0):
                self.event("recovering", rung=rung, layer=after.link.layer)
        if after.counters.recoveries > before.counters.recoveries:
            self.event("recovered", rung=after.recovered)

    def _alerts(self) -> None:
        """Publish the alerts that hold, each with the time since when, and empty those that are mended."""
        self._delivery_alerts = delivery_alerts(self._outbox, self._usage)
        current = alerts(self._facts.state) | self._delivery_alerts
        for alert_id in self._alerted.keys() - current.keys():
            del self._alerted[alert_id]
            self._retain(self._topics.alert(alert_id), b"")
        for alert_id, alert in current.items():
            since = self._alerted.setdefault(alert_id, self._clock())
            document = documents.AlertDocument(alert_id, alert.message, alert.advice, since)
            self._retain(self._topics.alert(alert_id), dump(document))

    def event(self, name: str, **details: object) -> None:
        """Publish that something happened."""
        self._publish(
            Publication(topic=self._topics.event, payload=dump(documents.event(name, self._clock(), **details)))
        )

    def _info(self) -> None:
        identity = self._facts.state.identity
        modem = documents.ModemInfo(
            name=self._settings.name,
            manufacturer=identity.manufacturer,
            model=identity.model,
            firmware=identity.firmware,
            imei=identity.imei,
            imsi=identity.imsi,
            iccid=identity.iccid,
        )
        sockets = tuple(
            documents.SocketInfo(
                name=socket.name,
                protocol=socket.transport,
                host=socket.host,
                port=socket.port,
                encoding=socket.encoding,
                send_topics=(self._topics.send(socket.name), *socket.send_topics),
                received_topic=socket.received_topic or self._topics.received(socket.name),
                pool=socket.pool,
            )
            for socket in self._settings.sockets
        )
        bridge = documents.BridgeInfo("sim7020-bridge", VERSION)
        info = documents.InfoDocument(bridge=bridge, modem=modem, sockets=sockets, requests=self._requests)
        self._retain(self._topics.info, dump(info))

    def _state(self) -> None:
        self._retain(self._topics.state, dump(state_document(self._facts.state, self._outbox, self._usage)))

    def _socket(self, socket: ModemSocket) -> None:
        self._retain(
            self._topics.socket_state(socket.settings.name), dump(socket_document(socket, in_pools=self._in_pools()))
        )

    def _retain(self, topic: str, payload: bytes) -> None:
        waiting = self._later.pop(topic, None)
        if waiting is not None:
            waiting.cancel()
        if self._published.get(topic) != payload:
            self._published[topic] = payload
            self._publish(Publication(topic=topic, payload=payload, retain=True))

    def _soon(self, topic: str, publish: Callable[[], None]) -> None:
        if topic not in self._later:
            self._later[topic] = asyncio.get_running_loop().call_later(COUNTER_DELAY, publish)


def state_document(state: ModemState, outbox: Outbox, usage: Usage) -> documents.StateDocument:
    """Return the contract's ``state`` for what is known."""
    link = state.link
    return documents.StateDocument(
        link=documents.LinkState(documents.Layer(link.layer), link.reason, link.since),
        sim=documents.SimState(_sim_status(state.sim)),
        signal=_signal_document(state),
        registration=_registration_document(state),
        pdn=pdn_document(state.pdn),
        power=_power_document(state),
        clock=_clock_document(state.time),
        usage=usage_document(usage),
        outbox=documents.OutboxState(
            messages=outbox.messages,
            bytes=outbox.bytes,
            oldest=None if outbox.oldest is None else round(outbox.oldest, 1),
            aside=outbox.owing.aside,
        ),
        counters=documents.Counters(
            recoveries=documents.Recoveries(
                **{rung.value: count for rung, count in state.counters.steps.items() if rung is not Rung.RESYNC}
            ),
            reboots=state.counters.reboots,
            resyncs=state.counters.steps.get(Rung.RESYNC, 0),
        ),
    )


def _power_document(state: ModemState) -> documents.PowerState:
    registration, edrx, supply = state.registration, state.edrx, state.supply
    psm = None
    if registration is not None and registration.active_time is not None:
        active = t3324_seconds(registration.active_time)
        update = None if registration.periodic_tau is None else t3412_seconds(registration.periodic_tau)
        psm = None if active is None else documents.PsmState(active, update)
    granted = None
    if edrx is not None and edrx.granted is not None:
        window = None if edrx.window is None else ptw_seconds(edrx.window)
        granted = documents.EdrxState(edrx_seconds(edrx.granted), window)
    voltage = None if supply is None else supply.millivolts / 1000
    return documents.PowerState(psm=psm, edrx=granted, sleeping=state.sleeping, voltage=voltage)


def _clock_document(time: NetworkTime | None) -> documents.ClockState:
    return documents.ClockState(None if time is None else time.moment)


def pdn_document(pdn: Pdn) -> documents.PdnState:
    """Return the contract's ``pdn`` for a context."""
    state = None if pdn.active is None else "active" if pdn.active else "inactive"
    return documents.PdnState(state, pdn.cid, pdn.apn, pdn.address)


def usage_document(usage: Usage) -> documents.UsageState:
    """Return the contract's ``usage``."""
    today, period = usage.today, usage.period
    return documents.UsageState(
        today=documents.Traffic(today.up, today.down),
        period=documents.Traffic(period.up, period.down),
        budget=usage.budget,
        left=usage.left,
    )


def socket_document(socket: ModemSocket, *, in_pools: bool) -> documents.SocketStateDocument:
    """Return the contract's socket state; ``in_pools`` is whether the modem takes from its pools now."""
    settings, state = socket.settings, socket.state
    failure = state.failure
    return documents.SocketStateDocument(
        phase=documents.SocketPhase(state.phase),
        protocol=settings.transport,
        host=settings.host,
        port=settings.port,
        address=state.address,
        last_error=None if failure is None else documents.SocketError(failure.code, failure.name, failure.at),
        sent=documents.SocketTraffic(state.sent.messages, state.sent.bytes),
        received=documents.SocketTraffic(state.received.messages, state.received.bytes),
        in_pool=None if settings.pool is None else in_pools,
    )


def _sim_status(sim: SimReading | None) -> str | None:
    if sim is None:
        return None
    return _SIM_STATUS.get(sim.state, "failed") if sim.state is not None else "failed"


_SIM_STATUS: Final = {
    SimState.READY: "ready",
    SimState.NOT_INSERTED: "missing",
    SimState.SIM_PIN: "pin_required",
    SimState.SIM_PIN2: "pin_required",
    SimState.SIM_PUK: "puk_required",
    SimState.SIM_PUK2: "puk_required",
    SimState.NOT_READY: "busy",
}


def _signal_document(state: ModemState) -> documents.SignalState:
    rssi = None if state.signal is None else state.signal.dbm
    cell = state.cell.serving if state.cell is not None else None
    if cell is None:
        return documents.SignalState(rssi=rssi)
    return documents.SignalState(rssi=rssi, rsrp=cell.rsrp, rsrq=cell.rsrq, sinr=cell.snr, ecl=cell.ecl)


def _registration_document(state: ModemState) -> documents.RegistrationState:
    registration, operator = state.registration, state.operator
    if registration is None:
        return documents.RegistrationState()
    cell = state.cell.serving if state.cell is not None else None
    technology = registration.access_technology
    return documents.RegistrationState(
        status=_REGISTRATION_STATUS.get(registration.status, "unknown"),
        operator=None if operator is None else operator.name,
        plmn=None if operator is None else operator.plmn,
        technology=None if technology is None else "NB-IoT" if technology == NB_IOT else str(technology),
        tac=registration.tac,
        cell_id=registration.cell_id,
        band=None if cell is None else cell.band,
        earfcn=None if cell is None else cell.earfcn,
        pci=None if cell is None else cell.pci,
    )


_REGISTRATION_STATUS: Final[dict[int, str]] = {
    RegistrationStatus.NOT_REGISTERED: "not_registered",
    RegistrationStatus.HOME: "home",
    RegistrationStatus.SEARCHING: "searching",
    RegistrationStatus.DENIED: "denied",
    RegistrationStatus.UNKNOWN: "unknown",
    RegistrationStatus.ROAMING: "roaming",
    RegistrationStatus.SMS_ONLY_HOME: "home",
    RegistrationStatus.SMS_ONLY_ROAMING: "roaming",
    RegistrationStatus.WITHHELD: "not_registered",
}
