"""What a session waits for, or acts on, in the modem's state."""

from sim7020_bridge.modem.recovery import Trouble
from sim7020_bridge.modem.state import Layer, ModemState, Refused


def _rank(state: ModemState) -> int:
    return tuple(Layer).index(state.link.layer)


def in_trouble(refused: Refused, state: ModemState) -> bool:
    """Whether the link is gone, or something else is refused than so far: once more, or nothing any more."""
    return detached(state) or (state.online and state.refused != refused)


def is_other(later: ModemState, state: ModemState) -> bool:
    """Whether there is no need of a step any more, or another one: the link is better, or it is not about sockets."""
    if state.online:
        return not later.online or later.refused.what is None
    return _rank(later) > _rank(state)


def has_forgotten(known: ModemState, state: ModemState) -> bool:
    """Whether the modem is online, and something is not known any more that was."""
    forgotten = (known.operator and state.operator is None) or (known.cell and state.cell is None)
    return state.online and bool(forgotten)


def unlocked(state: ModemState) -> bool:
    """Whether the SIM waits for nobody, as far as that is known."""
    return state.sim is None or not (state.sim.pin_required or state.sim.puk_required)


def cut_off(state: ModemState) -> bool:
    """Whether a context is all that is missing; one that is off on request is not."""
    return state.link.layer is Layer.PDN and state.pdn.wanted


def detached(state: ModemState) -> bool:
    """Whether there is something to attach again; a context that is off on request is none."""
    return cut_off(state) or state.link.layer not in {Layer.PDN, Layer.ONLINE, Layer.SLEEPING}


def trouble_of(state: ModemState) -> tuple[Trouble, str]:
    """Return what kind of trouble there is, and the words for it."""
    if state.online:
        return Trouble.SOCKETS, f"the module refuses to {state.refused.what}"
    if state.radio_problem is not None:
        return Trouble.RADIO, "the module refuses to switch its radio on"
    denied = state.registration is not None and state.registration.denied
    return Trouble.DENIED if denied else Trouble.NETWORK, f"not attached: {state.link.reason}"
