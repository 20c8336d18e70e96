"""``send``: one message through a modem, and what became of it."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import IO, Any, Final

import click

from sim7020_bridge.cli.broker import connected, with_broker
from sim7020_bridge.cli.exits import EXIT_FAILED, EXIT_NO_ANSWER
from sim7020_bridge.cli.names import there
from sim7020_bridge.cli.options import JSON, patience, valid
from sim7020_bridge.config import values
from sim7020_bridge.config.model import MqttSettings
from sim7020_bridge.logs import printable
from sim7020_bridge.mqtt.json_text import MAX_SIZE, dump, object_or_nothing
from sim7020_bridge.mqtt.messages import Publication, Received
from sim7020_bridge.mqtt.topics import Topics
from sim7020_bridge.outbox.message import Priority, new_id

LONGEST: Final = MAX_SIZE // 2 - 1024
"""Bytes that fit a request, written as hexadecimal digits."""

LEVELS: Final = [each.name.lower() for each in Priority]

DELIVERED: Final = ("accepted", "acknowledged")


@click.command()
@click.argument("data", required=False)
@click.option("--modem", "-m", required=True, metavar="NAME", help="Through which modem.")
@click.option("--socket", "-s", required=True, metavar="NAME", help="Through which of its sockets.")
@click.option("--hex", "as_hex", is_flag=True, help="The message is hexadecimal digits.")
@click.option("--file", "source", type=click.File("rb"), metavar="FILE", help="Send this; - is standard input.")
@click.option("--ttl", type=click.IntRange(1, 31622400), metavar="SECONDS", help="Don't send it after this long.")
@click.option("--priority", type=click.Choice(LEVELS), metavar="LEVEL", help=f"{', '.join(LEVELS)}.")
@click.option("--key", metavar="TEXT", help="Replace what waits with this key.")
@patience(60)
@JSON
@with_broker
def send(
    *,
    mqtt: MqttSettings,
    data: str | None,
    modem: str,
    socket: str,
    source: IO[bytes] | None,
    ttl: int | None,
    priority: str | None,
    key: str | None,
    within: float,
    as_hex: bool,
    as_json: bool,
) -> None:
    """Send a message through a modem, and wait for the outcome.

    \b
    Exit status: 0 delivered, 1 not, 2 wrong options or names, 3 not known.
    Example:     sim7020-bridge send -m shed -s telemetry 21.5
    """
    message = _message(data, source, as_hex=as_hex)
    for name, value in (("--modem", modem), ("--socket", socket)):
        valid(name, values.name, value)
    if key is not None:
        valid("--key", values.text, key)
    body = {
        "transaction": new_id(),
        "id": new_id(),
        "socket": socket,
        "data_hex": message.hex(),
        **{name: value for name, value in (("ttl", ttl), ("priority", priority), ("key", key)) if value is not None},
    }
    sys.exit(asyncio.run(_send(mqtt, Topics(mqtt.base_topic, modem), body, within, as_json=as_json)))


def _message(data: str | None, source: IO[bytes] | None, *, as_hex: bool) -> bytes:
    if data is not None and source is None:
        message = os.fsencode(data)
    elif data is None and source is not None:
        message = source.read(2 * LONGEST + 1)
    else:
        raise click.UsageError("give either DATA or --file")
    if as_hex:
        try:
            message = bytes.fromhex(message.decode())
        except ValueError as error:
            raise click.UsageError("with --hex, there must be hexadecimal digits and nothing else") from error
    if not 0 < len(message) <= LONGEST:
        raise click.UsageError(f"a message has 1 to {LONGEST} bytes")
    return bytes(message)


async def _send(mqtt: MqttSettings, topics: Topics, body: Mapping[str, object], limit: float, *, as_json: bool) -> int:
    await there(mqtt, topics.modem, str(body["socket"]), limit=limit)
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    receipt, response = topics.receipt(str(body["socket"])), topics.response("send")

    def take(received: Received) -> None:
        told = object_or_nothing(received.payload)
        key = "id" if received.topic == receipt else "transaction"
        if told.get(key) == body[key]:
            heard.put_nowait(told)

    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    async with connected(mqtt, (receipt, response), take, within=limit) as client:
        client.publish(Publication(topic=topics.request("send"), payload=dump(body)))
        answered = False
        try:
            async with asyncio.timeout_at(end):
                while True:
                    told = await heard.get()
                    answered = True
                    _tell(told, as_json=as_json)
                    if told.get("status") == "error":
                        return EXIT_FAILED
                    if told.get("final") is True:
                        return 0 if told.get("state") in DELIVERED else EXIT_FAILED
        except TimeoutError:
            what = "it still waits, and may go later" if answered else "no bridge answers for this modem"
            click.echo(f"{what} (id {body['id']})", err=True)
            return EXIT_NO_ANSWER


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told))
    elif "status" not in told or told["status"] == "error":
        error = told.get("error")
        why = f": {error.get('message')}" if isinstance(error, dict) else ""
        click.echo(printable(f"{told.get('state', 'refused')}{why}"))
