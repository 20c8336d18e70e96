"""What a person is told to mend, as a table of facts and alerts."""

from dataclasses import replace
from typing import cast

import pytest

from sim7020_bridge.commands.packet import ContextState
from sim7020_bridge.commands.power import SleepReport, Supply, SupplyReport
from sim7020_bridge.commands.radio import Functionality
from sim7020_bridge.commands.registration import Registration, RegistrationStatus
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.modem.alerts import GROUNDS, AlertId, Ground, alerts
from sim7020_bridge.modem.pdn import PdnDrops
from sim7020_bridge.modem.problems import ApnProblem, ApnUnset, Held, PinProblem, RadioProblem, RegisterProblem
from sim7020_bridge.modem.recovery import LEFT_ALONE
from sim7020_bridge.modem.state import (
    SUPPLY_WELL,
    Fact,
    Identity,
    ModuleAnswered,
    ModuleLost,
    PortLost,
    PortOpened,
    Recovered,
    Refused,
    RestartsAgain,
    SimOverdue,
)
from tests.bridge.modem.test_state import READY, UPWARD, after

UP = (PortOpened(), ModuleAnswered())
ONLINE = tuple(UPWARD)
REFUSED = Refused("send (AT+CSOSEND)", 7)
BROWN_OUT = SupplyReport(over=False, power_down=False)
DENIED = Registration(RegistrationStatus.DENIED, cause_type=0, cause=11)
NO_CAUSE = Registration(RegistrationStatus.DENIED)
CONTEXT_OFF = (ContextState(1, active=False),)

