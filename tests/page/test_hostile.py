"""Text from outside is text: in a payload, a topic, an APN, the operator's name, an AT line and a log line."""

from playwright.async_api import Browser, expect

from tests.page.installation import SOCKET, Installation
from tests.page.screen import Screen, window
from tests.page.test_messages import rows

SCRIPT = "<img src=x onerror=alert(1)>"
ELEMENT = "<script>alert(2)</script>"
MARKS = "<b id=made>bold</b>"


async def made(screen: Screen) -> int:
    """Return how many elements came of texts."""
    return await screen.page.locator("#made, img[src=x], #app script").count()


async def test_script_stays_text_everywhere(browser: Browser, installation: Installation) -> None:
    """It is shown as it is, opens no dialog, makes no element, and asks no server for an image."""
    operator = SCRIPT
    module = await installation.module("shed", operator=operator, apn=f"iot.{MARKS}.net")
    settings = installation.settings(module)
    topic = f"greenhouse/{SCRIPT}"
    settings["sockets"][SOCKET]["send_topics"] = [topic]
    await installation.run({"shed": settings})
    shed = installation.modem("shed")
    await shed.open(SOCKET)
    payload = f"{MARKS}{ELEMENT}{SCRIPT}"
    await installation.mqtt.publish(topic, payload)
    await shed.received(SOCKET, payload.encode())
    await shed.request("resolve", name=f"{MARKS}.example")
    async with window(browser, installation.url) as screen:
        await screen.open()
        await expect(screen.page.get_by_text(operator)).to_be_visible()
        assert await made(screen) == 0
        await screen.open("#/modem/shed")
        await expect(screen.page.get_by_text(operator).first).to_be_visible()
        assert await made(screen) == 0
        await screen.open("#/modem/shed/messages")
        await expect(rows(screen, payload)).to_have_count(2)
        sent = rows(screen, payload).filter(has_text=topic)
        await sent.get_by_role("button").click()
        await expect(screen.page.get_by_role("dialog").get_by_role("region")).to_have_text(payload)
        assert await made(screen) == 0
        await screen.open("#/modem/shed/live")
        await expect(screen.page.get_by_text(MARKS).first).to_be_visible()
        assert await made(screen) == 0
        await screen.open(f"#/modem/{MARKS}")
        await expect(screen.page.get_by_role("heading", level=1)).to_be_visible()
        assert await made(screen) == 0
