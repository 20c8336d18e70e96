"""The way of a user in 2026: an automation made in its editor, a repair with its cause, diagnostics, a phone."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from homeassistant.util.yaml import load_yaml
from playwright.async_api import Browser, Download

from tests.browser.house import House
from tests.browser.screen import SHOTS, Screen, keys, window
from tests.browser.words import texts
from tests.component.e2e.surroundings import SOCKET, Modem, Surroundings
from tests.e2e.servers import until

PAGES = Path(__file__).parents[2]
PICTURE = "home-assistant.png"


async def pick(screen: Screen, button: str, what: str) -> None:
    """Add a trigger or an action of the socket to an automation, found by its target."""
    await screen.click(button)
    dialog = screen.page.locator("add-automation-element-dialog")
    await dialog.get_by_text("By target", exact=True).wait_for()
    if not await dialog.get_by_text(f"SIM7020 shed {SOCKET}", exact=True).count():
        await dialog.get_by_text("Services", exact=True).click()
    await dialog.get_by_text(f"SIM7020 shed {SOCKET}", exact=True).first.click()
    await dialog.get_by_text(what).first.wait_for()
    await screen.shot(f"pick-{what.rsplit(maxsplit=1)[-1]}")
    assert not keys(await screen.texts())
    await dialog.get_by_text(what).first.click()
    await dialog.wait_for(state="hidden")


async def test_an_automation_of_the_editor_acts_once(
    browser: Browser, house: House, shed: Modem, surroundings: Surroundings
) -> None:
    """Its trigger and its action are picked by target and filled in; nothing that is restarted makes it act again."""
    await house.speak("en")
    async with window(browser, house, "en") as screen:
        await screen.open("/config/automation/edit/new")
        await pick(screen, "Add trigger", texts("en", "triggers", "received", "name"))
        await screen.fill(texts("en", "triggers", "received", "fields", "text", "description"), "open")
        await pick(screen, "Add action", texts("en", "services", "send", "name"))
        send = ("en", "services", "send")
        await screen.fill(texts(*send, "fields", "text", "description"), "pump on")
        await screen.page.get_by_text(texts(*send, "sections", "delivery", "name"), exact=True).first.click()
        await screen.fill(texts(*send, "fields", "ttl", "description"), "3600")
        await screen.shot("automation")
        assert not keys(await screen.texts())
        await screen.click("Save")
        await screen.page.locator("ha-dialog-automation-save input").first.fill("Pump")
        await screen.page.get_by_role("button", name="Save", exact=True).last.click()
        (made,) = await house.automations()
    socket = {"device_id": await house.device(SOCKET)}
    assert made["triggers"] == [{"trigger": "sim7020.received", "target": socket, "options": {"text": "open"}}]
    (action,) = made["actions"]
    assert (action["action"], action["target"]) == ("sim7020.send", socket)
    assert (action["data"]["text"], action["data"]["ttl"]) == ("pump on", 3600)

    server, data = surroundings.server, {"text": "here I am", "wait_for_receipt": True}
    before = server.datagrams.count(b"pump on")

    async def open_times(times: int) -> None:
        await house.act("sim7020", "send", data, socket)
        for text in (b"close", b"open"):
            server.send(text)
        await until(lambda: server.datagrams.count(b"pump on") >= before + times)
        await house.act("sim7020", "send", data, socket)
        assert server.datagrams.count(b"pump on") == before + times

    await open_times(1)
    await shed.bridge.stop()
    await shed.bridge.start()
    await house.restart()
    await house.shows("telemetry", "socket_state", "open")
    await surroundings.broker.stop()
    await house.shows("telemetry", "socket_state", "unavailable")
    await surroundings.broker.start()
    await house.shows("telemetry", "socket_state", "open")
    await house.act("homeassistant", "reload_config_entry", {"entry_id": await house.entry()})
    await house.shows("telemetry", "socket_state", "open")
    await open_times(2)


async def test_a_text_is_not_lost_in_silence_when_the_house_is_up_before_its_broker(
    house: House, shed: Modem, surroundings: Surroundings
) -> None:
    """It is refused, because Home Assistant knows the socket from before; once the broker is there it is sent."""
    assert shed.name == "shed"
    target = {"device_id": await house.device(SOCKET)}

    async def send() -> None:
        await house.act("notify", "send_message", {"message": "the house burns"}, target)

    await surroundings.broker.stop()
    await house.restart()
    await house.shows(SOCKET, "socket_state", "unavailable")
    with pytest.raises(AssertionError, match="broker_unreachable"):
        await send()
    await surroundings.broker.start()
    await house.shows(SOCKET, "socket_state", "open")
    sent = len(surroundings.server.datagrams)
    await send()
    await until(lambda: surroundings.server.datagrams[sent:] == [b"the house burns"])


async def test_a_repair_tells_the_network_s_cause(browser: Browser, house: House, shed: Modem) -> None:
    """And mends it there, once the operator has let the card in."""
    await house.speak("en")
    name = f"SIM7020 {shed.name}"
    async with window(browser, house, "en") as screen:
        await screen.open("/config/repairs")
        await shed.happen("registration", "denied:11")
        title = texts("en", "issues", "registration_denied", "title").format(modem=name)
        await screen.sees(title)
        await screen.page.get_by_text(title).first.click()
        await screen.page.get_by_text("PLMN not allowed").first.wait_for()
        await screen.shot("repair-cause")
        assert not keys(await screen.texts())
        await shed.happen("registration", "home")
        await screen.click("Submit")
        await screen.page.get_by_text("The issue is repaired!").first.wait_for()
        await screen.shot("repaired")
    await house.shows(shed.name, "link", "online")


async def test_diagnostics_have_nothing_secret(
    browser: Browser, house: House, shed: Modem, surroundings: Surroundings, tmp_path: Path
) -> None:
    """Of all that was planted, nothing is in the file that a user downloads; what helps to find a fault is."""
    await house.speak("en")
    info, state = [json.loads(await house.retained(f"sim7020/shed/{topic}")) for topic in ("info", "state")]
    planted = [
        *(info["modem"][key] for key in ("imei", "imsi", "iccid")),
        *(state["pdn"]["address"], state["registration"]["cell_id"]),
        *("iot.secret-apn-user", "secret apn password", "secret text", b"secret text".hex(), "c2VjcmV0IHRleHQ="),
        *("secret answer", b"secret answer".hex(), "secret-id", "secret-key", "ping.secret.example"),
    ]
    assert all(planted)
    socket = {"device_id": await house.device(SOCKET)}
    send = {"text": "secret text", "id": "secret-id", "key": "secret-key", "wait_for_receipt": True}
    await house.act("sim7020", "send", send, socket)
    surroundings.server.send(b"secret answer")
    access = {"apn": state["pdn"]["apn"], "username": "iot.secret-apn-user", "password": "secret apn password"}
    await house.act("sim7020", "set_apn", {"config_entry_id": await house.entry(), **access})
    async with window(browser, house, "en") as screen:
        await configure(screen, "ping.secret.example")
        await screen.open(f"/config/devices/device/{await house.device(shed.name)}")
        async with screen.page.expect_download() as coming:
            await screen.page.get_by_text("Download diagnostics", exact=True).first.click()
        found = await read(await coming.value, tmp_path)
    text = json.dumps(found)
    assert [secret for secret in planted if secret.lower() in text.lower()] == []
    assert not re.search(rf"\b{surroundings.server.port}\b", text)
    assert found["data"]["state"]["layer"] == "online"
    assert found["data"]["entry"]["options"] == {"ping_host": "**REDACTED**"}
    assert found["data"]["info"]["bridge_version"]


async def configure(screen: Screen, host: str) -> None:
    """Set the option as a user does, and return once the modem is set up with it."""
    await screen.open("/config/integrations/integration/sim7020")
    await screen.page.get_by_role("button", name="Configure", exact=True).first.click()
    await screen.page.locator("dialog-data-entry-flow input").first.fill(host)
    await screen.shot("options")
    await screen.click("Submit")
    await screen.page.get_by_text("Options successfully saved").first.wait_for()
    await screen.house.loaded()


async def read(download: Download, directory: Path) -> Any:
    """Return what was downloaded."""
    await download.save_as(directory / "diagnostics.json")
    return json.loads((directory / "diagnostics.json").read_text())


async def test_it_fits_a_phone_in_the_dark(browser: Browser, house: House, shed: Modem) -> None:
    """The devices' pages and the dashboard that the pages propose: nothing is wider than the screen."""
    await house.speak("en")
    url = "nb-iot"
    await house.ask("lovelace/dashboards/create", url_path=url, title="NB-IoT", mode="storage")
    await house.ask("lovelace/config/save", url_path=url, config=load_yaml(str(PAGES / "examples" / "dashboard.yaml")))
    async with window(browser, house, "en", size=(390, 2400), dark=True) as screen:
        for name, path, seen in (
            ("phone-modem", f"/config/devices/device/{await house.device(shed.name)}", "Connection"),
            ("phone-socket", f"/config/devices/device/{await house.device(SOCKET)}", "Message receipt"),
            ("phone-dashboard", f"/{url}", "Message receipt"),
        ):
            await screen.open(path)
            await screen.sees(seen)
            await screen.shot(name)
            assert not keys(await screen.texts())
            assert await screen.page.evaluate("document.scrollingElement.scrollWidth") <= 390
            colour = await screen.page.evaluate(
                "getComputedStyle(document.documentElement).getPropertyValue('--primary-background-color').trim()"
            )
            assert colour == "#111"


async def test_the_pages_picture_is_taken(
    browser: Browser, house: House, shed: Modem, surroundings: Surroundings
) -> None:
    """Of a modem that is in use: script/test-browser --pictures puts it where the pages have it."""
    await house.speak("en")
    for registration, layer in (("none", "registration"), ("home", "online")):
        await shed.happen("registration", registration)
        await house.shows(shed.name, "link", layer)
    socket = {"device_id": await house.device(SOCKET)}
    await house.act("sim7020", "send", {"text": "temperature=21.5", "wait_for_receipt": True}, socket)
    surroundings.server.send(b"open")
    async with window(browser, house, "en", size=(700, 1100)) as screen:
        await screen.open(f"/config/devices/device/{await house.device(shed.name)}")
        await screen.sees("Restart modem")
        await screen.shows("Connection", "Online")
        await screen.page.get_by_text(re.compile(r"\d:\d\d:\d\d [AP]M")).first.wait_for()  # what happened comes last
        await screen.settled()
        await screen.page.screenshot(path=SHOTS / PICTURE, clip={"x": 6, "y": 100, "width": 688, "height": 996})
