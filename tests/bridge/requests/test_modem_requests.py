"""The requests that reach into the modem: attaching, restarting, power saving, and AT commands."""

import asyncio
from typing import Any

import pytest

from sim7020_bridge.config.model import PowerSavingSettings, RecoverySettings
from sim7020_bridge.modem.alerts import AlertId, alerts
from sim7020_bridge.requests.modem_verbs import LINK_WAIT
from tests.bridge.desk import TOPICS, staffed
from tests.bridge.modem.bench import ACTIVATE, give_context, now
from tests.bridge.scripted_module import on_virtual_time
from tests.virtual_time import run


@on_virtual_time
async def test_reattach() -> None:
    """The radio is switched off and on, and the response comes once the link is back."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(5)
        response = await desk.ask("reattach")
        assert response["data"]["pdn"]["state"] == "active"
        heard = desk.module.heard
        assert heard.index("AT+CFUN=0") < heard.index("AT+CFUN=1")


@on_virtual_time
async def test_an_apn_that_the_network_refuses() -> None:
    """The response comes with the refusal, and the state names what was asked for and not what was in force before."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(5)
        assert desk.documents(TOPICS.state)[-1]["pdn"]["requested_apn"] is None
        module, began = desk.module, now()
        module.answer("AT+CGACT?", "+CGACT: 1,0", "OK")
        module.answer(ACTIVATE, "+CME ERROR: 607")
        response = await desk.ask("set_apn", apn="wrong.example")
        assert now() - began < LINK_WAIT
        assert (response["data"]["pdn"]["requested_apn"], response["data"]["pdn"]["apn"]) == ("wrong.example", None)
        assert desk.documents(TOPICS.state)[-1]["pdn"]["requested_apn"] == "wrong.example"
        refused = alerts(desk.bench.modem.store.state)[AlertId.APN_REJECTED]
        assert "to the APN wrong.example" in refused.message
        await desk.ask("set_apn", apn="wrong.again")
        assert "wrong.again" in alerts(desk.bench.modem.store.state)[AlertId.APN_REJECTED].message
        give_context(module)
        response = await desk.ask("set_apn", apn="right.example")
        assert (response["data"]["pdn"]["state"], response["data"]["pdn"]["apn"]) == ("active", "shnbiot")
        assert AlertId.APN_REJECTED not in alerts(desk.bench.modem.store.state)


@on_virtual_time
async def test_attaching_on_request_counts() -> None:
    """What a user asks for is done, counts like the bridge's own attempts, and warns when it is more than a day's."""
    async with staffed(recovery=RecoverySettings(attach_ceiling=4)) as desk:
        await desk.bench.online()
        await asyncio.sleep(5)
        responses = [await desk.ask("reattach") for _ in range(3)]
        responses += [await desk.ask("set_apn", apn=f"apn{number}") for number in range(2)]
        assert ["warning" in response["data"] for response in responses] == [False] * 4 + [True]
        assert "4 attach attempts" in responses[-1]["data"]["warning"]
        response = await desk.ask("reset")
        assert "4 attach attempts" in response["data"]["warning"]


@on_virtual_time
async def test_reset() -> None:
    """The module is told to reboot."""
    async with staffed() as desk:
        assert (await desk.ask("reset"))["error"]["code"] == "modem_offline"
        await desk.bench.online()
        assert (await desk.ask("reset"))["data"] == {}
        assert "AT+CFUN=1,1" in desk.module.heard


@on_virtual_time
async def test_sleep() -> None:
    """Power saving is asked for as requested, and switched off by a request without keys."""
    async with staffed(power_saving=PowerSavingSettings(edrx_cycle=20.48)) as desk:
        await desk.bench.online()
        await asyncio.sleep(5)
        desk.module.answer("AT+CEDRXS?", '+CEDRXS: 5,"0010"', "OK")
        nothing = dict.fromkeys(("active_time", "periodic_update", "edrx_cycle", "paging_window"))
        assert desk.documents(TOPICS.state)[-1]["power"]["asked"] == {**nothing, "edrx_cycle": 20.48}
        response = await desk.ask("sleep", active_time=60, periodic_update=43200, light_sleep=True)
        assert response["data"] == {}
        assert {'AT+CPSMS=1,,,"00101100","00011110"', "AT+CEDRXS=0", "AT+CSCLK=2"} <= set(desk.module.heard)
        told = desk.documents(TOPICS.state)[-1]["power"]["asked"]
        assert told == {**nothing, "active_time": 60, "periodic_update": 43200}
        assert (await desk.ask("sleep"))["status"] == "ok"
        assert desk.module.heard[-1] == "AT+CSCLK=0"
        assert desk.documents(TOPICS.state)[-1]["power"]["asked"] == nothing


