"""What is published of a modem, when, and how often."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sim7020_bridge.commands.registration import Registration
from sim7020_bridge.commands.sim import SimReading, SimState
from sim7020_bridge.config.model import PowerSavingSettings
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.modem.state import ModuleAnswered, ModuleLost, PortLost, PortOpened
from sim7020_bridge.modem.usage import BudgetLevel
from sim7020_bridge.reports.memory import TopicMemory
from sim7020_bridge.reports.reporter import COUNTER_DELAY
from tests.bridge.desk import TOPICS, Desk, named, staffed, wired
from tests.bridge.modem.bench import TCP, UDP, running
from tests.bridge.scripted_module import on_virtual_time
from tests.contract_check import check

SOCKET_STATE = TOPICS.socket_state("udp")

RUNGS = ("sockets", "context", "reattach", "reboot", "reopen", "power")


def state(desk: Desk) -> dict[str, Any]:
    """Return the last state that was published."""
    return desk.documents(TOPICS.state)[-1]


def events(desk: Desk) -> list[str]:
    """Return the types of the events that were published."""
    return [event["type"] for event in desk.documents(TOPICS.event)]


@on_virtual_time
async def test_everything_is_published_at_each_connection() -> None:
    """A broker that has forgotten everything gets it all again, retained, and nothing twice otherwise."""
    async with staffed(UDP, TCP) as desk:
        await desk.bench.opened("udp")
        await desk.bench.opened("tcp")
        await asyncio.sleep(10)
        for _ in range(2):
            desk.published.clear()
            desk.reporter.connected()
            topics = [TOPICS.availability, TOPICS.info, TOPICS.state, SOCKET_STATE, TOPICS.socket_state("tcp")]
            cleared = [TOPICS.alert(alert) for alert in AlertId]
            assert [one.topic for one in desk.published if one.payload] == topics
            assert [one.topic for one in desk.published if not one.payload] == cleared
            assert all(one.retain for one in desk.published)
            assert desk.published[0].payload == b"online"
        desk.published.clear()
        await asyncio.sleep(60)
        assert desk.published == []


@on_virtual_time
async def test_everything_is_published_once_for_many_who_ask() -> None:
    """Whoever may ask for it can't keep the bridge busy with it."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        desk.reporter.connected()
        await asyncio.sleep(10)
        desk.published.clear()
        for _ in range(1000):
            desk.reporter.announce()
        await asyncio.sleep(10)
        topics = [TOPICS.availability, TOPICS.info, TOPICS.state, SOCKET_STATE]
        assert [one.topic for one in desk.published if one.payload] == topics


@on_virtual_time
async def test_state_when_online() -> None:
    """The state says what was read, in the contract's words."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(10)
        said = state(desk)
        assert said["link"]["layer"] == "online"
        assert said["sim"]["status"] == "ready"
        assert said["registration"]["status"] == "home"
        assert (said["registration"]["plmn"], said["registration"]["technology"]) == ("46000", "NB-IoT")
        assert (said["registration"]["pci"], said["signal"]["rsrp"], said["signal"]["ecl"]) == (106, -82, 0)
        assert said["pdn"] == {
            "state": "active",
            "cid": 1,
            "requested_apn": None,
            "apn": "shnbiot",
            "address": "10.250.0.213",
        }
        assert said["power"]["voltage"] == 3.418
        info = desk.documents(TOPICS.info)[-1]
        assert info["modem"]["imei"] == "869951030000019"


@on_virtual_time
async def test_events() -> None:
    """Attached, lost and rebooted are told once each, attached with its address."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        await asyncio.sleep(60)
        assert events(desk) == ["attached"]
        assert desk.documents(TOPICS.event)[0]["address"] == "10.250.0.213"
        desk.module.say("RDY")
        await desk.bench.until(lambda state: state.counters.reboots == 1)
        await desk.bench.opened("udp")
        await asyncio.sleep(10)
        assert events(desk) == ["attached", "lost", "rebooted", "attached"]
        desk.module.unplug()
        await desk.bench.until(lambda state: not state.port_open)
        assert desk.documents(TOPICS.event)[-1]["layer"] == "port"


