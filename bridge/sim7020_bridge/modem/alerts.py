"""The things wrong with a modem that a person can mend, and how: a pure function of its state."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from sim7020_bridge.commands.identity import is_sim7020
from sim7020_bridge.commands.sim import SimReading
from sim7020_bridge.modem.state import GONE, SHARED, ModemState

ESM_FAILURE: Final = 19
"""EMM cause of an attachment whose PDN connection was refused, as with an unknown APN (3GPP TS 24.301)."""


class AlertId(StrEnum):
    """What an alert is about; part of its topic."""

    PORT_MISSING = "port_missing"
    PORT_BUSY = "port_busy"
    PORT_NOT_PERMITTED = "port_not_permitted"
    PORT_UNUSABLE = "port_unusable"
    BAUD_RATE = "baud_rate"
    MODULE_SILENT = "module_silent"
    NOT_SIM7020 = "not_sim7020"
    SUPPLY = "supply"
    MODULE_RESTARTS = "module_restarts"
    RADIO_REFUSED = "radio_refused"
    SOCKETS_REFUSED = "sockets_refused"
    SIM_MISSING = "sim_missing"
    SIM_PIN = "sim_pin"
    SIM_PUK = "sim_puk"
    SIM_FAILED = "sim_failed"
    NOT_REGISTERING = "not_registering"
    REGISTRATION_DENIED = "registration_denied"
    APN_REJECTED = "apn_rejected"
    ATTACH_CEILING = "attach_ceiling"
    OUTBOX_FULL = "outbox_full"
    OUTBOX_STORAGE = "outbox_storage"
    OUTBOX_DAMAGED = "outbox_damaged"
    DATA_BUDGET = "data_budget"
    SESSION_TAKEN_OVER = "session_taken_over"
    SUBSCRIPTION_REFUSED = "subscription_refused"
    TOPIC_FORBIDDEN = "topic_forbidden"
    BROKER_LIMITED = "broker_limited"


class Ground(Enum):
    """What an alert stands on, which says how long it may stand."""

    PORT = "raised where the port can't be opened or goes away, until it is open and the module answers"
    SILENCE = "raised where nothing answers at an open port, until something does"
    MODULE = "what the module said or did last: over a restart, until it says something else or can't be reached"
    WAIT = "the bridge has the module wait before it attaches: until that is over, or the module can't be reached"
    SUPPLY = "as for MODULE, but it may be why the module can't be reached, and stands then, too"
    BRIDGE = "nothing of the modem: the outbox, the data budget, the broker"


GROUNDS: Final[Mapping[AlertId, Ground]] = {
    AlertId.PORT_MISSING: Ground.PORT,
    AlertId.PORT_BUSY: Ground.PORT,
    AlertId.PORT_NOT_PERMITTED: Ground.PORT,
    AlertId.PORT_UNUSABLE: Ground.PORT,
    AlertId.BAUD_RATE: Ground.SILENCE,
    AlertId.MODULE_SILENT: Ground.SILENCE,
    AlertId.NOT_SIM7020: Ground.MODULE,
    AlertId.SUPPLY: Ground.SUPPLY,
    AlertId.MODULE_RESTARTS: Ground.MODULE,
    AlertId.RADIO_REFUSED: Ground.MODULE,
    AlertId.SOCKETS_REFUSED: Ground.MODULE,
    AlertId.SIM_MISSING: Ground.MODULE,
    AlertId.SIM_PIN: Ground.MODULE,
    AlertId.SIM_PUK: Ground.MODULE,
    AlertId.SIM_FAILED: Ground.MODULE,
    AlertId.NOT_REGISTERING: Ground.MODULE,
    AlertId.REGISTRATION_DENIED: Ground.MODULE,
    AlertId.APN_REJECTED: Ground.MODULE,
    AlertId.ATTACH_CEILING: Ground.WAIT,
    AlertId.OUTBOX_FULL: Ground.BRIDGE,
    AlertId.OUTBOX_STORAGE: Ground.BRIDGE,
    AlertId.OUTBOX_DAMAGED: Ground.BRIDGE,
    AlertId.DATA_BUDGET: Ground.BRIDGE,
    AlertId.SESSION_TAKEN_OVER: Ground.BRIDGE,
    AlertId.SUBSCRIPTION_REFUSED: Ground.BRIDGE,
    AlertId.TOPIC_FORBIDDEN: Ground.BRIDGE,
    AlertId.BROKER_LIMITED: Ground.BRIDGE,
}

AGAIN_AND_AGAIN: Final = 4
"""Restarts, or losses of the context, in a row that are no accident."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What is wrong, and what to do about it."""

    message: str
    advice: str

    def __str__(self) -> str:
        return in_words(self.message, self.advice)


def in_words(message: str, advice: str) -> str:
    """Return an alert as sentences, the message first."""
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} {advice}"


