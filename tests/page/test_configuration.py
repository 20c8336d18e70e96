"""The configuration in the editor: what is wrong stands at its line, what is right is written and in force at once."""

import json
import signal

from playwright.async_api import Browser, Locator, expect

from tests.page.installation import Installation
from tests.page.screen import Screen, window
from tests.page.words import words


def editor(screen: Screen) -> Locator:
    """Return the text of the file."""
    return screen.page.get_by_label(words("configuration.text"), exact=True)


def button(screen: Screen, key: str) -> Locator:
    """Return a button of the view."""
    return screen.page.get_by_role("main").get_by_role("button", name=words(key), exact=True)


async def test_a_mistake_is_shown_at_its_line_and_a_right_change_applied(
    browser: Browser, installation: Installation
) -> None:
    """Nothing wrong can be applied; a socket that was added is open without a restart, and what needs one is named."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    shed = installation.modem("shed")
    await shed.online()
    before = installation.config.read_text()
    async with window(browser, installation.url) as screen:
        await screen.open("#/configuration")
        await expect(editor(screen)).to_have_value(before)
        await expect(button(screen, "configuration.apply")).to_be_disabled()

        wrong = before.replace('"udp"', '"udq"')
        line = next(number for number, text in enumerate(wrong.splitlines(), 1) if "udq" in text)
        await editor(screen).fill(wrong)
        await expect(screen.page.get_by_text(words("configuration.mistakes", count=1))).to_be_visible()
        await expect(button(screen, "configuration.apply")).to_be_disabled()
        mistake = screen.page.get_by_role("listitem").filter(has_text="modems.shed.sockets.telemetry.protocol")
        await expect(mistake).to_contain_text("tcp")
        await screen.shot("configuration-mistake")
        await mistake.get_by_role("button", name=words("configuration.line", line=line)).click()
        await expect(editor(screen)).to_be_focused()
        chosen = await editor(screen).evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
        assert chosen.strip() == '"protocol": "udq",'
        beside = screen.page.locator(".editor-note").filter(has_text="udq")
        await expect(beside).to_be_visible()
        place, area = await beside.bounding_box(), await editor(screen).bounding_box()
        assert place
        assert area
        height = area["height"] / max(12, len(wrong.splitlines()))
        assert abs((place["y"] - area["y"]) / height - (line - 1)) < 1

        document = json.loads(before)
        document["modems"]["shed"]["sockets"]["alarm"] = document["modems"]["shed"]["sockets"]["telemetry"]
        document["modems"]["shed"]["baudrate"] = 57600
        right = json.dumps(document, indent=2)
        await editor(screen).fill(right)
        await expect(screen.page.get_by_text("modems.shed.baudrate")).to_be_visible()
        await button(screen, "configuration.apply").click()
        question = screen.page.get_by_role("dialog")
        await expect(question).to_contain_text('"alarm"')
        await question.get_by_role("button", name=words("configuration.apply"), exact=True).click()
        await expect(screen.page.get_by_text(words("configuration.applied_restart"))).to_be_visible()
        await expect(screen.page.get_by_text(words("configuration.restart_now"))).to_be_visible()
        await shed.open("alarm")
        assert installation.config.read_text() == right


async def test_what_waits_for_a_restart_stands_above_all_modems(browser: Browser, installation: Installation) -> None:
    """Whoever changed the file, and how the bridge is restarted; it goes when the file is as it was."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    before = installation.config.read_text()
    document = json.loads(before)
    document["modems"]["shed"]["baudrate"] = 57600
    async with window(browser, installation.url) as screen:
        await screen.open()
        await expect(screen.page.locator("modem-card")).to_have_count(1)
        installation.config.write_text(json.dumps(document))
        assert installation.bridge.process is not None
        installation.bridge.process.send_signal(signal.SIGHUP)
        note = screen.page.locator("view-glance .note").filter(has_text=words("modems.restart.title"))
        await expect(note).to_contain_text("modems.shed.baudrate")
        await expect(note).to_contain_text(words("modems.restart.advice"))
        await screen.shot("restart-needed")
        await screen.page.get_by_role("link", name="shed", exact=True).click()
        await expect(screen.page.locator("view-modem .note")).to_contain_text("modems.shed.baudrate")
        await screen.open("#/configuration")
        foot = screen.page.locator(".configuration-verdict")
        await expect(foot).to_contain_text("modems.shed.baudrate")
        installation.config.write_text(before)
        installation.bridge.process.send_signal(signal.SIGHUP)
        await expect(editor(screen)).to_have_value(before)
        await expect(foot).not_to_contain_text("modems.shed.baudrate")

        await editor(screen).fill(f"{before}\n")
        document["modems"]["shed"]["baudrate"] = 9600
        installation.config.write_text(json.dumps(document))
        installation.bridge.process.send_signal(signal.SIGHUP)
        await expect(button(screen, "configuration.take_theirs")).to_be_visible()
        await expect(editor(screen)).to_have_value(f"{before}\n")
        await button(screen, "configuration.take_theirs").click()
        await expect(editor(screen)).to_have_value(json.dumps(document))
        await screen.open()
        await expect(note).to_contain_text("modems.shed.baudrate")
        installation.config.write_text(before)
        installation.bridge.process.send_signal(signal.SIGHUP)
        await expect(note).to_have_count(0)