@on_virtual_time
async def test_counters_are_collected() -> None:
    """A burst of messages makes one publication of the counters, a little later; a new phase is told at once."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        await asyncio.sleep(10)
        desk.published.clear()
        for number in range(50):
            desk.send("udp", b"x%d" % number)
            desk.module.say("+CSONMI: 0,2,31")
        await asyncio.sleep(COUNTER_DELAY / 2)
        assert desk.on(SOCKET_STATE) == []
        assert desk.on(TOPICS.state) == []
        await asyncio.sleep(COUNTER_DELAY)
        [said] = desk.documents(SOCKET_STATE)
        assert (said["sent"]["messages"], said["received"]["messages"]) == (50, 50)
        desk.send("udp", b"x")
        await asyncio.sleep(0.1)
        desk.module.say("+CSOERR: 0,2")
        await asyncio.sleep(0.1)
        assert [one["phase"] for one in desk.documents(SOCKET_STATE)] == ["open", "closed", "backoff"]
        assert desk.documents(SOCKET_STATE)[-1]["sent"]["messages"] == 51


@on_virtual_time
async def test_outbox_in_the_state() -> None:
    """What waits is counted, with the age of the oldest."""
    async with staffed(UDP, absent=20) as desk:
        await asyncio.sleep(1)
        desk.send("udp", b"hello", **named("m1"))
        await asyncio.sleep(2)
        outbox = state(desk)["outbox"]
        assert (outbox["messages"], outbox["bytes"]) == (1, len(b"hello") + len("m1") + len("udp"))
        assert outbox["oldest"] == pytest.approx(1, abs=1)


@on_virtual_time
async def test_stop_publishes_what_was_put_off() -> None:
    """Nothing that was put off is lost at the end, and no timer stays behind."""
    async with staffed(UDP) as desk:
        await desk.bench.opened("udp")
        await asyncio.sleep(10)
        desk.module.say("+CSONMI: 0,2,31")
        await asyncio.sleep(0.1)
        desk.reporter.stop()
        assert desk.documents(SOCKET_STATE)[-1]["received"]["messages"] == 1
        assert desk.reporter._later == {}


@pytest.mark.parametrize(
    ("reading", "status"),
    [
        (SimReading(SimState.READY), "ready"),
        (SimReading(SimState.NOT_INSERTED), "missing"),
        (SimReading(SimState.SIM_PIN), "pin_required"),
        (SimReading(SimState.SIM_PUK), "puk_required"),
        (SimReading(SimState.NOT_READY), "busy"),
        (SimReading(SimState.PHONE_TO_FIRST_SIM_PIN), "failed"),
        (SimReading("SIM failure"), "failed"),
    ],
    ids=str,
)
@on_virtual_time
async def test_sim_status(reading: SimReading, status: str) -> None:
    """Each state of a SIM has its word in the contract."""
    async with running(absent=1000) as bench, wired(bench) as desk:
        bench.modem.store.apply(PortOpened(), ModuleAnswered(), reading)
        assert state(desk)["sim"]["status"] == status


@pytest.mark.parametrize(
    ("registration", "status", "technology"),
    [
        (Registration(0), "not_registered", None),
        (Registration(2), "searching", None),
        (Registration(3), "denied", None),
        (Registration(5, access_technology=9), "roaming", "NB-IoT"),
        (Registration(6, access_technology=7), "home", "7"),
        (Registration(42), "unknown", None),
        (Registration(100), "not_registered", None),
    ],
    ids=str,
)
@on_virtual_time
async def test_registration_status(registration: Registration, status: str, technology: str | None) -> None:
    """Each registration has its word in the contract, and unknown numbers are unknown."""
    async with running(absent=1000) as bench, wired(bench) as desk:
        bench.modem.store.apply(PortOpened(), ModuleAnswered(), registration)
        said = state(desk)["registration"]
        assert (said["status"], said["technology"]) == (status, technology)


@on_virtual_time
async def test_lost_before_it_was_attached() -> None:
    """A modem that never was online is not told as lost."""
    async with running(absent=1000) as bench, wired(bench) as desk:
        bench.modem.store.apply(PortOpened(), ModuleAnswered(), ModuleLost("silent"), PortLost("gone"))
        assert events(desk) == []
        assert state(desk)["link"]["reason"] == "gone"
        assert state(desk)["counters"]["recoveries"] == dict.fromkeys(RUNGS, 0)


@on_virtual_time
async def test_sleep_is_told_as_sleep() -> None:
    """Falling asleep is no loss, waking up is told once, and a start is no wake."""
    async with staffed(power_saving=PowerSavingSettings(active_time=60)) as desk:
        await desk.bench.online()
        await asyncio.sleep(10)
        desk.module.say('+CPSMSTATUS: "ENTER PSM"')
        desk.module.deaf = True
        await asyncio.sleep(100)
        assert events(desk) == ["attached", "asleep"]
        desk.module.deaf = False
        desk.module.say('+CPSMSTATUS: "EXIT PSM"')
        await asyncio.sleep(10)
        assert events(desk) == ["attached", "asleep", "awake", "attached"]


@on_virtual_time
async def test_recovery_is_told_step_by_step() -> None:
    """Each step is an event with its name and layer, and the one that helped is told; all fit the contract."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(10)
        desk.bench.absent = 2
        desk.module.unplug()
        await asyncio.sleep(30)
        desk.module.say("UNDER-VOLTAGE WARNNING")
        await asyncio.sleep(1)
        told = [(event["type"], event.get("rung"), event.get("layer")) for event in desk.documents(TOPICS.event)]
        assert told == [
            ("attached", None, None),
            ("lost", None, "port"),
            *[("recovering", "reopen", "port")] * 3,
            ("attached", None, None),
            ("recovered", "reopen", None),
            ("supply", None, None),
        ]
        assert desk.documents(TOPICS.event)[-1]["warning"] == "under-voltage"
        assert state(desk)["counters"]["recoveries"] == {**dict.fromkeys(RUNGS, 0), "reopen": 3}
        for one in desk.published:
            check(one.topic, one.payload, retain=one.retain, base="sim7020", modem="shed")


