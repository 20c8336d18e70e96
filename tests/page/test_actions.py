"""What can be done to a modem from the page: asked back where it costs something, and told how it went."""

from playwright.async_api import Browser, Locator, expect

from tests.page.installation import Installation
from tests.page.screen import Screen, window
from tests.page.words import words


def action(screen: Screen, verb: str, language: str = "en") -> Locator:
    """Return an action's row."""
    name = screen.page.get_by_role("heading", name=words(f"actions.{verb}.title", language), exact=True)
    return screen.page.get_by_role("listitem").filter(has=name)


async def press(screen: Screen, verb: str) -> None:
    """Press an action's button."""
    await action(screen, verb).get_by_role("button", name=words(f"actions.{verb}.button"), exact=True).click()


async def confirm(screen: Screen, verb: str) -> None:
    """Answer an action's question."""
    question = screen.page.get_by_role("dialog", name=words(f"actions.{verb}.question", modem="shed"))
    await expect(question).to_contain_text(words(f"actions.{verb}.asks"))
    await question.get_by_role("button", name=words(f"actions.{verb}.button"), exact=True).click()


async def done(screen: Screen, verb: str) -> None:
    """Return once an action says that it went well."""
    await expect(action(screen, verb).get_by_text(words(f"actions.{verb}.done"), exact=True)).to_be_visible()


async def test_a_wrong_apn_is_put_right(browser: Browser, installation: Installation) -> None:
    """A modem whose APN the network refuses says so and what to do; with the right one it is online before the eyes."""
    module = await installation.module("shed", refused_apn="wrong.example")
    await installation.run({"shed": installation.settings(module, apn="wrong.example")})
    alert = await installation.mqtt.now("sim7020/shed/alert/apn_rejected", lambda heard: bool(heard.payload))
    async with window(browser, installation.url) as screen:
        await screen.open()
        await expect(screen.page.get_by_text(alert.json()["advice"])).to_be_visible()
        await screen.page.get_by_role("link", name="shed", exact=True).click()
        asked = words("modem.network.not_given", apn="wrong.example")
        await expect(screen.page.locator("view-modem").get_by_text(asked, exact=True)).to_be_visible()
        await screen.shot("refused-apn")
        await screen.page.get_by_role("link", name=words("shell.tab.actions")).click()
        await expect(screen.page.locator("view-actions").get_by_text(alert.json()["advice"])).to_be_visible()
        await press(screen, "set_apn")
        question = screen.page.get_by_role("dialog")
        await expect(question.get_by_label(words("actions.set_apn.apn"), exact=True)).to_have_value("wrong.example")
        await question.get_by_label(words("actions.set_apn.apn"), exact=True).fill("iot.example")
        await screen.shot("set-apn", whole=False)
        await confirm(screen, "set_apn")
        await done(screen, "set_apn")
        await expect(action(screen, "set_apn").get_by_text(words("actions.set_apn.keep"))).to_be_visible()
        await expect(screen.page.get_by_text(words("modems.condition.online"), exact=True).first).to_be_visible()
    state = await installation.modem("shed").online()
    assert state["pdn"]["apn"] == "iot.example"


async def test_what_costs_asks_first(browser: Browser, house: Installation) -> None:
    """A ping asks before it goes, does nothing if it is called off, and tells the answers."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/actions")
        await press(screen, "ping")
        await screen.page.keyboard.press("Escape")
        await expect(screen.page.get_by_role("dialog")).to_have_count(0)
        await expect(action(screen, "ping").locator(".action-result")).to_be_empty()
        await press(screen, "ping")
        await screen.page.get_by_role("dialog").get_by_label(words("actions.ping.host")).fill("127.0.0.1")
        await screen.page.get_by_role("dialog").get_by_label(words("actions.ping.count")).fill("2")
        await confirm(screen, "ping")
        await done(screen, "ping")
        answered = words("actions.ping.answered", host="127.0.0.1", count=2, sent=2)
        await expect(action(screen, "ping").get_by_text(answered)).to_be_visible()


async def test_what_costs_nothing_is_done_at_once(browser: Browser, house: Installation) -> None:
    """Everything is read anew without a question, and what was read stands below; beside the signal as well."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/actions")
        await press(screen, "refresh")
        await done(screen, "refresh")
        for figure in (words("modems.signal.good"), "RSRP", words("modems.registration.home"), "Telekom.de"):
            await expect(action(screen, "refresh")).to_contain_text(figure)
        await screen.open("#/modem/shed")
        network = screen.page.get_by_role("region", name=words("modem.network.title"))
        async with screen.page.expect_response("**/modems/shed/request/refresh") as answer:
            await network.get_by_role("button", name=words("modem.network.refresh"), exact=True).click()
        assert (await (await answer.value).json())["status"] == "ok"
        await expect(network.get_by_role("button", name=words("modem.network.refresh"), exact=True)).to_be_visible()


