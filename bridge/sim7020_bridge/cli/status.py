"""``status``: how the modems on a broker are."""

import asyncio
import json
import sys
from typing import Final

import click

from sim7020_bridge.cli.broker import connected, with_broker_of_file
from sim7020_bridge.cli.exits import EXIT_FAILED, EXIT_NO_ANSWER, fail
from sim7020_bridge.cli.names import unknown
from sim7020_bridge.cli.options import JSON, ONE_MODEM, patience
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.kit.watch.heard import Modems, alert_lines, brief, by_trouble, facts, how
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.messages import Received

_NOBODY: Final = "no modem has published anything here"

MOST_IN_DETAIL: Final = 3
"""How many modems are shown with all that is known of them."""

QUIET: float = 0.5
"""Seconds after which nothing that is retained still comes."""


@click.command()
@ONE_MODEM
@patience(5)
@JSON
@with_broker_of_file
def status(*, mqtt: MqttSettings, modem: str | None, within: float, as_json: bool) -> None:
    """Show the status of the modems on a broker, from what their bridges publish.

    Those in trouble come first; more than three have a line each, and one for each alert.

    \b
    Exit status: 0 all are online or sleep, 1 one is not,
                 2 wrong options, 3 no broker or no modem.

    \b
    Example:   sim7020-bridge status --broker broker.local --modem shed
    """
    modems, others, node = asyncio.run(_heard(mqtt, modem, within))
    found = by_trouble(modems.by_name.values())
    if as_json:
        click.echo(json.dumps({"modems": {each.name: each.document() for each in found}}, indent=2))
    else:
        for each in found:
            alerts = [("ALERT", line) for line in alert_lines(each)]
            if len(found) > MOST_IN_DETAIL:
                click.echo(f"{printable(each.name):<20} {how(each):<14} {brief(each)}")
            else:
                click.echo(printable(each.name))
                alerts += facts(each)
            for subject, words in alerts:
                click.echo(f"  {subject:<18} {words}")
    if not found:
        fail(_NOBODY if modem is None else unknown(node, modem, others), EXIT_NO_ANSWER)
    if modem is not None and not found[0].known:
        fail(f"not all is known of {modem}: its bridge may not publish it here", EXIT_NO_ANSWER)
    sys.exit(0 if all(each.well for each in found) else EXIT_FAILED)


async def _heard(mqtt: MqttSettings, modem: str | None, limit: float) -> tuple[Modems, Modems, MqttSettings]:
    """Return what is heard of one modem, or of all, which modems there are, and what node says so."""
    modems, others = Modems(mqtt.base_topic, modem), Modems(mqtt.base_topic)
    news = asyncio.Event()

    def take(received: Received) -> None:
        if modem is None or received.topic.startswith(f"{mqtt.base_topic}/{modem}/"):
            modems.hear(received)
        if received.topic.endswith("/availability"):
            others.hear(received)
        news.set()

    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    topics = {*modems.retained, f"{mqtt.base_topic}/+/availability"}
    called = False
    async with connected(mqtt, sorted(topics), take, within=limit) as client:
        while loop.time() < end:
            news.clear()
            try:
                async with asyncio.timeout(QUIET):
                    await news.wait()
            except TimeoutError:
                if not called and modems.partial:
                    called = True
                    client.publish(modems.call)
                    continue
                # a modem that was asked for and is there is waited for; else what is there is there
                if modem is None or modem not in others.by_name or modems.modem(modem).known:
                    break
    return modems, others, client.settings
