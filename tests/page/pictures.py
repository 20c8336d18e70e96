"""Takes the pictures in docs/images: ``script/test-page --pictures``. They are looked at before they are kept."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from tests.page.installation import PYTHON, SOCKET, Installation, installation_in
from tests.page.screen import Screen, window
from tests.page.test_configuration import editor
from tests.page.test_glance import stands_at
from tests.page.test_messages import dialog, rows
from tests.page.test_setup import on
from tests.page.words import words

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
SIZE: Final = (1200, 860)
COLOURS: Final = 128
ANSWERS: Final = {"valve/3": "open", "valve/4": "closed"}


CONFIGURATION: Final = """\
# The bridge's page beside the sensors.
mqtt:
  host: 127.0.0.1
  username: bridge
  password_file: mqtt.password
http:
  port: 8020
  page: true
modems:
  greenhouse:
    port: /dev/serial/by-id/usb-1a86-if00
    apn: iot.1nce.net
    data_budget:
      bytes: 5 MB
    sockets:
      telemetry:
        protocol: udq
        host: 198.51.100.7
        port: 5005
        send_topics: [greenhouse/+]
        received_topic: valves/commands
"""
# Puts other words for some in all texts that are shown.
_PLACES: Final = """(places) => {
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE)
      for (const [from, to] of places) if (node.data.includes(from)) node.data = node.data.replaceAll(from, to);
    for (const child of node.childNodes) walk(child);
  };
  walk(document.body);
}"""


@pytest.fixture(scope="module")
async def farm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Run a bridge with three modems that have been there for a week."""
    async with installation_in(tmp_path_factory.mktemp("farm")) as farm:
        facts: dict[str, dict[str, str]] = {
            "greenhouse": {"operator": "Telekom.de", "plmn": "26201", "rsrp": "-96", "snr": "9"},
            "pump": {"operator": "vodafone NL", "plmn": "20404", "registration": "roaming", "rsrp": "-107", "snr": "2"},
            "weir": {"registration": "denied:11", "rsrp": "-118", "snr": "-3"},
        }
        sockets = {
            SOCKET: {"protocol": "udp", "host": "127.0.0.1", "port": farm.server.port, "send_topics": ["{name}/+"]},
            "alarm": {"protocol": "udp", "host": "127.0.0.1", "port": farm.server.port, "highest_priority": "critical"},
        }
        modems = {}
        for name, given in facts.items():
            module = await farm.module(name, speed="1", **given)
            document = json.loads(json.dumps(sockets).replace("{name}", name))
            modems[name] = {"port": module.port, "sockets": document, "data_budget": {"bytes": 5_000_000}}
        (farm.directory / "state").mkdir()
        past = (PYTHON, "-m", "tests.bench.past", str(farm.directory / "state" / "page.history"), *modems)
        process = await asyncio.create_subprocess_exec(*past)
        assert await process.wait() == 0
        await farm.run(modems)
        for name in ("greenhouse", "pump"):
            await farm.modem(name).open(SOCKET, "alarm")
        await farm.modem("weir").state(lambda state: state["link"]["layer"] == "registration")
        for number in range(6):
            payload = json.dumps({"temperature": 20.5 + number / 2, "humidity": 61 - number})
            await farm.mqtt.publish("greenhouse/climate", payload)
            await farm.modem("greenhouse").received(SOCKET, payload.encode())
        for number in range(2):
            await farm.modem("weir").send(SOCKET, f"level {1.20 + number / 100:.2f} m", f"level-{number}")
        await farm.modem("greenhouse").send("alarm", "Window open", "window-1")
        await farm.modem("greenhouse").receipt("alarm", "window-1", "accepted")
        yield farm


async def keep(screen: Screen, name: str, *places: tuple[str, str], height: int | None = None) -> None:
    """Take a picture from the top with few colours, with places as readers have them instead of this machine's own."""
    await screen.page.evaluate(_PLACES, places)
    await screen.page.evaluate("document.activeElement?.blur(), scrollTo(0, 0)")
    taken = Image.open(io.BytesIO(await screen.page.screenshot())).convert("RGB")
    taken = taken.crop((0, 0, taken.width, height or taken.height))
    few = taken.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_pictures(browser: Browser, farm: Installation, *, dark: bool) -> None:
    """All modems, one over a day, its messages, and a mistake in the configuration."""
    how = "dark" if dark else "light"
    async with window(browser, farm.url, size=SIZE, dark=dark) as screen:
        await screen.open()
        await stands_at(screen, "greenhouse", "online")
        await stands_at(screen, "weir", "registration")
        await keep(screen, f"page-{how}", height=700)
        await screen.open("#/modem/greenhouse")
        await screen.page.get_by_text(words("modem.plots.spans.day"), exact=True).click()
        await expect(screen.page.locator("canvas").first).to_be_visible()
        await expect(screen.page.get_by_text(words("modem.plots.title")).first).to_be_visible()
        await keep(screen, f"page-modem-{how}")
        await screen.open("#/modem/greenhouse/messages")
        await (
            rows(screen, "Window open").filter(has_text=words("messages.states.accepted")).get_by_role("button").click()
        )
        await expect(dialog(screen)).to_contain_text("window-1")
        await keep(screen, f"page-messages-{how}")
        await screen.page.keyboard.press("Escape")
        await screen.open("#/configuration")
        (farm.directory / "mqtt.password").write_text("secret\n")
        await editor(screen).fill(CONFIGURATION)
        await expect(screen.page.get_by_text(words("configuration.mistakes", count=2))).to_be_visible()
        await keep(screen, f"page-configuration-{how}", (str(farm.directory), "/etc/sim7020-bridge"))


async def test_picture_of_the_set_up(browser: Browser, installation: Installation) -> None:
    """The climb of the probe, on a phone."""
    module = await installation.module("greenhouse", operator="Telekom.de", plmn="26201")
    await installation.set_up()
    async with window(browser, installation.url, size=(360, 1000)) as screen:
        await screen.open()
        await screen.page.get_by_label(words("setup.port.elsewhere"), exact=False).fill(module.port)
        await on(screen)
        await screen.page.get_by_text(words("setup.probe.more")).click()
        await screen.page.get_by_label(words("setup.probe.internet")).uncheck()
        await screen.page.get_by_text(words("setup.probe.more")).click()
        await on(screen, "setup.probe.go")
        await expect(screen.page.get_by_text(words("setup.probe.again"), exact=True)).to_be_visible()
        await keep(screen, "page-setup", (module.port, "/dev/ttyUSB0"))