@pytest.mark.parametrize(
    "fields",
    [
        {"active_time": -1},
        {"active_time": 1},
        {"periodic_update": 1.5},
        {"edrx_cycle": 21},
        {"edrx_cycle": 20.48, "paging_window": 0.5},
        {"active_time": "60"},
        {"active_time": True},
        {"active_time": 20_000},
        {"periodic_update": 10**12},
        {"edrx_cycle": 1e300},
        {"edrx_cycle": 0},
        {"paging_window": 2.56},
        {"retain_sockets": True},
        {"light_sleep": "yes"},
    ],
)
@on_virtual_time
async def test_sleep_that_does_not_exist(fields: dict[str, Any]) -> None:
    """What can't be asked for is refused and changes nothing, now or later."""
    async with staffed() as desk:
        await desk.bench.online()
        await asyncio.sleep(5)
        before = len(desk.module.heard)
        assert (await desk.ask("sleep", **fields))["error"]["code"] == "invalid_request"
        assert desk.module.heard[before:] == []
        assert desk.bench.modem.settings.power_saving is None


@on_virtual_time
async def test_wake() -> None:
    """A module that does not sleep, or can't be woken, is not."""
    async with staffed() as desk:
        await desk.bench.online()
        assert (await desk.ask("wake"))["error"]["code"] == "cannot_wake"


@on_virtual_time
async def test_at() -> None:
    """An allowed command is sent as it is, logged, and its lines are the answer."""
    async with staffed(allow_at=("AT+CSQ", "at+cgpaddr*")) as desk:
        assert desk.requests.verbs.count("at") == 1
        await desk.bench.online()
        response = await desk.ask("at", command="AT+CSQ")
        assert response["data"] == {"command": "AT+CSQ", "lines": ["+CSQ: 20,0"]}
        assert (await desk.ask("at", command="at+cgpaddr=1"))["status"] == "ok"
        assert "at+cgpaddr=1" in desk.module.heard
        desk.module.answer("AT+CSQ", "+CME ERROR: 10")
        assert (await desk.ask("at", command="AT+CSQ"))["error"]["code"] == "module_refused"


@pytest.mark.parametrize(
    ("pattern", "command", "allowed"),
    [
        ("AT+CSQ", "at+csq", True),
        ("AT+CSQ", "AT+CSQ=?", False),
        ("AT+CSQ*", "AT+CSQ=?", True),
        ("AT+CSQ*", "AT+CSQ;+CFUN=0", False),
        ("AT+CSQ;+CFUN=0", "AT+CSQ;+CFUN=0", False),
        ("AT*", "AT+CFUN=0", True),
        ("AT*", "ATE1", True),
        ("AT*", "AT;+CFUN=0", False),
        ("AT**", "AT*MCGDEFCONT?", True),
        ("ATI*", "ATI", True),
        ("ATI*", "ATI1", True),
        ("ATI*", "ATIZ", False),
        ("ATI*", "ATI0+CFUN=0", False),
        ("AT+C", "AT+CBAND?", False),
    ],
)
@on_virtual_time
async def test_at_allows_what_the_configuration_has(pattern: str, command: str, *, allowed: bool) -> None:
    """A pattern allows its own line, or all that start as it does; joined commands are never allowed."""
    async with staffed(allow_at=(pattern,)) as desk:
        await desk.bench.online()
        response = await desk.ask("at", command=command)
        assert (response["status"] == "ok") is allowed
        assert (command in desk.module.heard) is allowed
        if not allowed:
            assert response["error"]["code"] == "not_allowed"


@pytest.mark.parametrize("command", ["", "CSQ", "AT\r+CFUN=0", "AT+CSQ\u00fc", "AT+CSQ\n"])
@on_virtual_time
async def test_at_that_is_no_command(command: str) -> None:
    """What is no command line is not sent, whatever is allowed."""
    async with staffed(allow_at=("AT*",)) as desk:
        await desk.bench.online()
        before = len(desk.module.heard)
        assert (await desk.ask("at", command=command))["error"]["code"] == "invalid_request"
        assert not any("\n" in line or "\r" in line for line in desk.module.heard[before:])


def test_at_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Each use is logged, and a PIN in it is not."""

    async def ask() -> None:
        async with staffed(allow_at=("AT+CPIN*",)) as desk:
            await desk.bench.online()
            await desk.ask("at", command="AT+CPIN=1234")

    run(ask(), grace=0)
    assert "AT command on request: AT+CPIN=****" in caplog.text
    assert "1234" not in caplog.text
