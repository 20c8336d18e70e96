"""Who may in: the log-in, what a wrong password gets, and a role that may only look."""

import asyncio

from playwright.async_api import Browser, Route, expect

from tests.page.installation import PYTHON, Installation
from tests.page.screen import Screen, window
from tests.page.words import words

FULL, READ_ONLY = "a password for doing", "a password for looking"
NOT_IN = r"status of 401"


async def set_passwords(installation: Installation) -> None:
    """Set both as a person does, from the command line."""
    for password, more in ((FULL, ()), (READ_ONLY, ("--read-only",))):
        command = (PYTHON, "-m", "sim7020_bridge", "password", "--config", str(installation.config), *more)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate(f"{password}\n".encode())
        assert process.returncode == 0, said.decode()


async def guarded(installation: Installation) -> None:
    """Run a bridge whose page has both passwords."""
    module = await installation.module("shed")
    modems = {"shed": installation.settings(module)}
    installation.write(modems)
    await set_passwords(installation)
    await installation.run(modems)
    await installation.modem("shed").online()


async def log_in(screen: Screen, password: str) -> None:
    """Fill in the log-in, and send it off with the keyboard."""
    field = screen.page.get_by_label(words("login.password"))
    await field.fill(password)
    await field.press("Enter")


async def test_a_password_lets_in_and_a_wrong_one_does_not(browser: Browser, installation: Installation) -> None:
    """Before, nothing of the modems is shown; after logging out, nothing again, and the way back does not lead in."""
    await guarded(installation)
    async with window(browser, installation.url) as screen:
        screen.right(NOT_IN)
        await screen.open()
        await expect(screen.page.get_by_role("heading", name=words("login.title"))).to_be_visible()
        await expect(screen.page.get_by_text("shed")).to_have_count(0)
        assert await screen.violations() == []
        await screen.shot("log-in")
        await log_in(screen, "wrong")
        await expect(screen.page.get_by_role("alert")).to_have_text(words("login.wrong"))
        await log_in(screen, FULL)
        await expect(screen.page.get_by_role("heading", name="shed")).to_be_visible()
        await screen.page.reload()
        await expect(screen.page.get_by_role("heading", name="shed")).to_be_visible()
        await screen.page.locator("summary").first.click()
        await screen.page.get_by_role("button", name=words("shell.log_out")).click()
        await expect(screen.page.get_by_label(words("login.password"))).to_be_visible()
        await screen.page.go_back()
        await screen.open()
        await expect(screen.page.get_by_label(words("login.password"))).to_be_visible()


async def test_who_may_only_look_is_offered_nothing_else(browser: Browser, installation: Installation) -> None:
    """No view has a button that would be refused, and addresses of such views say that one may only look."""
    await guarded(installation)
    async with window(browser, installation.url) as screen:
        screen.right(NOT_IN)
        await screen.open()
        await log_in(screen, READ_ONLY)
        await expect(screen.page.get_by_role("heading", name="shed")).to_be_visible()
        navigation = screen.page.get_by_role("navigation", name=words("shell.nav.label"))
        await expect(navigation.get_by_role("link", name=words("shell.nav.configuration"))).to_have_count(0)
        await screen.open("#/modem/shed/messages")
        await expect(screen.page.get_by_label(words("messages.text"))).to_be_visible()
        await expect(screen.page.get_by_role("button", name=words("messages.send"))).to_have_count(0)
        await expect(screen.page.get_by_role("link", name=words("shell.tab.actions"))).to_have_count(0)
        for address in ("#/configuration", "#/diagnostics", "#/setup", "#/modem/shed/actions"):
            await screen.open(address)
            await expect(screen.page.get_by_role("heading", name=words("shell.barred.title"))).to_be_visible()
        await screen.open("#/modem/shed")
        await expect(screen.page.get_by_role("heading", name="shed")).to_be_visible()
        posted = []
        screen.page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
        for button in await screen.page.get_by_role("main").get_by_role("button").all():
            await button.click()
        assert posted == []


async def test_a_session_that_ended_asks_for_the_password(browser: Browser, installation: Installation) -> None:
    """After a restart of the bridge, which forgets sessions, an open window comes to the log-in by itself."""
    await guarded(installation)
    async with window(browser, installation.url) as screen:
        screen.right(rf"{NOT_IN}|ERR_|Failed to load resource")
        await screen.open()
        await log_in(screen, FULL)
        await expect(screen.page.get_by_role("heading", name="shed")).to_be_visible()
        await installation.bridge.stop()
        await installation.start()
        await expect(screen.page.get_by_label(words("login.password"))).to_be_visible()
        await log_in(screen, FULL)
        await expect(screen.page.get_by_role("heading", name="shed")).to_be_visible()


async def test_a_browser_that_keeps_no_cookies(browser: Browser, installation: Installation) -> None:
    """It is told so after the right password, and can try again."""
    await guarded(installation)
    async with window(browser, installation.url) as screen:
        screen.right(NOT_IN)

        async def forgotten(route: Route) -> None:
            answer = await route.fetch()
            await screen.context.clear_cookies()
            await route.fulfill(status=answer.status)

        await screen.page.route("**/api/login", forgotten)
        await screen.open()
        await log_in(screen, FULL)
        await expect(screen.page.get_by_role("alert")).to_have_text(words("login.forgets"))
        await expect(screen.page.get_by_role("button", name=words("login.enter"))).to_be_enabled()