TABLE = [
    pytest.param((), {}, id="nothing known"),
    pytest.param(ONLINE, {}, id="online"),
    pytest.param((PortLost("not there", "missing"),), {AlertId.PORT_MISSING: "not there"}, id="port missing"),
    pytest.param((PortLost("no server", "refused"),), {AlertId.PORT_MISSING: "no server"}, id="server refuses"),
    pytest.param((*ONLINE, PortLost("unplugged")), {AlertId.PORT_MISSING: "unplugged"}, id="unplugged"),
    pytest.param((PortLost("minicom", "busy"),), {AlertId.PORT_BUSY: "minicom"}, id="port busy"),
    pytest.param((PortLost("no", "not_permitted"),), {AlertId.PORT_NOT_PERMITTED: "no"}, id="port not permitted"),
    pytest.param((PortLost("a file", "unusable"),), {AlertId.PORT_UNUSABLE: "a file"}, id="port unusable"),
    pytest.param((PortLost("a", "busy"), PortLost("b", "missing")), {AlertId.PORT_MISSING: "b"}, id="another failure"),
    pytest.param((PortLost("not there", "missing"), PortOpened()), {}, id="port mended"),
    pytest.param(
        (PortOpened(), ModuleLost("nothing", silent=True)), {AlertId.MODULE_SILENT: "Nothing answers"}, id="silent"
    ),
    pytest.param(
        (PortOpened(), ModuleLost("nothing", silent=True), PortOpened()),
        {AlertId.MODULE_SILENT: "Nothing answers"},
        id="silent, port open again",
    ),
    pytest.param(
        (PortOpened(), ModuleLost("nothing", silent=True, garbled=True)),
        {AlertId.BAUD_RATE: "not at this baud rate"},
        id="garbage",
    ),
    pytest.param(
        (PortOpened("socket://shed:23"), ModuleLost("nothing", silent=True, heard="it negotiates telnet")),
        {AlertId.MODULE_SILENT: "does not answer like a SIM7020: it negotiates telnet"},
        id="telnet",
    ),
    pytest.param((PortOpened(), ModuleLost("nothing", silent=True), ModuleAnswered()), {}, id="answers after all"),
    pytest.param((*ONLINE, ModuleLost("RDY", restarted=True)), {}, id="restarts"),
    pytest.param((*ONLINE, ModuleLost("next step: reopen")), {}, id="starts over"),
    pytest.param((*ONLINE, SleepReport(entered=True)), {}, id="asleep"),
    pytest.param(
        (*ONLINE, SleepReport(entered=True), ModuleLost("silent", silent=True)),
        {AlertId.MODULE_SILENT: "Nothing answers"},
        id="silent beyond its sleep",
    ),
    pytest.param((*ONLINE, SleepReport(entered=True), PortLost("gone"), PortOpened()), {}, id="silent in its sleep"),
    pytest.param((*UP, Identity(model="SIM800L")), {AlertId.NOT_SIM7020: "a SIM800L, not"}, id="another modem"),
    pytest.param((*UP, Identity(model="SIM7020G")), {}, id="a SIM7020"),
    pytest.param((*ONLINE, RestartsAgain(3)), {}, id="restarts a few times"),
    pytest.param((*UP, RestartsAgain(4)), {AlertId.MODULE_RESTARTS: "again and again"}, id="restarts again and again"),
    pytest.param((*ONLINE, REFUSED), {AlertId.SOCKETS_REFUSED: "refuses to send"}, id="refuses its sockets"),
    pytest.param(
        (*ONLINE, REFUSED, ModuleLost("next step: reboot"), PortOpened()),
        {AlertId.SOCKETS_REFUSED: "refuses to send"},
        id="refuses its sockets, and is reset",
    ),
    pytest.param((*ONLINE, REFUSED, Refused(None)), {}, id="takes them again"),
    pytest.param(
        (*UP, READY, RadioProblem("operation not allowed"), ModuleLost("next step: reboot"), PortOpened()),
        {AlertId.RADIO_REFUSED: "radio on: operation not allowed"},
        id="radio stays off, and the module is reset",
    ),
    pytest.param((*UP, RadioProblem("no"), Functionality.FULL), {}, id="radio is on after all"),
    pytest.param((*UP, SimOverdue(), ModuleLost("reboot")), {AlertId.SIM_FAILED: "become ready"}, id="SIM late"),
    pytest.param((*UP, SimOverdue(), SimReading(SimState.NOT_INSERTED)), {AlertId.SIM_MISSING: "no SIM"}, id="no SIM"),
    pytest.param((*UP, SimOverdue(), READY), {}, id="SIM ready after all"),
    pytest.param((*ONLINE, BROWN_OUT), {AlertId.SUPPLY: "under-voltage"}, id="brown-out"),
    pytest.param((*ONLINE, BROWN_OUT, Supply(50, 3300)), {AlertId.SUPPLY: "under-voltage"}, id="well for a moment"),
    pytest.param((*ONLINE, BROWN_OUT, *[Supply(50, 3300)] * SUPPLY_WELL), {}, id="supply is well again"),
    pytest.param((*ONLINE, BROWN_OUT, Recovered(None)), {AlertId.SUPPLY: "under-voltage"}, id="brown-out survived"),
    pytest.param((*ONLINE, BROWN_OUT, *[Supply(None, None)] * SUPPLY_WELL), {}, id="survived, supply never told"),
    pytest.param((*UP, SimReading(SimState.NOT_INSERTED)), {AlertId.SIM_MISSING: "no SIM"}, id="no SIM"),
    pytest.param((*UP, SimReading(SimState.NOT_READY)), {}, id="SIM busy"),
    pytest.param((*UP, SimReading(SimState.SIM_PIN)), {}, id="PIN about to be tried"),
    pytest.param(
        (*UP, SimReading(SimState.SIM_PIN), PinProblem("it was refused")),
        {AlertId.SIM_PIN: "PIN: it was refused"},
        id="PIN refused",
    ),
    pytest.param((*UP, SimReading(SimState.SIM_PIN), READY), {}, id="PIN taken"),
    pytest.param((*UP, SimReading(SimState.SIM_PUK)), {AlertId.SIM_PUK: "PUK"}, id="PUK"),
    pytest.param((*ONLINE, SimReading("REaDY")), {}, id="a word that the line may have spoilt"),
    pytest.param(
        (*UP, SimReading("SIM failure"), SimOverdue()), {AlertId.SIM_FAILED: "ready: the SIM says SIM fail"}, id="fails"
    ),
    pytest.param((*UP, SimOverdue(), SimReading("SIM failure")), {AlertId.SIM_FAILED: "SIM failure"}, id="still fails"),
    pytest.param(
        (*ONLINE, DENIED), {AlertId.REGISTRATION_DENIED: "denied registration: PLMN not allowed"}, id="denied"
    ),
    pytest.param(
        (*ONLINE, DENIED, Registration(RegistrationStatus.SEARCHING)),
        {AlertId.REGISTRATION_DENIED: "PLMN not allowed"},
        id="denied, and attaching again",
    ),
    pytest.param((*ONLINE, DENIED, Registration(RegistrationStatus.HOME)), {}, id="denied, and registered after all"),
    pytest.param((*ONLINE, replace(DENIED, cause=19)), {AlertId.APN_REJECTED: "EMM cause 19"}, id="APN refused"),
    pytest.param((*ONLINE, NO_CAUSE), {AlertId.REGISTRATION_DENIED: "it gives no cause"}, id="denied, no cause"),
    pytest.param(
        (*ONLINE, CONTEXT_OFF, ApnProblem("missing or unknown APN")),
        {AlertId.APN_REJECTED: "missing or unknown APN"},
        id="APN rejected",
    ),
    pytest.param((*ONLINE, ApnProblem("missing or unknown APN")), {}, id="APN works"),
    pytest.param(
        (*ONLINE, PdnDrops(4), ModuleLost("RDY", restarted=True)),
        {AlertId.APN_REJECTED: "lost soon after each time"},
        id="context drops",
    ),
    pytest.param((*ONLINE, PdnDrops(4), PdnDrops(0)), {}, id="context lasts"),
    pytest.param(
        (*ONLINE, PdnDrops(4), CONTEXT_OFF, ApnProblem("unknown APN")),
        {AlertId.APN_REJECTED: "unknown APN"},
        id="context dropped, and is refused",
    ),
    pytest.param(
        (*UP, READY, RegisterProblem("AT+COPS=2")),
        {AlertId.NOT_REGISTERING: "AT+COPS=2"},
        id="not registering",
    ),
    pytest.param((*UP, RegisterProblem("AT+COPS=2"), *UPWARD), {}, id="registers"),
    pytest.param((*ONLINE, ApnUnset("ERROR")), {AlertId.APN_REJECTED: "configured APN: ERROR"}, id="another APN"),
    pytest.param((*ONLINE, ApnUnset("ERROR"), ApnUnset(None)), {}, id="another APN no more"),
    pytest.param((*UP, READY, Held("T3346")), {AlertId.ATTACH_CEILING: "T3346"}, id="held"),
    pytest.param((*UP, READY, Held("T3346"), Held(None)), {}, id="goes on"),
    pytest.param((*ONLINE, Held(LEFT_ALONE), Recovered(None)), {}, id="left alone, and online"),
    pytest.param(
        (*ONLINE, Held("the ceiling"), Recovered(None)),
        {AlertId.ATTACH_CEILING: "the ceiling"},
        id="used up, and online",
    ),
    pytest.param(
        (*ONLINE, ModuleLost("RDY", restarted=True), Held("the ceiling")),
        {AlertId.ATTACH_CEILING: "the ceiling"},
        id="held while nobody talks to it",
    ),
    pytest.param(
        (*UP, DENIED, Held("the ceiling"), BROWN_OUT),
        {AlertId.REGISTRATION_DENIED: "denied", AlertId.ATTACH_CEILING: "the ceiling", AlertId.SUPPLY: "voltage"},
        id="several",
    ),
]


