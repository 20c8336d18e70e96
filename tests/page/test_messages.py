"""Messages on the page: what goes out and comes in, sent by hand, cancelled, sent again, looked for."""

import json

from playwright.async_api import Browser, Locator, expect

from tests.e2e.servers import until
from tests.page.installation import SOCKET, Installation
from tests.page.screen import Screen, window
from tests.page.words import words


def rows(screen: Screen, text: str) -> Locator:
    """Return the rows of messages that have a text."""
    return screen.page.get_by_role("table").get_by_role("row").filter(has_text=text)


def dialog(screen: Screen) -> Locator:
    """Return the open dialog."""
    return screen.page.get_by_role("dialog")


async def press(within: Screen | Locator, key: str) -> None:
    """Press a button by the key of its words."""
    place = within.page if isinstance(within, Screen) else within
    await place.get_by_role("button", name=words(key), exact=True).click()


async def write(screen: Screen, payload: str, *, ttl: float | None = None, key: str = "") -> None:
    """Send a message by hand."""
    await press(screen, "messages.send")
    await dialog(screen).get_by_label(words("messages.payload"), exact=True).fill(payload)
    if ttl is not None or key:
        await dialog(screen).get_by_text(words("messages.more")).click()
        await dialog(screen).get_by_label(words("messages.key"), exact=False).last.fill(key)
    await press(dialog(screen), "messages.send_now")
    await expect(dialog(screen)).to_have_count(0)


async def look_away(screen: Screen) -> None:
    """Take the pointer off the list: nothing moves below one that rests on it."""
    await screen.page.mouse.move(0, 0)


async def test_a_message_goes_out_and_its_receipt_appears(browser: Browser, house: Installation) -> None:
    """Written by hand it reaches the server, its row says so without a reload, and what came back stands above it."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        await write(screen, "Window open")
        await until(lambda: b"Window open" in house.server.datagrams)
        sent = rows(screen, "Window open").filter(has_text=words("messages.states.accepted"))
        back = rows(screen, "Window open").filter(has_text=words("messages.states.received"))
        await expect(sent).to_have_count(1)
        await expect(back).to_have_count(1)
        await screen.shot("messages")
        await sent.get_by_role("button").click()
        steps = dialog(screen).get_by_role("listitem")
        for state in ("queued", "sending", "accepted"):
            await expect(steps.filter(has_text=words(f"messages.states.{state}"))).to_have_count(1)
        await screen.shot("message", whole=False)
        await press(dialog(screen), "shell.close")


async def test_one_from_mqtt_appears_with_its_topic(browser: Browser, house: Installation) -> None:
    """A message that a program published is there with topic and id, as JSON in order and in hexadecimal."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        await expect(rows(screen, "greenhouse-0")).to_have_count(0)
        payload = json.dumps({"humidity": 61})
        await house.modem("shed").send(SOCKET, payload, "from-mqtt")
        row = rows(screen, payload).filter(has_text=words("messages.states.accepted"))
        await expect(row).to_contain_text(f"sim7020/shed/socket/{SOCKET}/send")
        await row.get_by_role("cell").nth(4).click()
        await expect(dialog(screen)).to_contain_text("from-mqtt")
        await expect(dialog(screen).get_by_role("region")).to_have_text('{\n  "humidity": 61\n}')
        await dialog(screen).get_by_text(words("messages.way.hex"), exact=True).click()
        await expect(dialog(screen).get_by_role("region")).to_contain_text("7b 22 68 75 6d")


async def test_one_is_sent_again(browser: Browser, house: Installation) -> None:
    """After a question that names the cost, the same bytes go out once more as a message of their own."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        await write(screen, "Once more")
        await until(lambda: house.server.datagrams.count(b"Once more") == 1)
        await rows(screen, "Once more").filter(has_text=words("messages.states.accepted")).get_by_role("button").click()
        await press(dialog(screen), "messages.again")
        ask = words("messages.again_ask", socket=SOCKET, count=len("Once more") + 28)
        await expect(dialog(screen).get_by_text(ask)).to_be_visible()
        await press(dialog(screen), "messages.again_yes")
        await until(lambda: house.server.datagrams.count(b"Once more") == 2)
        await press(dialog(screen), "shell.close")
        await look_away(screen)
        await expect(rows(screen, "Once more").filter(has_text=words("messages.states.accepted"))).to_have_count(2)


async def test_one_that_waits_is_cancelled(browser: Browser, house: Installation) -> None:
    """With a modem that has no network a message waits; cancelled, it is said to be just that, and never goes out."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/attic/messages")
        await write(screen, "Never mind")
        waiting = rows(screen, "Never mind").filter(has_text=words("messages.states.queued"))
        await expect(waiting).to_have_count(1)
        await waiting.get_by_role("button").click()
        await press(dialog(screen), "messages.cancel")
        await expect(dialog(screen).get_by_text(words("messages.cancelled"))).to_be_visible()
        await press(dialog(screen), "shell.close")
        state = screen.page.get_by_role("combobox", name=words("messages.state"), exact=True)
        await state.select_option(label=words("messages.states.failed"))
        await expect(rows(screen, "Never mind")).to_have_count(0)
        await state.select_option(label=words("messages.withdrawn"))
        badge = rows(screen, "Never mind").get_by_text(words("messages.withdrawn"), exact=True)
        await expect(badge).to_have_class("badge ")
        await expect(rows(screen, "Never mind")).not_to_contain_text(words("messages.states.failed"))
        await rows(screen, "Never mind").get_by_role("button").click()
        last = dialog(screen).get_by_role("listitem").last
        await expect(last).to_contain_text(words("messages.withdrawn"))
        await expect(dialog(screen)).not_to_contain_text(words("messages.states.failed"))
    assert b"Never mind" not in house.server.datagrams


