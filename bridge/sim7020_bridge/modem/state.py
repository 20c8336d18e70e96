"""What is known of a modem, and how each fact changes it.

Everything that changes the state is in this file. ``reduce`` takes a state and a fact (a URC, a reading,
or something that the session noticed) and returns the next state. The link is never set: it is worked out
as the lowest layer that does not hold, so it can't disagree with the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from sim7020_bridge.commands.clock import CLOCK_SET, NetworkTime
from sim7020_bridge.commands.power import SUPPLY_RANGE, Edrx, SleepReport, Supply, SupplyReport
from sim7020_bridge.commands.radio import CellReading, Functionality, SignalQuality
from sim7020_bridge.commands.registration import Operator, Registration
from sim7020_bridge.commands.sim import SimReading
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.pdn import Contexts, Pdn, PdnDrops, RequestedApn
from sim7020_bridge.modem.problems import ApnProblem, ApnUnset, Held, PinProblem, Problem, RadioProblem, RegisterProblem
from sim7020_bridge.modem.recovery import LEFT_ALONE, RecoveryStep
from sim7020_bridge.modem.release import Releases

SUPPLY_WELL: Final = 12
"""Readings, an hour's, that end a warning if none is bad: a supply that gives way in each send is well in between."""

GONE: Final = "gone"
SHARED: Final = "shared"


class Layer(StrEnum):
    """The layers of the link, lowest first, and what it is when all of them hold."""

    PORT = "port"
    AT = "at"
    SIM = "sim"
    RADIO = "radio"
    REGISTRATION = "registration"
    PDN = "pdn"
    ONLINE = "online"
    SLEEPING = "sleeping"


@dataclass(frozen=True, slots=True)
class Link:
    """The lowest layer that does not hold, why in words (None when all hold), and since when."""

    layer: Layer
    reason: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the module and its SIM are; None is not known. The SIM's numbers can only be read once it is ready."""

    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    imei: str | None = None
    imsi: str | None = None
    iccid: str | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """How often things had to be put right since the bridge started.

    ``steps`` counts how often each recovery step was taken; ``recoveries`` the times that one
    of them helped; ``reboots`` the times that the module started by itself.
    """

    steps: Mapping[RecoveryStep, int] = field(default_factory=dict)
    recoveries: int = 0
    reboots: int = 0


@dataclass(frozen=True, slots=True)
class PortOpened:
    """A port is open; nothing is known of what is behind it.

    ``rate`` is that of its line in bit/s, None where it is set elsewhere.
    """

    name: str = ""
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class PortLost:
    """The port can't be opened, or went away: why in words, and ``code`` as PortUnavailable has it, GONE or SHARED."""

    reason: str
    code: str = GONE


@dataclass(frozen=True, slots=True)
class Refused:
    """What the module refuses its sockets again and again, with no peer to blame, and how often by now.

    ``what`` follows on "refuses to"; None if it refuses nothing.
    """

    what: str | None
    times: int = 0


@dataclass(frozen=True, slots=True)
class ModemState:
    """All facts about one modem. What isn't known is None."""

    link: Link
    port_open: bool = False
    port: PortOpened = PortOpened()
    port_failure: PortLost | None = None
    answering: bool = False
    answer_problem: str | None = None
    silent: bool = False
    restarts: int = 0
    garbled: bool = False
    heard: str = ""
    identity: Identity = Identity()
    sim: SimReading | None = None
    sim_before: SimReading | None = None
    sim_overdue: bool = False
    pin_problem: str | None = None
    radio_problem: str | None = None
    functionality: Functionality | None = None
    signal: SignalQuality | None = None
    cell: CellReading | None = None
    registration: Registration | None = None
    denial: Registration | None = None
    operator: Operator | None = None
    pdn: Pdn = field(default_factory=Pdn)
    apn_problem: str | None = None
    apn_unset: str | None = None
    register_problem: str | None = None
    sleeping: bool | None = None
    asked: PowerSavingSettings = field(default_factory=PowerSavingSettings)
    edrx: Edrx | None = None
    releases: bool | None = None
    refused: Refused = Refused(None)
    supply: Supply | None = None
    supply_warning: str | None = None
    supply_well: int = 0
    time: NetworkTime | None = None
    held: str | None = None
    recovered: RecoveryStep | None = None
    attached: bool = False
    counters: Counters = field(default_factory=Counters)

    @property
    def online(self) -> bool:
        """Whether all layers hold, and the module is awake."""
        return self.link.layer is Layer.ONLINE

    @property
    def registered(self) -> bool:
        """Whether the network has taken the module."""
        return self.registration is not None and self.registration.registered

    @property
    def pin_wanted(self) -> bool:
        """Whether the SIM waits for its PIN."""
        return self.sim is not None and self.sim.pin_required


@dataclass(frozen=True, slots=True)
class ModuleAnswered:
    """The module answered AT."""