@pytest.mark.parametrize(("facts", "expected"), TABLE)
def test_alerts_of_facts(facts: tuple[Fact, ...], expected: dict[AlertId, str]) -> None:
    """Each alert holds exactly as long as what a person can mend, says what it is, and what to do."""
    found = alerts(after(*facts))
    assert found.keys() == expected.keys()
    for alert_id, words in expected.items():
        assert words in found[alert_id].message
        assert found[alert_id].advice.endswith(".")


RESTARTED = (ModuleLost("RDY", restarted=True), PortOpened())
NO_SIM = SimReading(SimState.NOT_INSERTED)


@pytest.mark.parametrize(
    ("facts", "alert", "mend"),
    [
        pytest.param((*UP, NO_SIM), AlertId.SIM_MISSING, READY, id="no SIM"),
        pytest.param((*UP, SimReading(SimState.SIM_PUK)), AlertId.SIM_PUK, READY, id="PUK"),
        pytest.param((*UP, SimReading(SimState.SIM_PIN), PinProblem("no")), AlertId.SIM_PIN, READY, id="PIN"),
        pytest.param((*UP, SimReading(SimState.NETWORK_PIN)), AlertId.SIM_FAILED, READY, id="another lock"),
        pytest.param((*ONLINE, CONTEXT_OFF, ApnProblem("no")), AlertId.APN_REJECTED, Recovered(None), id="APN"),
        pytest.param(
            (*ONLINE, replace(DENIED, cause=19)),
            AlertId.APN_REJECTED,
            Registration(RegistrationStatus.HOME),
            id="APN refused while attaching",
        ),
        pytest.param(
            (*ONLINE, DENIED), AlertId.REGISTRATION_DENIED, Registration(RegistrationStatus.HOME), id="denied"
        ),
    ],
)
def test_restart_mends_nothing(facts: tuple[Fact, ...], alert: AlertId, mend: Fact) -> None:
    """An alert holds over a restart without a gap, however often, until what it is about is said to be well."""
    for again in range(3):
        for fact in range(len(RESTARTED) + 1):
            known = (*facts, *RESTARTED * again, *RESTARTED[:fact])
            assert alerts(after(*known)).keys() == {alert}
        assert alerts(after(*facts, *RESTARTED * again, ModuleAnswered())).keys() == {alert}
        assert alerts(after(*facts, *RESTARTED * again, ModuleAnswered(), mend)) == {}


