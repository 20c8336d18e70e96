"""``watch``: the modems on a broker as they change."""

import asyncio
import json
import sys
from datetime import datetime

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sim7020_bridge.cli.broker import connected, with_broker_of_file
from sim7020_bridge.cli.options import JSON, ONE_MODEM
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.watch import screen
from sim7020_bridge.kit.watch.heard import Modems
from sim7020_bridge.kit.watch.messages import readable
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.json_text import NotJson, parse_object
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.topics import Subscription

REFRESH = 0.25
"""Seconds between two pictures: a flood of messages must not be one drawing each, nor the terminal's size be missed."""
PATIENCE = 30.0
"""Seconds that the broker has to accept at first; afterwards it is waited for without end."""
FEWEST_ROWS = 3


@click.command()
@ONE_MODEM
@JSON
@with_broker_of_file
def watch(*, mqtt: MqttSettings, modem: str | None, as_json: bool) -> None:
    """Watch the modems on a broker: states, sockets, alerts, and what becomes of each message.

    In a pipe, or with --json, every message under the base topic is a line. Ctrl-C ends it.

    \b
    Exit status: 0 ended with Ctrl-C, 2 wrong options, 3 no broker.

    \b
    Example:   sim7020-bridge watch --broker broker.local
    """
    try:
        asyncio.run(_watch(mqtt, modem, as_json=as_json))
    except KeyboardInterrupt:
        click.echo(err=True)


async def _watch(mqtt: MqttSettings, modem: str | None, *, as_json: bool) -> None:
    modems = Modems(mqtt.base_topic, modem, seconds=asyncio.get_running_loop().time)
    live = sys.stdout.isatty() and not as_json

    def take(received: Received) -> None:
        if live:
            modems.hear(received)
        elif as_json:
            click.echo(json.dumps({"topic": received.topic, "retained": received.retain, **_payload(received.payload)}))
        elif not received.retain:
            click.echo(_line(mqtt.base_topic, received))

    topics = modems.topics
    async with connected(mqtt, sorted(topics), take, within=PATIENCE) as client:
        if not live:
            await asyncio.Event().wait()
        console = Console(highlight=False)
        with Live(console=console, auto_refresh=False, screen=False, vertical_overflow="crop") as shown:
            while True:
                if modems.topics != topics:
                    # what a modem's sockets are mapped to is known once its info came
                    topics = modems.topics
                    client.subscribe([Subscription(topic) for topic in sorted(topics)])
                shown.update(_picture(modems, console.size.height), refresh=True)
                await asyncio.sleep(REFRESH)


def _picture(modems: Modems, height: int) -> Group:
    found = [modems.by_name[name] for name in sorted(modems.by_name)]
    parts: list[RenderableType] = []
    for modem in found:
        above = screen.one_modem(modem, modems.elapsed) if len(found) == 1 else screen.details(modem)
        parts += [screen.heading(modem), above, *(() if len(found) == 1 else screen.alerts(modem)), Text()]
    if not parts:
        parts = [Text("no modem has published anything yet", style="yellow")]
    rows = sum(9 + len(modem.sockets) + len(modem.alerts) for modem in found)
    recent = sorted((message for modem in found for message in modem.messages), key=lambda message: message.at)
    title = Text(f"Messages of the modems under {modems.base}/ (Ctrl-C ends this)", style="bold")
    return Group(*parts, title, screen.messages(recent, max(FEWEST_ROWS, height - rows - 3)))


def _line(base: str, received: Received) -> str:
    topic = received.topic.removeprefix(f"{base}/")
    return f"{datetime.now().astimezone():%H:%M:%S}  {printable(topic)}  {_shown(received.payload)}"


def _shown(payload: bytes) -> str:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return f"0x{payload.hex()}"
    return readable(payload)


def _payload(payload: bytes) -> dict[str, object]:
    """Return a payload for a JSON line: JSON as it is, text as text, other bytes as hex."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return {"hex": payload.hex()}
    try:
        return {"payload": parse_object(payload)}
    except NotJson:
        return {"text": text}
