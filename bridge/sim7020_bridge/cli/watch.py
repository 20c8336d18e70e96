"""``watch``: the modems on a broker as they change."""

import asyncio
import json
import sys
from contextlib import nullcontext
from datetime import datetime

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from sim7020_bridge.cli.broker import connected, with_broker_of_file
from sim7020_bridge.cli.names import there
from sim7020_bridge.cli.options import JSON, ONE_MODEM
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.watch import screen
from sim7020_bridge.kit.watch.heard import LAYERS, Modems, by_trouble
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.json_text import NotJson, parse_object
from sim7020_bridge.mqtt.messages import Received
from sim7020_bridge.mqtt.topics import Subscription

REFRESH = 0.25
"""Seconds between two pictures: a flood of messages must not be one drawing each, nor the terminal's size be missed."""
PATIENCE = 30.0
"""Seconds that the broker has to accept at first; afterwards it is waited for without end."""
SETTLED = 1.0
"""Seconds after which what is retained has come."""
FEWEST_ROWS = 3


@click.command()
@ONE_MODEM
@JSON
@with_broker_of_file
def watch(*, mqtt: MqttSettings, modem: str | None, as_json: bool) -> None:
    """Watch the modems on a broker: states, sockets, alerts, and what becomes of each message.

    Several that don't fit have a line each, those in trouble first. In a pipe each thing that
    happens is a line, and with --json every message under the base topic. Ctrl-C ends it.

    \b
    Exit status: 0 ended with Ctrl-C, 2 wrong options or no such modem,
                 3 no broker.

    \b
    Example:   sim7020-bridge watch --broker broker.local
    """
    try:
        asyncio.run(_watch(mqtt, modem, as_json=as_json))
    except KeyboardInterrupt:
        click.echo(err=True)


async def _watch(mqtt: MqttSettings, modem: str | None, *, as_json: bool) -> None:
    if modem is not None:
        await there(mqtt, modem, limit=PATIENCE, online=False)
    console = Console(highlight=False)
    # a terminal that can't go back, or has no such characters, gets lines
    live = sys.stdout.isatty() and not as_json and not console.is_dumb_terminal and console.encoding.startswith("utf")
    tell = _say if not live and not as_json else _nothing
    modems = Modems(mqtt.base_topic, modem, tell=tell, seconds=asyncio.get_running_loop().time)

    def take(received: Received) -> None:
        if as_json:
            click.echo(json.dumps({"topic": received.topic, "retained": received.retain, **_payload(received.payload)}))
        modems.hear(received)

    topics, called = modems.topics, False
    async with connected(mqtt, sorted(topics), take, within=PATIENCE) as client:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") if live else nullcontext() as shown:
            while True:
                if modems.topics != topics:
                    # what a modem's sockets are mapped to is known once its info came
                    topics = modems.topics
                    client.subscribe([Subscription(topic) for topic in sorted(topics)])
                if not called and modems.elapsed > SETTLED:
                    called = True
                    if modems.partial:
                        client.publish(modems.call)
                if shown is not None:
                    shown.update(_picture(modems, console.size.width, console.size.height), refresh=True)
                await asyncio.sleep(REFRESH)


def _picture(modems: Modems, width: int, height: int) -> Group:
    found = by_trouble(modems.by_name.values())
    parts: list[RenderableType] = []
    if len(found) == 1:
        parts = [screen.heading(found[0]), screen.one_modem(found[0], modems.elapsed, width), Text()]
        rows = 3 + max(len(LAYERS), 6 + len(found[0].sockets)) + len(found[0].alerts)
    else:
        room = max(1, height - FEWEST_ROWS - 4)
        details = sum(8 + len(modem.sockets) + len(modem.alerts) for modem in found)
        if details <= room:
            for modem in found:
                parts += [screen.heading(modem), screen.details(modem), *screen.alerts(modem), Text()]
            rows = details
        else:
            parts = [*screen.overview(found, room), Text()]
            rows = len(parts)
    if not found:
        parts = [Text("no modem has published anything yet", style="yellow")]
    several = len(found) > 1
    recent = [
        (f"{modem.name}/{message.socket}" if several else message.socket, message)
        for modem in found
        for message in modem.messages
    ]
    recent.sort(key=lambda each: each[1].at)
    title = Text(f"Messages of the modems under {modems.base}/ (Ctrl-C ends this)", "bold", no_wrap=True)
    return Group(*parts, title, screen.messages(recent, max(FEWEST_ROWS, height - rows - 3), width))


def _say(name: str, subject: str, words: str) -> None:
    click.echo(f"{datetime.now().astimezone():%H:%M:%S}  {printable(name)}  {subject:<8} {printable(words)}")


def _nothing(_name: str, _subject: str, _words: str) -> None:
    """Tell nothing: the picture shows it."""


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