@on_virtual_time
async def test_link_that_flaps_is_told_and_counted() -> None:
    """A registration that comes and goes ten times a second makes ten events of each kind, and then one a minute."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(600)
        desk.published.clear()
        for _ in range(3000):
            desk.module.say("+CEREG: 2")
            await asyncio.sleep(0.1)
            desk.module.say("+CEREG: 1")
            await asyncio.sleep(0.1)
        lost = [event for event in desk.documents(TOPICS.event) if event["type"] == "lost"]
        assert lost[0]["at"].startswith("2026-01-01T00:10:00")
        assert [event.get("times", 1) for event in lost[:10]] == [1] * 10
        assert 19 <= len(lost) <= 21
        assert len(desk.on(TOPICS.state)) <= 100 + 600 / 2 + 1
        await asyncio.sleep(120)
        told = [event for event in desk.documents(TOPICS.event) if event["type"] == "lost"]
        assert sum(event.get("times", 1) for event in told) == 3000
        assert state(desk)["link"]["layer"] == "online"
        for one in desk.published:
            check(one.topic, one.payload, retain=one.retain, base="sim7020", modem="shed")


@on_virtual_time
async def test_alert_that_flaps_stays() -> None:
    """One that comes again at once is raised a second time, and mended once it stayed away for a while."""
    async with running(absent=1000) as bench, wired(bench) as desk:
        topic = TOPICS.alert("module_silent")
        for _ in range(100):
            bench.modem.store.apply(PortOpened(), ModuleLost("silent", silent=True))
            await asyncio.sleep(0.1)
            bench.modem.store.apply(ModuleAnswered())
            await asyncio.sleep(0.1)
        first, mended, again = desk.on(topic)
        assert (bool(first.payload), mended.payload, bool(again.payload)) == (True, b"", True)
        await asyncio.sleep(29)
        assert len(desk.on(topic)) == 3
        await asyncio.sleep(2)
        assert [one.payload for one in desk.on(topic)[3:]] == [b""]
        await asyncio.sleep(31)
        bench.modem.store.apply(PortOpened(), ModuleLost("silent", silent=True), ModuleAnswered())
        assert [bool(one.payload) for one in desk.on(topic)[4:]] == [True, False]


@on_virtual_time
async def test_end_tells_what_was_counted() -> None:
    """What waits for its time is told at the end: the last state, and how often what happened."""
    async with running(absent=1000) as bench, wired(bench) as desk:
        for number in range(150):
            bench.modem.store.apply(PortLost(f"failure {number}"))
            desk.reporter.event("rebooted")
        assert state(desk)["link"]["reason"] == "failure 99"
        desk.reporter.stop()
        assert state(desk)["link"]["reason"] == "failure 149"
        assert desk.documents(TOPICS.event)[-1]["times"] == 140


@on_virtual_time
async def test_alert_comes_and_goes() -> None:
    """An alert is retained with the time since when it holds, and emptied once it is mended."""
    async with staffed(absent=20) as desk:
        topic = TOPICS.alert("port_missing")
        await desk.bench.online()
        await asyncio.sleep(10)
        raised, mended = desk.on(topic)
        assert json.loads(raised.payload)["since"] == "2026-01-01T00:00:00.000Z"
        assert raised.retain
        assert (mended.payload, mended.retain) == (b"", True)


@on_virtual_time
async def test_power_saving_as_granted() -> None:
    """Timers that the network granted are told in seconds, and the module's time in UTC."""
    saving = PowerSavingSettings(active_time=60, edrx_cycle=20.48)
    async with staffed(power_saving=saving) as desk:
        desk.module.answer("AT+CEREG?", '+CEREG: 5,1,"00A0","0002920C",9,,,"00011110","00101100"', "OK")
        desk.module.answer("AT+CEDRXRDP", '+CEDRXRDP: 5,"0010","0010","0011"', "OK")
        desk.module.answer("AT+CCLK?", "+CCLK: 26/11/23,12:15:00+08", "OK")
        await desk.bench.online()
        await asyncio.sleep(10)
        said = state(desk)
        assert said["power"]["psm"] == {"active_time": 60, "periodic_update": 43200}
        assert said["power"]["edrx"] == {"cycle": 20.48, "paging_window": 10.24}
        assert said["clock"] == {"time": "2026-11-23T10:15:00.000Z"}


