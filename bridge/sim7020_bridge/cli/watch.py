"""``watch``: the modems on a broker as they change."""

import asyncio
import json
import sys
from collections import deque
from datetime import datetime

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sim7020_bridge.cli.broker import connected, with_broker
from sim7020_bridge.cli.modems import Heard, Modems, socket_words
from sim7020_bridge.cli.options import JSON, ONE_MODEM
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.json_text import NotJson, parse_object
from sim7020_bridge.mqtt.messages import Received

REFRESH = 0.25
"""Seconds between two pictures: a flood of messages must not be one drawing each, nor the terminal's size be missed."""
PATIENCE = 30.0
"""Seconds that the broker has to accept at first; afterwards it is waited for without end."""
KEPT = 200
"""Messages that are kept to be shown, more than a terminal has lines."""


@click.command()
@ONE_MODEM
@JSON
@with_broker
def watch(*, mqtt: MqttSettings, modem: str | None, as_json: bool) -> None:
    """Watch the modems on a broker: states, sockets, alerts, and each message as it comes and goes.

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
    modems = Modems(mqtt.base_topic, modem)
    recent: deque[str] = deque(maxlen=KEPT)
    live = sys.stdout.isatty() and not as_json

    def take(received: Received) -> None:
        modems.take(received)
        if as_json:
            click.echo(json.dumps({"topic": received.topic, "retained": received.retain, **_payload(received.payload)}))
        elif not received.retain:
            recent.append(_line(mqtt.base_topic, received))
            if not live:
                click.echo(recent[-1])

    topics = (f"{mqtt.base_topic}/{modem or '+'}/#",)
    async with connected(mqtt, topics, take, within=PATIENCE):
        if not live:
            await asyncio.Event().wait()
        console = Console(highlight=False)
        with Live(console=console, auto_refresh=False, screen=False, vertical_overflow="crop") as shown:
            while True:
                shown.update(_picture(modems, recent, console.size.height), refresh=True)
                await asyncio.sleep(REFRESH)


def _picture(modems: Modems, recent: deque[str], height: int) -> Group:
    parts: list[RenderableType] = [_modem(modems.by_name[name]) for name in sorted(modems.by_name)]
    if not parts:
        parts = [Text("no modem has published anything yet", style="yellow")]
    rows = sum(5 + len(each.sockets) + len(each.alerts) for each in modems.by_name.values())
    room = max(3, height - rows - 3)
    lines = [Text(line, no_wrap=True, overflow="ellipsis") for line in list(recent)[-room:]]
    return Group(*parts, Text(f"Messages under {modems.base}/ (Ctrl-C ends this)", style="bold"), *lines)


def _modem(modem: Heard) -> Group:
    get = modem.get
    style = "green" if modem.well else "red" if modem.available is False else "yellow"
    layer = get("state", "link", "layer") or "unknown"
    title = Text.assemble(
        (printable(modem.name), "bold"),
        (f"  \u25cf {layer if modem.available is not False else 'bridge offline'}", style),
        (f"  {printable(str(get('state', 'link', 'reason') or ''))}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )
    table = Table.grid(padding=(0, 2))
    network = (get("state", "registration", "status"), get("state", "registration", "operator"))
    table.add_row("  network", _words(*network, get("state", "pdn", "address")))
    signal = (("RSSI", "rssi", "dBm"), ("RSRP", "rsrp", "dBm"), ("SINR", "sinr", "dB"))
    values = [(name, get("state", "signal", key), unit) for name, key, unit in signal]
    table.add_row("  signal", _words(*(f"{name} {value} {unit}" for name, value, unit in values if value is not None)))
    waiting, left = get("state", "outbox", "messages"), get("state", "usage", "left")
    budget = "" if left is None else f", {left} bytes of the budget left"
    table.add_row("  outbox", Text(f"{0 if waiting is None else waiting} messages wait{budget}"))
    for name, socket in sorted(modem.sockets.items()):
        table.add_row(Text(f"  {printable(name)}"), Text(socket_words(socket)))
    alerts = [
        Text(f"  {printable(str(alert.get('message')))}: {printable(str(alert.get('advice')))}", style="red")
        for alert in modem.alerts.values()
    ]
    return Group(title, table, *alerts, Text())


def _words(*words: object) -> Text:
    return Text(", ".join(printable(str(word)) for word in words if word is not None) or "not known")


def _line(base: str, received: Received) -> str:
    topic = received.topic.removeprefix(f"{base}/")
    return f"{datetime.now().astimezone():%H:%M:%S}  {printable(topic)}  {_shown(received.payload)}"


def _shown(payload: bytes) -> str:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return f"0x{payload.hex()}"
    return printable(text)


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
