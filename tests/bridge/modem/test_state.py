"""What each fact does to a modem's state, as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim7020_bridge.commands.clock import NetworkTime
from sim7020_bridge.commands.packet import ContextAddress, ContextParameters, ContextState
from sim7020_bridge.commands.power import Edrx, SleepReport, Supply, SupplyReport
from sim7020_bridge.commands.radio import CellReading, Functionality, SignalQuality
from sim7020_bridge.commands.registration import Operator, Registration, RegistrationStatus
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.modem.pdn import Pdn
from sim7020_bridge.modem.problems import ApnProblem, ApnUnset, Held, PinProblem, RegisterProblem
from sim7020_bridge.modem.recovery import RecoveryStep
from sim7020_bridge.modem.state import (
    SUPPLY_WELL,
    Counters,
    Fact,
    Identity,
    Layer,
    ModemState,
    ModuleAnswered,
    ModuleLost,
    PdnWanted,
    PortLost,
    PortOpened,
    Recovered,
    Recovering,
    initial,
    reduce,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
LATER = T0 + timedelta(seconds=1)

READY = SimReading(SimState.READY)
HOME = Registration(RegistrationStatus.HOME, tac="00A0")
SEARCHING = Registration(RegistrationStatus.SEARCHING)
DENIED = Registration(RegistrationStatus.DENIED, cause_type=0, cause=11)
GOOD = SignalQuality(20, None)
WEAK = SignalQuality(5, None)
UNKNOWN_SIGNAL = SignalQuality(None, None)
CELL = CellReading(None, ())
OPERATOR = Operator(0, plmn="46000")
ACTIVE = (ContextState(1, active=True),)
PARAMETERS = (ContextParameters(1, 5, "shnbiot", "10.250.0.213"),)
UPWARD: tuple[Fact, ...] = (PortOpened(), ModuleAnswered(), Functionality.FULL, READY, GOOD, HOME, ACTIVE, PARAMETERS)
FACTS: tuple[Fact, ...] = (
    *UPWARD,
    PortLost("unplugged"),
    ModuleLost("silent"),
    ModuleLost("RDY", restarted=True),
    PdnWanted(wanted=True),
    PdnWanted(wanted=False),
    Recovering(RecoveryStep.REATTACH),
    Recovering(RecoveryStep.RESYNC),
    Recovered(None),
    Recovered(RecoveryStep.REBOOT),
    Held("the network asked"),
    Held(None),
    PinProblem("refused"),
    ApnProblem("unknown APN"),
    ApnProblem(None),
    ApnUnset("ERROR"),
    RegisterProblem("ERROR"),
    ModuleLost("nothing", silent=True, garbled=True),
    SupplyReport(over=False, power_down=False),
    NetworkTime(T0, 0),
    Edrx("0010", "0010", "0011"),
    Identity(imei="869951030000019"),
    SimReading(SimState.SIM_PIN),
    Functionality.MINIMUM,
    Functionality.RF_OFF,
    WEAK,
    UNKNOWN_SIGNAL,
    CELL,
    SEARCHING,
    DENIED,
    OPERATOR,
    (),
    (ContextState(1, active=False),),
    (ContextState(2, active=True),),
    (ContextAddress(1, "10.0.0.1"),),
    SleepReport(entered=True),
    SleepReport(entered=False),
    Supply(88, 3418),
)


def after(*facts: Fact, state: ModemState | None = None) -> ModemState:
    """Return the state after some facts."""
    state = state or initial(T0)
    for fact in facts:
        state = reduce(state, fact, LATER)
    return state


ONLINE = after(*UPWARD, CELL, OPERATOR)


@pytest.mark.parametrize(
    ("facts", "layer", "reason"),
    [
        pytest.param((), Layer.PORT, "the port is not open yet", id="nothing"),
        pytest.param((PortLost("busy"),), Layer.PORT, "busy", id="port busy"),
        pytest.param(UPWARD[:1], Layer.AT, "the module has not answered yet", id="port open"),
        pytest.param((*UPWARD[:1], ModuleLost("silent")), Layer.AT, "silent", id="module silent"),
        pytest.param(UPWARD[:2], Layer.SIM, "the SIM has not been read yet", id="answering"),
        pytest.param((*UPWARD[:3], SimReading(SimState.SIM_PIN)), Layer.SIM, "the SIM wants its PIN", id="PIN"),
        pytest.param((*UPWARD[:2], READY), Layer.RADIO, "the radio has not been read yet", id="radio unread"),
        pytest.param((*UPWARD[:4], Functionality.MINIMUM), Layer.RADIO, "the radio is off", id="radio off"),
        pytest.param(
            (*UPWARD[:4], Functionality.MINIMUM, SimReading(SimState.NOT_READY)),
            Layer.RADIO,
            "the radio is off",
            id="radio off, and the SIM with it",
        ),
        pytest.param(
            (*UPWARD[:4], Functionality.MINIMUM, SimReading(SimState.NOT_INSERTED)),
            Layer.SIM,
            "no SIM is inserted",
            id="radio off, and no SIM",
        ),
        pytest.param((*UPWARD[:4], Functionality.RF_OFF), Layer.RADIO, "the radio is off", id="flight mode"),
        pytest.param(UPWARD[:4], Layer.RADIO, "the signal has not been read yet", id="signal unread"),
        pytest.param((*UPWARD[:4], WEAK), Layer.RADIO, "no usable signal; check the antenna and the place", id="x=5"),
        pytest.param(
            (*UPWARD[:4], UNKNOWN_SIGNAL), Layer.RADIO, "no usable signal; check the antenna and the place", id="99"
        ),
        pytest.param(UPWARD[:5], Layer.REGISTRATION, "the registration has not been read yet", id="signal"),
        pytest.param((*UPWARD[:5], SEARCHING), Layer.REGISTRATION, "searching for a network", id="searching"),
        pytest.param(
            (*UPWARD[:5], DENIED),
            Layer.REGISTRATION,
            "the network denied registration: PLMN not allowed",
            id="denied",
        ),
        pytest.param(UPWARD[:6], Layer.PDN, "the PDN context is off", id="registered"),
        pytest.param((*UPWARD[:4], WEAK, HOME), Layer.PDN, "the PDN context is off", id="registered, weak signal"),
        pytest.param(
            (*UPWARD[:6], PdnWanted(wanted=False)),
            Layer.PDN,
            "the PDN context was switched off on request",
            id="switched off",
        ),
        pytest.param(UPWARD, Layer.ONLINE, None, id="online"),
        pytest.param(
            (*UPWARD, SleepReport(entered=True)),
            Layer.SLEEPING,
            "the module is saving power and will wake on its own",
            id="asleep",
        ),
        pytest.param(
            (*UPWARD, SleepReport(entered=True), SleepReport(entered=False)),
            Layer.AT,
            "the module woke and is being set up",
            id="awake",
        ),
        pytest.param(
            (*UPWARD, SleepReport(entered=True), SleepReport(entered=False), ModuleAnswered()),
            Layer.ONLINE,
            None,
            id="awake and set up",
        ),
        pytest.param((*UPWARD, SleepReport(entered=True), PortLost("gone")), Layer.PORT, "gone", id="asleep, no port"),
    ],
)
def test_link_is_the_lowest_layer_that_does_not_hold(facts: tuple[Fact, ...], layer: Layer, reason: str | None) -> None:
    """The link says which layer does not hold, and why."""
    link = after(*facts).link
    assert (link.layer, link.reason) == (layer, reason)


@pytest.mark.parametrize(
    ("fact", "changes"),
    [
        pytest.param(PortOpened(), {"answering": False}, id="port opened again"),
        pytest.param(ModuleAnswered(), {"sleeping": False}, id="answered"),
        pytest.param(PdnWanted(wanted=False), {"pdn": replace(ONLINE.pdn, wanted=False)}, id="switched off"),
        pytest.param(
            Recovering(RecoveryStep.REATTACH),
            {"counters": Counters({RecoveryStep.REATTACH: 1})},
            id="attaching starts over",
        ),
        pytest.param(Recovered(None), {"attached": True}, id="online without help"),
        pytest.param(
            Recovered(RecoveryStep.REBOOT),
            {"attached": True, "recovered": RecoveryStep.REBOOT, "counters": Counters(recoveries=1)},
            id="online by a reboot",
        ),
        pytest.param(Held("the network asked"), {"held": "the network asked"}, id="held"),
        pytest.param(PinProblem("refused"), {"pin_problem": "refused"}, id="PIN refused"),
        pytest.param(ApnProblem("unknown"), {"apn_problem": "unknown"}, id="APN unknown"),
        pytest.param(RegisterProblem("ERROR"), {"register_problem": "ERROR"}, id="not registering"),
        pytest.param(ApnUnset("ERROR"), {"apn_unset": "ERROR"}, id="APN not set"),
        pytest.param(
            SupplyReport(over=False, power_down=True),
            {"supply_warning": "under-voltage, and switches off"},
            id="brown-out",
        ),
        pytest.param(NetworkTime(T0, 4), {"time": NetworkTime(T0, 4)}, id="time"),
        pytest.param(Edrx("0010", "0010", "0011"), {"edrx": Edrx("0010", "0010", "0011")}, id="eDRX"),
        pytest.param(Identity(imei="1"), {"identity": Identity(imei="1")}, id="identity"),
        pytest.param(SimReading("SIM PIN"), {"sim": SimReading("SIM PIN")}, id="sim"),
        pytest.param(WEAK, {"signal": WEAK}, id="signal"),
        pytest.param(Supply(88, 3418), {"supply": Supply(88, 3418)}, id="supply"),
        pytest.param(
            SleepReport(entered=True),
            {"sleeping": True, "answering": False, "answer_problem": "the module woke and is being set up"},
            id="sleep",
        ),
        pytest.param(Operator(0, name="X"), {"operator": Operator(0, name="X")}, id="operator"),
        pytest.param(
            SEARCHING, {"registration": SEARCHING, "operator": None, "cell": None}, id="unregistered has no cell"
        ),
        pytest.param(
            Functionality.MINIMUM,
            {
                "functionality": Functionality.MINIMUM,
                "signal": None,
                "cell": None,
                "registration": None,
                "operator": None,
                "pdn": replace(ONLINE.pdn, active=False, apn=None, address=None),
            },
            id="radio off",
        ),
        pytest.param(
            (ContextState(2, active=False), ContextState(1, active=False)),
            {"pdn": replace(ONLINE.pdn, active=False, apn=None, address=None)},
            id="context off",
        ),
        pytest.param((ContextState(2, active=False),), {}, id="another context"),
        pytest.param((ContextAddress(1, "10.0.0.9"),), {"pdn": replace(ONLINE.pdn, address="10.0.0.9")}, id="address"),
        pytest.param(
            (ContextParameters(1, 5, "other", None),), {"pdn": replace(ONLINE.pdn, apn="other")}, id="no address given"
        ),
    ],
)
def test_fact_changes_nothing_else(fact: Fact, changes: dict[str, object]) -> None:
    """A fact changes its part of the state and leaves the rest."""
    assert replace(after(fact, state=ONLINE), link=ONLINE.link) == replace(ONLINE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fact", "counters"),
    [
        pytest.param(PortLost("gone"), Counters(), id="port lost"),
        pytest.param(ModuleLost("silent"), Counters(), id="module lost"),
        pytest.param(ModuleLost("RDY", restarted=True), Counters(reboots=1), id="restarted"),
    ],
)
def test_lost_module_is_forgotten_but_for_its_identity(fact: Fact, counters: Counters) -> None:
    """Only a running module knows its network; who it is and what a user wants of it outlast it."""
    known = after(Identity(imei="1"), PdnWanted(wanted=False), state=ONLINE)
    lost = after(fact, state=known)
    assert lost.identity == Identity(imei="1")
    assert lost.pdn == Pdn(wanted=False)
    assert lost.counters == counters
    forgotten = (lost.sim, lost.functionality, lost.signal, lost.cell, lost.registration, lost.operator, lost.sleeping)
    assert set(forgotten) == {None}
    assert not lost.answering


def test_silence_lasts_until_the_module_answers() -> None:
    """A module that said nothing stays silent, with the reason, while its port is opened again and again."""
    silent = after(PortOpened(), ModuleLost("nothing came", silent=True, garbled=True), PortOpened())
    assert (silent.silent, silent.garbled, silent.link.reason) == (True, True, "nothing came")
    again = after(PortOpened(), ModuleLost("garbage", silent=True, garbled=True), ModuleLost("nothing", silent=True))
    assert again.garbled, "it says no more, and has another baud rate all the same"
    answered = after(ModuleAnswered(), state=silent)
    assert (answered.silent, answered.garbled) == (False, False)
    assert after(PortLost("gone"), state=silent).silent is False


def test_restart_is_no_silence() -> None:
    """A module that restarts is expected back; nothing is said of why it was lost once its port is open."""
    restarted = after(*UPWARD, ModuleLost("RDY", restarted=True), PortOpened())
    assert not restarted.silent
    assert restarted.link.reason == "the module has not answered yet"


@pytest.mark.parametrize(("millivolts", "warned"), [(2099, True), (2100, False), (3600, False), (3601, True)])
def test_supply_warning_ends_with_good_readings(millivolts: int, *, warned: bool) -> None:
    """A warning stands until the supply has for a while been within what the module works with."""
    readings = [Supply(50, millivolts)] * SUPPLY_WELL
    state = after(SupplyReport(over=False, power_down=False), *readings, state=ONLINE)
    assert (state.supply_warning is not None) is warned
    once_more = after(SupplyReport(over=False, power_down=False), *readings[1:], Recovered(None), state=state)
    assert once_more.supply_warning is not None


def test_supply_that_gives_way_again_and_again_is_one_warning() -> None:
    """It is well in between, and what was told of it does not change with each time."""
    warning, off = SupplyReport(over=False, power_down=False), SupplyReport(over=False, power_down=True)
    state = after(off, state=ONLINE)
    for report in [warning, off] * SUPPLY_WELL:
        again = after(Supply(50, 3300), Recovered(None), report, state=state)
        assert again.supply_warning == state.supply_warning
        state = again


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (datetime(2004, 1, 1, tzinfo=UTC), False),
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2055, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2070, 1, 1, tzinfo=UTC), False),
        (datetime(2080, 1, 6, 0, 0, 12, tzinfo=UTC), False),
    ],
    ids=str,
)
def test_clock_that_nobody_set(moment: datetime, *, told: bool) -> None:
    """A time from before there was a bridge, or from far ahead, is what a clock starts with: it is not known."""
    assert after(NetworkTime(moment, 32)).time == NetworkTime(moment if told else None, 32)


def test_supply_that_is_not_known_ends_a_warning_as_late_as_a_good_one() -> None:
    """Where nothing is measured, a while without a warning has to do."""
    unknown = [Supply(None, None)] * SUPPLY_WELL
    state = after(SupplyReport(over=False, power_down=False), *unknown[1:], Recovered(None), state=ONLINE)
    assert state.supply_warning is not None
    assert after(*unknown[:1], state=state).supply_warning is None


def test_pin_problem_ends_with_the_question() -> None:
    """What is wrong with the PIN is of no interest once the SIM does not ask for it."""
    asking = after(*UPWARD[:3], SimReading(SimState.SIM_PIN), PinProblem("refused"), SimReading(SimState.SIM_PIN))
    assert asking.pin_problem == "refused"
    assert after(READY, state=asking).pin_problem is None


def test_wait_ends_with_the_session() -> None:
    """Nothing waits to attach where nothing is attached to."""
    assert after(Held("the network asked"), PortLost("gone"), state=ONLINE).held is None


def test_sleep_outlasts_the_port_only() -> None:
    """A module may sleep on behind a port that went away; one that is lost does not sleep."""
    asleep = after(SleepReport(entered=True), state=ONLINE)
    assert after(PortLost("gone"), state=asleep).sleeping
    assert after(ModuleLost("silent", silent=True), state=asleep).sleeping is None


def test_port_failure_is_kept_until_the_port_opens() -> None:
    """Why there is no port stays known, as a code and in words."""
    state = after(PortLost("held by minicom", "busy"))
    assert state.port_failure == PortLost("held by minicom", "busy")
    assert after(PortOpened(), state=state).port_failure is None


@given(st.lists(st.sampled_from(FACTS), max_size=30))
def test_since_changes_only_with_the_layer(facts: list[Fact]) -> None:
    """The link's time is that of the fact that changed the layer, whatever facts come."""
    state = initial(T0)
    for number, fact in enumerate(facts):
        at = T0 + timedelta(seconds=number + 1)
        before, state = state, reduce(state, fact, at)
        assert state == reduce(before, fact, at)
        assert state.link.since == (before.link.since if state.link.layer is before.link.layer else at)
        assert (state.link.reason is None) == (state.link.layer is Layer.ONLINE)