async def test_a_refusal_is_said_in_words(browser: Browser, house: Installation) -> None:
    """A name can't be looked up without a network, and why is told where the button is."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/attic/actions")
        await press(screen, "resolve")
        question = screen.page.get_by_role("dialog")
        await question.get_by_label(words("actions.resolve.name")).fill("example.org")
        await question.get_by_role("button", name=words("actions.resolve.button"), exact=True).click()
        await expect(action(screen, "resolve")).to_contain_text(words("actions.failed"))
        await expect(action(screen, "resolve")).to_contain_text("Cannot resolve example.org: ")
        await expect(action(screen, "resolve")).not_to_contain_text(words("refusals.resolve_failed"))
    async with window(browser, house.url, language="de") as screen:
        await screen.open("#/modem/attic/actions")
        await action(screen, "resolve", "de").get_by_role("button").click()
        question = screen.page.get_by_role("dialog")
        await question.get_by_label(words("actions.resolve.name", "de")).fill("example.org")
        await question.get_by_role("button", name=words("actions.resolve.button", "de"), exact=True).click()
        await expect(action(screen, "resolve", "de")).to_contain_text(words("refusals.resolve_failed", "de"))
        await expect(action(screen, "resolve", "de")).to_contain_text("cannot resolve example.org: ")


async def test_at_commands_are_typed_where_they_are_allowed(browser: Browser, house: Installation) -> None:
    """An allowed one is answered, with each line explained; elsewhere there is no field for them."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/actions")
        field = screen.page.get_by_label(words("actions.at.command"), exact=True)
        await field.fill("AT+CSQ")
        await field.press("Enter")
        await expect(screen.page.locator("at-console")).to_contain_text("+CSQ: 20,0")
        await expect(screen.page.locator("at-console .at-line").last).to_contain_text("good")
        await expect(screen.page.locator("at-console")).not_to_contain_text("no command")
        await screen.shot("actions")
        await screen.open("#/modem/attic/actions")
        await expect(screen.page.get_by_text(words("actions.at.not_allowed"))).to_be_visible()
        await expect(field).to_have_count(0)


async def test_the_operators_figure_is_entered(browser: Browser, house: Installation) -> None:
    """It is what the budget counts from afterwards."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/actions")
        await press(screen, "calibrate")
        question = screen.page.get_by_role("dialog")
        await question.get_by_label(words("actions.calibrate.used")).fill("123")
        await question.get_by_label(words("actions.calibrate.unit")).select_option("kB")
        await confirm(screen, "calibrate")
        await done(screen, "calibrate")
    state = await house.modem("shed").state(lambda state: state["usage"]["used"] >= 123_000)
    assert state["usage"]["used"] < 124_000


async def test_an_apn_that_the_network_does_not_take(browser: Browser, house: Installation) -> None:
    """It is set, but nothing is well: there is no data connection."""
    data = {
        "apn": "wrong",
        "pdn": {"state": "inactive", "cid": 1, "requested_apn": "wrong", "apn": None, "address": None},
    }
    answer = {"id": None, "status": "ok", "data": data, "error": None}
    async with window(browser, house.url) as screen:
        await screen.page.route("**/request/set_apn", lambda route: route.fulfill(json=answer))
        await screen.open("#/modem/shed/actions")
        await press(screen, "set_apn")
        question = screen.page.get_by_role("dialog")
        await question.get_by_label(words("actions.set_apn.apn"), exact=True).fill("wrong")
        await question.get_by_role("button", name=words("actions.set_apn.button"), exact=True).click()
        note = action(screen, "set_apn").locator(".note")
        await expect(note).to_contain_text(words("actions.connection.inactive"))
        await expect(note).to_have_class("note warn")
        await expect(note).not_to_contain_text(words("actions.set_apn.keep"))