async def test_messages_are_looked_for(browser: Browser, house: Installation) -> None:
    """By text, state and socket; the address keeps it, so that a link leads to what was found."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        await screen.page.get_by_label(words("messages.text")).fill('"temperature": 21.5')
        await expect(rows(screen, "20.5")).to_have_count(0)
        await expect(rows(screen, "21.5")).to_have_count(2)
        state = screen.page.get_by_role("combobox", name=words("messages.state"), exact=True)
        await state.select_option(label=words("messages.states.received"))
        await expect(rows(screen, "21.5")).to_have_count(1)
        await screen.page.reload()
        await expect(rows(screen, "21.5")).to_have_count(1)
        await screen.page.get_by_label(words("messages.text")).fill("nothing like this")
        await expect(screen.page.get_by_text(words("messages.none_found"))).to_be_visible()


async def test_what_cannot_be_sent_is_said_before(browser: Browser, house: Installation) -> None:
    """Half a byte in hexadecimal and a datagram that is too long can't be sent off, and the form says why."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        await press(screen, "messages.send")
        payload = dialog(screen).get_by_label(words("messages.payload"), exact=True)
        send = dialog(screen).get_by_role("button", name=words("messages.send_now"), exact=True)
        await expect(send).to_be_disabled()
        await payload.fill("x" * 513)
        await expect(dialog(screen).get_by_text(words("messages.too_long", count=513, limit=512))).to_be_visible()
        await expect(send).to_be_disabled()
        await payload.fill("")
        await dialog(screen).get_by_text(words("messages.way.hex"), exact=True).click()
        await payload.fill("48 6")
        await expect(dialog(screen).get_by_text(words("messages.no_hex"))).to_be_visible()
        await payload.fill("48 65")
        await expect(send).to_be_enabled()
        await press(dialog(screen), "shell.cancel")


async def test_why_a_message_waits_is_said(browser: Browser, house: Installation) -> None:
    """Without a network it is said before it is sent, and in its details for as long as it waits."""
    why = words("messages.held.link", condition=words("modems.condition.registration"))
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/attic/messages")
        await press(screen, "messages.send")
        await expect(dialog(screen).get_by_text(why)).to_be_visible()
        await screen.shot("send-held", whole=False)
        await press(dialog(screen), "shell.cancel")
        await write(screen, "Some day")
        await rows(screen, "Some day").get_by_role("button").click()
        await expect(dialog(screen).get_by_text(why)).to_be_visible()
        await press(dialog(screen), "messages.cancel")
        await expect(dialog(screen).get_by_text(words("messages.cancelled"))).to_be_visible()
        await expect(dialog(screen).get_by_text(why)).to_have_count(0)
        await screen.open("#/modem/shed/messages")
        await press(screen, "messages.send")
        await expect(dialog(screen).get_by_text(words("modems.condition.online"))).to_have_count(0)
        await expect(dialog(screen).locator(".note")).to_have_count(0)


async def test_a_budget_that_is_used_up_is_said(browser: Browser, installation: Installation) -> None:
    """Before sending, unless the priority is one that still goes, and in the details of what is held back."""
    module = await installation.module("shed")
    await installation.run({"shed": installation.settings(module, data_budget={"bytes": 10})})
    modem = installation.modem("shed")
    await modem.open(SOCKET)
    await modem.send(SOCKET, b"the last", "last")
    await modem.state(lambda state: state["usage"]["left"] == 0)
    why = words("messages.held.budget")
    async with window(browser, installation.url) as screen:
        await screen.open("#/modem/shed/messages")
        await press(screen, "messages.send")
        await expect(dialog(screen).get_by_text(why)).to_be_visible()
        await dialog(screen).get_by_text(words("messages.more")).click()
        priority = dialog(screen).locator("details select")
        await priority.select_option(label=words("messages.priorities.high"))
        await expect(dialog(screen).get_by_text(why)).to_have_count(0)
        await priority.select_option(label=words("messages.priorities.normal"))
        await dialog(screen).get_by_label(words("messages.payload"), exact=True).fill("Alarm!")
        await press(dialog(screen), "messages.send_now")
        await rows(screen, "Alarm!").get_by_role("button").click()
        await expect(dialog(screen).get_by_text(why)).to_be_visible()


_FLOOD = """async ([modem, count]) => {
  const { store } = await import("./static/store.js");
  const message = {
    modem, direction: "down", id: null, socket: "telemetry", topic: null, at: new Date().toISOString(), bytes: 1,
    text: "x", hex: "78", cut: false, state: "received", final: true, attempts: 0, steps: [], error: null,
  };
  for (let n = 0; n < count; n++) {
    store.dispatchEvent(new CustomEvent("message", { detail: { ...message, n: 1e14 + n } }));
  }
}"""


async def test_a_tab_that_is_left_open_keeps_no_more_than_it_shows(browser: Browser, house: Installation) -> None:
    """However many come while somebody reads, only so many of the newest are kept for later."""
    async with window(browser, house.url) as screen:
        await screen.open("#/modem/shed/messages")
        await rows(screen, "greenhouse").or_(rows(screen, "temperature")).first.get_by_role("button").focus()
        await screen.page.evaluate(_FLOOD, ["shed", 520])
        news = words("messages.news", count=500)
        await screen.page.get_by_role("button", name=news, exact=True).click()
        await expect(screen.page.locator("tr.message")).to_have_count(500)
        await expect(screen.page.locator("tr.message").first).to_have_attribute("data-n", str(10**14 + 519))
