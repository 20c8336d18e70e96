"""``forget``: empty what a modem that is no more has left at the broker and on disk."""

import asyncio
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import click

from sim7020_bridge.cli.broker import connected, with_broker
from sim7020_bridge.cli.exits import EXIT_CONFIGURATION, EXIT_NO_ANSWER, fail
from sim7020_bridge.cli.names import unknown
from sim7020_bridge.cli.options import valid
from sim7020_bridge.config import values
from sim7020_bridge.config.load import load
from sim7020_bridge.config.model import MqttSettings, Settings
from sim7020_bridge.errors import OutboxInUse
from sim7020_bridge.kit.watch.heard import Modems
from sim7020_bridge.logs import counted
from sim7020_bridge.modem.alerts import AlertId
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.shell import OutboxFile, Waiting

_CONNECTING: Final = 10.0
"""Seconds for the broker to accept, and to take what is emptied."""
_QUIET: Final = 0.8
"""Seconds in which what is retained has come."""
_REMEMBERED: Final = ("topics", "discovery")
"""Files in state_dir that say where documents of the modem are retained."""


@click.command()
@click.argument("modem", metavar="MODEM")
@click.option("--outbox", "with_outbox", is_flag=True, help="Delete its messages on disk, too; needs --config.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@partial(with_broker, keep_file=True)
def forget(*, mqtt: MqttSettings, file: Path | None, modem: str, with_outbox: bool, yes: bool) -> None:
    """Forget a modem that was renamed or removed: clear its retained topics.

    Its session at the broker ends, with what waits there. What waits on disk
    stays unless --outbox is given.

    \b
    Exit status: 0 forgotten, 1 it can't be, 3 no broker,
                 2 it is configured, or nothing is known of it.
    Example:     sim7020-bridge forget shed --config bridge.yaml --outbox
    """
    valid("MODEM", values.name, modem)
    settings = None if file is None else load(file)
    if settings is not None and modem in {each.name for each in settings.modems}:
        fail(f"{modem} is configured in {file}: remove it there first", EXIT_CONFIGURATION)
    if with_outbox and settings is None:
        raise click.UsageError("--outbox needs --config: its state_dir has the messages")
    outbox = None if settings is None else OutboxFile(settings.state_dir, modem)
    try:
        with nullcontext() if outbox is None else outbox.taken():
            waiting = Waiting() if outbox is None else outbox.waiting()
            known = outbox is not None and outbox.exists()
            if with_outbox and waiting and not yes:
                click.confirm(f"Delete {waiting}?", abort=True)
            topics = Topics(mqtt.base_topic, modem)
            ended = _ended(settings, topics.client_id)
            emptied, nothing = asyncio.run(_forget(mqtt, topics, _remembered(settings, modem), ended))
            if settings is not None:
                for kind in _REMEMBERED:
                    settings.state_dir.joinpath(f"{modem}.{kind}").unlink(missing_ok=True)
            if outbox is not None and (with_outbox or not waiting):
                outbox.delete()
        if not emptied and not known:
            fail(nothing, EXIT_CONFIGURATION)
        click.echo(f"{counted(emptied, 'topic')} of {modem} emptied")
        if outbox is not None and waiting and not with_outbox:
            click.echo(f"left in {outbox.file}: {waiting}; --outbox deletes what is left", err=True)
    except OutboxInUse as error:
        fail(f"a bridge runs with {error.file}: stop it first")


def _ended(settings: Settings | None, client_id: str) -> str | None:
    """Return the session that a modem leaves behind, unless it is another one's now."""
    for each in () if settings is None else settings.modems:
        if each.client_id == client_id:
            click.echo(f"the session {client_id} stays: it is {each.name}'s", err=True)
            return None
    return client_id


def _remembered(settings: Settings | None, modem: str) -> set[str]:
    """Return topics that the bridge wrote down, some of which may be anywhere."""
    topics: set[str] = set()
    if settings is None:
        return topics
    for kind in _REMEMBERED:
        try:
            topics.update(settings.state_dir.joinpath(f"{modem}.{kind}").read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError):
            continue
    return topics - {""}


async def _forget(mqtt: MqttSettings, topics: Topics, remembered: set[str], client_id: str | None) -> tuple[int, str]:
    """Empty what is retained below a modem's topic and at those that are remembered.

    Return how many topics, and what to say if nothing is known of it elsewhere either. The session of ``client_id``
    ends, if there is one.
    """
    retained = set(remembered)
    online = False
    others = Modems(mqtt.base_topic)

    def take(received: Received) -> None:
        nonlocal online
        if received.topic.endswith("/availability"):
            others.hear(received)
        if not received.topic.startswith(f"{topics.root}/"):
            return
        if received.retain and received.payload:
            retained.add(received.topic)
            online = online or (received.topic, received.payload) == (topics.availability, b"online")

    every = f"{mqtt.base_topic}/+/availability"
    # some brokers give what is retained only to whom names the very topic
    exact = [topics.availability, topics.info, topics.state, *map(topics.alert, AlertId)]
    async with connected(mqtt, [f"{topics.root}/#", every, *exact], take, within=_CONNECTING) as client:
        await asyncio.sleep(_QUIET)
        nothing = unknown(client.settings, topics.modem, others)
    if online:
        fail(f"the bridge of {topics.modem} is online: stop it first")
    # as the modem, whose session ends with this connection, whatever the broker has kept in it
    async with connected(mqtt, [], lambda _: None, within=_CONNECTING, client_id=client_id) as client:
        for topic in sorted(retained):
            client.publish(Publication(topic=topic, payload=b"", retain=True))
        try:
            async with asyncio.timeout(_CONNECTING):
                await client.wait_idle()
        except TimeoutError:
            fail("the broker did not accept it in time", EXIT_NO_ANSWER)
    return len(retained), nothing
