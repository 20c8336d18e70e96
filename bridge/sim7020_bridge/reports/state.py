"""What is known of a modem as the contract's documents; nothing here does anything else."""

from dataclasses import asdict
from typing import Final

from sim7020_bridge import VERSION
from sim7020_bridge.commands.clock import NetworkTime
from sim7020_bridge.commands.registration import RegistrationStatus
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.commands.timers import edrx_seconds, ptw_seconds, t3324_seconds, t3412_seconds
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.state import Identity, ModemState, Pdn
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.outbox import Outbox
from sim7020_bridge.reports import documents

NB_IOT: Final = 9
"""Access technology of +CEREG and +COPS (3GPP TS 27.007)."""


def info_document(
    identity: Identity, settings: ModemSettings, topics: Topics, *, requests: tuple[str, ...]
) -> documents.InfoDocument:
    """Return the contract's ``info``; ``requests`` are the verbs that the bridge takes."""
    modem = documents.ModemInfo(settings.name, **asdict(identity))
    sockets = tuple(
        documents.SocketInfo(
            name=socket.name,
            protocol=socket.transport,
            host=socket.host,
            port=socket.port,
            encoding=socket.encoding,
            send_topics=(topics.send(socket.name), *socket.send_topics),
            received_topic=socket.received_topic or topics.received(socket.name),
            pool=socket.pool,
        )
        for socket in settings.sockets
    )
    bridge = documents.BridgeInfo("sim7020-bridge", VERSION)
    return documents.InfoDocument(bridge=bridge, modem=modem, sockets=sockets, requests=requests)


def state_document(state: ModemState, outbox: Outbox, usage: Usage, *, aside: int) -> documents.StateDocument:
    """Return the contract's ``state`` for what is known; ``aside`` publications wait for topics that are forbidden."""
    return documents.StateDocument(
        link=state.link,
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
            aside=aside,
        ),
        counters=documents.Counters(
            recoveries=documents.Recoveries(
                **{step.value: count for step, count in state.counters.steps.items() if step is not RecoveryStep.RESYNC}
            ),
            reboots=state.counters.reboots,
            resyncs=state.counters.steps.get(RecoveryStep.RESYNC, 0),
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
        today=documents.UsedData(today.up, today.down),
        period=documents.UsedData(period.up, period.down),
        budget=usage.budget,
        left=usage.left,
    )


def socket_document(socket: ModemSocket, *, in_pools: bool) -> documents.SocketStateDocument:
    """Return the contract's socket state; ``in_pools`` is whether the modem takes from its pools now."""
    settings, state = socket.settings, socket.state
    failure = state.failure
    return documents.SocketStateDocument(
        phase=state.phase,
        protocol=settings.transport,
        host=settings.host,
        port=settings.port,
        address=state.address,
        last_error=None if failure is None else documents.SocketError(failure.code, failure.name, failure.at),
        sent=state.sent,
        received=state.received,
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