def alerts(state: ModemState) -> dict[AlertId, Alert]:
    """Return what a person can mend now; an alert that is no longer returned is mended, or can't be known."""
    found = _of_module(state)
    unreached = _port(state) or _module(state)
    if unreached:
        found = {each: alert for each, alert in found.items() if GROUNDS[each] is Ground.SUPPLY} | unreached
    return found


def _of_module(state: ModemState) -> dict[AlertId, Alert]:
    found = _network(state)
    if state.pdn.drops >= AGAIN_AND_AGAIN:
        found.setdefault(AlertId.APN_REJECTED, _NO_LASTING_CONTEXT)
    if state.supply_warning is not None:
        found[AlertId.SUPPLY] = Alert(
            f"The module reported {state.supply_warning}",
            "Measure the supply at the module while it sends: it wants 2.1 to 3.6 V and up to 0.5 A for moments.",
        )
    if state.restarts >= AGAIN_AND_AGAIN:
        found[AlertId.MODULE_RESTARTS] = Alert(
            "The module restarts again and again",
            "Measure the supply at the module while it sends: it wants 2.1 to 3.6 V and up to 0.5 A for moments. "
            "Messages wait, and the bridge tries it less and less often.",
        )
    if state.held is not None:
        found[AlertId.ATTACH_CEILING] = Alert(
            f"Not attaching for now: {state.held}",
            "In bad coverage there is nothing to do; otherwise see the other alerts. Restart the bridge to make it try "
            "at once.",
        )
    if state.refused.what is not None:
        found[AlertId.SOCKETS_REFUSED] = Alert(
            f"The module is attached but refuses to {state.refused.what}",
            "Messages wait while the bridge resets it, less and less often. If that does not help, disconnect its "
            "power for ten seconds; a power hook lets the bridge do that.",
        )
    if state.radio_problem is not None:
        found[AlertId.RADIO_REFUSED] = Alert(
            f"The module refuses to switch its radio on: {state.radio_problem}",
            "Check its SIM. The bridge restarts it, less and less often. If that does not help, disconnect its power "
            "for ten seconds; a power hook lets the bridge do that.",
        )
    if state.sim_overdue:
        why = f": {state.sim.words}" if state.sim is not None and state.sim.unclear else ""
        found[AlertId.SIM_FAILED] = Alert(
            f"The SIM does not become ready{why}",
            "Take it out and insert it again, contacts first; then try it in a phone, or try another SIM. The bridge "
            "restarts the module meanwhile, less and less often.",
        )
    model = state.identity.model
    if model is not None and not is_sim7020(model):
        found[AlertId.NOT_SIM7020] = Alert(
            f"The device at the port says that it is a {model}, not a SIM7020",
            "Check that the configured port is the modem's; several devices may have similar names.",
        )
    return found


def _port(state: ModemState) -> dict[AlertId, Alert]:
    failure = state.port_failure
    if failure is None:
        return {}
    advice = _SERVER_GONE if failure.code == GONE and _is_remote(state) else _PORT_ADVICE[failure.code]
    return {_PORT_ALERTS.get(failure.code, AlertId.PORT_UNUSABLE): Alert(failure.reason, advice)}


def _is_remote(state: ModemState) -> bool:
    return "://" in state.port.name


_PORT_ALERTS: Final = {
    "missing": AlertId.PORT_MISSING,
    "refused": AlertId.PORT_MISSING,
    GONE: AlertId.PORT_MISSING,
    "busy": AlertId.PORT_BUSY,
    SHARED: AlertId.PORT_BUSY,
    "not_permitted": AlertId.PORT_NOT_PERMITTED,
}
_END_IT: Final = "Stop the other program; ModemManager can be told to leave the port alone."
_PORT_ADVICE: Final = {
    "missing": "Plug the modem in, and check the configured port against the names in /dev/serial/by-id.",
    "refused": "Start the serial server, and check its host and port in the configuration.",
    GONE: "Plug the modem in again; the bridge will find it.",
    "busy": _END_IT,
    SHARED: _END_IT,
    "not_permitted": "Add the bridge's user to that group and start the bridge again.",
    "unusable": "Check that the configured port is a serial port.",
    "no_thread": "Let the bridge have more threads (of systemd: TasksMax).",
}
_SERVER_GONE: Final = (
    "Look at the serial server's log. Most accept one client at a time: stop the other one, such as a second bridge; "
    "the bridge keeps trying."
)


