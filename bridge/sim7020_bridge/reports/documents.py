"""What is known of a modem as the contract's documents, in whose words and order; None is what is not known."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, TypeAlias

from sim7020_bridge import VERSION
from sim7020_bridge.commands.registration import RegistrationStatus
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.commands.timers import edrx_seconds, ptw_seconds, t3324_seconds, t3412_seconds
from sim7020_bridge.config.model import ModemSettings
from sim7020_bridge.modem.pdn import Pdn
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.socket import ModemSocket
from sim7020_bridge.modem.state import Identity, ModemState
from sim7020_bridge.modem.usage import Usage
from sim7020_bridge.mqtt.standing import Trouble
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.outbox import Outbox

CONTRACT: Final = 1

NB_IOT: Final = 9
"""Access technology of +CEREG and +COPS (3GPP TS 27.007)."""

Document: TypeAlias = Mapping[str, Any]
"""For json_text.dump; the units are in ``docs/contract/``."""


def info_document(
    identity: Identity, settings: ModemSettings, topics: Topics, *, requests: tuple[str, ...], broker: Trouble
) -> Document:
    """Return ``.../info``; ``requests`` are the verbs that the bridge takes, ``broker`` what it does not get there."""
    return {
        "contract": CONTRACT,
        "bridge": {"name": "sim7020-bridge", "version": VERSION},
        "modem": {"name": settings.name, **asdict(identity)},
        "sockets": [
            {
                "name": socket.name,
                "protocol": socket.protocol,
                "host": socket.host,
                "port": socket.port,
                "encoding": socket.encoding,
                "payload": socket.payload,
                "pick": socket.pick,
                "send_topics": [topics.send(socket.name), *socket.send_topics],
                "received_topic": socket.received_topic or topics.received(socket.name),
                "pool": socket.pool,
            }
            for socket in settings.sockets
        ],
        "requests": requests,
        "broker": {
            "sessions": not broker.no_session,
            "session_expiry": broker.kept,
            "retained": not broker.no_retain,
            "retained_by_wildcard": broker.wildcards,
            "shared_subscriptions": not broker.no_pools,
            "longest_packet": broker.longest,
        },
    }


def state_document(state: ModemState, outbox: Outbox, usage: Usage, *, aside: int) -> Document:
    """Return ``.../state``; ``aside`` publications wait for topics that the broker forbids."""
    today, period, total, steps = usage.today, usage.period, usage.total, state.counters.steps
    return {
        "link": asdict(state.link),
        "sim": {"status": _sim_status(state.sim)},
        "signal": _signal(state),
        "registration": _registration(state),
        "pdn": pdn_document(state.pdn),
        "power": _power(state),
        "clock": {"time": None if state.time is None else state.time.moment},
        "usage": {
            "today": {"up": today.up, "down": today.down},
            "period": {"up": period.up, "down": period.down},
            "total": {"up": total.up, "down": total.down},
            "billing": usage.billing,
            "billed": {
                "today": today.billed(usage.billing),
                "period": period.billed(usage.billing),
                "total": total.billed(usage.billing),
            },
            "sessions": {"today": today.sessions, "period": period.sessions, "total": total.sessions},
            "used": usage.used,
            "budget": usage.budget,
            "left": usage.left,
        },
        "outbox": {
            "messages": outbox.queue.messages,
            "bytes": outbox.queue.bytes,
            "oldest": None if outbox.oldest is None else round(outbox.oldest, 1),
            "aside": aside,
        },
        "counters": {
            "recoveries": {step: steps.get(step, 0) for step in RecoveryStep if step is not RecoveryStep.RESYNC},
            "reboots": state.counters.reboots,
            "resyncs": steps.get(RecoveryStep.RESYNC, 0),
        },
    }


def pdn_document(pdn: Pdn) -> Document:
    """Return the ``pdn`` of ``.../state``."""
    state = None if pdn.active is None else "active" if pdn.active else "inactive"
    return {
        "state": state,
        "cid": pdn.cid,
        "requested_apn": pdn.requested_apn,
        "apn": pdn.apn,
        "address": pdn.address,
    }


def socket_document(socket: ModemSocket, *, in_pools: bool) -> Document:
    """Return ``.../socket/<socket>/state``; ``in_pools`` is whether the modem takes from its pools now."""
    settings, state, failure = socket.settings, socket.state, socket.state.failure
    error = None
    if failure is not None:
        error = {"code": failure.code, "name": failure.name, "at": failure.at, "since": state.since}
    return {
        "phase": state.phase,
        "protocol": settings.protocol,
        "host": settings.host,
        "port": settings.port,
        "address": state.address,
        "last_error": error,
        "sent": asdict(state.sent),
        "received": asdict(state.received),
        "in_pool": None if settings.pool is None else in_pools,
    }


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


def _signal(state: ModemState) -> Document:
    cell = None if state.cell is None else state.cell.serving
    return {
        "rssi": None if state.signal is None else state.signal.dbm,
        "rsrp": None if cell is None else cell.rsrp,
        "rsrq": None if cell is None else cell.rsrq,
        "sinr": None if cell is None else cell.snr,
        "ecl": None if cell is None else cell.ecl,
    }


def _registration(state: ModemState) -> Document:
    registration, operator = state.registration, state.operator
    if registration is None:
        return dict.fromkeys(_REGISTRATION_KEYS)
    cell = None if state.cell is None else state.cell.serving
    technology = registration.access_technology
    return {
        "status": _REGISTRATION_STATUS.get(registration.status, "unknown"),
        "operator": None if operator is None else operator.name,
        "plmn": None if operator is None else operator.plmn,
        "technology": None if technology is None else "NB-IoT" if technology == NB_IOT else str(technology),
        "tac": registration.tac,
        "cell_id": registration.cell_id,
        "band": None if cell is None else cell.band,
        "earfcn": None if cell is None else cell.earfcn,
        "pci": None if cell is None else cell.pci,
    }


_REGISTRATION_KEYS: Final = ("status", "operator", "plmn", "technology", "tac", "cell_id", "band", "earfcn", "pci")
_REGISTRATION_STATUS: Final[dict[int, str]] = {
    RegistrationStatus.NOT_REGISTERED: "not_registered",
    RegistrationStatus.HOME: "home",
    RegistrationStatus.SEARCHING: "searching",
    RegistrationStatus.DENIED: "denied",
    RegistrationStatus.UNKNOWN: "unknown",
    RegistrationStatus.ROAMING: "roaming",
    RegistrationStatus.SMS_ONLY_HOME: "home",
    RegistrationStatus.SMS_ONLY_ROAMING: "roaming",
    RegistrationStatus.EMERGENCY_ONLY: "not_registered",
    RegistrationStatus.WITHHELD: "not_registered",
}


def _power(state: ModemState) -> Document:
    registration, edrx, supply, asked = state.registration, state.edrx, state.supply, state.asked
    psm = granted = None
    if registration is not None and registration.active_time is not None:
        active = t3324_seconds(registration.active_time)
        update = None if registration.periodic_tau is None else t3412_seconds(registration.periodic_tau)
        psm = None if active is None else {"active_time": active, "periodic_update": update}
    if edrx is not None and edrx.granted is not None:
        window = None if edrx.window is None else ptw_seconds(edrx.window)
        granted = {"cycle": edrx_seconds(edrx.granted), "paging_window": window}
    releases = None if state.releases is None else "works" if state.releases else "ignored"
    return {
        "asked": {
            "active_time": asked.active_time,
            "periodic_update": asked.periodic_update,
            "edrx_cycle": asked.edrx_cycle,
            "paging_window": asked.paging_window,
        },
        "psm": psm,
        "edrx": granted,
        "release_assistance": releases,
        "sleeping": state.sleeping,
        "voltage": None if supply is None or supply.millivolts is None else supply.millivolts / 1000,
    }