async def test_a_wrong_pin_is_put_right(browser: Browser, installation: Installation) -> None:
    """Who typed one in the set-up replaces it where it is kept, sees it nowhere, and is online after a restart."""
    module = await installation.module("shed", sim="pin")
    kept = installation.directory / "sim-pin"
    kept.write_text("9999\n")
    await installation.run({"shed": installation.settings(module, pin_file=kept.name)})
    shed = installation.modem("shed")
    await shed.state(lambda state: state["link"]["layer"] == "sim")
    async with window(browser, installation.url) as screen:
        screen.right("status of 422|ERR_|Failed to load resource")
        await screen.open("#/configuration")
        form = screen.page.locator("secret-forms form")
        pin = form.get_by_label(words("configuration.secret.pin", modem="shed"), exact=False)
        await pin.fill("12")
        await form.get_by_role("button").click()
        await expect(form.get_by_role("alert")).to_contain_text("4 to 8 digits")
        assert kept.read_text() == "9999\n"
        await screen.shot("configuration-secret")
        assert await screen.violations() == []
        await pin.fill("1234")
        await form.get_by_role("button").click()
        await expect(screen.page.get_by_text(words("configuration.secret.kept_restart"))).to_be_visible()
        await expect(pin).to_have_value("")
        waiting = screen.page.locator(".note").filter(has_text=words("configuration.restart_now"))
        await expect(waiting).to_contain_text("modems.shed.pin")
        await expect(screen.page.locator(".configuration-verdict")).to_contain_text("modems.shed.pin")
        assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("1234\n", 0o600)
        await installation.bridge.stop()
        await installation.start()
        await expect(waiting).to_have_count(0)
        await expect(screen.page.locator(".configuration-verdict")).not_to_contain_text("modems.shed.pin")
        await shed.online()


async def test_what_somebody_else_wrote_is_not_written_over(browser: Browser, installation: Installation) -> None:
    """A file that was changed meanwhile stays as it is, and both changes are there to choose from."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module)})
    before = installation.config.read_text()
    theirs = before.replace('"telemetry"', '"theirs"')
    async with window(browser, installation.url) as screen:
        screen.right("status of 409")
        await screen.open("#/configuration")
        await editor(screen).fill(before.replace('"telemetry"', '"mine"'))
        await expect(button(screen, "configuration.apply")).to_be_enabled()
        installation.config.write_text(theirs)
        await button(screen, "configuration.apply").click()
        question = screen.page.get_by_role("dialog")
        await question.get_by_role("button", name=words("configuration.apply"), exact=True).click()
        await expect(screen.page.get_by_text(words("configuration.conflict"), exact=True)).to_be_visible()
        await expect(screen.page.locator("#configuration-conflict")).to_be_focused()
        assert installation.config.read_text() == theirs
        await button(screen, "configuration.take_theirs").click()
        await expect(editor(screen)).to_have_value(theirs)
