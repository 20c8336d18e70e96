"""All modems at a glance, and one that comes, goes and comes back while somebody looks."""

import re

from playwright.async_api import Browser, Locator, expect

from tests.page.installation import SOCKET, Installation
from tests.page.screen import Screen, window
from tests.page.words import words


def card(screen: Screen, modem: str) -> Locator:
    """Return a modem's card."""
    return screen.page.get_by_role("listitem").filter(has=screen.page.get_by_role("heading", name=modem, exact=True))


async def stands_at(screen: Screen, modem: str, condition: str) -> None:
    """Return once a modem's card says that it is so."""
    await expect(
        card(screen, modem).get_by_text(words(f"modems.condition.{condition}"), exact=True).first
    ).to_be_visible()


async def test_a_modem_attaches_before_the_eyes(browser: Browser, installation: Installation) -> None:
    """Without a reload the stair is climbed, each step with its time; unplugged it is in trouble, and comes back."""
    module = await installation.module("shed", registration="searching")
    await installation.run({"shed": installation.settings(module)})
    async with window(browser, installation.url) as screen:
        await screen.open()
        await stands_at(screen, "shed", "registration")
        await screen.shot("attaching")
        since = card(screen, "shed").locator(".modem-since")
        await expect(since).to_contain_text(words("modems.registration.searching"))
        async with window(browser, installation.url, language="de") as german:
            await german.open()
            await expect(card(german, "shed").locator(".modem-since time")).to_have_count(1)
            await expect(card(german, "shed").locator(".modem-since")).not_to_contain_text("·")
        stair = card(screen, "shed").get_by_role("list", name=words("modems.stair.label"))
        done = stair.get_by_role("listitem").filter(has_text=words("modems.stair.how.done"))
        await expect(done).to_have_count(4)
        await module.happen("registration", "home")
        await stands_at(screen, "shed", "online")
        await expect(done).to_have_count(7)
        for step in range(6):
            await expect(done.nth(step)).to_contain_text("s")
        await expect(card(screen, "shed")).to_contain_text("CHN-UNICOM")
        await expect(card(screen, "shed")).to_contain_text(words("modems.signal.good"))

        await module.happen("port", "close")
        await stands_at(screen, "shed", "port")
        alert = installation.mqtt.latest["sim7020/shed/alert/port_missing"].json()
        await expect(card(screen, "shed").get_by_text(alert["advice"])).to_be_visible()
        await screen.shot("unplugged")
        await module.happen("port", "open")
        await stands_at(screen, "shed", "online")
        await expect(card(screen, "shed").get_by_text(alert["advice"])).to_have_count(0)
    await installation.modem("shed").open(SOCKET)


async def test_trouble_comes_first(browser: Browser, house: Installation) -> None:
    """A modem that needs somebody stands before one that is well, with what is wrong and what to do."""
    async with window(browser, house.url) as screen:
        await screen.open()
        await stands_at(screen, "attic", "registration")
        await stands_at(screen, "shed", "online")
        names = screen.page.get_by_role("main").get_by_role("heading", level=2)
        await expect(names).to_have_text(["attic", "shed"])
        alert = house.mqtt.latest["sim7020/attic/alert/registration_denied"].json()
        for text in (alert["message"], alert["advice"]):
            await expect(card(screen, "attic").get_by_text(text)).to_be_visible()


async def test_a_socket_that_fails_is_seen_among_all_modems(browser: Browser, installation: Installation) -> None:
    """A modem that is online and can't send comes before one that is well, and says which socket fails and why."""
    modules = {name: await installation.module(name) for name in ("barn", "shed")}
    await installation.run({name: installation.settings(module) for name, module in modules.items()})
    for name in modules:
        await installation.modem(name).open(SOCKET)
    async with window(browser, installation.url) as screen:
        await screen.open()
        names = screen.page.get_by_role("main").get_by_role("heading", level=2)
        await expect(names).to_have_text(["barn", "shed"])
        await modules["shed"].happen("connect-fails", "3", "100000")
        await modules["shed"].happen("send-fails", "3")
        await installation.modem("shed").send(SOCKET, b"to fail", "fails")
        title = words("modems.socket.title", name=SOCKET, words=words("modems.sockets.connection_reset"))
        await expect(card(screen, "shed").get_by_text(title)).to_be_visible()
        topic = installation.modem("shed").topic(f"socket/{SOCKET}/state")
        heard = await installation.mqtt.now(topic, lambda heard: (heard.json()["last_error"] or {}).get("at"))
        since = heard.json()["last_error"]["since"]
        await installation.mqtt.now(topic, lambda heard: heard.json()["last_error"]["at"] > since)
        note = card(screen, "shed").locator(".note").filter(has_text=title)
        await expect(note.locator("time")).to_have_attribute("datetime", since)
        await expect(names).to_have_text(["shed", "barn"])
        await expect(card(screen, "shed").locator(".modem")).to_have_class(re.compile(r"\bwarn\b"))
        await expect(screen.page.get_by_text(words("glance.needing", count=1))).to_be_visible()
        await screen.shot("socket-fails")