@on_virtual_time
async def test_delivery_is_told_of() -> None:
    """A budget's next level and a forbidden topic are events, once; that it got better is none."""
    async with staffed() as desk:
        desk.reporter.usage_changed(BudgetLevel.GOOD, BudgetLevel.WARNING)
        desk.reporter.usage_changed(BudgetLevel.WARNING, BudgetLevel.WARNING)
        desk.reporter.usage_changed(BudgetLevel.WARNING, BudgetLevel.GOOD)
        desk.reporter.forbidden("elsewhere")
        desk.reporter.forbidden("and/elsewhere")
        budget, aside = (event for event in desk.documents(TOPICS.event) if event["type"] != "attached")
        assert (budget["type"], budget["used"], budget["budget"]) == ("data_budget", desk.usage.used, None)
        assert (aside["type"], aside["topic"], aside["publications"]) == ("put_aside", "elsewhere", 0)


def test_what_an_earlier_run_left_is_remembered_until_the_end(tmp_path: Path) -> None:
    """It is emptied, and again after the next start if the bridge is killed before the broker has that."""
    file = tmp_path / "shed.topics"
    left = TOPICS.socket_state("gone")
    TopicMemory(file).keep([left])

    @on_virtual_time
    async def run() -> None:
        async with staffed() as desk:
            desk.reporter._memory = TopicMemory(file)
            desk.reporter.connected()
            assert [publication.payload for publication in desk.on(left)] == [b""]
            assert left in file.read_text().splitlines()

    run()
    assert left not in file.read_text().splitlines()