@dataclass(frozen=True, slots=True)
class ModuleLost:
    """The module is silent, out of step or restarting.

    ``restarted`` if it booted by itself; ``silent`` if it did not answer in all the time that it was given;
    ``garbled`` if something came that makes no sense at this baud rate, and ``heard`` says what came that makes some.
    """

    reason: str
    restarted: bool = False
    silent: bool = False
    garbled: bool = False
    heard: str = ""


@dataclass(frozen=True, slots=True)
class PdnWanted:
    """A user switched the PDN context on or off."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Recovering:
    """A recovery step is being taken."""

    step: RecoveryStep


@dataclass(frozen=True, slots=True)
class Recovered:
    """The modem is online; ``step`` is the step that helped, None if none was needed."""

    step: RecoveryStep | None


@dataclass(frozen=True, slots=True)
class SimOverdue:
    """The SIM is not ready in all the time that it was given."""


@dataclass(frozen=True, slots=True)
class RestartsAgain:
    """How often in a row the module restarted on its own; 0 once it has left that for a while."""

    times: int


Reading: TypeAlias = (
    Identity | SimReading | Functionality | SignalQuality | CellReading | Registration | Operator | Edrx | Supply
)
"""What the module tells when it is asked."""

Event: TypeAlias = (
    PortOpened
    | PortLost
    | ModuleAnswered
    | ModuleLost
    | RestartsAgain
    | SimOverdue
    | PdnWanted
    | Recovering
    | Recovered
    | Refused
    | PowerSavingSettings
    | Releases
)
"""What the bridge does or notices; power saving is what it asks for."""


Fact: TypeAlias = (
    Reading | Contexts | PdnDrops | RequestedApn | NetworkTime | SleepReport | SupplyReport | Event | Problem
)


def initial(now: datetime) -> ModemState:
    """Return the state before anything is known."""
    return ModemState(Link(Layer.PORT, "the port is not open yet", now))


def reduce(state: ModemState, fact: Fact, now: datetime) -> ModemState:
    """Return the state that follows from a fact. Pure: the same arguments give the same result."""
    changed = _apply(state, fact)
    layer, reason = _link(changed)
    if layer is state.link.layer:
        link = state.link if reason == state.link.reason else replace(state.link, reason=reason)
    else:
        link = Link(layer, reason, now)
    return replace(changed, link=link, attached=changed.attached and layer is Layer.ONLINE)


def _apply(state: ModemState, fact: Fact) -> ModemState:  # noqa: C901, PLR0911, PLR0912 - one flat table of facts
    match fact:
        case PortOpened():
            # a module that was silent is so until it answers, however often its port is opened
            problem = state.answer_problem if state.silent else None
            # one that went away may do so again at once, and one that others read tells nothing: both until it answers
            failure = state.port_failure
            lasts = failure is not None and failure.code in {GONE, SHARED} and not state.sleeping
            opened = replace(state, port_open=True, port=fact, port_failure=failure if lasts else None)
            return replace(opened, answering=False, answer_problem=problem)
        case PortLost():
            lost = replace(_without_module(state), port_open=False, port_failure=fact, answering=False)
            return replace(lost, answer_problem=None, silent=False, garbled=False, heard="")
        case ModuleAnswered():
            answered = replace(state, answering=True, answer_problem=None, port_failure=None, sleeping=False)
            return replace(answered, silent=False, garbled=False, heard="")
        case ModuleLost(reason, restarted, silent, garbled, heard):
            counters = replace(state.counters, reboots=state.counters.reboots + int(restarted))
            # one that stays silent is so for the same reason, for however long it was waited for
            reason = (silent and state.silent and state.answer_problem) or reason
            lost = replace(_without_module(state), answering=False, answer_problem=reason, counters=counters)
            lost = replace(lost, port_failure=None, silent=silent, sleeping=None)
            # what was heard first holds, also of one that says something else each time, or no more
            heard = (state.heard if silent else "") or heard
            return replace(lost, garbled=garbled or (silent and state.garbled), heard=heard)
        case PdnWanted(wanted):
            return replace(state, pdn=replace(state.pdn, wanted=wanted))
        case Recovering(step):
            steps = state.counters.steps
            counters = replace(state.counters, steps={**steps, step: steps.get(step, 0) + 1})
            return replace(state, counters=counters)
        case Recovered(step):
            return _recovered(state, step)
        case Held(words):
            return replace(state, held=words)
        case PinProblem(words):
            return replace(state, pin_problem=words)
        case RadioProblem(words):
            return replace(state, radio_problem=words)
        case ApnProblem(words):
            return replace(state, apn_problem=words)
        case ApnUnset(words):
            return replace(state, apn_unset=words)
        case RegisterProblem(words):
            return replace(state, register_problem=words)
        case RestartsAgain(times):
            return replace(state, restarts=times)
        case SimOverdue():
            return replace(state, sim_overdue=True)
        case Refused():
            return replace(state, refused=fact)
        case Identity():
            return replace(state, identity=fact)
        case SimReading():
            said = state.sim or state.sim_before
            if fact.busy and said is not None and said.missing:
                return state  # to switch the radio off makes a module say so of a SIM that is not there, too
            overdue = state.sim_overdue and (fact.busy or fact.unclear)
            return replace(
                state, sim=fact, sim_overdue=overdue, pin_problem=state.pin_problem if fact.pin_required else None
            )
        case Functionality():
            return _radio(state, fact)
        case SignalQuality():
            return replace(state, signal=fact)
        case CellReading():
            return replace(state, cell=fact)
        case Registration():
            return _registered(state, fact)
        case Operator():
            return replace(state, operator=fact)
        case SleepReport(entered):
            return _slept(state, entered=entered)
        case PowerSavingSettings():
            return replace(state, asked=fact, releases=state.releases if fact.release_assistance else None)
        case Releases(at_once):
            return replace(state, releases=at_once)
        case Edrx():
            return replace(state, edrx=fact)
        case Supply():
            return _supplied(state, fact)
        case SupplyReport(words=words):
            # between two times that it switched itself off it only warns
            worse = state.supply_warning or ""
            return replace(state, supply_warning=worse if worse.startswith(words) else words, supply_well=0)
        case NetworkTime(moment):
            known = moment is not None and CLOCK_SET[0] <= moment < CLOCK_SET[1]
            return replace(state, time=fact if known else replace(fact, moment=None))
        case _:
            return replace(state, pdn=state.pdn.told(fact))


def _recovered(state: ModemState, step: RecoveryStep | None) -> ModemState:
    well = replace(state, attached=True, held=None if state.held == LEFT_ALONE else state.held, apn_problem=None)
    if step is None:
        return well
    counters = replace(state.counters, recoveries=state.counters.recoveries + 1)
    return replace(well, recovered=step, counters=counters)


def _supplied(state: ModemState, supply: Supply) -> ModemState:
    if state.supply_warning is None:
        return replace(state, supply=supply)
    in_range = supply.millivolts is None or SUPPLY_RANGE[0] <= supply.millivolts <= SUPPLY_RANGE[1]
    well = state.supply_well + 1 if in_range else 0
    warning = None if well >= SUPPLY_WELL else state.supply_warning
    return replace(state, supply=supply, supply_well=well, supply_warning=warning)


def _slept(state: ModemState, *, entered: bool) -> ModemState:
    """Go to sleep or wake: one that wakes keeps what it knew, and has to be set up before it is of use."""
    if not entered:
        return replace(state, sleeping=False)
    # one that is online has come back without the step that is held; it may never be awake for long
    state = replace(state, held=None if state.online else state.held)
    return replace(state, sleeping=True, answering=False, answer_problem="the module woke and is being set up")


def _without_module(state: ModemState) -> ModemState:
    """Forget what only a module that runs and answers can know; its identity stays, and so does its sleep."""
    pdn, told = Pdn(wanted=state.pdn.wanted, drops=state.pdn.drops), state.sim or state.sim_before
    state = replace(state, pdn=pdn, sleeping=state.sleeping or None, edrx=None, time=None, held=None)
    state = replace(state, sim=None, sim_before=told, functionality=None, signal=None, cell=None)
    return replace(state, registration=None, operator=None)


def _radio(state: ModemState, level: Functionality) -> ModemState:
    if level is Functionality.FULL:
        return replace(state, functionality=level, radio_problem=None)
    off = replace(state, functionality=level, signal=None, cell=None, registration=None, operator=None)
    return replace(off, pdn=replace(state.pdn, active=False, apn=None, address=None))


def _registered(state: ModemState, registration: Registration) -> ModemState:
    if registration.registered:
        return replace(state, registration=registration, denial=None, register_problem=None)
    # the network's last word holds until it has another one: attaching again is no mend
    denial = registration if registration.denied else state.denial
    return replace(state, registration=registration, denial=denial, operator=None, cell=None)


def _link(state: ModemState) -> tuple[Layer, str | None]:  # noqa: PLR0911 - one line a layer
    if not state.port_open:
        return Layer.PORT, state.port_failure.reason if state.port_failure else "the port is not open yet"
    if state.sleeping:
        return Layer.SLEEPING, "the module is saving power and will wake on its own"
    if not state.answering:
        return Layer.AT, state.answer_problem or "the module has not answered yet"
    off = state.functionality is Functionality.MINIMUM and (state.sim is None or state.sim.busy)  # as the SIM is then
    if not off and (state.sim is None or not state.sim.ready):
        return Layer.SIM, state.sim.words if state.sim else "the SIM has not been read yet"
    if state.functionality is not Functionality.FULL:
        return Layer.RADIO, "the radio is off" if state.functionality is not None else "the radio has not been read yet"
    if not state.registered:
        registration = state.registration
        if state.signal is None and registration is None:
            return Layer.RADIO, "the signal has not been read yet"
        if state.signal is not None and not state.signal.usable:
            return Layer.RADIO, "no usable signal; check the antenna and the place"
        return Layer.REGISTRATION, registration.words if registration else "the registration has not been read yet"
    if not state.pdn.usable:
        return Layer.PDN, state.pdn.words
    return Layer.ONLINE, None