def test_sim_that_is_busy_after_a_restart_may_still_be_missing() -> None:
    """A module that looks for its SIM says first that it is not ready."""
    busy = (*UP, NO_SIM, *RESTARTED, ModuleAnswered(), SimReading(SimState.NOT_READY))
    assert alerts(after(*busy)).keys() == {AlertId.SIM_MISSING}
    assert alerts(after(*busy, READY)) == {}


def test_one_more_restart_changes_no_alert() -> None:
    """What goes on is told once; how often it was stands in the state's counters."""
    assert alerts(after(*UP, RestartsAgain(4))) == alerts(after(*UP, RestartsAgain(9)))


RAISING: dict[AlertId, tuple[Fact, ...]] = {
    alert: cast("tuple[Fact, ...]", row.values[0])
    for row in TABLE
    for alert in cast("dict[AlertId, str]", row.values[1])
}
"""Facts that raise each alert of the modem's."""

UNREACHED = [
    pytest.param((PortLost("unplugged"),), AlertId.PORT_MISSING, id="unplugged"),
    pytest.param((PortLost("unplugged"), PortOpened()), AlertId.PORT_MISSING, id="plugged in, and not heard yet"),
    pytest.param((ModuleLost("no answer", silent=True),), AlertId.MODULE_SILENT, id="silent"),
]


def test_every_alert_is_in_the_table() -> None:
    """No alert of the modem's is without a fact that raises it, and each says on what it stands."""
    assert set(RAISING) == {each for each in AlertId if GROUNDS[each] is not Ground.BRIDGE}
    assert list(GROUNDS) == list(AlertId)


@pytest.mark.parametrize(("facts", "told"), UNREACHED)
@pytest.mark.parametrize(
    "alert", [each for each in RAISING if GROUNDS[each] in {Ground.MODULE, Ground.WAIT, Ground.SUPPLY}]
)
def test_nothing_is_claimed_of_a_module_that_cannot_be_reached(
    alert: AlertId, facts: tuple[Fact, ...], told: AlertId
) -> None:
    """It may be another one by now, or none; what its supply was may be the reason."""
    found = set(alerts(after(*ONLINE, *RAISING[alert], PortOpened(), *facts)))
    assert found - {AlertId.SUPPLY} == {told}
    assert (AlertId.SUPPLY in found) == (AlertId.SUPPLY in alerts(after(*RAISING[alert])))


@pytest.mark.parametrize("alert", [each for each in RAISING if GROUNDS[each] is Ground.MODULE])
def test_what_a_module_said_stands_over_a_restart(alert: AlertId) -> None:
    """A module that restarts has mended nothing by that, until it says so."""
    assert alert in alerts(after(*RAISING[alert], ModuleLost("RDY", restarted=True), PortOpened()))