def _module(state: ModemState) -> dict[AlertId, Alert]:
    if not state.port_open or state.answering or state.sleeping or not state.silent:
        return {}
    rate = "" if state.port.rate is None else f" at {state.port.rate} bit/s"
    if state.garbled:
        return {
            AlertId.BAUD_RATE: Alert(
                f"Something answers at the port, but not at this baud rate{rate and f' ({state.port.rate})'}",
                "Set baudrate to the module's rate, or behind socket:// the serial server's; 115200 is usual, and "
                f"a SIM7020G takes any until one is fixed. {_PROBE}",
            )
        }
    if state.heard:
        message = f"What is at the port{rate} does not answer like a SIM7020: {state.heard}"
        advice = OTHER_SERVER if _is_remote(state) else _OTHER_DEVICE
    elif _is_remote(state):
        message, advice = f"Nothing answers behind the serial server{rate}", _SERVER_SILENT
    else:
        message, advice = f"Nothing answers at the port{rate}", _POWER
    return {AlertId.MODULE_SILENT: Alert(message, f"{advice} {_PROBE}" if rate else advice)}


_PROBE: Final = "sim7020-bridge probe, with the bridge stopped, tries every rate."
_POWER: Final = "Check that the module is powered and switched on (PWRKEY), and that TX and RX are not swapped."
_SERVER_SILENT: Final = (
    f"{_POWER} The server must have the module's rate, no flow control and no login of its own on that port, and no "
    "other client."
)
_OTHER_DEVICE: Final = (
    "Check that the configured port is the modem's: sim7020-bridge ports lists them all. A console, a GPS receiver or "
    "joined TX and RX talk too."
)
OTHER_SERVER: Final = (
    "Check host and port: at socket:// a serial server has to pass the module's bytes on as they are, and one that "
    "talks telnet (RFC 2217) wants rfc2217://. A console or a login talks too."
)


def _network(state: ModemState) -> dict[AlertId, Alert]:
    # what was said before the module restarted holds until it says something else
    sim = state.sim or state.sim_before
    found = _sim(state, sim)
    denial = state.denial
    if denial is not None and denial.cause == ESM_FAILURE and denial.cause_type in {None, 0}:
        found[AlertId.APN_REJECTED] = Alert(
            "The network knows the SIM but refused its data connection while attaching (EMM cause 19)", _APN_ADVICE
        )
    elif denial is not None and (sim is None or not sim.missing):
        found[AlertId.REGISTRATION_DENIED] = Alert(
            f"The network denied registration: {denial.cause_words or 'it gives no cause'}",
            "Check with the operator that the SIM is active and may use NB-IoT here; trying harder can get it barred.",
        )
    if state.register_problem is not None:
        found[AlertId.NOT_REGISTERING] = Alert(
            f"The module does not register: {state.register_problem}",
            "What an earlier user set with AT+COPS outlasts a restart: send AT+COPS=0 in sim7020-bridge console, once. "
            "Otherwise disconnect its power for ten seconds.",
        )
    if state.apn_unset is not None:
        found[AlertId.APN_REJECTED] = Alert(
            f"The module does not have the configured APN: {state.apn_unset}", _APN_UNSET
        )
    elif state.apn_problem is not None and not state.pdn.usable:
        asked = state.pdn.requested_apn
        to = "" if asked is None else f" to the APN {asked}"
        found[AlertId.APN_REJECTED] = Alert(f"The network gives no address{to}: {state.apn_problem}", _APN_ADVICE)
    return found


_APN_ADVICE: Final = "Check the APN, its user name and its password with the operator."
_NO_LASTING_CONTEXT: Final = Alert(
    "The data connection is lost soon after each time that it comes up",
    "Check with the operator that the APN is right and that the SIM may use data. Messages wait, and the bridge "
    "activates it less and less often.",
)
_APN_UNSET: Final = (
    "It is used with the APN that it has, and the bridge tries again when the module starts, a few times a day. If the "
    "network sets the APN, remove apn from the configuration."
)


def _sim(state: ModemState, sim: SimReading | None) -> dict[AlertId, Alert]:
    if sim is None or sim.ready or sim.busy or sim.unclear:
        # what is unclear may be a word that the line has spoilt: it is told once the SIM is overdue
        return {}
    if sim.pin_required:
        # until there is a problem with it, the configured PIN is about to be tried
        return {} if state.pin_problem is None else {AlertId.SIM_PIN: _pin_wanted(state.pin_problem)}
    if sim.puk_required:
        return {AlertId.SIM_PUK: _PUK_WANTED}
    if sim.missing:
        return {AlertId.SIM_MISSING: _NO_SIM}
    return {AlertId.SIM_FAILED: Alert(f"The SIM can't be used: {sim.words}", "Try it in a phone, or try another SIM.")}


def _pin_wanted(problem: str) -> Alert:
    return Alert(
        f"The SIM asks for its PIN: {problem}",
        "Set the right pin in the configuration, or disable it in a phone; three wrong ones lock the SIM.",
    )


_PUK_WANTED: Final = Alert(
    "The SIM is locked and asks for its PUK",
    "Put the SIM in a phone and enter the PUK that came with it; then set the new PIN in the configuration.",
)
_NO_SIM: Final = Alert("There is no SIM", "Put the SIM in, contacts first, and check its seat.")
